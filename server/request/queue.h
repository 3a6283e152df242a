/*
 * queue.h: the jobs that wait for the executor, oldest first, and those it works on.
 *
 * One consumer. All functions may be called from any thread unless they say otherwise; the lock
 * inside is held for a few instructions. admit.h bounds what waits.
 */
#ifndef RL_QUEUE_H
#define RL_QUEUE_H

#include "server/request/job.h"

struct rl_queue;

/* The consumer takes at most `most` jobs at once. RL_NOMEM. */
enum rl_status rl_queue_create(size_t most, struct rl_queue **ret_queue, struct rl_error *error);
/* When it is empty. Takes NULL. */
void rl_queue_free(struct rl_queue *queue);

void rl_queue_put(struct rl_queue *queue, struct rl_job *job);

enum rl_take {
    RL_TAKE_JOBS,  /* some were taken */
    RL_TAKE_QUIET, /* none came for `patience_ms` */
    RL_TAKE_END,   /* the queue is stopped and empty */
};
/*
 * Waits for jobs, then takes the oldest until their bodies add up to `bytes` (rl_body_claim), but
 * at least one. patience_ms 0 waits without a limit. Consumer.
 */
enum rl_take rl_queue_take(struct rl_queue *queue, size_t bytes, uint64_t patience_ms,
                           struct rl_job **ret_jobs, size_t *ret_count);
/* The consumer is done with a job that it took. */
void rl_queue_done(struct rl_queue *queue, const struct rl_job *job);

/* Jobs that were taken and are not done. */
size_t rl_queue_working(struct rl_queue *queue);
/* Calls each(job) under the lock for every job that was taken and is not done: its connection stays
 * open meanwhile. each() must not wait. */
void rl_queue_visit(struct rl_queue *queue, void (*each)(struct rl_job *job));
/* Removes the jobs that wait and for which leaves(job) is true, and calls each(context, job) for
 * them without the lock. */
void rl_queue_remove(struct rl_queue *queue, bool (*leaves)(const struct rl_job *job),
                     void (*each)(void *context, struct rl_job *job), void *context);
/* Ends the consumer's waiting, once the queue is empty. */
void rl_queue_stop(struct rl_queue *queue);

#endif
