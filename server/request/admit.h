/*
 * admit.h: how much work is let in at once, and which requests are small.
 *
 * A small request is decoded, computed and answered by the I/O thread that read it. A larger one
 * waits for the executor. Waiting requests have two bounds: places in the queue (queue-capacity)
 * and bytes of bodies (queue-bytes). Bytes count from the moment they arrive until the body is
 * freed. Small bodies may fill an eighth of queue-bytes more than large ones, which therefore
 * cannot keep them out.
 *
 * A place can be promised when the headers announce a large body. Otherwise every client that
 * arrives while one place is free would send its body, and all but one would send it in vain. A
 * promise refuses others that announce a body, never a request whose body has arrived. It lasts
 * between one and two periods of RL_ADMIT_PROMISE_MS.
 *
 * Functions may be called from any thread unless they say otherwise.
 */
#ifndef RL_ADMIT_H
#define RL_ADMIT_H

#include "server/request/job.h"

enum {
    /* The I/O thread decodes bodies up to this size, inflated: about 100 us at 700 MB/s. */
    RL_ADMIT_SMALL_BODY = 64 * 1024,
    /* Nanoseconds of work that the I/O thread does itself. Its other connections wait that long; a
     * hand-off to the executor costs about a tenth of it. */
    RL_ADMIT_SMALL_WORK = 250 * 1000,
    /* Bytes of its decoded form and its results. Writing that much takes a few milliseconds. */
    RL_ADMIT_SMALL_MEMORY = 1024 * 1024,
    /* Small bodies may fill queue-bytes by an eighth more than large ones. */
    RL_ADMIT_SMALL_PART = 8,
    RL_ADMIT_PROMISE_MS = 1000,
};

struct rl_admission;

/* RL_NOMEM. `settings` outlives it. */
enum rl_status rl_admission_create(const struct rl_settings *settings,
                                   struct rl_admission **ret_admission, struct rl_error *error);
void rl_admission_free(struct rl_admission *admission); /* takes NULL */
/* From now on every request for a place gets RL_DRAINING. */
void rl_admission_close(struct rl_admission *admission);
/* Jobs that have a place in the queue, and bytes of bodies in memory. */
size_t rl_admission_waiting(struct rl_admission *admission);
size_t rl_admission_held(const struct rl_admission *admission);

/* The headers are in: RL_QUEUE_FULL or RL_DRAINING if the announced body cannot be taken. Promises
 * a place for a large one. I/O thread. */
enum rl_status rl_admit_announced(struct rl_job *job, struct rl_error *error);
/* More of the body has arrived: counts it. RL_QUEUE_FULL. I/O thread. */
enum rl_status rl_admit_bytes(struct rl_job *job, struct rl_error *error);
/* The body was freed before the end of the job. The thread that owns the job. */
void rl_admit_body_gone(struct rl_job *job);
/* The body has arrived: gives the job a place in the queue. RL_QUEUE_FULL, RL_DRAINING. I/O thread.
 */
enum rl_status rl_admit_place(struct rl_job *job, struct rl_error *error);
/* The executor took the job, so its place is free. The thread that owns the job. */
void rl_admit_leave(struct rl_job *job);
/* The job is over: everything it still holds is free. I/O thread. */
void rl_admit_end(struct rl_job *job);

/* Whether the I/O thread may decode this body; whether it has done so and may compute the work. */
bool rl_admit_small_body(const struct rl_job *job);
bool rl_admit_small_work(const struct rl_job *job);

#endif
