/*
 * assembly.c: starts and stops the parts of the daemon in order.
 */
#include "server/assembly.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "server/base/clock.h"
#include "server/base/threads.h"
#include "server/formats/document/jsonmem.h"
#include "server/http/auth.h"
#include "server/http/cors.h"
#include "server/net/connections.h"
#include "server/net/linger.h"
#include "server/net/notify.h"
#include "server/net/tls.h"
#include "server/observe/log.h"
#include "server/observe/metrics.h"
#include "server/request/admit.h"
#include "server/request/executor.h"
#include "server/web/assets.h"

enum {
    OTHER_DESCRIPTORS = 64, /* other than connections: epolls, eventfds, listeners, files */
    LINGER_DESCRIPTORS = RL_LINGER_SOCKETS,
};

enum rl_status rl_assembly_init(const struct rl_settings *settings, struct rl_error *error)
{
    rl_memory_init();
    json_object_seed(0);
    rl_jsonmem_install();
    rl_transport_init();
    enum rl_status status = rl_init(getenv("RANKLOSSD_ISA"), error);
    if (status == RL_OK)
        status = rl_assets_init(error);
    if (status == RL_OK)
        status = rl_metrics_init(settings->track_names, error);
    return status;
}

/* ---- Files and lists ------------------------------------------------------------------------- */

static struct rl_tls_files files_of(const struct rl_settings *settings)
{
    return (struct rl_tls_files){
        .cert = settings->tls_cert, .key = settings->tls_key, .client_ca = settings->tls_client_ca};
}

static enum rl_status load_tls(const struct rl_settings *settings, struct rl_error *error)
{
    const struct rl_tls_files files = files_of(settings);
    if (settings->tls_cert[0] == '\0')
        return RL_OK;
    const enum rl_status status = rl_transport_check_tls(error);
    return status == RL_OK ? rl_tls_load(&files, error) : status;
}

/* Reads the tokens and origins only to validate them. */
static enum rl_status check_lists(const struct rl_settings *settings, struct rl_error *error)
{
    struct rl_auth *auth = NULL;
    struct rl_cors *cors = NULL;
    enum rl_status status = rl_auth_create(settings->auth_tokens_file, &auth, error);
    if (status == RL_OK)
        status = rl_cors_create(&settings->cors_origins, &cors, error);
    rl_auth_free(auth);
    rl_cors_free(cors);
    return status;
}

enum rl_status rl_assembly_check(const struct rl_settings *settings, struct rl_error *error)
{
    enum rl_status status = rl_address_check(settings->listen, "listen", error);
    if (status == RL_OK && settings->admin_listen[0] != '\0')
        status = rl_address_check(settings->admin_listen, "admin-listen", error);
    if (status == RL_OK)
        status = check_lists(settings, error);
    if (status == RL_OK)
        status = load_tls(settings, error);
    return status;
}

/* A reload changes certificates, but does not turn TLS on or off. */
static enum rl_status check_tls_stays(const struct rl_settings *current,
                                      const struct rl_settings *next, struct rl_error *error)
{
    if ((current->tls_cert[0] != '\0') == (next->tls_cert[0] != '\0'))
        return RL_OK;
    return rl_fail(error, RL_CONFIG, "", "tls-cert: turning TLS on or off needs a restart");
}

enum rl_status rl_assembly_reload(struct rl_assembly *assembly, const struct rl_settings *next,
                                  struct rl_error *error)
{
    const struct rl_context *const context = &assembly->context;
    enum rl_status status = check_tls_stays(context->settings, next, error);
    if (status == RL_OK)
        status = check_lists(next, error);
    if (status == RL_OK)
        status = load_tls(next, error);
    if (status == RL_OK)
        status = rl_auth_reload(context->auth, next->auth_tokens_file, error);
    if (status == RL_OK)
        status = rl_cors_reload(context->cors, &next->cors_origins, error);
    if (status == RL_OK)
        rl_log_set_level((enum rl_log_level)next->log_level);
    return status;
}

/* ---- The process ----------------------------------------------------------------------------- */

/* Raises the limit of open files to its maximum, and lowers max-connections to fit it. */
static void fit_connections(struct rl_context *context, unsigned io_threads)
{
    const size_t others = OTHER_DESCRIPTORS + LINGER_DESCRIPTORS + 4 * (size_t)io_threads;
    const size_t wanted = context->settings->max_connections;
    struct rlimit limit;
    context->max_connections = wanted;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= wanted + others)
        return;
    context->max_connections = limit.rlim_cur > others + 16 ? limit.rlim_cur - others : 16;
}

/* The kernel assigns the lowest free descriptor, so none is above this. */
static size_t descriptors_for(size_t connections)
{
    struct rlimit limit;
    const size_t others = OTHER_DESCRIPTORS + LINGER_DESCRIPTORS + 4096; /* many I/O threads */
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > connections + others)
        return connections + others;
    return limit.rlim_cur;
}

static unsigned threads_or(size_t setting, unsigned automatic)
{
    return setting > 0 ? (unsigned)setting : automatic;
}

static struct rl_limits limits_of(const struct rl_settings *settings)
{
    return (struct rl_limits){
        .max_lists = settings->max_lists,
        .max_items = settings->max_items,
        .max_depth = settings->max_depth,
        .max_top_k = settings->max_top_k,
        .max_evaluations = settings->max_evaluations,
        .max_systems = settings->max_systems,
        .max_groups = settings->max_groups,
        .max_resampled_lists = settings->max_resampled_lists,
        .max_json_memory = settings->max_json_memory,
    };
}

/* ---- The parts --------------------------------------------------------------------------- */

static enum rl_status create_registry(struct rl_context *context, struct rl_error *error)
{
    const struct rl_settings *const settings = context->settings;
    const struct rl_deadlines deadlines = {
        .limits =
            {
                [RL_PHASE_FRESH] = settings->header_timeout,
                [RL_PHASE_HEADER] = settings->header_timeout,
                [RL_PHASE_BODY] = settings->body_timeout,
                [RL_PHASE_WRITE] = settings->write_timeout,
                [RL_PHASE_IDLE] = settings->idle_timeout,
            },
        .min_upload_rate = settings->min_upload_rate,
    };
    const enum rl_status status =
        rl_connections_create(context->max_connections, descriptors_for(context->max_connections),
                              &deadlines, &context->connections, error);
    return status == RL_OK ? rl_linger_create(&context->linger, error) : status;
}

static enum rl_status create_executor(struct rl_assembly *assembly, struct rl_error *error)
{
    const struct rl_settings *const settings = assembly->context.settings;
    struct rl_context *const context = &assembly->context;
    const enum rl_status status = rl_admission_create(settings, &context->admission, error);
    if (status != RL_OK)
        return status;
    const struct rl_executor_options options = {.admission = context->admission,
                                                .pool = context->pool,
                                                .threads = assembly->threads,
                                                .resume = rl_transport_resume};
    return rl_executor_create(&options, &context->executor, error);
}

static enum rl_status start_transports(struct rl_assembly *assembly, struct rl_error *error)
{
    const struct rl_context *const context = &assembly->context;
    const struct rl_transport_options main = {
        .context = context,
        .threads = assembly->io_threads,
        .tls = context->settings->tls_cert[0] != '\0',
        .scope = context->separate_admin ? RL_SCOPE_MAIN : RL_SCOPE_ALL,
    };
    const struct rl_transport_options admin = {
        .context = context, .threads = 1, .tls = false, .scope = RL_SCOPE_ADMIN};
    enum rl_status status = rl_transport_start(&main, &assembly->transports[RL_MAIN], error);
    if (status == RL_OK && context->separate_admin)
        status = rl_transport_start(&admin, &assembly->transports[RL_ADMIN], error);
    return status;
}

/* A socket passed by the service manager replaces the setting. */
static enum rl_status open_one(int passed, const char *address, const char *setting,
                               enum rl_socket_mode mode, struct rl_listener *listener,
                               struct rl_error *error)
{
    if (passed >= 0)
        return rl_listener_adopt(passed, listener, error);
    return rl_listener_open(address, setting, mode, listener, error);
}

static enum rl_status open_listeners(struct rl_assembly *assembly,
                                     const struct rl_activation *activation, struct rl_error *error)
{
    const struct rl_settings *const settings = assembly->context.settings;
    const enum rl_socket_mode mode = (enum rl_socket_mode)settings->unix_socket_mode;
    enum rl_status status = open_one(activation->main, settings->listen, "listen", mode,
                                     &assembly->listeners[RL_MAIN], error);
    if (status == RL_OK && assembly->context.separate_admin)
        status = open_one(activation->admin, settings->admin_listen, "admin-listen", mode,
                          &assembly->listeners[RL_ADMIN], error);
    return status;
}

static bool serve(void *server, int fd, const struct sockaddr *address, socklen_t length)
{
    return rl_transport_add(server, fd, address, length);
}

static void tick(void *argument)
{
    struct rl_assembly *const assembly = argument;
    rl_executor_watch(assembly->context.executor);
    rl_memory_tend(&assembly->memory, rl_clock_coarse_ms());
}

static enum rl_status start_acceptor(struct rl_assembly *assembly, struct rl_error *error)
{
    const struct rl_context *const context = &assembly->context;
    struct rl_acceptor_options options = {.count = context->separate_admin ? 2 : 1,
                                          .connections = context->connections,
                                          .linger = context->linger,
                                          .tick = tick,
                                          .context = assembly};
    for (int i = 0; i < RL_ADDRESSES; i++)
        options.bindings[i] = (struct rl_binding){
            .listener = &assembly->listeners[i], .serve = serve, .server = assembly->transports[i]};
    options.bindings[RL_MAIN].plain = context->settings->tls_cert[0] == '\0';
    options.bindings[RL_ADMIN].plain = true;
    return rl_acceptor_start(&options, &assembly->acceptor, error);
}

static enum rl_status start_parts(struct rl_assembly *assembly, struct rl_error *error)
{
    struct rl_context *const context = &assembly->context;
    const struct rl_settings *const settings = context->settings;
    struct rl_activation activation;
    enum rl_status status = rl_notify_activation(&activation, error);
    if (status != RL_OK)
        return status;
    context->separate_admin = settings->admin_listen[0] != '\0' || activation.admin >= 0;
    fit_connections(context, assembly->io_threads);
    status = load_tls(settings, error);
    if (status == RL_OK)
        status = rl_auth_create(settings->auth_tokens_file, &context->auth, error);
    if (status == RL_OK)
        status = rl_cors_create(&settings->cors_origins, &context->cors, error);
    if (status == RL_OK)
        status = create_registry(context, error);
    if (status == RL_OK)
        status = create_executor(assembly, error);
    if (status == RL_OK)
        status = start_transports(assembly, error);
    if (status == RL_OK)
        status = open_listeners(assembly, &activation, error);
    return status == RL_OK ? start_acceptor(assembly, error) : status;
}

enum rl_status rl_assembly_start(const struct rl_settings *settings,
                                 struct rl_assembly *ret_assembly, struct rl_error *error)
{
    const unsigned available = rl_threads_available();
    *ret_assembly = (struct rl_assembly){
        .context = {.settings = settings, .limits = limits_of(settings)},
        .listeners = {{.fd = -1}, {.fd = -1}},
        .threads = (int)threads_or(settings->threads, available),
        .io_threads = threads_or(settings->io_threads, available),
    };
    rl_pool_init(&ret_assembly->pool, settings->max_total_memory);
    ret_assembly->context.pool = &ret_assembly->pool;
    const enum rl_status status = start_parts(ret_assembly, error);
    if (status != RL_OK) {
        rl_assembly_stop(ret_assembly);
        return status;
    }
    rl_metrics_set_threads((size_t)ret_assembly->threads, ret_assembly->io_threads);
    rl_metrics_set_limits(settings->queue_capacity, settings->queue_bytes,
                          ret_assembly->context.max_connections);
    return RL_OK;
}

void rl_assembly_stop(struct rl_assembly *assembly)
{
    struct rl_context *const context = &assembly->context;
    rl_acceptor_stop(assembly->acceptor);
    for (int i = 0; i < RL_ADDRESSES; i++)
        rl_listener_close(&assembly->listeners[i]);
    rl_executor_free(context->executor);
    for (int i = 0; i < RL_ADDRESSES; i++)
        rl_transport_stop(assembly->transports[i]);
    rl_admission_free(context->admission);
    rl_linger_free(context->linger);
    rl_connections_free(context->connections);
    rl_cors_free(context->cors);
    rl_auth_free(context->auth);
    rl_tls_release();
    rl_metrics_release();
    rl_assets_release();
}
