/*
 * test_address.c: listening sockets from every form, and the errors of opening them.
 */
#include "server/net/address.h"

#include "tests/unit/scratchfile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tests/lib/unittest.h"

static struct rl_listener opened(const char *text)
{
    struct rl_listener listener;
    struct rl_error error;
    ck_assert_msg(rl_listener_open(text, "listen", RL_MODE_GROUP, &listener, &error) == RL_OK, "%s",
                  error.detail);
    ck_assert_int_ne(fcntl(listener.fd, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert_int_ne(fcntl(listener.fd, F_GETFL) & O_NONBLOCK, 0);
    return listener;
}

static void expect_failure(const char *text, enum rl_status status, const char *says)
{
    struct rl_listener listener = {.fd = 77};
    struct rl_error error;
    ck_assert_int_eq(rl_listener_open(text, "listen", RL_MODE_GROUP, &listener, &error), status);
    ck_assert_int_eq(strncmp(error.detail, "listen: ", 8), 0);
    ck_assert_msg(strstr(error.detail, says) != NULL, "%s", error.detail);
    ck_assert_ptr_null(strchr(error.detail, '\n'));
    ck_assert_int_eq(listener.fd, 77);
}

/* Connects to a TCP port of this machine; 0 or the reason. */
static int try_connect(int family, unsigned port)
{
    const struct sockaddr_in v4 = {.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
                                    .sin6_port = htons((uint16_t)port),
                                    .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    const struct sockaddr *const address =
        family == AF_INET ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6;
    const int reason =
        connect(fd, address, family == AF_INET ? sizeof(v4) : sizeof(v6)) == 0 ? 0 : errno;
    close(fd);
    return reason;
}

static unsigned port_of(const struct rl_listener *listener)
{
    return (unsigned)strtoul(strrchr(listener->bound, ':') + 1, NULL, 10);
}

static bool has_ipv6(void)
{
    const struct sockaddr_in6 loopback = {.sin6_family = AF_INET6,
                                          .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool bound =
        fd >= 0 && bind(fd, (const struct sockaddr *)&loopback, sizeof(loopback)) == 0;
    if (fd >= 0)
        close(fd);
    if (!bound)
        test_skip("this machine has no IPv6");
    return bound;
}

/* ---- Forms ---------------------------------------------------------------------------------- */

START_TEST(good_forms)
{
    static const char *const texts[] = {
        "127.0.0.1:8080",    "localhost:1",      "[::1]:65535",    ":0",
        "a-host.example:80", "unix:/run/x.sock", "unix:@abstract", "0.0.0.0:08080"};
    struct rl_error error;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        ck_assert_msg(rl_address_check(texts[i], "listen", &error) == RL_OK, "%s", texts[i]);
}
END_TEST

START_TEST(bad_forms)
{
    static const char *const texts[] = {
        "",        "8080",        "127.0.0.1",      "127.0.0.1:", "h:65536", "h:-1",
        "h:+1",    "h: 1",        "h:0x50",         "h:http",     "::1:80",  "[::1]",
        "[::1:80", "[h]:80",      "[127.0.0.1]:80", "unix:",      "unix:/",  "unix:x",
        "unix:@",  "http://h:80", "h:123456",       "[]:80"};
    struct rl_error error;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        ck_assert_msg(rl_address_check(texts[i], "admin-listen", &error) == RL_CONFIG, "%s",
                      texts[i]);
        ck_assert_int_eq(strncmp(error.detail, "admin-listen: '", 15), 0);
        expect_failure(texts[i], RL_CONFIG, "is not HOST:PORT");
    }
    char longest[1000] = "unix:/";
    memset(longest + 6, 'x', sizeof(longest) - 7);
    ck_assert_int_eq(rl_address_check(longest, "listen", &error), RL_CONFIG);
    memset(longest, 'h', sizeof(longest) - 4);
    memcpy(longest + sizeof(longest) - 4, ":80", 4);
    ck_assert_int_eq(rl_address_check(longest, "listen", &error), RL_CONFIG);
}
END_TEST

/* ---- TCP ------------------------------------------------------------------------------------ */

START_TEST(port_0_takes_a_free_port)
{
    struct rl_listener listener = opened("127.0.0.1:0");
    ck_assert_int_eq(strncmp(listener.bound, "127.0.0.1:", 10), 0);
    ck_assert_uint_gt(port_of(&listener), 0);
    ck_assert(!listener.is_unix);
    ck_assert_int_eq(try_connect(AF_INET, port_of(&listener)), 0);
    rl_listener_close(&listener);
    ck_assert_int_eq(listener.fd, -1);
    rl_listener_close(&listener);
}
END_TEST

START_TEST(a_port_in_use_is_an_error)
{
    struct rl_listener listener = opened("127.0.0.1:0");
    expect_failure(listener.bound, RL_SYSTEM, "in use");
    rl_listener_close(&listener);
}
END_TEST

/* A connection that the server closed first leaves its port in TIME_WAIT: it can be taken again. */
START_TEST(a_port_can_be_taken_again_at_once)
{
    struct rl_listener listener = opened("127.0.0.1:0");
    char bound[RL_ADDRESS_MAX];
    snprintf(bound, sizeof(bound), "%s", listener.bound);
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)port_of(&listener)),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(client, (const struct sockaddr *)&address, sizeof(address)), 0);
    const int server = accept4(listener.fd, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(server, 0);
    close(server);
    close(client);
    rl_listener_close(&listener);
    struct rl_listener again = opened(bound);
    ck_assert_str_eq(again.bound, bound);
    rl_listener_close(&again);
}
END_TEST

START_TEST(every_interface)
{
    struct rl_listener listener = opened(":0");
    ck_assert_int_eq(try_connect(AF_INET, port_of(&listener)), 0);
    if (has_ipv6())
        ck_assert_int_eq(try_connect(AF_INET6, port_of(&listener)), 0);
    rl_listener_close(&listener);
}
END_TEST

START_TEST(ipv6_alone)
{
    if (!has_ipv6())
        return;
    struct rl_listener listener = opened("[::1]:0");
    ck_assert_int_eq(strncmp(listener.bound, "[::1]:", 6), 0);
    ck_assert_int_eq(try_connect(AF_INET6, port_of(&listener)), 0);
    ck_assert_int_eq(try_connect(AF_INET, port_of(&listener)), ECONNREFUSED);
    rl_listener_close(&listener);
    struct rl_listener any = opened("[::]:0");
    ck_assert_int_eq(try_connect(AF_INET, port_of(&any)), ECONNREFUSED);
    rl_listener_close(&any);
}
END_TEST

START_TEST(addresses_of_others)
{
    expect_failure("192.0.2.1:0", RL_SYSTEM, "Cannot assign requested address");
    expect_failure("no-such-host.invalid:80", RL_SYSTEM, "cannot find no-such-host.invalid");
}
END_TEST

/* ---- Unix sockets --------------------------------------------------------------------------- */

static const char *unix_text(const char *name)
{
    static char text[200];
    snprintf(text, sizeof(text), "unix:%s", scratch_path(name));
    return text;
}

static mode_t mode_of(const char *path)
{
    struct stat file;
    ck_assert_int_eq(lstat(path, &file), 0);
    return file.st_mode & 0777;
}

START_LOOP_TEST(unix_sockets_have_their_mode, 6)
{
    static const mode_t modes[] = {0600, 0660, 0666};
    struct rl_listener listener;
    struct rl_error error;
    umask(_i % 2 ? 077 : 0);
    const enum rl_socket_mode mode = (enum rl_socket_mode)(_i / 2);
    const char *const text = unix_text("mode");
    ck_assert_int_eq(rl_listener_open(text, "listen", mode, &listener, &error), RL_OK);
    ck_assert_str_eq(listener.bound, text);
    ck_assert(listener.is_unix);
    ck_assert_uint_eq(mode_of(text + 5), modes[mode]);
    rl_listener_close(&listener);
    ck_assert_int_eq(access(text + 5, F_OK), -1);
    rl_listener_close(&listener);
}
END_TEST

START_TEST(a_unix_socket_in_use_is_an_error)
{
    struct rl_listener listener = opened(unix_text("used"));
    expect_failure(unix_text("used"), RL_SYSTEM, "in use");
    ck_assert_int_eq(access(scratch_path("used"), F_OK), 0);
    rl_listener_close(&listener);
}
END_TEST

/* What a daemon that was killed leaves behind. */
START_TEST(a_stale_unix_socket_is_replaced)
{
    const struct rl_listener killed = opened(unix_text("stale"));
    close(killed.fd);
    struct rl_listener listener = opened(unix_text("stale"));
    rl_listener_close(&listener);
    ck_assert_int_eq(access(scratch_path("stale"), F_OK), -1);
}
END_TEST

/* Somebody removed our file and another daemon took the path: its file is not ours to remove. */
START_TEST(a_successors_file_is_not_removed)
{
    struct rl_listener first = opened(unix_text("path"));
    ck_assert_int_eq(unlink(scratch_path("path")), 0);
    struct rl_listener second = opened(unix_text("path"));
    rl_listener_close(&first);
    ck_assert_int_eq(access(scratch_path("path"), F_OK), 0);
    rl_listener_close(&second);
    ck_assert_int_eq(access(scratch_path("path"), F_OK), -1);
}
END_TEST

START_TEST(other_files_are_not_touched)
{
    const char *const file = scratch_text("file", "precious");
    const char *const link = scratch_path("link");
    expect_failure(unix_text("file"), RL_SYSTEM, "File exists");
    ck_assert_int_eq(access(file, F_OK), 0);
    ck_assert_int_eq(symlink("file", link), 0);
    expect_failure(unix_text("link"), RL_SYSTEM, "File exists");
    ck_assert_int_eq(access(file, F_OK), 0);
    expect_failure("unix:/nonexistent/socket", RL_SYSTEM, "No such file");
}
END_TEST

START_TEST(abstract_sockets)
{
    char text[64];
    snprintf(text, sizeof(text), "unix:@rl-address-%d", getpid());
    struct rl_listener listener = opened(text);
    ck_assert_str_eq(listener.bound, text);
    ck_assert_str_eq(listener.path, "");
    expect_failure(text, RL_SYSTEM, "in use");
    rl_listener_close(&listener);
    struct rl_listener again = opened(text);
    rl_listener_close(&again);
}
END_TEST

START_TEST(adopted_sockets_keep_their_file)
{
    struct rl_listener listener = opened(unix_text("adopted")), adopted;
    struct rl_error error;
    ck_assert_int_eq(rl_listener_adopt(dup(listener.fd), &adopted, &error), RL_OK);
    ck_assert_str_eq(adopted.bound, listener.bound);
    ck_assert(adopted.is_unix);
    rl_listener_close(&adopted);
    ck_assert_int_eq(access(scratch_path("adopted"), F_OK), 0);
    rl_listener_close(&listener);
    ck_assert_int_eq(rl_listener_adopt(-1, &adopted, &error), RL_SYSTEM);
}
END_TEST

void test_before_all(void)
{
    scratch_create();
}
