/*
 * queue.c: a linked list and a condition under one lock.
 */
#include "server/request/queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "server/base/clock.h"

struct rl_queue {
    pthread_mutex_t lock; /* everything below */
    pthread_cond_t wake;
    struct rl_job *head, *tail; /* linked by next, oldest first */
    bool stopped;
    size_t most, working;   /* jobs taken and not done */
    struct rl_job *taken[]; /* [most], by job->slot; NULL: done */
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

enum rl_status rl_queue_create(size_t most, struct rl_queue **ret_queue, struct rl_error *error)
{
    struct rl_queue *const queue = calloc(1, sizeof(*queue) + most * sizeof(struct rl_job *));
    if (!queue)
        return rl_fail(error, RL_NOMEM, "", "no memory for the queue");
    queue->most = most;
    pthread_mutex_init(&queue->lock, NULL);
    init_condition(&queue->wake);
    *ret_queue = queue;
    return RL_OK;
}

void rl_queue_free(struct rl_queue *queue)
{
    if (!queue)
        return;
    pthread_cond_destroy(&queue->wake);
    pthread_mutex_destroy(&queue->lock);
    free(queue);
}

/* ---- In and out ------------------------------------------------------------------------------ */

void rl_queue_put(struct rl_queue *queue, struct rl_job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&queue->lock);
    if (queue->tail)
        queue->tail->next = job;
    else
        queue->head = job;
    queue->tail = job;
    pthread_cond_signal(&queue->wake);
    pthread_mutex_unlock(&queue->lock);
}

/* Moves the oldest jobs out and returns how many. */
static size_t take_locked(struct rl_queue *queue, size_t bytes, struct rl_job **jobs)
{
    size_t count = 0, sum = 0;
    while (queue->head && count < queue->most) {
        struct rl_job *const job = queue->head;
        sum += rl_body_claim(&job->body, job->context->settings->max_inflated_bytes);
        if (count > 0 && sum > bytes)
            break;
        queue->head = job->next;
        job->slot = count;
        jobs[count] = queue->taken[count] = job;
        count++;
    }
    if (!queue->head)
        queue->tail = NULL;
    queue->working = count;
    return count;
}

/* Waits for a job or the end of the queue; false if patience_ms passed first. */
static bool await_locked(struct rl_queue *queue, uint64_t patience_ms)
{
    const uint64_t until = rl_clock_now() + patience_ms * 1000000u;
    const struct timespec end = {.tv_sec = (time_t)(until / 1000000000u),
                                 .tv_nsec = (long)(until % 1000000000u)};
    int result = 0;
    while (!queue->head && !queue->stopped && result != ETIMEDOUT)
        result = patience_ms == 0 ? pthread_cond_wait(&queue->wake, &queue->lock)
                                  : pthread_cond_timedwait(&queue->wake, &queue->lock, &end);
    return queue->head || result != ETIMEDOUT;
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

void rl_queue_done(struct rl_queue *queue, const struct rl_job *job)
{
    pthread_mutex_lock(&queue->lock);
    queue->taken[job->slot] = NULL;
    queue->working--;
    pthread_mutex_unlock(&queue->lock);
}

/* ---- Ends ------------------------------------------------------------------------------------ */

size_t rl_queue_working(struct rl_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    const size_t working = queue->working;
    pthread_mutex_unlock(&queue->lock);
    return working;
}

void rl_queue_visit(struct rl_queue *queue, void (*each)(struct rl_job *job))
{
    pthread_mutex_lock(&queue->lock);
    for (size_t i = 0; i < queue->most && queue->working > 0; i++)
        if (queue->taken[i])
            each(queue->taken[i]);
    pthread_mutex_unlock(&queue->lock);
}

/* Moves the jobs that leave to a list of their own, in order. */
static struct rl_job *split_locked(struct rl_queue *queue, bool (*leaves)(const struct rl_job *job))
{
    struct rl_job *removed = NULL, **removed_end = &removed, **at = &queue->head;
    queue->tail = NULL;
    while (*at) {
        struct rl_job *const job = *at;
        if (leaves(job)) {
            *at = job->next;
            job->next = NULL;
            *removed_end = job;
            removed_end = &job->next;
        } else {
            queue->tail = job;
            at = &job->next;
        }
    }
    return removed;
}

void rl_queue_remove(struct rl_queue *queue, bool (*leaves)(const struct rl_job *job),
                     void (*each)(void *context, struct rl_job *job), void *context)
{
    pthread_mutex_lock(&queue->lock);
    struct rl_job *job = split_locked(queue, leaves);
    pthread_mutex_unlock(&queue->lock);
    while (job) {
        struct rl_job *const next = job->next; /* each() gives it away */
        each(context, job);
        job = next;
    }
}

void rl_queue_stop(struct rl_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->stopped = true;
    pthread_cond_broadcast(&queue->wake);
    pthread_mutex_unlock(&queue->lock);
}
