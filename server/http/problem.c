/*
 * problem.c: the HTTP form of each status, and problem details.
 */
#include "server/http/problem.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* The HTTP form of a status. */
struct row {
    unsigned code;
    const char *slug; /* the end of the problem's type */
    const char *title;
    const char *retry_after; /* NULL: retrying does not help */
    bool closes;
};

static const struct row rows[RL_STATUSES] = {
    [RL_OK] = {200, "ok", "OK", NULL, false},
    [RL_NOMEM] = {503, "nomem", "Not enough memory", "1", false},
    [RL_INVALID] = {422, "invalid", "Invalid request", NULL, false},
    [RL_NOT_FINITE] = {422, "not-finite", "Result is not finite", NULL, false},
    [RL_CONFIG] = {500, "config", "Invalid setting", NULL, true},
    [RL_SYSTEM] = {500, "system", "System call failed", NULL, true},
    [RL_SYNTAX] = {400, "syntax", "Malformed JSON", NULL, false},
    [RL_TOO_LARGE] = {413, "too-large", "Over a limit", NULL, false},
    [RL_NOT_FOUND] = {404, "not-found", "Not found", NULL, false},
    [RL_MISDIRECTED] = {421, "misdirected", "Misdirected request", NULL, true},
    [RL_METHOD] = {405, "method", "Method not allowed", NULL, false},
    [RL_FRAMING] = {400, "framing", "Bad request framing", NULL, true},
    [RL_TRANSFER_CODING] = {501, "transfer-coding", "Transfer coding not supported", NULL, true},
    [RL_EXPECTATION] = {417, "expectation", "Expectation cannot be met", NULL, true},
    [RL_LENGTH_REQUIRED] = {411, "length-required", "Length required", NULL, false},
    [RL_URI_TOO_LONG] = {414, "uri-too-long", "Target too long", NULL, true},
    [RL_HEADERS_TOO_LARGE] = {431, "headers-too-large", "Header fields too large", NULL, true},
    [RL_MEDIA_TYPE] = {415, "media-type", "Media type not supported", NULL, false},
    [RL_CONTENT_CODING] = {415, "content-coding", "Content coding not supported", NULL, false},
    [RL_UNAUTHORIZED] = {401, "unauthorized", "Unauthorized", NULL, false},
    [RL_QUEUE_FULL] = {429, "queue-full", "Queue full", "1", false},
    [RL_DRAINING] = {503, "draining", "Shutting down", "1", true},
    [RL_DEADLINE] = {503, "deadline", "Deadline passed", "1", false},
    [RL_BODY_TIMEOUT] = {408, "body-timeout", "Body took too long", NULL, true},
    [RL_CONNECTIONS] = {503, "connections", "Too many connections", "1", true},
    [RL_GONE] = {499, "gone", "Client gone", NULL, true},
};

unsigned rl_problem_code(enum rl_status status)
{
    return rows[status].code;
}

const char *rl_problem_title(enum rl_status status)
{
    return rows[status].title;
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
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {499, "Client Closed Request"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
    };
    for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
        if (reasons[i].code == code)
            return reasons[i].reason;
    return "Internal Server Error";
}

/* Sets a member and takes over the value. False if the value is NULL or memory is short. */
static bool set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

static json_t *type_of(enum rl_status status)
{
    return json_sprintf("urn:ranklossd:problem:%s", rows[status].slug);
}

/* Text as JSON, without a final character that was cut in the middle. */
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
    return set(object, "type", type_of(status)) &&
           set(object, "title", json_string(rows[status].title)) &&
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
