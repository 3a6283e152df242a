/*
 * test_notify.c: what a service manager hears, and the sockets it passes.
 */
#include "server/net/notify.h"

#include "tests/unit/scratchfile.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/lib/unittest.h"

enum { MESSAGE_MAX = 512 };

/* A manager's socket; `name` "" is an abstract one. Sets NOTIFY_SOCKET. */
static int manager(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char shown[sizeof(address.sun_path)];
    if (*name)
        snprintf(shown, sizeof(shown), "%.100s", scratch_path(name));
    else
        snprintf(shown, sizeof(shown), "@rl-notify-%d", getpid());
    const size_t length = strlen(shown);
    memcpy(address.sun_path, shown, length);
    if (shown[0] == '@')
        address.sun_path[0] = '\0';
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, size), 0);
    setenv("NOTIFY_SOCKET", shown, 1);
    return fd;
}

static void begin(void)
{
    struct rl_error error;
    ck_assert_msg(rl_notify_init(&error) == RL_OK, "%s", error.detail);
}

/* The next message, "" when there is none. */
static const char *heard(int fd)
{
    static char message[MESSAGE_MAX];
    const ssize_t length = recv(fd, message, sizeof(message) - 1, 0);
    message[length > 0 ? length : 0] = '\0';
    return message;
}

START_LOOP_TEST(messages, 2)
{
    unsigned long long usec;
    const int fd = manager(_i ? "" : "notify");
    begin();
    ck_assert_ptr_null(getenv("NOTIFY_SOCKET"));
    rl_notify_ready();
    ck_assert_str_eq(heard(fd), "READY=1");
    rl_notify_watchdog();
    ck_assert_str_eq(heard(fd), "WATCHDOG=1");
    rl_notify_stopping();
    ck_assert_str_eq(heard(fd), "STOPPING=1");
    rl_notify_extend(2500);
    ck_assert_str_eq(heard(fd), "EXTEND_TIMEOUT_USEC=2500000");
    rl_notify_reloading();
    ck_assert_int_eq(sscanf(heard(fd), "RELOADING=1\nMONOTONIC_USEC=%llu", &usec), 1);
    ck_assert_uint_gt(usec, 0);
    rl_notify_release();
    rl_notify_ready();
    ck_assert_str_eq(heard(fd), "");
    close(fd);
}
END_TEST

START_TEST(without_a_manager_nothing_happens)
{
    unsetenv("NOTIFY_SOCKET");
    setenv("WATCHDOG_USEC", "1000000", 1);
    begin();
    rl_notify_ready();
    ck_assert_uint_eq(rl_notify_watchdog_interval(), 0);
    rl_notify_release();
}
END_TEST

/* A manager that does not read must not block the daemon. */
START_TEST(a_deaf_manager_is_not_waited_for)
{
    const int fd = manager("deaf");
    begin();
    for (int i = 0; i < 10000; i++)
        rl_notify_watchdog();
    close(fd);
    rl_notify_watchdog();
    rl_notify_release();
}
END_TEST

START_TEST(bad_sockets)
{
    static const char *const names[] = {"relative", "/", "@", "/nonexistent/notify"};
    char longest[200];
    struct rl_error error;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        ck_assert_int_ne(rl_notify_init(&error), RL_OK);
        ck_assert_int_eq(strncmp(error.detail, "NOTIFY_SOCKET: ", 15), 0);
    }
    memset(longest, '/', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    setenv("NOTIFY_SOCKET", longest, 1);
    ck_assert_int_eq(rl_notify_init(&error), RL_CONFIG);
    rl_notify_ready();
}
END_TEST

START_LOOP_TEST(the_watchdog, 8)
{
    static const struct {
        const char *usec, *pid; /* pid NULL: unset; "own": this process */
        uint64_t interval;
    } cases[] = {
        {"30000000", NULL, 15000},
        {"30000000", "own", 15000},
        {"30000000", "1", 0},
        {NULL, NULL, 0},
        {"x", NULL, 0},
        {"-5", NULL, 0},
        {"", NULL, 0},
        {"99999999999999999999", NULL, 0},
    };
    char pid[16];
    const int fd = manager("");
    if (cases[_i].usec)
        setenv("WATCHDOG_USEC", cases[_i].usec, 1);
    snprintf(pid, sizeof(pid), "%d", getpid());
    if (cases[_i].pid)
        setenv("WATCHDOG_PID", strcmp(cases[_i].pid, "own") == 0 ? pid : cases[_i].pid, 1);
    begin();
    ck_assert_uint_eq(rl_notify_watchdog_interval(), cases[_i].interval);
    ck_assert_ptr_null(getenv("WATCHDOG_USEC"));
    rl_notify_release();
    close(fd);
}
END_TEST

/* ---- Socket activation ---------------------------------------------------------------------- */

/* What a process that is started with sockets finds. */
struct outcome {
    enum rl_status status;
    struct rl_activation taken;
    struct rl_error error;
    int descriptor_flags, file_flags; /* of the main one */
    bool environment_clear;
};

/* Puts `count` sockets where a manager would, at descriptor 3 and on. Those that listen are given
 * by bits of `listening`; descriptor 3 is a file where it is bit 31. */
static void pass(int count, unsigned listening, const char *names)
{
    char text[16];
    close_range(3, ~0u, 0);
    for (int i = 0; i < count; i++) {
        const int fd =
            listening >> 31 ? open("/dev/null", O_RDONLY) : socket(AF_INET, SOCK_STREAM, 0);
        if (fd != 3 + i || (listening & 1u << i && listen(fd, 1) != 0))
            _exit(1);
    }
    snprintf(text, sizeof(text), "%d", count);
    setenv("LISTEN_FDS", text, 1);
    snprintf(text, sizeof(text), "%d", getpid());
    setenv("LISTEN_PID", text, 1);
    if (names)
        setenv("LISTEN_FDNAMES", names, 1);
}

static void look(struct outcome *outcome)
{
    outcome->taken = (struct rl_activation){77, 78};
    outcome->status = rl_notify_activation(&outcome->taken, &outcome->error);
    outcome->descriptor_flags = fcntl(outcome->taken.main, F_GETFD);
    outcome->file_flags = fcntl(outcome->taken.main, F_GETFL);
    outcome->environment_clear =
        !getenv("LISTEN_FDS") && !getenv("LISTEN_PID") && !getenv("LISTEN_FDNAMES");
}

/* In a process of its own: libcheck uses these descriptors itself. `pid` NULL: the right one. */
static struct outcome started_with(int count, unsigned listening, const char *names,
                                   const char *pid)
{
    struct outcome *const shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status;
    ck_assert_ptr_ne(shared, MAP_FAILED);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        pass(count, listening, names);
        if (pid && *pid)
            setenv("LISTEN_PID", pid, 1);
        else if (pid)
            unsetenv("LISTEN_PID");
        look(shared);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    const struct outcome outcome = *shared;
    munmap(shared, sizeof(*shared));
    ck_assert(outcome.environment_clear);
    return outcome;
}

START_LOOP_TEST(sockets_are_taken, 8)
{
    static const struct {
        int count;
        const char *names;
        int main, admin;
    } cases[] = {
        {1, NULL, 3, -1},        {1, "http", 3, -1},      {1, "admin", -1, 3},
        {2, "http:admin", 3, 4}, {2, "admin:http", 4, 3}, {2, "administrator:admin", 3, 4},
        {1, "unknown", 3, -1},   {0, NULL, -1, -1},
    };
    const struct outcome outcome = started_with(cases[_i].count, 3, cases[_i].names, NULL);
    ck_assert_msg(outcome.status == RL_OK, "%s", outcome.error.detail);
    ck_assert_int_eq(outcome.taken.main, cases[_i].main);
    ck_assert_int_eq(outcome.taken.admin, cases[_i].admin);
    if (outcome.taken.main >= 0) {
        ck_assert_int_ne(outcome.descriptor_flags & FD_CLOEXEC, 0);
        ck_assert_int_ne(outcome.file_flags & O_NONBLOCK, 0);
    }
}
END_TEST

START_LOOP_TEST(sockets_that_are_refused, 6)
{
    static const struct {
        int count;
        unsigned listening;
        const char *names;
    } cases[] = {{1, 0, NULL},        {2, 3, NULL},         {2, 3, "admin:admin"},
                 {3, 7, "a:admin:b"}, {2, 1, "http:admin"}, {1, 1u << 31, NULL}};
    const struct outcome outcome =
        started_with(cases[_i].count, cases[_i].listening, cases[_i].names, NULL);
    ck_assert_int_eq(outcome.status, RL_CONFIG);
    ck_assert_int_eq(strncmp(outcome.error.detail, "LISTEN_FDS: ", 12), 0);
    ck_assert_int_eq(outcome.taken.main, 77);
}
END_TEST

/* Variables meant for another process, such as our parent. */
START_LOOP_TEST(sockets_of_others_are_left, 2)
{
    const struct outcome outcome = started_with(1, 1, NULL, _i ? "1" : "");
    ck_assert_int_eq(outcome.status, RL_OK);
    ck_assert_int_eq(outcome.taken.main, -1);
    ck_assert_int_eq(outcome.taken.admin, -1);
}
END_TEST

void test_before_all(void)
{
    scratch_create();
}
