/*
 * test_acceptor.c: accepting, refusing, closing the listeners and reaping, over real listeners.
 */
#include "server/net/acceptor.h"

#include "tests/unit/serverrig.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "server/net/address.h"
#include "server/base/clock.h"
#include "tests/lib/unittest.h"

static struct rig rig;
static struct rl_listener listener;
static struct rl_acceptor *acceptor;

/* Starts with this many connections at most, which must send something in time. */
static void start(size_t most, unsigned patience_ms)
{
    const struct rl_deadlines deadlines = {.limits = {[RL_PHASE_FRESH] = patience_ms}};
    struct rl_error error;
    rig_start(&rig, RL_SCOPE_ALL, NULL);
    rl_connections_free(rig.context.connections);
    rig_must(rl_connections_create(most, 1024, &deadlines, &rig.context.connections, &error),
             &error);
    rig_must(rl_listener_open("127.0.0.1:0", "listen", RL_MODE_OWNER, &listener, &error), &error);
    const struct rl_acceptor_options options = {
        .bindings =
            {{.listener = &listener, .plain = true, .serve = rig_serve, .server = rig.transport}},
        .count = 1,
        .connections = rig.context.connections,
        .linger = rig.context.linger,
    };
    rig_must(rl_acceptor_start(&options, &acceptor, &error), &error);
}

static void stop(void)
{
    rl_acceptor_stop(acceptor);
    rl_listener_close(&listener);
    rig_stop(&rig);
}

static int try_connect(void)
{
    static const struct timeval timeout = {.tv_sec = RIG_PATIENCE_S};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons((uint16_t)strtoul(strrchr(listener.bound, ':') + 1, NULL, 10));
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

static unsigned ask(int fd)
{
    static const char request[] = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
    rig_send(fd, request, sizeof(request) - 1);
    const struct rig_reply reply = rig_read(fd);
    free(reply.text);
    return reply.status;
}

START_TEST(connections_are_served_by_every_thread)
{
    start(50, 600000);
    int fds[20];
    for (int i = 0; i < 20; i++)
        ck_assert_int_ge(fds[i] = try_connect(), 0);
    for (int i = 0; i < 20; i++)
        ck_assert_uint_eq(ask(fds[i]), 200);
    ck_assert_uint_eq(rl_connections_count(rig.context.connections), 20);
    for (int i = 0; i < 20; i++)
        close(fds[i]);
    while (rl_connections_count(rig.context.connections) > 0)
        usleep(10000);
    stop();
}
END_TEST

START_TEST(one_too_many_is_told_at_once)
{
    start(2, 600000);
    const int first = try_connect(), second = try_connect();
    ck_assert_uint_eq(ask(first), 200);
    ck_assert_uint_eq(ask(second), 200);
    for (int i = 0; i < 5; i++) {
        const int third = try_connect();
        struct rig_reply reply = rig_read(third);
        ck_assert_uint_eq(reply.status, 503);
        ck_assert(rig_has(&reply, "Connection: close"));
        ck_assert(rig_has(&reply, "Retry-After: 1"));
        ck_assert(rig_ended(third));
        free(reply.text);
        close(third);
    }
    ck_assert_uint_eq(ask(first), 200);
    close(first);
    close(second);
    stop();
}
END_TEST

START_TEST(closing_serves_those_who_came_and_no_more)
{
    start(50, 600000);
    const int early = try_connect();
    rl_acceptor_close(acceptor);
    ck_assert_uint_eq(ask(early), 200);
    ck_assert_int_eq(try_connect(), -1);
    close(early);
    stop();
}
END_TEST

START_TEST(silent_connections_are_reaped)
{
    start(50, 400);
    const uint64_t before = rl_clock_now();
    const int fd = try_connect();
    ck_assert(rig_ended(fd));
    ck_assert_uint_ge(rl_clock_now() - before, 390000000u);
    close(fd);
    stop();
}
END_TEST

START_TEST(it_has_a_heartbeat)
{
    start(50, 600000);
    const uint64_t before = rl_clock_coarse_ms();
    while (rl_acceptor_heartbeat(acceptor) <= before)
        usleep(10000);
    stop();
}
END_TEST
