/*
 * test_transport.c: requests through real I/O threads, the queue and the executor, and back.
 */
#include "server/request/transport.h"

#include "tests/unit/serverrig.h"

#include <poll.h>

#include "server/base/clock.h"
#include "server/text/text.h"
#include "tests/lib/unittest.h"

#define HINGE "/v1/losses/pairwise_hinge"
static const char small[] = "{\"y_true\":[1,0],\"y_pred\":[0,1]}";

static struct rig rig;

void test_before_each(void)
{
    static const char *const options[] = {"max-body-bytes", "4MiB", "cors-origins",
                                          "https://a.example", NULL};
    rig_start(&rig, RL_SCOPE_ALL, options);
}

void test_after_each(void)
{
    rig_stop(&rig);
}

/* A batch of `lists` lists of 100 items, too large for an I/O thread; its length in *length. */
static char *make_large(size_t lists, size_t *length)
{
    struct rl_text text;
    rl_text_init(&text);
    for (int part = 0; part < 2; part++) {
        rl_text_string(&text, part == 0 ? "{\"y_true\":[" : "],\"y_pred\":[");
        for (size_t list = 0; list < lists; list++) {
            rl_text_string(&text, list > 0 ? ",[" : "[");
            for (size_t item = 0; item < 100; item++)
                rl_text_format(&text, "%s%zu", item > 0 ? "," : "", (item * 7 + list) % 5);
            rl_text_string(&text, "]");
        }
    }
    rl_text_string(&text, "]}");
    ck_assert(!text.failed);
    return rl_text_take(&text, length);
}

START_TEST(small_and_large_requests_take_turns_on_one_connection)
{
    size_t length;
    char *const large = make_large(1000, &length);
    const int fd = rig_connect(&rig);
    for (int round = 0; round < 3; round++) {
        rig_post(fd, HINGE, "", small, sizeof(small) - 1);
        struct rig_reply reply = rig_read(fd);
        ck_assert_uint_eq(reply.status, 200);
        ck_assert_ptr_nonnull(strstr(reply.body, "\"loss\":1,"));
        ck_assert(rig_has(&reply, "Content-Type: application/json"));
        ck_assert(rig_has(&reply, "Cache-Control: no-store"));
        free(reply.text);
        rig_post(fd, HINGE, "X-Request-Id: big-1\r\n", large, length);
        reply = rig_read(fd);
        ck_assert_uint_eq(reply.status, 200);
        ck_assert(rig_has(&reply, "X-Request-Id: big-1"));
        ck_assert_ptr_nonnull(strstr(reply.body, "\"lists\":1000,"));
        free(reply.text);
    }
    free(large);
    close(fd);
}
END_TEST

START_TEST(many_large_requests_at_once_each_get_their_own)
{
    enum { CLIENTS = 12 };
    int fds[CLIENTS];
    for (size_t i = 0; i < CLIENTS; i++) {
        size_t length;
        char *const large = make_large(400 + i, &length);
        fds[i] = rig_connect(&rig);
        rig_post(fds[i], HINGE, "", large, length);
        free(large);
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        const struct rig_reply reply = rig_read(fds[i]);
        char lists[32];
        snprintf(lists, sizeof(lists), "\"lists\":%zu,", 400 + i);
        ck_assert_uint_eq(reply.status, 200);
        ck_assert_ptr_nonnull(strstr(reply.body, lists));
        free(reply.text);
        close(fds[i]);
    }
}
END_TEST

START_TEST(large_requests_that_are_wrong_say_so_and_leave_the_connection)
{
    size_t length;
    char *const large = make_large(1000, &length);
    const int fd = rig_connect(&rig);
    large[length - 2] = ','; /* within y_pred */
    rig_post(fd, HINGE, "", large, length);
    struct rig_reply reply = rig_read(fd);
    ck_assert_uint_eq(reply.status, 400);
    ck_assert(rig_has(&reply, "Content-Type: application/problem+json"));
    free(reply.text);
    rig_post(fd, HINGE, "", small, sizeof(small) - 1);
    reply = rig_read(fd);
    ck_assert_uint_eq(reply.status, 200);
    free(reply.text);
    free(large);
    close(fd);
}
END_TEST

START_TEST(chunked_bodies_in_pieces)
{
    static const char request[] = "POST " HINGE " HTTP/1.1\r\nHost: x\r\n"
                                  "Content-Type: application/json\r\n"
                                  "Transfer-Encoding: chunked\r\n\r\n"
                                  "10\r\n{\"y_true\":[1,0],\r\n"
                                  "f\r\n\"y_pred\":[0,1]}\r\n0\r\n\r\n";
    const int fd = rig_connect(&rig);
    for (size_t i = 0; i < sizeof(request) - 1; i++)
        rig_send(fd, request + i, 1);
    const struct rig_reply reply = rig_read(fd);
    ck_assert_uint_eq(reply.status, 200);
    free(reply.text);
    close(fd);
}
END_TEST

/* Sends a head alone; the reply must come before any body, and end the connection. */
static void refused_at_once(const char *head, unsigned status)
{
    const int fd = rig_connect(&rig);
    rig_send(fd, head, strlen(head));
    struct rig_reply reply = rig_read(fd);
    ck_assert_uint_eq(reply.status, status);
    ck_assert(rig_has(&reply, "Connection: close"));
    ck_assert(rig_has(&reply, "Content-Type: application/problem+json"));
    ck_assert(rig_ended(fd));
    free(reply.text);
    close(fd);
}

START_TEST(what_can_be_refused_early_is)
{
    refused_at_once("POST " HINGE " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                    "Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n",
                    413);
    refused_at_once("POST " HINGE " HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
                    "Content-Length: 2000000\r\n\r\n",
                    415);
    refused_at_once("POST " HINGE " HTTP/1.1\r\nHost: x\r\nHost: y\r\nContent-Length: 5\r\n\r\n",
                    400);
    refused_at_once("POST /nope HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n", 404);
}
END_TEST

START_TEST(short_bodies_nobody_wants_keep_the_connection)
{
    const int fd = rig_connect(&rig);
    static const struct {
        const char *path, *lines;
        unsigned status;
    } rows[] = {
        {"/nope", "", 404},
        {"/livez", "", 405},
        {HINGE, "Content-Encoding: br\r\n", 415},
        {HINGE, "", 200},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        rig_post(fd, rows[i].path, rows[i].lines, small, sizeof(small) - 1);
        const struct rig_reply reply = rig_read(fd);
        ck_assert_uint_eq(reply.status, rows[i].status);
        free(reply.text);
    }
    close(fd);
}
END_TEST

START_TEST(a_chunked_body_past_the_cap_is_told_at_its_end)
{
    static char chunk[1 << 16];
    memset(chunk, ' ', sizeof(chunk));
    const int fd = rig_connect(&rig);
    static const char head[] = "POST " HINGE " HTTP/1.1\r\nHost: x\r\n"
                               "Content-Type: application/json\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n";
    rig_send(fd, head, sizeof(head) - 1);
    for (int i = 0; i < 70; i++) { /* 4 MiB and a little */
        rig_send(fd, "10000\r\n", 7);
        rig_send(fd, chunk, sizeof(chunk));
        rig_send(fd, "\r\n", 2);
    }
    rig_send(fd, "0\r\n\r\n", 5);
    const struct rig_reply reply = rig_read(fd);
    ck_assert_uint_eq(reply.status, 413);
    ck_assert(rig_ended(fd));
    free(reply.text);
    close(fd);
}
END_TEST

START_TEST(a_late_body_gets_a_raw_reply)
{
    static const char head[] = "POST " HINGE " HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\n"
                               "X-Request-Id: late\r\nContent-Type: application/json\r\n"
                               "Content-Length: 31\r\n\r\n{";
    const int fd = rig_connect(&rig);
    rig_send(fd, head, sizeof(head) - 1);
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    for (int i = 0; i < 6000 && readable.revents == 0; i++) { /* only a body has a deadline here */
        rl_connections_reap(rig.context.connections, rl_clock_coarse_ms() + 1000, RL_REAP_OVERDUE);
        (void)poll(&readable, 1, 10);
    }
    struct rig_reply reply = rig_read(fd);
    ck_assert_uint_eq(reply.status, 408);
    ck_assert(rig_has(&reply, "X-Request-Id: late"));
    ck_assert(rig_has(&reply, "Access-Control-Allow-Origin: https://a.example"));
    ck_assert(rig_ended(fd));
    free(reply.text);
    close(fd);
}
END_TEST

START_TEST(reads_and_their_variants)
{
    static const char pipelined[] = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
                                    "HEAD /readyz HTTP/1.1\r\nHost: x\r\n\r\n"
                                    "OPTIONS /v1/evaluate HTTP/1.1\r\nHost: x\r\n\r\n";
    const int fd = rig_connect(&rig);
    rig_send(fd, pipelined, sizeof(pipelined) - 1);
    struct rig_reply reply = rig_read(fd);
    ck_assert_uint_eq(reply.status, 200);
    ck_assert_str_eq(reply.body, "{\"status\":\"alive\"}");
    free(reply.text);
    char head[512] = "";
    size_t length = 0;
    while (!strstr(head, "\r\n\r\n")) /* a HEAD has no body to read */
        length += (size_t)recv(fd, head + length, 1, 0);
    ck_assert_ptr_nonnull(strstr(head, "Content-Length: 18\r\n"));
    reply = rig_read(fd);
    ck_assert_uint_eq(reply.status, 204);
    ck_assert(rig_has(&reply, "Allow: POST, OPTIONS"));
    free(reply.text);
    close(fd);
}
END_TEST

START_TEST(draining_ends_connections_and_readiness)
{
    const int fd = rig_connect(&rig);
    rig.context.stage = RL_STAGE_LEAVING;
    static const char ready[] = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
                                "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n";
    rig_send(fd, ready, sizeof(ready) - 1);
    struct rig_reply reply = rig_read(fd);
    ck_assert_uint_eq(reply.status, 200);
    free(reply.text);
    reply = rig_read(fd);
    ck_assert_uint_eq(reply.status, 503);
    ck_assert(rig_has(&reply, "Retry-After: 1"));
    free(reply.text);
    close(fd);
    const int second = rig_connect(&rig);
    rig.context.stage = RL_STAGE_DRAINING;
    rig_post(second, HINGE, "", small, sizeof(small) - 1);
    reply = rig_read(second);
    ck_assert_uint_eq(reply.status, 200);
    ck_assert(rig_has(&reply, "Connection: close"));
    ck_assert(rig_ended(second));
    free(reply.text);
    close(second);
}
END_TEST

START_TEST(what_waits_at_the_end_is_answered_503)
{
    size_t length;
    char *const large = make_large(2000, &length);
    int fds[6];
    unsigned good = 0, told = 0;
    for (int i = 0; i < 6; i++) {
        fds[i] = rig_connect(&rig);
        rig_post(fds[i], HINGE, "", large, length);
    }
    for (int i = 0; i < 1000 && rl_executor_busy(rig.context.executor) == 0; i++)
        usleep(100); /* unless all are done already */
    rl_executor_cancel(rig.context.executor);
    for (int i = 0; i < 6; i++) {
        const struct rig_reply reply = rig_read(fds[i]);
        good += reply.status == 200;
        told += reply.status == 503;
        free(reply.text);
        close(fds[i]);
    }
    ck_assert_uint_eq(good + told, 6);
    free(large);
}
END_TEST
