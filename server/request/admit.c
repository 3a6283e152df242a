/*
 * admit.c: places in the queue under a lock, bytes in an atomic counter.
 */
#include "server/request/admit.h"

#include <pthread.h>
#include <stdlib.h>

#include "server/base/clock.h"
#include "server/observe/metrics.h"

struct rl_admission {
    size_t capacity, max_bytes;
    _Atomic size_t held;  /* bytes of bodies; relaxed: only a count */
    pthread_mutex_t lock; /* everything below */
    size_t waiting;       /* jobs that have a place */
    bool closed;
    /* Places promised in the current period (of RL_ADMIT_PROMISE_MS) and the one before, each at
     * its period's parity. Those of one period expire together. */
    uint64_t period;
    size_t promised[2];
};

/* ---- Life ------------------------------------------------------------------------------------ */

enum rl_status rl_admission_create(const struct rl_settings *settings,
                                   struct rl_admission **ret_admission, struct rl_error *error)
{
    struct rl_admission *const admission = calloc(1, sizeof(*admission));
    if (!admission)
        return rl_fail(error, RL_NOMEM, "", "no memory for admission");
    admission->capacity = settings->queue_capacity;
    admission->max_bytes = settings->queue_bytes;
    pthread_mutex_init(&admission->lock, NULL);
    *ret_admission = admission;
    return RL_OK;
}

void rl_admission_free(struct rl_admission *admission)
{
    if (!admission)
        return;
    pthread_mutex_destroy(&admission->lock);
    free(admission);
}

void rl_admission_close(struct rl_admission *admission)
{
    pthread_mutex_lock(&admission->lock);
    admission->closed = true;
    pthread_mutex_unlock(&admission->lock);
}

size_t rl_admission_waiting(struct rl_admission *admission)
{
    pthread_mutex_lock(&admission->lock);
    const size_t waiting = admission->waiting;
    pthread_mutex_unlock(&admission->lock);
    return waiting;
}

size_t rl_admission_held(const struct rl_admission *admission)
{
    return atomic_load_explicit(&admission->held, memory_order_relaxed);
}

/* ---- Places ---------------------------------------------------------------------------------- */

/* Expires the promises that are two periods old. */
static void expire_locked(struct rl_admission *admission)
{
    const uint64_t period = rl_clock_coarse_ms() / RL_ADMIT_PROMISE_MS;
    if (period == admission->period)
        return;
    admission->promised[period % 2] = 0;
    if (period != admission->period + 1)
        admission->promised[(period + 1) % 2] = 0;
    admission->period = period;
}

/* Gives up the job's promise, if it has one that has not expired. */
static void break_locked(struct rl_admission *admission, struct rl_job *job)
{
    expire_locked(admission);
    if (job->promise != 0 && job->promise + 1 >= admission->period)
        admission->promised[job->promise % 2]--;
    job->promise = 0;
}

static enum rl_status check_room(const struct rl_admission *admission, size_t taken,
                                 struct rl_error *error)
{
    if (admission->closed)
        return rl_fail(error, RL_DRAINING, "", "the server is shutting down");
    if (taken < admission->capacity)
        return RL_OK;
    rl_metrics_rejected(RL_REJECT_QUEUE_FULL);
    return rl_fail(error, RL_QUEUE_FULL, "", "the queue is full: %zu requests are waiting",
                   admission->capacity);
}

static enum rl_status promise_place(struct rl_admission *admission, struct rl_job *job,
                                    struct rl_error *error)
{
    pthread_mutex_lock(&admission->lock);
    expire_locked(admission);
    const size_t taken = admission->waiting + admission->promised[0] + admission->promised[1];
    const enum rl_status status = check_room(admission, taken, error);
    if (status == RL_OK) {
        job->promise = admission->period;
        admission->promised[job->promise % 2]++;
    }
    pthread_mutex_unlock(&admission->lock);
    return status;
}

enum rl_status rl_admit_place(struct rl_job *job, struct rl_error *error)
{
    struct rl_admission *const admission = job->context->admission;
    pthread_mutex_lock(&admission->lock);
    break_locked(admission, job);
    const enum rl_status status = check_room(admission, admission->waiting, error);
    job->placed = status == RL_OK;
    admission->waiting += job->placed;
    pthread_mutex_unlock(&admission->lock);
    return status;
}

void rl_admit_leave(struct rl_job *job)
{
    struct rl_admission *const admission = job->context->admission;
    pthread_mutex_lock(&admission->lock);
    admission->waiting -= job->placed;
    job->placed = false;
    pthread_mutex_unlock(&admission->lock);
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

static enum rl_status refuse_bytes(const struct rl_admission *admission, struct rl_error *error)
{
    rl_metrics_rejected(RL_REJECT_QUEUE_BYTES);
    return rl_fail(error, RL_QUEUE_FULL, "", "request bodies fill queue-bytes, %zu bytes",
                   admission->max_bytes);
}

enum rl_status rl_admit_announced(struct rl_job *job, struct rl_error *error)
{
    struct rl_admission *const admission = job->context->admission;
    if (rl_context_stage(job->context) == RL_STAGE_ENDING)
        return rl_fail(error, RL_DRAINING, "", "the server is shutting down");
    if (job->body.announced <= RL_ADMIT_SMALL_BODY || job->body.announced == SIZE_MAX)
        return RL_OK;
    if (rl_admission_held(admission) + job->body.announced > admission->max_bytes)
        return refuse_bytes(admission, error);
    return promise_place(admission, job, error);
}

enum rl_status rl_admit_bytes(struct rl_job *job, struct rl_error *error)
{
    struct rl_admission *const admission = job->context->admission;
    const size_t more = job->body.length - job->held;
    const size_t room =
        job->body.length <= RL_ADMIT_SMALL_BODY ? admission->max_bytes / RL_ADMIT_SMALL_PART : 0;
    job->held = job->body.length;
    if (atomic_fetch_add_explicit(&admission->held, more, memory_order_relaxed) + more >
        admission->max_bytes + room)
        return refuse_bytes(admission, error);
    return RL_OK;
}

void rl_admit_body_gone(struct rl_job *job)
{
    if (job->held > 0)
        atomic_fetch_sub_explicit(&job->context->admission->held, job->held, memory_order_relaxed);
    job->held = 0;
}

/* ---- Both ------------------------------------------------------------------------------------ */

void rl_admit_end(struct rl_job *job)
{
    struct rl_admission *const admission = job->context->admission;
    rl_admit_body_gone(job);
    if (job->promise == 0 && !job->placed)
        return;
    pthread_mutex_lock(&admission->lock);
    break_locked(admission, job);
    admission->waiting -= job->placed;
    job->placed = false;
    pthread_mutex_unlock(&admission->lock);
}

/* ---- What is small --------------------------------------------------------------------------- */

bool rl_admit_small_body(const struct rl_job *job)
{
    return job->body.length <= RL_ADMIT_SMALL_BODY &&
           rl_body_claim(&job->body, SIZE_MAX) <= RL_ADMIT_SMALL_BODY;
}

bool rl_admit_small_work(const struct rl_job *job)
{
    return job->progress >= RL_PROGRESS_DECODED && job->arena.used <= RL_ADMIT_SMALL_MEMORY &&
           job->work_cost <= (double)RL_ADMIT_SMALL_WORK;
}
