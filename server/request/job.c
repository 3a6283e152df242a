/*
 * job.c: the life of a job.
 */
#include "server/request/job.h"

#include <stdlib.h>

#include "server/base/clock.h"
#include "server/observe/log.h"
#include "server/observe/metrics.h"

/* What the pool gives to one request at most is a limit as well. */
static size_t memory_limit(const struct rl_context *context)
{
    const size_t limit = context->settings->max_request_memory;
    const size_t pool = context->pool ? rl_pool_most(context->pool) : limit;
    return pool < limit ? pool : limit;
}

struct rl_job *rl_job_create(const struct rl_context *context, enum rl_scope scope,
                             struct rl_scratch *scratch)
{
    struct rl_job *const job = calloc(1, sizeof(*job));
    if (!job)
        return NULL;
    job->context = context;
    job->scope = scope;
    job->scratch = scratch;
    rl_arena_init(&job->arena, memory_limit(context));
    job->arena.pool = context->pool;
    return job;
}

void rl_job_free(struct rl_job *job)
{
    if (!job)
        return;
    rl_arena_release(&job->arena);
    rl_body_release(&job->body);
    free(job);
}

void rl_job_begin(struct rl_job *job, void *handle, struct rl_connection *connection)
{
    job->next = NULL;
    job->handle = handle;
    job->connection = connection;
    job->method = RL_METHOD_OTHER;
    job->path = "";
    job->format = rl_format_of_path(job->path);
    job->route = (struct rl_route){.handler = RL_HANDLER_OTHER, .allow = ""};
    job->request_id[0] = job->trace_id[0] = '\0';
    job->progress = RL_PROGRESS_NEW;
    job->status = RL_OK;
    atomic_init(&job->stop, RL_OK);
    job->reply = (struct rl_reply){0};
    job->close = job->in_flight = job->answered = job->postponed = job->starved = false;
    job->sent = 0;
    job->times = (struct rl_times){.started = rl_clock_now()};
    rl_body_begin(&job->body, 0, RL_CODING_IDENTITY);
}

void rl_job_stop(struct rl_job *job, enum rl_status status)
{
    int expected = RL_OK;
    (void)atomic_compare_exchange_strong_explicit(&job->stop, &expected, (int)status,
                                                  memory_order_relaxed, memory_order_relaxed);
}

/* The status code under which a request without a reply of ours is counted. */
static unsigned code_unanswered(const struct rl_job *job)
{
    if (job->progress == RL_PROGRESS_NEW)
        return 400; /* libmicrohttpd answered, or the client left before its headers ended */
    return job->connection && rl_connection_phase(job->connection) == RL_PHASE_DOOMED ? 408 : 499;
}

static bool is_logged(const struct rl_job *job)
{
    const unsigned which = job->context->settings->access_log;
    return rl_log_enabled(RL_LOG_INFO) &&
           (which == RL_ACCESS_ALL || (which == RL_ACCESS_ERRORS && job->code >= 400));
}

static double seconds_of(uint64_t nanoseconds)
{
    return nanoseconds == 0 ? -1 : (double)nanoseconds * 1e-9;
}

static void write_log(const struct rl_job *job, uint64_t duration)
{
    const char *const client = job->connection->client;
    const bool decoded = job->progress >= RL_PROGRESS_DECODED;
    rl_log_access(&(struct rl_access){
        .request_id = job->request_id[0] != '\0' ? job->request_id : NULL,
        .method = rl_method_name(job->method),
        .path = job->path,
        .handler = rl_handler_name(job->route.handler),
        .client = client[0] != '\0' ? client : NULL,
        .trace_id = job->trace_id[0] != '\0' ? job->trace_id : NULL,
        .status = job->code,
        .request_bytes = job->body.received,
        .response_bytes = job->sent,
        .seconds = (double)duration * 1e-9,
        .queue = seconds_of(job->times.waited),
        .decode = seconds_of(job->times.decode),
        .compute = seconds_of(job->times.compute),
        .encode = seconds_of(job->times.encode),
        .lists = decoded ? job->query.batch.lists : 0,
        .items = decoded ? job->query.batch.items : 0,
    });
}

/* Counts the reason why a request was refused, if it was. Admission counts its own (admit.c). */
static void count_refusal(const struct rl_job *job)
{
    static const unsigned char reasons[RL_STATUSES] = {
        [RL_FRAMING] = 1 + RL_REJECT_FRAMING,
        [RL_TRANSFER_CODING] = 1 + RL_REJECT_FRAMING,
        [RL_EXPECTATION] = 1 + RL_REJECT_FRAMING,
        [RL_URI_TOO_LONG] = 1 + RL_REJECT_FRAMING,
        [RL_HEADERS_TOO_LARGE] = 1 + RL_REJECT_FRAMING,
        [RL_LENGTH_REQUIRED] = 1 + RL_REJECT_FRAMING,
        [RL_TOO_LARGE] = 1 + RL_REJECT_TOO_LARGE,
        [RL_UNAUTHORIZED] = 1 + RL_REJECT_UNAUTHORIZED,
        [RL_NOMEM] = 1 + RL_REJECT_MEMORY,
        [RL_DEADLINE] = 1 + RL_REJECT_DEADLINE,
        [RL_DRAINING] = 1 + RL_REJECT_DRAINING,
    };
    if (job->status == RL_GONE)
        rl_metrics_client_gone();
    const unsigned reason = reasons[job->status];
    const bool probe = job->status == RL_DRAINING && !rl_route_takes_body(&job->route);
    if (reason && !probe)
        rl_metrics_rejected((enum rl_reject)(reason - 1));
}

/* Counts only batches that were answered, so that the stages add up to the duration. */
static void count_transfer(const struct rl_job *job, uint64_t now)
{
    if (job->progress == RL_PROGRESS_ENCODED && job->times.replied != 0)
        rl_metrics_transfer(job->times.received - job->times.started, now - job->times.replied);
}

void rl_job_drop_reply(struct rl_job *job)
{
    if (job->reply.owned)
        free(job->reply.data);
    rl_pool_give(job->context->pool, job->reply.counted);
    job->reply = (struct rl_reply){0};
}

void rl_job_end(struct rl_job *job)
{
    const uint64_t now = rl_clock_now(), duration = now - job->times.started;
    if (!job->answered)
        job->code = code_unanswered(job);
    rl_metrics_request(job->method, job->route.handler, job->code, duration, job->body.received,
                       job->sent);
    count_transfer(job, now);
    count_refusal(job);
    if (is_logged(job))
        write_log(job, duration);
    if (job->in_flight)
        rl_metrics_in_flight(-1);
    rl_job_drop_reply(job);
    rl_arena_reset(&job->arena);
    rl_body_end(&job->body);
}
