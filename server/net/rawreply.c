/*
 * rawreply.c: writes a whole error reply to a socket.
 */
#include "server/net/rawreply.h"

#include <string.h>
#include <sys/socket.h>

#include "server/http/cors.h"
#include "server/http/problem.h"
#include "server/http/replyhead.h"
#include "server/http/requestid.h"

static const char *detail_of(enum rl_status status)
{
    static const char *const details[RL_STATUSES] = {
        [RL_BODY_TIMEOUT] = "the body did not arrive within body-timeout or at min-upload-rate",
        [RL_CONNECTIONS] = "too many connections are open",
        [RL_DRAINING] = "the server is shutting down",
        [RL_QUEUE_FULL] = "too many bytes are waiting",
    };
    return details[status] ? details[status] : rl_problem_title(status);
}

static void fill_head(struct rl_reply_head *head, enum rl_status status, const char *request_id,
                      const char *allow_origin)
{
    head->code = rl_problem_code(status);
    rl_reply_head_add(head, "Connection", "close");
    rl_reply_head_add(head, "Content-Type", RL_PROBLEM_TYPE);
    rl_reply_head_add(head, "Cache-Control", "no-store");
    rl_reply_head_add(head, "X-Request-Id", request_id);
    rl_reply_head_add(head, "Retry-After", rl_problem_retry_after(status));
    if (allow_origin[0] == '\0')
        return;
    rl_reply_head_add(head, "Access-Control-Allow-Origin", allow_origin);
    rl_reply_head_add(head, "Access-Control-Expose-Headers", rl_cors_expose_headers());
    rl_reply_head_add(head, "Vary", "Origin");
}

static void write_head(struct rl_text *text, const struct rl_reply_head *head, size_t length)
{
    rl_text_format(text, "HTTP/1.1 %u %s\r\n", head->code, rl_problem_reason(head->code));
    for (size_t i = 0; i < head->count; i++)
        rl_text_format(text, "%s: %s\r\n", head->fields[i].name, head->fields[i].value);
    rl_text_format(text, "Content-Length: %zu\r\n\r\n", length);
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
    struct rl_reply_head head = {0};
    struct rl_text body, whole;
    rl_text_init(&body);
    rl_text_init(&whole);
    rl_problem_write(&error, request_id, &body);
    fill_head(&head, status, request_id, allow_origin);
    write_head(&whole, &head, body.length);
    rl_text_append(&whole, body.data, body.length);
    if (!body.failed && !whole.failed)
        (void)!send(fd, whole.data, whole.length, MSG_DONTWAIT | MSG_NOSIGNAL);
    rl_text_release(&body);
    rl_text_release(&whole);
}
