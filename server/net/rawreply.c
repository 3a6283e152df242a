/*
 * rawreply.c: error replies as bytes.
 */
#include "server/net/rawreply.h"

#include <string.h>
#include <sys/socket.h>

#include "server/http/cors.h"
#include "server/http/problem.h"
#include "server/http/requestid.h"

static const char *detail_of(enum rl_status status)
{
    static const char *const details[RL_STATUSES] = {
        [RL_BODY_TIMEOUT] = "the body did not arrive in time",
        [RL_CONNECTIONS] = "too many connections are open",
        [RL_DRAINING] = "the server is shutting down",
        [RL_QUEUE_FULL] = "too many bytes are waiting",
    };
    return details[status] ? details[status] : rl_problem_title(status);
}

static void write_head(struct rl_text *text, enum rl_status status, const char *request_id,
                       const char *allow_origin, size_t length)
{
    const unsigned code = rl_problem_code(status);
    const char *const retry_after = rl_problem_retry_after(status);
    rl_text_format(text,
                   "HTTP/1.1 %u %s\r\nConnection: close\r\nContent-Type: " RL_PROBLEM_TYPE
                   "\r\nContent-Length: %zu\r\nCache-Control: no-store\r\nX-Request-Id: %s\r\n",
                   code, rl_problem_reason(code), length, request_id);
    if (retry_after != NULL)
        rl_text_format(text, "Retry-After: %s\r\n", retry_after);
    if (allow_origin[0] != '\0')
        rl_text_format(text,
                       "Access-Control-Allow-Origin: %s\r\nAccess-Control-Expose-Headers: %s\r\n"
                       "Vary: Origin\r\n",
                       allow_origin, rl_cors_expose_headers());
    rl_text_string(text, "\r\n");
}

void rl_rawreply_send(int fd, enum rl_status status, const char *request_id,
                      const char *allow_origin)
{
    char own_id[RL_REQUEST_ID_SIZE];
    if (request_id[0] == '\0') {
        rl_request_id_make(own_id);
        request_id = own_id;
    }
    struct rl_error error;
    rl_fail(&error, status, "", "%s", detail_of(status));
    struct rl_text body, whole;
    rl_text_init(&body);
    rl_text_init(&whole);
    rl_problem_write(&error, request_id, &body);
    write_head(&whole, status, request_id, allow_origin, body.length);
    rl_text_append(&whole, body.data, body.length);
    if (!body.failed && !whole.failed)
        (void)!send(fd, whole.data, whole.length, MSG_DONTWAIT | MSG_NOSIGNAL);
    rl_text_release(&body);
    rl_text_release(&whole);
}
