/*
 * http.c: the callbacks of libmicrohttpd 0.9.75.
 *
 * For each request it calls on_target (the request line is in), then answer: once when the headers
 * are in, once for each piece of the body, once at its end and once more after a resumption; then
 * on_completed. A reply queued in answer's first call closes the connection afterwards, so only
 * early refusals are; queueing one while the body comes in is not possible.
 */
#include "server/request/http.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "server/net/linger.h"
#include "server/observe/log.h"
#include "server/observe/metrics.h"
#include "server/net/rawreply.h"
#include "server/request/request.h"
#include "server/request/respond.h"
#include "server/net/tls.h"

struct rl_io {
    struct rl_http *http;
    struct MHD_Daemon *mhd;
    struct rl_scratch scratch; /* the thread's own, like the spare jobs */
    struct rl_job *spare;
};

struct rl_http {
    struct rl_http_options options;
    unsigned started, turn; /* I/O threads that run; the next one to get a connection */
    struct rl_io io[];
};

enum rl_scope rl_io_scope(const struct rl_io *io)
{
    return io->http->options.scope;
}

struct rl_scratch *rl_io_scratch(struct rl_io *io)
{
    return &io->scratch;
}

bool rl_http_is_tls(const struct rl_http *http)
{
    return http->options.tls;
}

/* ---- Connections ----------------------------------------------------------------------------- */

static int descriptor_of(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

static struct rl_connection *connection_of(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* Keeps the socket open for a moment after libmicrohttpd has closed its descriptor, where a reset
 * could take our last reply away from the client. */
static void let_linger(const struct rl_http *http, int fd, bool asked)
{
    int unread = 0;
    if (!asked && (ioctl(fd, FIONREAD, &unread) != 0 || unread == 0))
        return;
    const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy >= 0)
        rl_linger_add(http->options.context->linger, copy);
}

static void on_connection(void *argument, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode event)
{
    struct rl_io *const io = argument;
    const struct rl_http *const http = io->http;
    const int fd = descriptor_of(mhd);
    if (event == MHD_CONNECTION_NOTIFY_STARTED) {
        *socket_context = rl_connection_open(http->options.context->connections, fd);
        return;
    }
    struct rl_connection *const connection = *socket_context;
    let_linger(http, fd, connection != NULL && connection->linger);
    rl_connection_close(connection);
    *socket_context = NULL;
}

/* ---- Requests -------------------------------------------------------------------------------- */

static struct rl_job *take_job(struct rl_io *io)
{
    struct rl_job *const job = io->spare;
    if (job == NULL)
        return rl_job_create(io->http->options.context, io);
    io->spare = job->next;
    return job;
}

static void *on_target(void *argument, const char *target, struct MHD_Connection *mhd)
{
    struct rl_io *const io = argument;
    struct rl_connection *const connection = connection_of(mhd);
    struct rl_job *const job = connection != NULL ? take_job(io) : NULL;
    if (job == NULL)
        return NULL;
    rl_job_begin(job, mhd, connection);
    job->line.target_length = strlen(target);
    job->line.target_clean = rl_headers_clean(target, job->line.target_length);
    rl_connection_enter(connection, RL_PHASE_HEADER);
    return job;
}

static void on_completed(void *argument, struct MHD_Connection *mhd, void **request_context,
                         enum MHD_RequestTerminationCode how)
{
    (void)mhd;
    struct rl_io *const io = argument;
    struct rl_job *const job = *request_context;
    if (job == NULL)
        return;
    /* libmicrohttpd answered by itself (bad syntax) or the body was left unread. */
    if (how != MHD_REQUEST_TERMINATED_COMPLETED_OK)
        job->connection->linger = true;
    rl_connection_enter(job->connection, RL_PHASE_IDLE);
    rl_job_end(job);
    job->next = io->spare;
    io->spare = job;
    *request_context = NULL;
}

static enum MHD_Result follow(struct rl_job *job, enum rl_next next)
{
    switch (next) {
    case RL_NEXT_RESPOND:
        return rl_respond(job);
    case RL_NEXT_CLOSE:
        job->connection->linger = true;
        return MHD_NO;
    default:
        return MHD_YES;
    }
}

static enum MHD_Result begin(struct rl_job *job, const char *path, const char *method,
                             const char *version)
{
    job->path = rl_route_path(path);
    job->line.method = method;
    job->line.version = version;
    job->method = rl_method_find(method);
    job->version = strcmp(version, MHD_HTTP_VERSION_1_0) == 0 ? 0 : 1;
    job->in_flight = true;
    rl_metrics_in_flight(1);
    const enum rl_next next = rl_request_accept(job);
    if (next == RL_NEXT_RESPOND)
        job->connection->linger = true;
    return follow(job, next);
}

/* The executor cannot be kept from writing to the job, so this goes past all of it. */
static enum MHD_Result abandon(const struct rl_job *job, void **request_context)
{
    struct rl_connection *const connection = job->connection;
    if (connection->plain)
        rl_rawreply_send(connection->fd, RL_DRAINING, connection->request_id,
                         connection->allow_origin);
    connection->linger = true;
    *request_context = NULL;
    return MHD_NO;
}

/* One call from libmicrohttpd: the next step of a request. */
static enum MHD_Result answer(void *argument, struct MHD_Connection *mhd, const char *path,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **request_context)
{
    (void)argument;
    (void)mhd;
    struct rl_job *const job = *request_context;
    if (job == NULL)
        return MHD_NO; /* there was no memory for it */
    if (job->abandoned)
        return abandon(job, request_context);
    if (job->progress == RL_PROGRESS_NEW)
        return begin(job, path, method, version);
    if (*size > 0) {
        const enum rl_next next = rl_request_read(job, data, *size);
        *size = 0;
        return follow(job, next);
    }
    return follow(job, rl_request_run(job));
}

/* ---- Daemons --------------------------------------------------------------------------------- */

/* Ours does nothing: an escaped path is not decoded behind the router's back. */
static size_t keep_escaped(void *argument, struct MHD_Connection *mhd, char *text)
{
    (void)argument;
    (void)mhd;
    return strlen(text);
}

static void on_log(void *argument, const char *format, va_list list)
{
    (void)argument;
    char line[256];
    if (!rl_log_enabled(RL_LOG_DEBUG))
        return;
    vsnprintf(line, sizeof line, format, list);
    line[strcspn(line, "\n")] = '\0';
    RL_LOG_LIMITED(RL_LOG_DEBUG, "libmicrohttpd", RL_FIELD_TEXT("text", line));
}

static void on_panic(void *argument, const char *file, unsigned int line, const char *reason)
{
    (void)argument;
    rl_log_with(RL_LOG_ERROR, "libmicrohttpd cannot go on", RL_FIELD_TEXT("file", file),
                RL_FIELD_INTEGER("line", line), RL_FIELD_TEXT("reason", reason));
    abort();
}

void rl_http_init(void)
{
    MHD_set_panic_func(on_panic, NULL);
}

/* Our deadlines come first (connections.h); this one is only the net under them. */
static unsigned net_seconds(const struct rl_settings *settings)
{
    const uint64_t times[] = {settings->idle_timeout, settings->body_timeout,
                              settings->write_timeout, settings->header_timeout};
    uint64_t most = 0;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        most = times[i] > most ? times[i] : most;
    return (unsigned)(most / 1000 + 10);
}

static bool start_io(struct rl_http *http, struct rl_io *io)
{
    const struct rl_settings *const settings = http->options.context->settings;
    const unsigned flags = MHD_USE_EPOLL | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ITC |
                           MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
                           (http->options.tls ? MHD_USE_TLS : 0);
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)rl_tls_priorities()},
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(uintptr_t)rl_tls_retrieve},
        {MHD_OPTION_END, 0, NULL},
    };
    if (!http->options.tls)
        tls[0] = tls[2];
    io->http = http;
    rl_scratch_init(&io->scratch);
    io->mhd = MHD_start_daemon(
        flags, 0, NULL, NULL, answer, io, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, settings->max_header_bytes, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)http->options.context->max_connections + 64, MHD_OPTION_CONNECTION_TIMEOUT,
        net_seconds(settings), MHD_OPTION_NOTIFY_CONNECTION, on_connection, io,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, io, MHD_OPTION_URI_LOG_CALLBACK, on_target, io,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escaped, NULL, MHD_OPTION_STRICT_FOR_CLIENT, 0,
        MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    return io->mhd != NULL;
}

static void stop_io(struct rl_io *io)
{
    MHD_stop_daemon(io->mhd);
    while (io->spare != NULL) {
        struct rl_job *const job = io->spare;
        io->spare = job->next;
        rl_job_free(job);
    }
    rl_scratch_release(&io->scratch);
}

enum rl_status rl_http_start(const struct rl_http_options *options, struct rl_http **ret_http,
                             struct rl_error *error)
{
    if (options->tls && MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
        return rl_fail(error, RL_SYSTEM, "", "this libmicrohttpd was built without TLS");
    struct rl_http *const http = calloc(1, sizeof *http + options->threads * sizeof http->io[0]);
    if (http == NULL)
        return rl_fail(error, RL_NOMEM, "", "no memory for the I/O threads");
    http->options = *options;
    while (http->started < options->threads && start_io(http, &http->io[http->started]))
        http->started++;
    if (http->started < options->threads) {
        rl_fail(error, RL_SYSTEM, "", "cannot start I/O thread %u of %u", http->started + 1,
                options->threads);
        rl_http_stop(http);
        return RL_SYSTEM;
    }
    *ret_http = http;
    return RL_OK;
}

void rl_http_stop(struct rl_http *http)
{
    if (http == NULL)
        return;
    for (unsigned i = 0; i < http->started; i++)
        stop_io(&http->io[i]);
    free(http);
}

bool rl_http_add(struct rl_http *http, int fd, const struct sockaddr *address, socklen_t length)
{
    struct rl_io *const io = &http->io[http->turn];
    http->turn = (http->turn + 1) % http->started;
    return MHD_add_connection(io->mhd, fd, address, length) == MHD_YES;
}
