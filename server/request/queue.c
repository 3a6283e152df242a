/*
 * queue.c: a list, counts and a condition under one lock.
 */
#include "server/request/queue.h"

#include <errno.h>
#include <stdlib.h>

#include "server/base/clock.h"
#include "server/observe/metrics.h"

struct rl_queue {
    _Atomic size_t held;
    pthread_mutex_t lock; /* everything below */
    pthread_cond_t wake;
    size_t capacity, most;
    struct rl_job *head, *tail; /* linked by next, oldest first */
    size_t depth;               /* jobs in the list, or about to be put there */
    bool stopped, cancelled;
    /* Places promised, by the period of RL_QUEUE_PROMISE_MS in which they were: those of the
     * present one and of the one before count, and then run out together. */
    uint64_t period;
    size_t promised[2];
    size_t working; /* jobs taken and not done */
    struct rl_job *taken[];
};

/* ---- Life ------------------------------------------------------------------------------------ */

static void init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

enum rl_status rl_queue_create(size_t capacity, size_t most, struct rl_queue **ret_queue,
                               struct rl_error *error)
{
    struct rl_queue *const queue = calloc(1, sizeof *queue + most * sizeof(struct rl_job *));
    if (queue == NULL)
        return rl_fail(error, RL_NOMEM, "", "no memory for the queue");
    queue->capacity = capacity;
    queue->most = most;
    pthread_mutex_init(&queue->lock, NULL);
    init_condition(&queue->wake);
    *ret_queue = queue;
    return RL_OK;
}

void rl_queue_free(struct rl_queue *queue)
{
    if (queue == NULL)
        return;
    pthread_cond_destroy(&queue->wake);
    pthread_mutex_destroy(&queue->lock);
    free(queue);
}

/* ---- In -------------------------------------------------------------------------------------- */

/* Lets promises run out that are two periods old. */
static void expire_locked(struct rl_queue *queue)
{
    const uint64_t period = rl_clock_coarse_ms() / RL_QUEUE_PROMISE_MS;
    if (period == queue->period)
        return;
    queue->promised[period % 2] = 0;
    if (period != queue->period + 1)
        queue->promised[(period + 1) % 2] = 0;
    queue->period = period;
}

/* Gives up the job's promise, if it has one that still counts. */
static void break_locked(struct rl_queue *queue, struct rl_job *job)
{
    expire_locked(queue);
    if (job->promise != 0 && job->promise + 1 >= queue->period)
        queue->promised[job->promise % 2]--;
    job->promise = 0;
}

static enum rl_status check_room_locked(const struct rl_queue *queue, struct rl_error *error)
{
    if (queue->cancelled)
        return rl_fail(error, RL_DRAINING, "", "the server is shutting down");
    if (queue->depth + queue->promised[0] + queue->promised[1] < queue->capacity)
        return RL_OK;
    return rl_fail(error, RL_QUEUE_FULL, "", "as many requests as may are waiting: %zu",
                   queue->capacity);
}

static enum rl_status count_refusal(enum rl_status status)
{
    if (status == RL_QUEUE_FULL)
        rl_metrics_rejected(RL_REJECT_QUEUE_FULL);
    return status;
}

enum rl_status rl_queue_promise(struct rl_queue *queue, struct rl_job *job, struct rl_error *error)
{
    pthread_mutex_lock(&queue->lock);
    expire_locked(queue);
    const enum rl_status status = check_room_locked(queue, error);
    if (status == RL_OK) {
        job->promise = queue->period;
        queue->promised[job->promise % 2]++;
    }
    pthread_mutex_unlock(&queue->lock);
    return count_refusal(status);
}

void rl_queue_break(struct rl_queue *queue, struct rl_job *job)
{
    if (job->promise == 0)
        return;
    pthread_mutex_lock(&queue->lock);
    break_locked(queue, job);
    pthread_mutex_unlock(&queue->lock);
}

enum rl_status rl_queue_reserve(struct rl_queue *queue, struct rl_job *job, struct rl_error *error)
{
    pthread_mutex_lock(&queue->lock);
    break_locked(queue, job);
    const enum rl_status status = check_room_locked(queue, error);
    queue->depth += status == RL_OK;
    pthread_mutex_unlock(&queue->lock);
    return count_refusal(status);
}

void rl_queue_put(struct rl_queue *queue, struct rl_job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&queue->lock);
    if (queue->tail != NULL)
        queue->tail->next = job;
    else
        queue->head = job;
    queue->tail = job;
    rl_metrics_set_queue(queue->depth, rl_queue_held(queue));
    pthread_cond_signal(&queue->wake);
    pthread_mutex_unlock(&queue->lock);
}

/* ---- Out --------------------------------------------------------------------------------- */

/* Moves the oldest jobs out; how many. */
static size_t take_locked(struct rl_queue *queue, size_t bytes, struct rl_job **jobs)
{
    size_t count = 0, sum = 0;
    while (queue->head != NULL && count < queue->most) {
        struct rl_job *const job = queue->head;
        sum += rl_body_claim(&job->body, job->context->settings->max_inflated_bytes);
        if (count > 0 && sum > bytes)
            break;
        queue->head = job->next;
        job->place = count;
        jobs[count] = queue->taken[count] = job;
        count++;
    }
    if (queue->head == NULL)
        queue->tail = NULL;
    queue->depth -= count;
    queue->working = count;
    rl_metrics_set_queue(queue->depth, rl_queue_held(queue));
    return count;
}

/* Waits until there is a job or an end; false when patience ran out first. */
static bool await_locked(struct rl_queue *queue, uint64_t patience_ms)
{
    const uint64_t until = rl_clock_now() + patience_ms * 1000000u;
    const struct timespec end = {.tv_sec = (time_t)(until / 1000000000u),
                                 .tv_nsec = (long)(until % 1000000000u)};
    int result = 0;
    while (queue->head == NULL && !(queue->stopped && queue->depth == 0) && result != ETIMEDOUT)
        result = patience_ms == 0 ? pthread_cond_wait(&queue->wake, &queue->lock)
                                  : pthread_cond_timedwait(&queue->wake, &queue->lock, &end);
    return queue->head != NULL || result != ETIMEDOUT;
}

enum rl_take rl_queue_take(struct rl_queue *queue, size_t bytes, uint64_t patience_ms,
                           struct rl_job **ret_jobs, size_t *ret_count)
{
    enum rl_take result = RL_TAKE_QUIET;
    pthread_mutex_lock(&queue->lock);
    if (await_locked(queue, patience_ms)) {
        *ret_count = take_locked(queue, bytes, ret_jobs);
        result = *ret_count > 0 ? RL_TAKE_JOBS : RL_TAKE_END;
    }
    pthread_mutex_unlock(&queue->lock);
    return result;
}

bool rl_queue_done(struct rl_queue *queue, struct rl_job *job)
{
    pthread_mutex_lock(&queue->lock);
    const bool ours = queue->taken[job->place] == job;
    queue->taken[job->place] = NULL;
    queue->working--;
    pthread_mutex_unlock(&queue->lock);
    return ours;
}

/* ---- Bytes ------------------------------------------------------------------------------- */

size_t rl_queue_hold(struct rl_queue *queue, size_t bytes)
{
    return atomic_fetch_add_explicit(&queue->held, bytes, memory_order_relaxed) + bytes;
}

void rl_queue_let_go(struct rl_queue *queue, size_t bytes)
{
    atomic_fetch_sub_explicit(&queue->held, bytes, memory_order_relaxed);
}

size_t rl_queue_held(const struct rl_queue *queue)
{
    return atomic_load_explicit(&queue->held, memory_order_relaxed);
}

/* ---- Ends -------------------------------------------------------------------------------- */

size_t rl_queue_busy(struct rl_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    const size_t busy = queue->depth + queue->working;
    pthread_mutex_unlock(&queue->lock);
    return busy;
}

void rl_queue_cancel(struct rl_queue *queue, void (*each)(struct rl_job *job))
{
    pthread_mutex_lock(&queue->lock);
    struct rl_job *job = queue->head;
    queue->head = queue->tail = NULL;
    queue->cancelled = true;
    for (const struct rl_job *at = job; at != NULL; at = at->next)
        queue->depth--;
    pthread_mutex_unlock(&queue->lock);
    while (job != NULL) {
        struct rl_job *const next = job->next; /* each() gives it away */
        each(job);
        job = next;
    }
}

/* One that is taken, and from now on nobody's; NULL when there is none. */
static struct rl_job *disown_one(struct rl_queue *queue)
{
    struct rl_job *job = NULL;
    pthread_mutex_lock(&queue->lock);
    for (size_t i = 0; i < queue->most && job == NULL; i++) {
        job = queue->taken[i];
        queue->taken[i] = NULL;
    }
    pthread_mutex_unlock(&queue->lock);
    return job;
}

void rl_queue_abandon(struct rl_queue *queue, void (*each)(struct rl_job *job))
{
    struct rl_job *job;
    while ((job = disown_one(queue)) != NULL) {
        job->abandoned = true;
        each(job);
    }
}

void rl_queue_stop(struct rl_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->stopped = true;
    pthread_cond_broadcast(&queue->wake);
    pthread_mutex_unlock(&queue->lock);
}
