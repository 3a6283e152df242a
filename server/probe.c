/*
 * probe.c: a client for one request.
 */
#include "server/probe.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/configure.h"
#include "server/net/address.h"

enum { TIMEOUT_SECONDS = 5, URL_MAX = 512 };

/* A parsed URL. */
struct target {
    char text[URL_MAX];
    char *host, *port;     /* in `text`; NULL for a unix socket */
    struct sockaddr_un un; /* set if is_unix */
    socklen_t un_size;
    bool is_unix, tls;
    const char *path; /* of the request */
};

/* A connection; tls is NULL without TLS. */
struct channel {
    int fd;
    gnutls_session_t tls;
    gnutls_certificate_credentials_t credentials;
};

static enum rl_status refuse(const char *url, struct rl_error *error)
{
    return rl_fail(error, RL_CONFIG, "",
                   "--probe: \"%s\" is neither http[s]://HOST:PORT[/path] nor unix:/path", url);
}

/* "host:port" or "[v6]:port"; without a host, localhost. */
static bool split_authority(char *authority, struct target *target)
{
    char *const colon = strrchr(authority, ':');
    if (!colon || colon[1] == '\0')
        return false;
    *colon = '\0';
    target->port = colon + 1;
    target->host = authority[0] != '\0' ? authority : "localhost";
    const size_t length = strlen(authority);
    if (length > 2 && authority[0] == '[' && authority[length - 1] == ']') {
        authority[length - 1] = '\0';
        target->host = authority + 1;
    }
    return true;
}

static enum rl_status parse(const char *url, struct target *target, struct rl_error *error)
{
    static const char plain[] = "http://", secure[] = "https://";
    target->path = "/readyz";
    if (strlen(url) >= sizeof(target->text))
        return refuse("(longer than 511 bytes)", error);
    memcpy(target->text, url, strlen(url) + 1);
    const char *const unix_path = rl_address_unix_path(url);
    target->is_unix = unix_path && rl_address_unix(unix_path, &target->un, &target->un_size);
    if (unix_path)
        return target->is_unix ? RL_OK : refuse(url, error);
    char *authority = target->text;
    if (strncmp(url, plain, sizeof(plain) - 1) == 0) {
        authority += sizeof(plain) - 1;
    } else if (strncmp(url, secure, sizeof(secure) - 1) == 0) {
        authority += sizeof(secure) - 1;
        target->tls = true;
    } else if (strstr(url, "://")) {
        return refuse(url, error);
    }
    char *const slash = strchr(authority, '/');
    if (slash) {
        target->path = slash[1] != '\0' ? url + (slash - target->text) : target->path;
        *slash = '\0';
    }
    return split_authority(authority, target) ? RL_OK : refuse(url, error);
}

/* A connected socket, or -1 with errno. */
static int connect_one(const struct sockaddr *address, socklen_t size)
{
    const struct timeval timeout = {.tv_sec = TIMEOUT_SECONDS};
    const int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    if (connect(fd, address, size) == 0)
        return fd;
    const int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

static int connect_tcp(const struct target *target)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    int fd = -1;
    if (getaddrinfo(target->host, target->port, &hints, &found) != 0) {
        errno = EHOSTUNREACH;
        return -1;
    }
    for (const struct addrinfo *at = found; at && fd < 0; at = at->ai_next)
        fd = connect_one(at->ai_addr, at->ai_addrlen);
    freeaddrinfo(found);
    return fd;
}

/*
 * A handshake that verifies nothing: the probe only asks whether a daemon answers at this address,
 * and sends no secret.
 */
static int secure(struct channel *channel)
{
    int code = gnutls_certificate_allocate_credentials(&channel->credentials);
    if (code == 0)
        code = gnutls_init(&channel->tls, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
    if (code == 0)
        code = gnutls_set_default_priority(channel->tls);
    if (code == 0)
        code = gnutls_credentials_set(channel->tls, GNUTLS_CRD_CERTIFICATE, channel->credentials);
    if (code != 0)
        return code;
    gnutls_transport_set_int(channel->tls, channel->fd);
    gnutls_handshake_set_timeout(channel->tls, TIMEOUT_SECONDS * 1000);
    do
        code = gnutls_handshake(channel->tls);
    while (code < 0 && gnutls_error_is_fatal(code) == 0);
    return code;
}

static void hang_up(struct channel *channel)
{
    if (channel->tls)
        gnutls_deinit(channel->tls);
    if (channel->credentials)
        gnutls_certificate_free_credentials(channel->credentials);
    close(channel->fd);
}

static ssize_t put(const struct channel *channel, const char *text, size_t length)
{
    return channel->tls ? gnutls_record_send(channel->tls, text, length)
                        : send(channel->fd, text, length, MSG_NOSIGNAL);
}

static ssize_t get(const struct channel *channel, char *text, size_t room)
{
    return channel->tls ? gnutls_record_recv(channel->tls, text, room)
                        : recv(channel->fd, text, room, 0);
}

/* Sends the request and returns the status code of the answer, or 0 without one. */
static int ask(const struct channel *channel, const char *path)
{
    const uint64_t patience = (uint64_t)TIMEOUT_SECONDS * 1000000000u;
    const uint64_t deadline = rl_clock_now() + patience;
    char text[URL_MAX + 128];
    int code = 0;
    const int length =
        snprintf(text, sizeof(text),
                 "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    if (put(channel, text, (size_t)length) != length)
        return 0;
    size_t got = 0;
    while (got < sizeof("HTTP/1.1 200")) {
        const ssize_t more = get(channel, text + got, sizeof(text) - 1 - got);
        /* GnuTLS returns "again" for a session ticket and for a timeout. */
        if (channel->tls && more == GNUTLS_E_AGAIN && rl_clock_now() < deadline)
            continue;
        if (more <= 0)
            return 0;
        got += (size_t)more;
    }
    text[got] = '\0';
    return sscanf(text, "HTTP/1.%*1d %3d", &code) == 1 ? code : 0;
}

/* The status code of the answer over this channel; without one, prints why and returns 0. */
static int ask_over(struct channel *channel, const struct target *target, const char *url)
{
    const struct timeval timeout = {.tv_sec = TIMEOUT_SECONDS};
    setsockopt(channel->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    const int problem = target->tls ? secure(channel) : 0;
    const int code = problem == 0 ? ask(channel, target->path) : 0;
    if (problem != 0)
        fprintf(stderr, "ranklossd: --probe: %s: TLS: %s\n", url, gnutls_strerror(problem));
    else if (code == 0)
        fprintf(stderr, "ranklossd: --probe: %s did not answer\n", url);
    return code;
}

static int ask_target(const struct target *target, const char *url)
{
    struct channel channel = {
        .fd = target->is_unix ? connect_one((const struct sockaddr *)&target->un, target->un_size)
                              : connect_tcp(target)};
    if (channel.fd < 0) {
        fprintf(stderr, "ranklossd: --probe: %s: %s\n", url, strerrordesc_np(errno));
        return EXIT_FAILURE;
    }
    const int code = ask_over(&channel, target, url);
    hang_up(&channel);
    if (code != 0)
        printf("%s%s: %d\n", url, code == 200 ? " is ready" : " is not ready", code);
    return code == 200 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int probe(const char *url, bool tls)
{
    struct target target = {.tls = tls};
    struct rl_error error;
    if (parse(url, &target, &error) != RL_OK) {
        fprintf(stderr, "ranklossd: %s\n", error.detail);
        return EXIT_FAILURE;
    }
    return ask_target(&target, url);
}

int rl_probe(const struct rl_sources *sources, const char *url)
{
    if (url)
        return probe(url, false);
    struct rl_settings *settings;
    struct rl_error error;
    if (rl_configure(sources, &settings, &error) != RL_OK) {
        fprintf(stderr, "ranklossd: %s\n", error.detail);
        return EXIT_FAILURE;
    }
    const bool separate = settings->admin_listen[0] != '\0';
    const int result = separate ? probe(settings->admin_listen, false)
                                : probe(settings->listen, settings->tls_cert[0] != '\0');
    rl_settings_free(settings);
    return result;
}
