/*
 * queue.h: the bounded queue between the I/O threads and the executor.
 *
 * A place can be promised before a request's body is read: otherwise all that come while one place
 * is free would send their bodies, and all but one be told at the end that it was in vain. A
 * promise holds for RL_QUEUE_PROMISE_MS at least and twice that at most, so that slow clients
 * cannot keep places from others; a job whose promise has run out may still be queued if there is
 * room.
 *
 * Oldest first. One consumer. All functions may be called from any thread unless they say
 * otherwise; the lock inside is held for a few instructions, and never while anything that may
 * wait is called.
 */
#ifndef RL_QUEUE_H
#define RL_QUEUE_H

#include "server/request/job.h"

enum { RL_QUEUE_PROMISE_MS = 1000 };

struct rl_queue;

/* `capacity` jobs may wait; the consumer takes `most` at once. RL_NOMEM. */
enum rl_status rl_queue_create(size_t capacity, size_t most, struct rl_queue **ret_queue,
                               struct rl_error *error);
/* When it is empty. Takes NULL. */
void rl_queue_free(struct rl_queue *queue);

/* Promises the job a place. RL_QUEUE_FULL, RL_DRAINING. */
enum rl_status rl_queue_promise(struct rl_queue *queue, struct rl_job *job, struct rl_error *error);
/* The job will not come. Does nothing without a promise. */
void rl_queue_break(struct rl_queue *queue, struct rl_job *job);
/* Takes the job's place, promised or not. It must be put there next. RL_QUEUE_FULL, RL_DRAINING. */
enum rl_status rl_queue_reserve(struct rl_queue *queue, struct rl_job *job, struct rl_error *error);
void rl_queue_put(struct rl_queue *queue, struct rl_job *job);

enum rl_take {
    RL_TAKE_JOBS,  /* some were taken */
    RL_TAKE_QUIET, /* none came for `patience_ms` */
    RL_TAKE_END,   /* none is left, and the queue was stopped */
};
/*
 * Waits for jobs, and takes those that come first until their bodies make `bytes` (rl_body_claim),
 * one at least. patience_ms 0: for ever. Consumer.
 */
enum rl_take rl_queue_take(struct rl_queue *queue, size_t bytes, uint64_t patience_ms,
                           struct rl_job **ret_jobs, size_t *ret_count);
/* A job that was taken is done. False when it was abandoned: it is nobody's any more. */
bool rl_queue_done(struct rl_queue *queue, struct rl_job *job);

/* Bytes of large bodies in memory, whether still coming in, queued or worked on (admit.h). hold
 * returns the sum. */
size_t rl_queue_hold(struct rl_queue *queue, size_t bytes);
void rl_queue_let_go(struct rl_queue *queue, size_t bytes);
size_t rl_queue_held(const struct rl_queue *queue);

/* Jobs waiting or taken and not done. */
size_t rl_queue_busy(struct rl_queue *queue);
/* From now on nothing is let in. Takes out what waits, and calls each(job). */
void rl_queue_cancel(struct rl_queue *queue, void (*each)(struct rl_job *job));
/* Gives up every job that is taken and not done: sets job->abandoned and calls each(job). The
 * consumer goes on with what it has, so such a job's memory is not to be touched. */
void rl_queue_abandon(struct rl_queue *queue, void (*each)(struct rl_job *job));
/* Ends the consumer's waiting, once the queue is empty. */
void rl_queue_stop(struct rl_queue *queue);

#endif
