/*
 * lifecycle.c: signals, and the stages of the process.
 */
#include "server/lifecycle.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/assembly.h"
#include "server/base/clock.h"
#include "server/capacity.h"
#include "server/configure.h"
#include "server/net/connections.h"
#include "server/net/notify.h"
#include "server/observe/log.h"
#include "server/observe/metrics.h"
#include "server/request/executor.h"

enum {
    WAIT_STEP_MS = 10,        /* between two checks of what is in flight */
    ENDING_MS = 1000,         /* for the last replies to be sent */
    HEARTBEAT_MAX_MS = 5000,  /* an acceptor without a heartbeat for longer is hung */
    FOREVER_MS = 3600 * 1000, /* sigtimedwait needs a timeout */
};

struct daemon {
    const struct rl_sources *sources;
    struct rl_settings *settings; /* as they were at start */
    struct rl_settings *current;  /* after the last reload; may be the same */
    struct rl_assembly assembly;
    sigset_t signals;
    uint64_t watchdog_ms; /* 0: none */
};

/* Prints the error on one line, even if it quotes a value with line breaks. */
static int complain(struct rl_error *error)
{
    for (char *at = error->detail; *at != '\0'; at++)
        if (iscntrl((unsigned char)*at))
            *at = '?';
    fprintf(stderr, "ranklossd: %s\n", error->detail);
    return EXIT_FAILURE;
}

/* ---- Signals ----------------------------------------------------------------------------- */

/* Blocks signals in every thread; the main thread waits for them. */
static void block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a log file at its size limit loses lines; the daemon goes on */
}

/* The next signal within `timeout_ms`, or 0. */
static int await_signal(const struct daemon *daemon, uint64_t timeout_ms)
{
    const struct timespec timeout = {.tv_sec = (time_t)(timeout_ms / 1000),
                                     .tv_nsec = (long)(timeout_ms % 1000) * 1000000};
    const int signal_number = sigtimedwait(&daemon->signals, NULL, &timeout);
    return signal_number > 0 ? signal_number : 0;
}

/* Tells the service manager that the daemon is alive, if the acceptor is. */
static void feed_watchdog(const struct daemon *daemon)
{
    const uint64_t heartbeat = rl_acceptor_heartbeat(daemon->assembly.acceptor);
    if (daemon->watchdog_ms > 0 && rl_clock_coarse_ms() < heartbeat + HEARTBEAT_MAX_MS)
        rl_notify_watchdog();
}

/* ---- Reload ------------------------------------------------------------------------------ */

static void tell_ignored(void *context, const struct rl_setting *setting)
{
    (void)context;
    RL_LOG_WITH(RL_LOG_WARNING, "a changed setting needs a restart",
                RL_FIELD_TEXT("setting", setting->name));
}

static enum rl_status load_next(struct daemon *daemon, struct rl_settings **ret_next,
                                struct rl_error *error)
{
    struct rl_settings *next = NULL;
    enum rl_status status = rl_configure(daemon->sources, &next, error);
    if (status == RL_OK)
        status = rl_settings_keep_fixed(next, daemon->current, tell_ignored, NULL, error);
    if (status == RL_OK)
        status = rl_assembly_reload(&daemon->assembly, next, error);
    if (status == RL_OK)
        *ret_next = next;
    else
        rl_settings_free(next);
    return status;
}

static void reload(struct daemon *daemon)
{
    struct rl_settings *next;
    struct rl_error error;
    rl_notify_reloading();
    const enum rl_status status = load_next(daemon, &next, &error);
    rl_metrics_reload(status == RL_OK);
    if (status == RL_OK) {
        if (daemon->current != daemon->settings)
            rl_settings_free(daemon->current);
        daemon->current = next;
        rl_log(RL_LOG_INFO, "settings reloaded");
    } else {
        RL_LOG_WITH(RL_LOG_ERROR, "settings not reloaded, keeping the old ones",
                    RL_FIELD_TEXT("reason", error.detail));
    }
    rl_notify_ready();
}

/* ---- Stages ------------------------------------------------------------------------------ */

static void enter(struct daemon *daemon, enum rl_stage stage)
{
    atomic_store_explicit(&daemon->assembly.context.stage, (int)stage, memory_order_relaxed);
    if (stage == RL_STAGE_DRAINING)
        rl_acceptor_reap(daemon->assembly.acceptor, RL_REAP_IDLE);
    else if (stage == RL_STAGE_ENDING)
        rl_acceptor_reap(daemon->assembly.acceptor, RL_REAP_ALL);
    rl_metrics_set_ready(stage == RL_STAGE_READY);
}

/* The memory that clients can make the daemon take, in bytes. */
static size_t most_memory(const struct rl_assembly *assembly)
{
    const struct rl_context *const context = &assembly->context;
    return rl_capacity_memory(context->settings, (size_t)assembly->threads,
                              assembly->io_threads + (context->separate_admin ? 1u : 0u),
                              context->max_connections);
}

static void announce(const struct daemon *daemon, const char *version)
{
    const struct rl_assembly *const assembly = &daemon->assembly;
    const struct rl_listener *const listener = &assembly->listeners[RL_MAIN];
    const bool tls = daemon->settings->tls_cert[0] != '\0';
    const char *const scheme = listener->is_unix ? "" : tls ? "https://" : "http://";
    char url[RL_ADDRESS_MAX + 16];
    snprintf(url, sizeof(url), "%s%s", scheme, listener->bound);
    RL_LOG_WITH(RL_LOG_INFO, "ranklossd listening", RL_FIELD_TEXT("url", url),
                RL_FIELD_TEXT("version", version), RL_FIELD_TEXT("isa", rl_isa_name()),
                RL_FIELD_INTEGER("threads", assembly->threads),
                RL_FIELD_INTEGER("io_threads", assembly->io_threads),
                RL_FIELD_INTEGER("most_memory", most_memory(assembly)));
    if (assembly->context.max_connections < daemon->settings->max_connections)
        RL_LOG_WITH(RL_LOG_WARNING, "max-connections lowered to fit the limit of open files",
                    RL_FIELD_INTEGER("max_connections", assembly->context.max_connections));
    if (assembly->context.separate_admin)
        RL_LOG_WITH(RL_LOG_INFO, "admin listening",
                    RL_FIELD_TEXT("address", assembly->listeners[RL_ADMIN].bound));
}

static void serve_until_told(struct daemon *daemon)
{
    for (;;) {
        const uint64_t timeout = daemon->watchdog_ms > 0 ? daemon->watchdog_ms : FOREVER_MS;
        const int signal_number = await_signal(daemon, timeout);
        if (signal_number == SIGHUP)
            reload(daemon);
        else if (signal_number != 0)
            return;
        feed_watchdog(daemon);
    }
}

static bool nobody_left(const struct daemon *daemon)
{
    const struct rl_context *const context = &daemon->assembly.context;
    return rl_connections_count(context->connections) == 0 &&
           rl_executor_busy(context->executor) == 0;
}

/* Waits until done(daemon), for `timeout_ms` at most; false when a second signal cut it short. */
static bool wait_until(struct daemon *daemon, bool (*done)(const struct daemon *daemon),
                       uint64_t timeout_ms)
{
    const uint64_t end = rl_clock_coarse_ms() + timeout_ms;
    while (!done(daemon)) {
        const uint64_t now = rl_clock_coarse_ms();
        if (now >= end)
            return true;
        const uint64_t left = end - now;
        const int signal_number = await_signal(daemon, left < WAIT_STEP_MS ? left : WAIT_STEP_MS);
        if (signal_number == SIGTERM || signal_number == SIGINT)
            return false;
        feed_watchdog(daemon);
    }
    return true;
}

static bool never(const struct daemon *daemon)
{
    (void)daemon;
    return false;
}

/* Answers every remaining request now. */
static void end(struct daemon *daemon)
{
    const struct rl_context *const context = &daemon->assembly.context;
    RL_LOG_WITH(RL_LOG_WARNING, "stopping with requests unfinished",
                RL_FIELD_INTEGER("connections", rl_connections_count(context->connections)),
                RL_FIELD_INTEGER("queued", rl_executor_busy(context->executor)));
    enter(daemon, RL_STAGE_ENDING);
    rl_executor_cancel(context->executor);
    wait_until(daemon, nobody_left, ENDING_MS);
    if (rl_executor_busy(context->executor) > 0)
        rl_connections_reap(context->connections, rl_clock_coarse_ms(), RL_REAP_WORK);
}

static void drain(struct daemon *daemon)
{
    const struct rl_settings *const settings = daemon->settings;
    enter(daemon, RL_STAGE_LEAVING);
    rl_notify_stopping();
    rl_notify_extend(settings->shutdown_delay + settings->drain_timeout + 2 * ENDING_MS);
    rl_log(RL_LOG_INFO, "stopping");
    const bool patient = wait_until(daemon, never, settings->shutdown_delay);
    rl_acceptor_close(daemon->assembly.acceptor);
    enter(daemon, RL_STAGE_DRAINING);
    if (patient)
        wait_until(daemon, nobody_left, settings->drain_timeout);
    if (!nobody_left(daemon))
        end(daemon);
}

/* ---- The process ------------------------------------------------------------------------- */

static void release_settings(struct daemon *daemon)
{
    if (daemon->current != daemon->settings)
        rl_settings_free(daemon->current);
    rl_settings_free(daemon->settings);
}

static int finish(struct daemon *daemon)
{
    if (rl_executor_busy(daemon->assembly.context.executor) > 0) {
        /* It did not end in time. Its client has been answered, so nobody waits for it. */
        rl_log(RL_LOG_WARNING, "stopped in the middle of a computation");
        _exit(EXIT_SUCCESS);
    }
    rl_assembly_stop(&daemon->assembly);
    rl_log(RL_LOG_INFO, "stopped");
    rl_notify_release();
    release_settings(daemon);
    rl_log_release();
    return EXIT_SUCCESS;
}

static enum rl_status start(struct daemon *daemon, struct rl_error *error)
{
    enum rl_status status = rl_assembly_init(daemon->settings, error);
    struct rl_error deaf;
    if (rl_notify_init(&deaf) != RL_OK) /* the daemon works without it */
        RL_LOG_WITH(RL_LOG_WARNING, "the service manager cannot be notified",
                    RL_FIELD_TEXT("reason", deaf.detail));
    if (status == RL_OK)
        status = rl_assembly_start(daemon->settings, &daemon->assembly, error);
    daemon->watchdog_ms = rl_notify_watchdog_interval();
    return status;
}

static void warn_unknown(void *context, const char *text)
{
    (void)context;
    rl_log(RL_LOG_WARNING, text);
}

static void print_unknown(void *context, const char *text)
{
    (void)context;
    fprintf(stderr, "ranklossd: warning: %s\n", text);
}

int rl_lifecycle_serve(const struct rl_sources *sources, const char *version)
{
    struct daemon daemon = {.sources = sources};
    struct rl_error error;
    block_signals(&daemon.signals);
    if (rl_configure(sources, &daemon.settings, &error) != RL_OK)
        return complain(&error);
    daemon.current = daemon.settings;
    rl_log_init(STDERR_FILENO, (enum rl_log_format)daemon.settings->log_format,
                (enum rl_log_level)daemon.settings->log_level);
    rl_sources_unknown(sources, warn_unknown, NULL);
    if (start(&daemon, &error) != RL_OK) {
        rl_settings_blame(daemon.settings, &error);
        release_settings(&daemon);
        return complain(&error);
    }
    enter(&daemon, RL_STAGE_READY);
    announce(&daemon, version);
    rl_notify_ready();
    serve_until_told(&daemon);
    drain(&daemon);
    return finish(&daemon);
}

int rl_lifecycle_check(const struct rl_sources *sources)
{
    struct rl_settings *settings = NULL;
    struct rl_error error;
    enum rl_status status = rl_configure(sources, &settings, &error);
    if (status == RL_OK)
        status = rl_init(getenv("RANKLOSSD_ISA"), &error);
    if (status == RL_OK)
        status = rl_assembly_check(settings, &error);
    if (status != RL_OK && settings)
        rl_settings_blame(settings, &error);
    rl_settings_free(settings);
    rl_sources_unknown(sources, print_unknown, NULL);
    if (status != RL_OK)
        return complain(&error);
    puts("settings are valid");
    return EXIT_SUCCESS;
}
