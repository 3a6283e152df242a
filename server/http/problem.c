/*
 * problem.c: the HTTP form of each status, and problem details.
 */
#include "server/http/problem.h"

#include <stdio.h>

#include "server/text/jsonwriter.h"

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

static void put_place(struct rl_text *text, const struct rl_error *error)
{
    const bool points = error->status == RL_INVALID || error->status == RL_NOT_FINITE;
    if (error->status == RL_SYNTAX && error->line > 0) {
        rl_put_count(text, "line", error->line);
        rl_put_count(text, "column", error->column);
        rl_put_count(text, "offset", error->offset);
    } else if (points || error->pointer[0] != '\0') {
        rl_put_array(text, "errors");
        rl_put_object(text, NULL);
        rl_put_string(text, "pointer", error->pointer);
        rl_put_string(text, "detail", error->detail);
        rl_put_object_end(text);
        rl_put_array_end(text);
    }
}

static void put_type(struct rl_text *text, enum rl_status status)
{
    char type[64];
    snprintf(type, sizeof(type), "urn:ranklossd:problem:%s", rows[status].slug);
    rl_put_string(text, "type", type);
}

/* What fits into the least memory that a text takes. */
static void write_short(const struct rl_error *error, struct rl_text *text)
{
    rl_put_object(text, NULL);
    put_type(text, error->status);
    rl_put_count(text, "status", rl_problem_code(error->status));
    rl_put_object_end(text);
}

static void write_whole(const struct rl_error *error, const char *request_id, struct rl_text *text)
{
    rl_put_object(text, NULL);
    put_type(text, error->status);
    rl_put_string(text, "title", rows[error->status].title);
    rl_put_count(text, "status", rl_problem_code(error->status));
    rl_put_string(text, "detail", error->detail);
    if (request_id[0] != '\0')
        rl_put_string(text, "request_id", request_id);
    put_place(text, error);
    rl_put_object_end(text);
}

void rl_problem_write(const struct rl_error *error, const char *request_id, struct rl_text *text)
{
    write_whole(error, request_id, text);
    if (!text->failed)
        return;
    text->failed = false;
    text->length = 0;
    write_short(error, text);
}
