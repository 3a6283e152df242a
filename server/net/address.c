/*
 * address.c: from "HOST:PORT" or "unix:/path" to a listening socket.
 */
#include "server/net/address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HOST_MAX = 254, PORT_DIGITS = 5 };

/* A parsed address. */
struct parts {
    const char *path;        /* of a unix socket, with its '@'; NULL for TCP */
    char host[HOST_MAX + 1]; /* "" for every interface */
    char port[PORT_DIGITS + 1];
};

/* ---- Reading -------------------------------------------------------------------------------- */

static enum rl_status bad_form(const char *text, const char *setting, struct rl_error *error)
{
    return rl_fail(error, RL_CONFIG, "",
                   "%s: '%.100s' is not HOST:PORT, [IPV6]:PORT or :PORT (ports 0 to %d), nor "
                   "unix:/path (at most %d bytes)",
                   setting, text, UINT16_MAX, RL_SOCKET_PATH_MAX - 1);
}

static bool parse_port(const char *text, char ret_port[PORT_DIGITS + 1])
{
    const size_t length = strlen(text);
    if (length == 0 || length > PORT_DIGITS || strspn(text, "0123456789") != length)
        return false;
    if (strtoul(text, NULL, 10) > UINT16_MAX)
        return false;
    memcpy(ret_port, text, length + 1);
    return true;
}

/* The host without its brackets; a host without brackets must not contain a colon. */
static bool parse_host(const char *text, size_t length, char ret_host[HOST_MAX + 1])
{
    struct in6_addr address;
    const bool brackets = length >= 2 && text[0] == '[' && text[length - 1] == ']';
    if (brackets) {
        text++;
        length -= 2;
    }
    if (length > HOST_MAX || (!brackets && memchr(text, ':', length)))
        return false;
    memcpy(ret_host, text, length);
    ret_host[length] = '\0';
    return !brackets || inet_pton(AF_INET6, ret_host, &address) == 1;
}

const char *rl_address_unix_path(const char *text)
{
    static const char prefix[] = "unix:";
    return strncmp(text, prefix, sizeof(prefix) - 1) == 0 ? text + sizeof(prefix) - 1 : NULL;
}

bool rl_address_unix(const char *path, struct sockaddr_un *ret_address, socklen_t *ret_size)
{
    const size_t length = strlen(path);
    const bool abstract = path[0] == '@';
    if ((path[0] != '/' && !abstract) || length < 2 || length >= sizeof(ret_address->sun_path))
        return false;
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret_address->sun_path, path, length);
    if (abstract)
        ret_address->sun_path[0] = '\0';
    *ret_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + !abstract);
    return true;
}

static bool parse(const char *text, struct parts *parts)
{
    *parts = (struct parts){0};
    struct sockaddr_un address;
    socklen_t size;
    parts->path = rl_address_unix_path(text);
    if (parts->path)
        return rl_address_unix(parts->path, &address, &size);
    const char *const colon = strrchr(text, ':');
    return colon && parse_port(colon + 1, parts->port) &&
           parse_host(text, (size_t)(colon - text), parts->host);
}

enum rl_status rl_address_check(const char *text, const char *setting, struct rl_error *error)
{
    struct parts parts;
    return parse(text, &parts) ? RL_OK : bad_form(text, setting, error);
}

/* ---- Sockets -------------------------------------------------------------------------------- */

static enum rl_status failed(const char *text, const char *setting, int reason,
                             struct rl_error *error)
{
    return rl_fail(error, RL_SYSTEM, "", "%s: cannot listen on %.100s: %s", setting, text,
                   strerror(reason));
}

static int stream_socket(int family)
{
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* A listening socket, or -1 with errno. SO_REUSEADDR allows a port in TIME_WAIT, not one that
 * another socket listens on. */
static int open_tcp(const struct sockaddr *address, socklen_t size, bool both_families)
{
    const int yes = 1, only_v6 = !both_families;
    const int fd = stream_socket(address->sa_family);
    if (fd < 0)
        return -1;
    const bool v6 = address->sa_family == AF_INET6;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
        (!v6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof(only_v6)) == 0) &&
        bind(fd, address, size) == 0 && listen(fd, RL_BACKLOG) == 0)
        return fd;
    const int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

/* Every interface: one socket for IPv6 and IPv4, or IPv4 alone if the kernel has no IPv6. */
static int open_any(const char *port)
{
    const in_port_t number = htons((uint16_t)strtoul(port, NULL, 10));
    const struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = number};
    const struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = number};
    const int fd = open_tcp((const struct sockaddr *)&v6, sizeof(v6), true);
    if (fd >= 0 || (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL))
        return fd;
    return open_tcp((const struct sockaddr *)&v4, sizeof(v4), false);
}

static enum rl_status open_host(const struct parts *parts, const char *text, const char *setting,
                                int *ret_fd, struct rl_error *error)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found;
    int fd;
    if (parts->host[0] == '\0') {
        fd = open_any(parts->port);
    } else {
        const int wrong = getaddrinfo(parts->host, parts->port, &hints, &found);
        if (wrong)
            return rl_fail(error, RL_SYSTEM, "", "%s: cannot find %.100s: %s", setting, parts->host,
                           gai_strerror(wrong));
        fd = open_tcp(found->ai_addr, found->ai_addrlen, false);
        const int reason = errno;
        freeaddrinfo(found);
        errno = reason;
    }
    if (fd < 0)
        return failed(text, setting, errno, error);
    *ret_fd = fd;
    return RL_OK;
}

/* ---- Unix sockets --------------------------------------------------------------------------- */

/* Removes the socket of a daemon that has exited. 0, or the errno of what prevents using the path.
 */
static int clear_stale(const char *path, const struct sockaddr_un *address, socklen_t size)
{
    struct stat kind;
    if (lstat(path, &kind) != 0)
        return errno == ENOENT ? 0 : errno;
    if (!S_ISSOCK(kind.st_mode))
        return EEXIST;
    const int probe = stream_socket(AF_UNIX);
    if (probe < 0)
        return errno;
    /* EAGAIN: a process listens and its backlog is full. */
    const int reason =
        connect(probe, (const struct sockaddr *)address, size) == 0 ? EADDRINUSE : errno;
    close(probe);
    if (reason != ECONNREFUSED)
        return reason == EACCES ? EACCES : EADDRINUSE;
    return unlink(path) == 0 || errno == ENOENT ? 0 : errno;
}

/* Binds and listens; 0 or an errno. The mode is set before the socket has a name, so that others
 * can never connect; chmod then restores what the umask removed. */
static int bind_unix(int fd, const char *path, const struct sockaddr_un *address, socklen_t size,
                     mode_t mode)
{
    const bool named = path[0] != '@';
    if (fchmod(fd, mode) != 0 || bind(fd, (const struct sockaddr *)address, size) != 0)
        return errno;
    if ((!named || chmod(path, mode) == 0) && listen(fd, RL_BACKLOG) == 0)
        return 0;
    const int reason = errno;
    if (named)
        unlink(path);
    return reason;
}

/* A listening socket, or -1 with errno. */
static int open_unix(const char *path, enum rl_socket_mode mode)
{
    static const mode_t modes[] = {0600, 0660, 0666};
    struct sockaddr_un address;
    socklen_t size;
    int reason = rl_address_unix(path, &address, &size) ? 0 : EINVAL;
    if (!reason && path[0] != '@')
        reason = clear_stale(path, &address, size);
    const int fd = reason ? -1 : stream_socket(AF_UNIX);
    if (fd >= 0)
        reason = bind_unix(fd, path, &address, size, modes[mode]);
    else if (!reason)
        reason = errno;
    if (!reason)
        return fd;
    if (fd >= 0)
        close(fd);
    errno = reason;
    return -1;
}

/* Records which file the socket has, so that closing removes no other. */
static void remember_file(const char *path, struct rl_listener *listener)
{
    struct stat file;
    if (path[0] == '@' || lstat(path, &file) != 0)
        return;
    snprintf(listener->path, sizeof(listener->path), "%s", path);
    listener->device = file.st_dev;
    listener->inode = file.st_ino;
}

/* ---- Listeners ------------------------------------------------------------------------------ */

static void describe_unix(const struct sockaddr_un *address, socklen_t size, char *text)
{
    const size_t length = size - offsetof(struct sockaddr_un, sun_path);
    const bool abstract = size > offsetof(struct sockaddr_un, sun_path) && !address->sun_path[0];
    if (abstract)
        snprintf(text, RL_ADDRESS_MAX, "unix:@%.*s", (int)length - 1, address->sun_path + 1);
    else
        snprintf(text, RL_ADDRESS_MAX, "unix:%.*s", (int)length, address->sun_path);
}

/* The address a socket is bound to, in the form of the setting. */
static bool describe(int fd, struct rl_listener *listener)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un path;
    } bound = {.path = {0}};
    socklen_t size = sizeof(bound);
    char host[INET6_ADDRSTRLEN] = "";
    if (getsockname(fd, &bound.any, &size) != 0)
        return false;
    if (bound.any.sa_family == AF_UNIX) {
        listener->is_unix = true;
        describe_unix(&bound.path, size, listener->bound);
    } else if (bound.any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &bound.v6.sin6_addr, host, sizeof(host));
        snprintf(listener->bound, RL_ADDRESS_MAX, "[%s]:%u", host, ntohs(bound.v6.sin6_port));
    } else {
        inet_ntop(AF_INET, &bound.v4.sin_addr, host, sizeof(host));
        snprintf(listener->bound, RL_ADDRESS_MAX, "%s:%u", host, ntohs(bound.v4.sin_port));
    }
    return true;
}

enum rl_status rl_listener_open(const char *text, const char *setting, enum rl_socket_mode mode,
                                struct rl_listener *ret_listener, struct rl_error *error)
{
    struct parts parts;
    struct rl_listener listener = {.fd = -1};
    if (!parse(text, &parts))
        return bad_form(text, setting, error);
    if (parts.path) {
        listener.fd = open_unix(parts.path, mode);
        if (listener.fd < 0)
            return failed(text, setting, errno, error);
        remember_file(parts.path, &listener);
    } else {
        const enum rl_status status = open_host(&parts, text, setting, &listener.fd, error);
        if (status != RL_OK)
            return status;
    }
    describe(listener.fd, &listener);
    *ret_listener = listener;
    return RL_OK;
}

enum rl_status rl_listener_adopt(int fd, struct rl_listener *ret_listener, struct rl_error *error)
{
    struct rl_listener listener = {.fd = fd, .is_passed = true};
    if (!describe(fd, &listener))
        return rl_fail(error, RL_SYSTEM, "", "LISTEN_FDS: descriptor %d: %s", fd, strerror(errno));
    *ret_listener = listener;
    return RL_OK;
}

/* Removes the file first: while the socket is open its inode number cannot be reused, so a file
 * with this number is ours. */
void rl_listener_close(struct rl_listener *listener)
{
    struct stat file;
    if (listener->path[0] && lstat(listener->path, &file) == 0 && file.st_dev == listener->device &&
        file.st_ino == listener->inode)
        unlink(listener->path);
    listener->path[0] = '\0';
    if (listener->fd >= 0)
        close(listener->fd);
    listener->fd = -1;
}
