/*
 * test_connections.c: phases, deadlines and the reaper, over socket pairs.
 */
#include "server/net/connections.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/observe/metrics.h"
#include "tests/lib/unittest.h"

enum { MAX = 3, DESCRIPTORS = 256 };

static const struct sockaddr nobody = {.sa_family = AF_UNIX};

static const struct rl_deadlines deadlines = {.limits = {
                                                  [RL_PHASE_FRESH] = 1000,
                                                  [RL_PHASE_HEADER] = 2000,
                                                  [RL_PHASE_BODY] = 3000,
                                                  [RL_PHASE_WRITE] = 4000,
                                                  [RL_PHASE_IDLE] = 5000,
                                              }};

static struct rl_connections *registry;
static struct rl_error error;
static uint64_t start;

void test_before_each(void)
{
    ck_assert_int_eq(rl_metrics_init(0, &error), RL_OK);
    ck_assert_int_eq(rl_connections_create(MAX, DESCRIPTORS, &deadlines, &registry, &error), RL_OK);
    start = rl_clock_coarse_ms();
}

void test_after_each(void)
{
    rl_connections_free(registry);
    rl_metrics_release();
}

/* A connection and its client's end. */
struct pair {
    struct rl_connection *connection;
    int server, client;
};

static struct pair open_pair(bool plain)
{
    int ends[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    ck_assert(rl_connections_admit(registry, ends[0], plain, &nobody));
    struct rl_connection *const connection = rl_connection_open(registry, ends[0]);
    ck_assert_ptr_nonnull(connection);
    return (struct pair){.connection = connection, .server = ends[0], .client = ends[1]};
}

static void close_pair(struct pair *pair)
{
    rl_connection_close(pair->connection);
    close(pair->server);
    close(pair->client);
}

/* What the client has got: bytes read into `text`, and whether the connection ended. */
static bool ended(const struct pair *pair, char text[4096])
{
    size_t length = 0;
    for (;;) {
        const ssize_t got = recv(pair->client, text + length, 4095 - length, MSG_DONTWAIT);
        if (got > 0)
            length += (size_t)got;
        text[length] = '\0';
        if (got <= 0)
            return got == 0;
    }
}

START_TEST(admission_is_exact)
{
    int fds[MAX + 1][2];
    for (int i = 0; i <= MAX; i++) {
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds[i]), 0);
        ck_assert_int_eq(rl_connections_admit(registry, fds[i][0], true, &nobody), i < MAX);
    }
    ck_assert_uint_eq(rl_connections_count(registry), MAX);
    rl_connections_withdraw(registry, fds[0][0]);
    ck_assert_uint_eq(rl_connections_count(registry), MAX - 1);
    ck_assert(rl_connections_admit(registry, fds[MAX][0], true, &nobody));
    struct rl_connection *const connection = rl_connection_open(registry, fds[1][0]);
    ck_assert_uint_eq(rl_connections_count(registry), MAX);
    rl_connection_close(connection);
    ck_assert_uint_eq(rl_connections_count(registry), MAX - 1);
    for (int i = 0; i <= MAX; i++) {
        close(fds[i][0]);
        close(fds[i][1]);
    }
}
END_TEST

START_TEST(a_descriptor_that_comes_again_was_given_up_silently)
{
    for (int i = 0; i < 10; i++)
        ck_assert(rl_connections_admit(registry, 7, true, &nobody));
    ck_assert_uint_eq(rl_connections_count(registry), 1);
    ck_assert(!rl_connections_admit(registry, DESCRIPTORS, true, &nobody));
    ck_assert_ptr_null(rl_connection_open(registry, 8));
}
END_TEST

START_TEST(draining_does_not_wait_for_one_that_was_given_up_silently)
{
    int ends[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    ck_assert(rl_connections_admit(registry, ends[0], true, &nobody));
    rl_connections_reap(registry, start + RL_REAP_FORGET_MS, RL_REAP_OVERDUE);
    ck_assert_uint_eq(rl_connections_count(registry), 1);
    rl_connections_reap(registry, start, RL_REAP_IDLE);
    rl_connections_reap(registry, start + RL_REAP_FORGET_MS - 1, RL_REAP_IDLE);
    ck_assert_uint_eq(rl_connections_count(registry), 1);
    rl_connections_reap(registry, start + RL_REAP_FORGET_MS, RL_REAP_IDLE);
    ck_assert_uint_eq(rl_connections_count(registry), 0);
    ck_assert_ptr_null(rl_connection_open(registry, ends[0]));
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(each_phase_ends_at_its_deadline_and_not_before)
{
    static const enum rl_phase phases[] = {RL_PHASE_FRESH, RL_PHASE_HEADER, RL_PHASE_BODY,
                                           RL_PHASE_WRITE, RL_PHASE_IDLE};
    char text[4096];
    for (size_t i = 0; i < sizeof(phases) / sizeof(*phases); i++) {
        struct pair pair = open_pair(true);
        ck_assert(phases[i] == RL_PHASE_FRESH || rl_connection_enter(pair.connection, phases[i]));
        const uint64_t limit = deadlines.limits[phases[i]];
        rl_connections_reap(registry, start + limit - 1, RL_REAP_OVERDUE);
        ck_assert_int_eq(rl_connection_phase(pair.connection), phases[i]);
        ck_assert(!ended(&pair, text));
        rl_connections_reap(registry, rl_clock_coarse_ms() + limit, RL_REAP_OVERDUE);
        ck_assert_int_eq(rl_connection_phase(pair.connection), RL_PHASE_DOOMED);
        ck_assert(ended(&pair, text));
        ck_assert_int_eq(strncmp(text, "HTTP/1.1 408 ", 13) == 0, phases[i] == RL_PHASE_BODY);
        ck_assert(!rl_connection_enter(pair.connection, RL_PHASE_WRITE));
        close_pair(&pair);
    }
}
END_TEST

START_TEST(work_has_no_deadline_here)
{
    struct pair pair = open_pair(true);
    ck_assert(rl_connection_enter(pair.connection, RL_PHASE_WORK));
    rl_connections_reap(registry, start + 1000000, RL_REAP_OVERDUE);
    rl_connections_reap(registry, start + 1000000, RL_REAP_ALL);
    ck_assert_int_eq(rl_connection_phase(pair.connection), RL_PHASE_WORK);
    close_pair(&pair);
}
END_TEST

START_TEST(a_late_body_is_told_with_its_id_and_origin)
{
    char text[4096];
    struct pair pair = open_pair(true);
    memcpy(pair.connection->request_id, "my-id", 6);
    memcpy(pair.connection->allow_origin, "https://a.example", 18);
    ck_assert(rl_connection_enter(pair.connection, RL_PHASE_BODY));
    rl_connections_reap(registry, rl_clock_coarse_ms() + 3000, RL_REAP_OVERDUE);
    ck_assert(ended(&pair, text));
    ck_assert_ptr_nonnull(strstr(text, "\r\nX-Request-Id: my-id\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "\r\nAccess-Control-Allow-Origin: https://a.example\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "\r\nConnection: close\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "application/problem+json"));
    close_pair(&pair);
}
END_TEST

START_TEST(under_tls_nothing_is_written_past_it)
{
    char text[4096];
    struct pair pair = open_pair(false);
    ck_assert(rl_connection_enter(pair.connection, RL_PHASE_BODY));
    rl_connections_reap(registry, rl_clock_coarse_ms() + 3000, RL_REAP_OVERDUE);
    ck_assert(ended(&pair, text));
    ck_assert_str_eq(text, "");
    close_pair(&pair);
}
END_TEST

START_TEST(a_request_that_is_just_coming_in_is_left)
{
    char text[4096];
    struct pair pair = open_pair(true);
    ck_assert(rl_connection_enter(pair.connection, RL_PHASE_IDLE));
    ck_assert_int_eq(send(pair.client, "GET", 3, 0), 3);
    rl_connections_reap(registry, rl_clock_coarse_ms() + 5000, RL_REAP_OVERDUE);
    ck_assert_int_eq(rl_connection_phase(pair.connection), RL_PHASE_IDLE);
    ck_assert(!ended(&pair, text));
    close_pair(&pair);
}
END_TEST

START_TEST(draining_closes_those_that_wait_after_a_moment)
{
    struct pair idle = open_pair(true), fresh = open_pair(true), body = open_pair(true);
    ck_assert(rl_connection_enter(idle.connection, RL_PHASE_IDLE));
    ck_assert(rl_connection_enter(body.connection, RL_PHASE_BODY));
    rl_connections_reap(registry, start + RL_REAP_GRACE_MS - 1, RL_REAP_IDLE);
    ck_assert_int_eq(rl_connection_phase(idle.connection), RL_PHASE_IDLE);
    ck_assert_int_eq(rl_connection_phase(fresh.connection), RL_PHASE_FRESH);
    rl_connections_reap(registry, rl_clock_coarse_ms() + RL_REAP_GRACE_MS, RL_REAP_IDLE);
    ck_assert_int_eq(rl_connection_phase(idle.connection), RL_PHASE_DOOMED);
    ck_assert_int_eq(rl_connection_phase(fresh.connection), RL_PHASE_DOOMED);
    ck_assert_int_eq(rl_connection_phase(body.connection), RL_PHASE_BODY);
    close_pair(&idle);
    close_pair(&fresh);
    close_pair(&body);
}
END_TEST

START_TEST(the_end_answers_those_still_sending)
{
    char text[4096];
    struct pair body = open_pair(true), header = open_pair(true), writing = open_pair(true);
    ck_assert(rl_connection_enter(body.connection, RL_PHASE_BODY));
    ck_assert(rl_connection_enter(header.connection, RL_PHASE_HEADER));
    ck_assert(rl_connection_enter(writing.connection, RL_PHASE_WRITE));
    rl_connections_reap(registry, start, RL_REAP_ALL);
    ck_assert(ended(&body, text));
    ck_assert_int_eq(strncmp(text, "HTTP/1.1 503 ", 13), 0);
    ck_assert(ended(&header, text));
    ck_assert_int_eq(rl_connection_phase(writing.connection), RL_PHASE_WRITE);
    close_pair(&body);
    close_pair(&header);
    close_pair(&writing);
}
END_TEST
