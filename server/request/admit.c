/*
 * admit.c: the bounds on what waits.
 */
#include "server/request/admit.h"

#include "server/observe/metrics.h"
#include "server/request/queue.h"

static enum rl_status refuse_bytes(const struct rl_job *job, struct rl_error *error)
{
    rl_metrics_rejected(RL_REJECT_QUEUE_BYTES);
    return rl_fail(error, RL_QUEUE_FULL, "", "more than queue-bytes, %zu bytes, are waiting",
                   job->context->settings->queue_bytes);
}

enum rl_status rl_admit_announced(struct rl_job *job, struct rl_error *error)
{
    const struct rl_context *const context = job->context;
    if (rl_context_stage(context) == RL_STAGE_ENDING)
        return rl_fail(error, RL_DRAINING, "", "the server is shutting down");
    if (job->body.announced <= RL_ADMIT_SMALL_BODY || job->body.announced == SIZE_MAX)
        return RL_OK;
    if (rl_queue_held(context->queue) + job->body.announced > context->settings->queue_bytes)
        return refuse_bytes(job, error);
    return rl_queue_promise(context->queue, job, error);
}

enum rl_status rl_admit_bytes(struct rl_job *job, struct rl_error *error)
{
    struct rl_queue *const queue = job->context->queue;
    if (job->body.length <= RL_ADMIT_SMALL_BODY)
        return RL_OK;
    const size_t more = job->body.length - job->held;
    job->held = job->body.length;
    if (rl_queue_hold(queue, more) > job->context->settings->queue_bytes)
        return refuse_bytes(job, error);
    return RL_OK;
}

void rl_admit_release(struct rl_job *job)
{
    if (job->held > 0)
        rl_queue_let_go(job->context->queue, job->held);
    job->held = 0;
}

bool rl_admit_small_body(const struct rl_job *job)
{
    const size_t most =
        job->body.coding == RL_CODING_GZIP ? RL_ADMIT_SMALL_GZIP : RL_ADMIT_SMALL_BODY;
    return job->body.length <= most;
}

bool rl_admit_small_work(const struct rl_job *job)
{
    return job->progress >= RL_PROGRESS_DECODED &&
           rl_work_cost(&job->work) <= (double)RL_ADMIT_SMALL_WORK;
}
