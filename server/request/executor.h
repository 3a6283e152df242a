/*
 * executor.h: the one thread that works off the queue of large requests.
 *
 * The executor is the only thread that enters OpenMP, so the cores are never oversubscribed by
 * teams. It takes what is queued, in order of arrival, drops what need not be done any more (client
 * gone, deadline passed), decodes it, computes all of it in one parallel loop, encodes it, and
 * resumes each connection; the connection's own I/O thread then sends the reply.
 *
 * Lock order, for the whole daemon. A thread holds at most one of these at a time:
 *
 *   queue->lock              queue.c; held for a few instructions
 *   registry->lock           connections.c: list and descriptors; held by the reaper for one walk
 *                            (a raw reply is sent under it, without waiting)
 *   spares.lock              body.c: the spare buffers
 *   linger->lock             linger.c: its ring
 *   acceptor->lock           acceptor.c: what the main thread wants of it
 *   auth, cors, tls          read locks for one check; write locks for a reload
 *   libmicrohttpd's own      inside MHD_suspend_connection, MHD_resume_connection and
 *                            MHD_add_connection; none of ours is held when these are called
 *   names->lock              metrics.c, when a tracked name is seen for the first time
 *
 * Counting (metrics.c) and logging (log.c) take no lock otherwise.
 */
#ifndef RL_EXECUTOR_H
#define RL_EXECUTOR_H

#include "server/request/evaluate.h"
#include "server/request/job.h"
#include "server/request/queue.h"

/* Most jobs of one pass. */
enum { RL_EXECUTOR_PASS = RL_EVALUATE_MOST };

struct rl_executor_options {
    struct rl_queue *queue; /* outlives it; takes RL_EXECUTOR_PASS at once */
    int threads;
};

struct rl_executor;

/* Starts the thread and, from it, the whole OpenMP team; returns when they run. RL_NOMEM,
 * RL_SYSTEM. */
enum rl_status rl_executor_create(const struct rl_executor_options *options,
                                  struct rl_executor **ret_executor, struct rl_error *error);
/* Ends the thread once the queue is worked off. Takes NULL. */
void rl_executor_free(struct rl_executor *executor);

/*
 * Suspends the job's connection and queues the job. RL_QUEUE_FULL, RL_DRAINING: it was not
 * suspended. I/O thread, in the handler's last call only (suspended earlier, libmicrohttpd would
 * lose the body).
 */
enum rl_status rl_executor_submit(struct rl_job *job, struct rl_error *error);

/* Nothing more is taken, and what waits is answered 503 without being computed. Any thread. */
void rl_executor_cancel(struct rl_executor *executor);

/* Resumes the connections of all jobs that are being worked on, job->abandoned set, while the work
 * goes on. The process cannot end cleanly after that: only _exit is left. Any thread. */
void rl_executor_abandon(struct rl_executor *executor);

#endif
