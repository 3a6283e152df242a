/*
 * transport.c: the callbacks of libmicrohttpd 0.9.75.
 *
 * For each request it calls on_target when the request line is in, then answer: once when the
 * headers are in, once for each piece of the body, once at its end, and once more when a suspended
 * connection is resumed; then on_completed. A reply queued in answer's first call closes the
 * connection afterwards, so only early refusals are queued there. No reply can be queued while the
 * body arrives.
 */
#include "server/request/transport.h"

#include <fcntl.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "server/http/headers.h"
#include "server/http/replyhead.h"
#include "server/net/linger.h"
#include "server/net/tls.h"
#include "server/observe/log.h"
#include "server/observe/metrics.h"
#include "server/request/intake.h"
#include "server/request/request.h"
#include "server/request/respond.h"

enum { SPARES_MAX = 32 }; /* jobs that an I/O thread keeps, with a small buffer each */

struct io {
    struct rl_transport *transport;
    struct MHD_Daemon *mhd;
    struct rl_scratch scratch;
    struct rl_job *spare; /* jobs to use again, linked by next */
    size_t spares;
};

struct rl_transport {
    struct rl_transport_options options;
    unsigned started, turn; /* I/O threads that run; the next one to get a connection */
    struct io io[];
};

/* ---- Connections ----------------------------------------------------------------------------- */

static int descriptor_of(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

static struct rl_connection *connection_of(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* Keeps the job for the next request, or frees it if enough are kept, so that memory falls after a
 * peak. */
static void put_job(struct io *io, struct rl_job *job)
{
    if (io->spares == SPARES_MAX) {
        rl_job_free(job);
        return;
    }
    job->next = io->spare;
    io->spare = job;
    io->spares++;
}

/* Ends the request of this connection, if it has one. `whole`: it was answered, and read to its
 * end. */
static void end_request(struct io *io, struct rl_connection *connection, bool whole)
{
    struct rl_job *const job = connection ? connection->request : NULL;
    if (!job)
        return;
    connection->request = NULL;
    if (!whole)
        connection->linger = true;
    rl_connection_enter(connection, RL_PHASE_IDLE);
    rl_request_end(job);
    put_job(io, job);
}

/* Closing a socket with unread input resets it, and a reset can take our last reply away from the
 * client. So a copy of the descriptor stays open for a moment after libmicrohttpd closes its own.
 */
static void let_linger(const struct rl_transport *transport, int fd, bool asked)
{
    int unread = 0;
    if (!asked && (ioctl(fd, FIONREAD, &unread) != 0 || unread == 0))
        return;
    const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy >= 0)
        rl_linger_add(transport->options.context->linger, copy);
}

static void on_connection(void *argument, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode event)
{
    struct io *const io = argument;
    const struct rl_transport *const transport = io->transport;
    const int fd = descriptor_of(mhd);
    if (event == MHD_CONNECTION_NOTIFY_STARTED) {
        *socket_context = rl_connection_open(transport->options.context->connections, fd);
        return;
    }
    struct rl_connection *const connection = *socket_context;
    end_request(io, connection, false); /* a connection may end without on_completed */
    let_linger(transport, fd, connection && connection->linger);
    rl_connection_close(connection);
    *socket_context = NULL;
}

/* ---- Replies --------------------------------------------------------------------------------- */

/* A response with the reply's body, which libmicrohttpd sends as it is and frees if it is owned. */
static struct MHD_Response *wrap(struct rl_reply *reply)
{
    struct MHD_Response *const response = MHD_create_response_from_buffer(
        reply->length, reply->data, reply->owned ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (response)
        reply->owned = false;
    return response;
}

static bool add_fields(struct MHD_Response *response, const struct rl_reply_head *head)
{
    for (size_t i = 0; i < head->count; i++)
        if (MHD_add_response_header(response, head->fields[i].name, head->fields[i].value) !=
            MHD_YES)
            return false;
    return true;
}

/* Queues the job's reply. MHD_NO when nothing can be sent: libmicrohttpd then closes. */
static enum MHD_Result respond(struct rl_job *job)
{
    struct rl_reply_head head;
    if (!rl_respond(job, &head))
        return MHD_NO;
    struct MHD_Response *const response = wrap(&job->reply);
    if (!response)
        return MHD_NO;
    enum MHD_Result result = MHD_NO;
    if (add_fields(response, &head) && rl_connection_enter(job->connection, RL_PHASE_WRITE))
        result = MHD_queue_response(job->handle, head.code, response);
    job->answered = result == MHD_YES;
    MHD_destroy_response(response);
    return result;
}

/* ---- Requests -------------------------------------------------------------------------------- */

static struct rl_job *take_job(struct io *io)
{
    struct rl_job *const job = io->spare;
    if (!job)
        return rl_job_create(io->transport->options.context, io->transport->options.scope,
                             &io->scratch);
    io->spare = job->next;
    io->spares--;
    return job;
}

/* Counts the arguments of a query. If there are too many, joins them into one: libmicrohttpd splits
 * them next, in these bytes, and keeps a record of each in the connection's memory. When that runs
 * out, it neither answers nor calls on_completed. */
static size_t take_arguments(char *target)
{
    size_t arguments = 1;
    char *const query = strchr(target, '?');
    if (!query)
        return 0;
    for (const char *c = query; *c != '\0'; c++)
        arguments += *c == '&';
    for (char *c = query; *c != '\0' && arguments > RL_ARGUMENTS_MAX; c++)
        *c = *c == '&' ? '+' : *c;
    return arguments;
}

static void *on_target(void *argument, const char *target, struct MHD_Connection *mhd)
{
    struct io *const io = argument;
    const size_t arguments = take_arguments((char *)(uintptr_t)target);
    struct rl_connection *const connection = connection_of(mhd);
    struct rl_job *const job = connection ? take_job(io) : NULL;
    if (!job)
        return NULL;
    rl_job_begin(job, mhd, connection);
    connection->request = job;
    job->line.arguments = arguments;
    job->line.target_length = strlen(target);
    job->line.target_clean = rl_headers_clean(target, job->line.target_length);
    rl_connection_enter(connection, RL_PHASE_HEADER);
    return job;
}

static void on_completed(void *argument, struct MHD_Connection *mhd, void **request_context,
                         enum MHD_RequestTerminationCode how)
{
    /* Otherwise libmicrohttpd answered by itself (bad syntax), or the body was left unread. */
    end_request(argument, connection_of(mhd), how == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    *request_context = NULL;
}

static enum MHD_Result gather_one(void *context, enum MHD_ValueKind kind, const char *name,
                                  size_t name_length, const char *value, size_t value_length)
{
    (void)kind;
    rl_headers_add(context, name, name_length, value, value_length);
    return MHD_YES;
}

/* headers.h checks distances that are known for this version only. */
static bool layout_is_known(void)
{
    return strcmp(MHD_get_version(), "0.9.75") == 0;
}

static void gather_headers(struct rl_job *job, struct MHD_Connection *mhd)
{
    rl_headers_init(&job->headers, layout_is_known() ? &job->line : NULL);
    MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, gather_one, &job->headers);
    rl_headers_end(
        &job->headers, &job->line,
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size);
}

/* The trailer fields of a chunked body, as libmicrohttpd reports them. */
static enum rl_next run(struct rl_job *job, struct MHD_Connection *mhd)
{
    struct rl_headers trailers;
    if (job->headers.transfer_encoding && job->times.received == 0) {
        rl_headers_init(&trailers, NULL);
        MHD_get_connection_values_n(mhd, MHD_FOOTER_KIND, gather_one, &trailers);
        rl_request_trailers(job, &trailers);
    }
    return rl_request_run(job);
}

static enum MHD_Result follow(struct rl_job *job, enum rl_next next)
{
    switch (next) {
    case RL_NEXT_CONTINUE:
        return MHD_YES;
    case RL_NEXT_RESPOND:
        return respond(job);
    case RL_NEXT_WAIT:
        /* Suspended first: the executor may be done with the job before rl_request_wait returns. */
        MHD_suspend_connection(job->handle);
        rl_request_wait(job);
        return MHD_YES;
    case RL_NEXT_CLOSE:
        break;
    }
    job->connection->linger = true;
    return MHD_NO;
}

static enum MHD_Result begin(struct rl_job *job, struct MHD_Connection *mhd, const char *path,
                             const char *method, const char *version)
{
    job->path = rl_route_path(path);
    job->line.method = method;
    job->line.version = version;
    job->method = rl_method_find(method);
    job->version = strcmp(version, MHD_HTTP_VERSION_1_0) == 0 ? 0 : 1;
    job->in_flight = true;
    rl_metrics_in_flight(1);
    gather_headers(job, mhd);
    const enum rl_next next = rl_request_accept(job);
    if (next == RL_NEXT_RESPOND)
        job->connection->linger = true;
    return follow(job, next);
}

/* One call from libmicrohttpd: the next step of a request. */
static enum MHD_Result answer(void *argument, struct MHD_Connection *mhd, const char *path,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **request_context)
{
    (void)argument;
    struct rl_job *const job = *request_context;
    if (!job)
        return MHD_NO; /* there was no memory for it */
    if (job->progress == RL_PROGRESS_NEW)
        return begin(job, mhd, path, method, version);
    if (*size > 0) {
        const enum rl_next next = rl_request_read(job, data, *size);
        *size = 0;
        return follow(job, next);
    }
    return follow(job, run(job, mhd));
}

void rl_transport_resume(struct rl_job *job)
{
    MHD_resume_connection(job->handle);
}

/* ---- Daemons --------------------------------------------------------------------------------- */

/* Does nothing, so that the router sees paths as they were sent. */
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
    vsnprintf(line, sizeof(line), format, list);
    line[strcspn(line, "\n")] = '\0';
    RL_LOG_LIMITED(RL_LOG_DEBUG, "libmicrohttpd", RL_FIELD_TEXT("text", line));
}

static void on_panic(void *argument, const char *file, unsigned int line, const char *reason)
{
    (void)argument;
    RL_LOG_WITH(RL_LOG_ERROR, "libmicrohttpd cannot go on", RL_FIELD_TEXT("file", file),
                RL_FIELD_INTEGER("line", line), RL_FIELD_TEXT("reason", reason));
    abort();
}

void rl_transport_init(void)
{
    MHD_set_panic_func(on_panic, NULL);
    if (!layout_is_known())
        RL_LOG_WITH(RL_LOG_WARNING,
                    "this version of libmicrohttpd is not known: bare LF, folded lines and empty "
                    "names in the header fields are not refused",
                    RL_FIELD_TEXT("version", MHD_get_version()));
}

/* libmicrohttpd's own timeout, longer than all of ours (connections.h): it only catches what they
 * miss. */
static unsigned timeout_seconds(const struct rl_settings *settings)
{
    const uint64_t times[] = {settings->idle_timeout, settings->body_timeout,
                              settings->write_timeout, settings->header_timeout};
    uint64_t most = 0;
    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++)
        most = times[i] > most ? times[i] : most;
    return (unsigned)(most / 1000 + 10);
}

static bool start_io(struct rl_transport *transport, struct io *io)
{
    const struct rl_settings *const settings = transport->options.context->settings;
    const unsigned flags = MHD_USE_EPOLL | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ITC |
                           MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
                           (transport->options.tls ? MHD_USE_TLS : 0);
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)rl_tls_priorities()},
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(uintptr_t)rl_tls_retrieve},
        {MHD_OPTION_END, 0, NULL},
    };
    if (!transport->options.tls)
        tls[0] = tls[2];
    io->transport = transport;
    rl_scratch_init(&io->scratch);
    io->mhd = MHD_start_daemon(
        flags, 0, NULL, NULL, answer, io, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, settings->max_header_bytes, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)transport->options.context->max_connections + 64, MHD_OPTION_CONNECTION_TIMEOUT,
        timeout_seconds(settings), MHD_OPTION_NOTIFY_CONNECTION, on_connection, io,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, io, MHD_OPTION_URI_LOG_CALLBACK, on_target, io,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escaped, NULL, MHD_OPTION_STRICT_FOR_CLIENT, 0,
        MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    return io->mhd != NULL;
}

static void stop_io(struct io *io)
{
    MHD_stop_daemon(io->mhd);
    while (io->spare) {
        struct rl_job *const job = io->spare;
        io->spare = job->next;
        rl_job_free(job);
    }
    rl_scratch_release(&io->scratch);
}

enum rl_status rl_transport_check_tls(struct rl_error *error)
{
    if (MHD_is_feature_supported(MHD_FEATURE_TLS) == MHD_YES &&
        MHD_is_feature_supported(MHD_FEATURE_HTTPS_CERT_CALLBACK) == MHD_YES)
        return RL_OK;
    return rl_fail(error, RL_CONFIG, "", "tls-cert: the installed libmicrohttpd cannot serve TLS");
}

enum rl_status rl_transport_start(const struct rl_transport_options *options,
                                  struct rl_transport **ret_transport, struct rl_error *error)
{
    struct rl_transport *const transport =
        calloc(1, sizeof(*transport) + options->threads * sizeof(transport->io[0]));
    if (!transport)
        return rl_fail(error, RL_NOMEM, "", "no memory for the I/O threads");
    transport->options = *options;
    while (transport->started < options->threads &&
           start_io(transport, &transport->io[transport->started]))
        transport->started++;
    if (transport->started < options->threads) {
        rl_fail(error, RL_SYSTEM, "", "cannot start I/O thread %u of %u", transport->started + 1,
                options->threads);
        rl_transport_stop(transport);
        return RL_SYSTEM;
    }
    *ret_transport = transport;
    return RL_OK;
}

void rl_transport_stop(struct rl_transport *transport)
{
    if (!transport)
        return;
    for (unsigned i = 0; i < transport->started; i++)
        stop_io(&transport->io[i]);
    free(transport);
}

bool rl_transport_add(struct rl_transport *transport, int fd, const struct sockaddr *address,
                      socklen_t length)
{
    struct io *const io = &transport->io[transport->turn];
    transport->turn = (transport->turn + 1) % transport->started;
    return MHD_add_connection(io->mhd, fd, address, length) == MHD_YES;
}
