/*
 * test_linger.c: lingering sockets over TCP, where a reset would show.
 */
#include "server/net/linger.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "tests/lib/unittest.h"

static struct rl_linger *linger;
static struct rl_error error;

void test_before_each(void)
{
    ck_assert_int_eq(rl_linger_create(&linger, &error), RL_OK);
}

void test_after_each(void)
{
    rl_linger_free(linger);
}

/* Two ends of a TCP connection over loopback. */
static void connect_pair(int *server, int *client)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    *client = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(*client, (struct sockaddr *)&address, size), 0);
    *server = accept(listener, NULL, NULL);
    ck_assert_int_ge(*server, 0);
    close(listener);
}

static void await_event(void)
{
    struct pollfd at = {.fd = rl_linger_descriptor(linger), .events = POLLIN};
    ck_assert_int_eq(poll(&at, 1, 60000), 1);
}

START_TEST(the_last_reply_is_not_reset_away)
{
    int server, client;
    char text[16];
    connect_pair(&server, &client);
    ck_assert_int_eq(send(client, "unread", 6, 0), 6);
    ck_assert_int_eq(send(server, "reply", 5, 0), 5);
    rl_linger_add(linger, server);
    ck_assert_int_eq(send(client, "more", 4, 0), 4);
    ck_assert_int_eq(recv(client, text, sizeof(text), 0), 5);
    ck_assert_int_eq(recv(client, text, sizeof(text), 0), 0);
    close(client);
}
END_TEST

START_TEST(it_goes_when_the_client_goes)
{
    int server, client;
    connect_pair(&server, &client);
    ck_assert_int_eq(send(client, "unread", 6, 0), 6);
    rl_linger_add(linger, server);
    ck_assert(rl_linger_age(linger, rl_clock_coarse_ms()));
    close(client);
    await_event();
    rl_linger_serve(linger);
    ck_assert(!rl_linger_age(linger, rl_clock_coarse_ms()));
    ck_assert_int_eq(fcntl(server, F_GETFD), -1);
}
END_TEST

START_TEST(a_client_that_insists_is_read_from_after_a_moment)
{
    static char piece[1 << 20];
    int server, client;
    size_t sent = 0;
    connect_pair(&server, &client);
    rl_linger_add(linger, server);
    ck_assert_int_eq(fcntl(client, F_SETFL, O_NONBLOCK), 0);
    const uint64_t later = rl_clock_coarse_ms() + RL_LINGER_PATIENCE_MS + 1;
    ck_assert(rl_linger_age(linger, later));
    for (int round = 0; round < 1000 && sent < 64 * sizeof(piece); round++) {
        const ssize_t more = send(client, piece, sizeof(piece), MSG_NOSIGNAL);
        ck_assert(more > 0 || errno == EAGAIN);
        sent += more > 0 ? (size_t)more : 0;
        await_event();
        rl_linger_serve(linger);
    }
    ck_assert_uint_ge(sent, 64 * sizeof(piece));
    close(client);
}
END_TEST

START_TEST(time_is_up_in_the_end)
{
    int server, client;
    connect_pair(&server, &client);
    const uint64_t before = rl_clock_coarse_ms();
    rl_linger_add(linger, server);
    ck_assert(rl_linger_age(linger, before + RL_LINGER_MS - 1));
    ck_assert(!rl_linger_age(linger, rl_clock_coarse_ms() + RL_LINGER_MS + 1));
    ck_assert_int_eq(fcntl(server, F_GETFD), -1);
    close(client);
}
END_TEST

START_TEST(the_oldest_makes_room)
{
    int first = -1, client, server;
    for (int i = 0; i <= RL_LINGER_SOCKETS; i++) {
        int ends[2];
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        server = ends[0];
        client = ends[1];
        if (i == 0)
            first = client;
        rl_linger_add(linger, server);
    }
    const char byte = 0;
    ck_assert_int_eq(send(first, &byte, 1, MSG_NOSIGNAL), -1);
    ck_assert_int_eq(send(client, "x", 1, MSG_NOSIGNAL), 1);
}
END_TEST
