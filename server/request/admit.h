/*
 * admit.h: how much is let in at once, and what counts as small.
 *
 * A small request is decoded, computed and answered by the I/O thread that read it. A larger one
 * waits in the executor's queue, whose length (queue-capacity) and bytes (queue-bytes) are bounded.
 * Bytes count from the moment they arrive, before the request is queued, until its reply is made,
 * so that bodies still coming in cannot exhaust memory either.
 */
#ifndef RL_ADMIT_H
#define RL_ADMIT_H

#include "server/request/job.h"

enum {
    /* Bodies up to this are decoded by the I/O thread: at some 700 MB/s that is under 100 us. */
    RL_ADMIT_SMALL_BODY = 64 * 1024,
    /* The same for bodies in gzip, which may grow a thousandfold. */
    RL_ADMIT_SMALL_GZIP = 4 * 1024,
    /* Work up to this many nanoseconds is done by the I/O thread: about as long as its other
     * connections may wait without a person noticing, and some ten times the hand-off's cost. */
    RL_ADMIT_SMALL_WORK = 250 * 1000,
};

/* Before the body: RL_QUEUE_FULL or RL_DRAINING where Content-Length already tells. I/O thread. */
enum rl_status rl_admit_announced(struct rl_job *job, struct rl_error *error);
/* As it arrives: counts what came against queue-bytes. RL_QUEUE_FULL. I/O thread. */
enum rl_status rl_admit_bytes(struct rl_job *job, struct rl_error *error);
/* Gives back what rl_admit_bytes counted. Any thread that owns the job. */
void rl_admit_release(struct rl_job *job);

/* Whether the I/O thread may decode this body; whether it has, and may compute the work. */
bool rl_admit_small_body(const struct rl_job *job);
bool rl_admit_small_work(const struct rl_job *job);

#endif
