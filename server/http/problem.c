/*
 * problem.c: HTTP's codes, one row per status, and problem details built by jansson.
 */
#include "server/http/problem.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* One row per status, in the order of RL_STATUS_MAP. */
struct row {
    const char *slug; /* end of the problem's type */
    unsigned code;
    const char *retry_after;
    bool closes;
};

static const struct row rows[] = {
    [RL_OK] = {"ok", 200, NULL, false},
    [RL_NOMEM] = {"nomem", 503, "1", false},
    [RL_SYNTAX] = {"syntax", 400, NULL, false},
    [RL_INVALID] = {"invalid", 422, NULL, false},
    [RL_TOO_LARGE] = {"too-large", 413, NULL, false},
    [RL_NOT_FINITE] = {"not-finite", 422, NULL, false},
    [RL_NOT_FOUND] = {"not-found", 404, NULL, false},
    [RL_METHOD] = {"method", 405, NULL, false},
    [RL_FRAMING] = {"framing", 400, NULL, true},
    [RL_TRANSFER_CODING] = {"transfer-coding", 501, NULL, true},
    [RL_EXPECTATION] = {"expectation", 417, NULL, true},
    [RL_LENGTH_REQUIRED] = {"length-required", 411, NULL, false},
    [RL_URI_TOO_LONG] = {"uri-too-long", 414, NULL, true},
    [RL_HEADERS_TOO_LARGE] = {"headers-too-large", 431, NULL, true},
    [RL_MEDIA_TYPE] = {"media-type", 415, NULL, false},
    [RL_CONTENT_CODING] = {"content-coding", 415, NULL, false},
    [RL_UNAUTHORIZED] = {"unauthorized", 401, NULL, false},
    [RL_QUEUE_FULL] = {"queue-full", 429, "1", false},
    [RL_DRAINING] = {"draining", 503, "1", true},
    [RL_DEADLINE] = {"deadline", 503, "1", false},
    [RL_BODY_TIMEOUT] = {"body-timeout", 408, NULL, true},
    [RL_CONNECTIONS] = {"connections", 503, "1", true},
    [RL_GONE] = {"gone", 499, NULL, true},
    [RL_CONFIG] = {"config", 500, NULL, true},
    [RL_SYSTEM] = {"system", 500, NULL, true},
};

unsigned rl_problem_code(enum rl_status status)
{
    return rows[status].code;
}

const char *rl_problem_retry_after(enum rl_status status)
{
    return rows[status].retry_after;
}

bool rl_problem_closes(enum rl_status status)
{
    return rows[status].closes;
}

const char *rl_problem_reason(unsigned code)
{
    static const struct {
        unsigned code;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {499, "Client Closed Request"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].code == code)
            return reasons[i].reason;
    return "Internal Server Error";
}

/* The title: the status' text with a capital. */
static json_t *title_of(enum rl_status status)
{
    char title[64];
    const char *const text = rl_status_text(status);
    const size_t length = strnlen(text, sizeof title - 1);
    memcpy(title, text, length);
    title[length] = '\0';
    title[0] = (char)toupper((unsigned char)title[0]);
    return json_string(title);
}

/* Sets a member, and gives the value up; false when either could not be made. */
static bool set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

static json_t *type_of(enum rl_status status)
{
    return json_sprintf("urn:ranklossd:problem:%s", rows[status].slug);
}

/* Text as JSON. Where it was cut within a character, that character is left out. */
static json_t *text_of(const char *text)
{
    const size_t length = strlen(text);
    json_t *string = json_stringn(text, length);
    for (size_t cut = 1; string == NULL && cut <= 3 && cut <= length; cut++)
        string = json_stringn(text, length - cut);
    return string;
}

static bool set_place(json_t *object, const struct rl_error *error)
{
    if (error->status == RL_SYNTAX && error->line > 0)
        return set(object, "line", json_integer((json_int_t)error->line)) &&
               set(object, "column", json_integer((json_int_t)error->column)) &&
               set(object, "offset", json_integer((json_int_t)error->offset));
    const bool points = error->status == RL_INVALID || error->status == RL_NOT_FINITE;
    if (!points && error->pointer[0] == '\0')
        return true;
    return set(object, "errors",
               json_pack("[{s:o, s:o}]", "pointer", text_of(error->pointer), "detail",
                         text_of(error->detail)));
}

static bool fill(json_t *object, const struct rl_error *error, const char *request_id)
{
    const enum rl_status status = error->status;
    return set(object, "type", type_of(status)) && set(object, "title", title_of(status)) &&
           set(object, "status", json_integer((json_int_t)rl_problem_code(status))) &&
           set(object, "detail", text_of(error->detail)) &&
           (request_id[0] == '\0' || set(object, "request_id", json_string(request_id))) &&
           set_place(object, error);
}

static int append(const char *buffer, size_t size, void *text)
{
    rl_text_append(text, buffer, size);
    return 0;
}

void rl_problem_write(const struct rl_error *error, const char *request_id, struct rl_text *text)
{
    const size_t start = text->length;
    json_t *const object = json_object();
    const bool whole = object != NULL && fill(object, error, request_id) &&
                       json_dump_callback(object, append, text, JSON_COMPACT) == 0;
    json_decref(object);
    if (whole && !text->failed)
        return;
    text->length = start;
    rl_text_format(text, "{\"type\":\"urn:ranklossd:problem:%s\",\"status\":%u}",
                   rows[error->status].slug, rl_problem_code(error->status));
}
