/*
 * executor.h: the thread that processes the queue of large requests.
 *
 * The executor is the only thread that enters OpenMP, so teams never oversubscribe the cores. It
 * takes what is queued, in order of arrival, drops what is no longer wanted (client gone, deadline
 * passed), decodes the rest, computes all of it in one parallel loop, encodes it, and resumes each
 * connection, whose own I/O thread then sends the reply.
 *
 * Locks of the whole daemon. A thread holds at most one of them at a time:
 *
 *   admission->lock          admit.c: places; held for a few instructions
 *   queue->lock              queue.c: the list; held for a few instructions
 *   registry->lock           connections.c: list and descriptors; the reaper holds it for one walk
 *                            (and sends raw replies under it, without waiting)
 *   linger->lock             linger.c: its ring
 *   acceptor->lock           acceptor.c: what the main thread wants of it
 *   auth, cors, tls          read locks for one check; write locks for a reload
 *   libmicrohttpd's own      inside its calls; none of ours is held then
 *
 * metrics.c and log.c say which locks they take.
 */
#ifndef RL_EXECUTOR_H
#define RL_EXECUTOR_H

#include "server/request/job.h"

struct rl_executor_options {
    struct rl_admission *admission; /* outlives it */
    struct rl_pool *pool;           /* outlives it */
    int threads;
    /* Gives a finished job back to its I/O thread. Called by any thread of the team. */
    void (*resume)(struct rl_job *job);
};

struct rl_executor;

/* Starts the thread and, from it, the whole OpenMP team; returns when they run. RL_NOMEM,
 * RL_SYSTEM. */
enum rl_status rl_executor_create(const struct rl_executor_options *options,
                                  struct rl_executor **ret_executor, struct rl_error *error);
/* Ends the thread once the queue is empty. Takes NULL. */
void rl_executor_free(struct rl_executor *executor);

/* Queues a job that has a place (rl_admit_place) and whose connection is suspended. Any thread. */
void rl_executor_put(struct rl_executor *executor, struct rl_job *job);
/* Jobs that are queued or running. Any thread. */
size_t rl_executor_busy(struct rl_executor *executor);
/* Ends jobs that nobody waits for any more, queued or running: the client has gone, or the request
 * is older than request-timeout. Call several times a second, from one thread. */
void rl_executor_watch(struct rl_executor *executor);
/* Admits nothing more, and ends queued and running jobs with RL_DRAINING. Any thread. */
void rl_executor_cancel(struct rl_executor *executor);

#endif
