/*
 * test_probe.c: the probe against a server that sends one canned answer.
 */
#include "server/probe.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/lib/unittest.h"

/* Accepts once, records the request and sends `answer`. */
struct server {
    int listener;
    const char *answer;
    char asked[512];
    pthread_t thread;
};

static void *serve(void *argument)
{
    struct server *const server = argument;
    const int fd = accept(server->listener, NULL, NULL);
    const ssize_t got = recv(fd, server->asked, sizeof(server->asked) - 1, 0);
    server->asked[got > 0 ? got : 0] = '\0';
    for (const char *at = server->answer; *at != '\0'; at++)
        send(fd, at, 1, MSG_NOSIGNAL); /* in small pieces, as a network might */
    close(fd);
    return NULL;
}

static void start(struct server *server, const struct sockaddr *address, socklen_t size,
                  const char *answer)
{
    *server = (struct server){.answer = answer};
    server->listener = socket(address->sa_family, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(server->listener, address, size), 0);
    ck_assert_int_eq(listen(server->listener, 1), 0);
    pthread_create(&server->thread, NULL, serve, server);
}

static void stop(struct server *server)
{
    pthread_join(server->thread, NULL);
    close(server->listener);
}

static int probe(const char *url)
{
    static char name[] = "ranklossd";
    char *argv[] = {name, NULL}, *environment[] = {NULL};
    return rl_probe(&(struct rl_sources){.argc = 1, .argv = argv, .environment = environment}, url);
}

/* Probes a server on loopback, at `host`:PORT`path`. */
static int probe_tcp(const char *host, const char *path, const char *answer, struct server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    char url[128];
    start(server, (const struct sockaddr *)&address, size, answer);
    getsockname(server->listener, (struct sockaddr *)&address, &size);
    snprintf(url, sizeof(url), "%s:%d%s", host, ntohs(address.sin_port), path);
    const int result = probe(url);
    stop(server);
    return result;
}

START_TEST(an_answer_of_200_is_ready)
{
    struct server server;
    ck_assert_int_eq(probe_tcp("http://127.0.0.1", "", "HTTP/1.1 200 OK\r\n\r\n", &server), 0);
    ck_assert_int_eq(strncmp(server.asked, "GET /readyz HTTP/1.1\r\n", 22), 0);
    ck_assert_int_eq(probe_tcp("127.0.0.1", "", "HTTP/1.0 200 OK\r\n\r\n", &server), 0);
    ck_assert_int_eq(probe_tcp("http://localhost", "/", "HTTP/1.1 200 OK\r\n\r\n", &server), 0);
    ck_assert_int_eq(strncmp(server.asked, "GET /readyz ", 12), 0);
    ck_assert_int_eq(probe_tcp("http://localhost", "/livez", "HTTP/1.1 200 OK\r\n\r\n", &server),
                     0);
    ck_assert_int_eq(strncmp(server.asked, "GET /livez ", 11), 0);
}
END_TEST

START_TEST(every_other_answer_is_not)
{
    static const char *const answers[] = {"HTTP/1.1 503 Service Unavailable\r\n\r\n",
                                          "HTTP/1.1 404 Not Found\r\n\r\n", "HTTP/1.1 20",
                                          "hello, who is there?\r\n", ""};
    struct server server;
    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++)
        ck_assert_int_ne(probe_tcp("http://127.0.0.1", "", answers[i], &server), 0);
}
END_TEST

START_TEST(unix_sockets_are_probed)
{
    char path[64], url[80];
    snprintf(path, sizeof(path), "/tmp/ranklossd-probe-%d", (int)getpid());
    snprintf(url, sizeof(url), "unix:%s", path);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, strlen(path) + 1);
    struct server server;
    start(&server, (const struct sockaddr *)&address, sizeof(address), "HTTP/1.1 200 OK\r\n\r\n");
    ck_assert_int_eq(probe(url), 0);
    stop(&server);
    unlink(path);
    ck_assert_int_ne(probe(url), 0);
}
END_TEST

START_TEST(bad_urls_are_refused)
{
    static const char *const urls[] = {"",
                                       "https://localhost:1",
                                       "ftp://x:1",
                                       "nowhere",
                                       "http://localhost:",
                                       "http://[::1:80",
                                       "unix:/no/such/socket"};
    for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++)
        ck_assert_msg(probe(urls[i]) != 0, "%s", urls[i]);
    char longest[4096];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    ck_assert_int_ne(probe(longest), 0);
}
END_TEST
