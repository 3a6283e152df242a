/*
 * notify.c: datagrams to the service manager, and the sockets that it passes.
 */
#include "server/net/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "server/net/address.h"

enum { FIRST_FD = 3, MESSAGE_MAX = 256 };

static struct {
    int fd; /* connected; -1: no manager */
    uint64_t watchdog_interval;
} manager = {.fd = -1};

/* ---- Notifications -------------------------------------------------------------------------- */

static void say(const char *message)
{
    if (manager.fd >= 0 && send(manager.fd, message, strlen(message), MSG_NOSIGNAL) < 0)
        return; /* the manager has its own timeouts for missing messages */
}

void rl_notify_ready(void)
{
    say("READY=1");
}

/* The manager uses the time to match this message with the READY=1 that ends the reload. */
void rl_notify_reloading(void)
{
    char message[MESSAGE_MAX];
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(message, sizeof(message), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
             (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
    say(message);
}

void rl_notify_stopping(void)
{
    say("STOPPING=1");
}

void rl_notify_watchdog(void)
{
    say("WATCHDOG=1");
}

void rl_notify_extend(uint64_t milliseconds)
{
    char message[MESSAGE_MAX];
    snprintf(message, sizeof(message), "EXTEND_TIMEOUT_USEC=%" PRIu64, milliseconds * 1000);
    say(message);
}

uint64_t rl_notify_watchdog_interval(void)
{
    return manager.watchdog_interval;
}

/* ---- Starting ------------------------------------------------------------------------------- */

/* A variable's decimal value, or 0. */
static uint64_t number_of(const char *variable)
{
    const char *const text = getenv(variable);
    char *end;
    if (!text || *text < '0' || *text > '9')
        return 0;
    errno = 0;
    const uint64_t number = strtoull(text, &end, 10);
    return errno || *end ? 0 : number;
}

/* Whether variables are for this process: the PID is absent or ours. */
static bool meant_for_us(const char *variable)
{
    return !getenv(variable) || number_of(variable) == (uint64_t)getpid();
}

static enum rl_status connect_manager(const char *name, struct rl_error *error)
{
    struct sockaddr_un address;
    socklen_t size;
    if (!rl_address_unix(name, &address, &size))
        return rl_fail(error, RL_CONFIG, "", "NOTIFY_SOCKET: '%.100s' is not a unix socket", name);
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, size) != 0) {
        const int reason = errno;
        if (fd >= 0)
            close(fd);
        return rl_fail(error, RL_SYSTEM, "", "NOTIFY_SOCKET: cannot connect to %.100s: %s", name,
                       strerror(reason));
    }
    manager.fd = fd;
    return RL_OK;
}

enum rl_status rl_notify_init(struct rl_error *error)
{
    const char *const name = getenv("NOTIFY_SOCKET");
    enum rl_status status = RL_OK;
    rl_notify_release();
    if (name && *name)
        status = connect_manager(name, error);
    if (status == RL_OK && manager.fd >= 0 && meant_for_us("WATCHDOG_PID"))
        manager.watchdog_interval = number_of("WATCHDOG_USEC") / 2000;
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return status;
}

void rl_notify_release(void)
{
    if (manager.fd >= 0)
        close(manager.fd);
    manager.fd = -1;
    manager.watchdog_interval = 0;
}

/* ---- Socket activation ---------------------------------------------------------------------- */

/* Checks for a listening stream socket and makes it close-on-exec and non-blocking. */
static enum rl_status check_socket(int fd, struct rl_error *error)
{
    int listening = 0, type = 0;
    socklen_t size = sizeof(listening), type_size = sizeof(type);
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || !listening ||
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) != 0 || type != SOCK_STREAM)
        return rl_fail(error, RL_CONFIG, "",
                       "LISTEN_FDS: descriptor %d is not a listening stream socket", fd);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return RL_OK;
}

/* Whether the index-th of "a:b:c" is `name`. */
static bool is_named(const char *names, size_t index, const char *name)
{
    for (; names && index > 0; index--) {
        names = strchr(names, ':');
        names += names != NULL;
    }
    const size_t length = strlen(name);
    return names && strncmp(names, name, length) == 0 &&
           (names[length] == '\0' || names[length] == ':');
}

static enum rl_status take_sockets(size_t count, struct rl_activation *taken,
                                   struct rl_error *error)
{
    const char *const names = getenv("LISTEN_FDNAMES");
    for (size_t i = 0; i < count; i++) {
        const int fd = FIRST_FD + (int)i;
        int *const place = is_named(names, i, "admin") ? &taken->admin : &taken->main;
        if (*place >= 0)
            return rl_fail(
                error, RL_CONFIG, "",
                "LISTEN_FDS: two sockets with the same purpose; pass one, and one named \"admin\"");
        const enum rl_status status = check_socket(fd, error);
        if (status != RL_OK)
            return status;
        *place = fd;
    }
    return RL_OK;
}

enum rl_status rl_notify_activation(struct rl_activation *ret_activation, struct rl_error *error)
{
    struct rl_activation taken = {-1, -1};
    enum rl_status status = RL_OK;
    const uint64_t count = number_of("LISTEN_FDS");
    if (count > 2 && getenv("LISTEN_PID") && meant_for_us("LISTEN_PID"))
        status = rl_fail(error, RL_CONFIG, "", "LISTEN_FDS: more than two sockets");
    else if (count && getenv("LISTEN_PID") && meant_for_us("LISTEN_PID"))
        status = take_sockets(count, &taken, error);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    if (status == RL_OK)
        *ret_activation = taken;
    return status;
}
