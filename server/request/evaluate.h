/*
 * evaluate.h: decode, compute and encode, for one job here or for many on the team.
 */
#ifndef RL_EVALUATE_H
#define RL_EVALUATE_H

#include "server/request/job.h"

/* Inflates the body, decodes it into job->query and prepares job->work. Does nothing for a job that
 * is decoded already. RL_SYNTAX, RL_INVALID, RL_TOO_LARGE, RL_NOMEM. */
enum rl_status rl_evaluate_decode(struct rl_job *job, struct rl_error *error);

/* Computes on this thread alone. RL_NOT_FINITE, RL_NOMEM. The job's I/O thread. */
enum rl_status rl_evaluate_compute(struct rl_job *job, struct rl_error *error);

/* Fills job->reply, in gzip where the job asks for it. RL_NOMEM. */
enum rl_status rl_evaluate_encode(struct rl_job *job, struct rl_error *error);

/* Most jobs of one call below. */
enum { RL_EVALUATE_MOST = 256 };

/*
 * Takes `count` jobs through all three on the team: decoding and encoding one job a thread
 * (a job that is alone has them all), computing all lists of all jobs in one loop. Those whose body
 * inflates to more than it claims come after the others, one at a time. Sets each job's
 * status and error; one job's failure leaves the others alone. Calls done(job) once for each, on
 * any thread, as soon as it is ready; the job may be gone when that returns. `jobs` is used up.
 */
void rl_evaluate_many(struct rl_team *team, struct rl_job **jobs, size_t count,
                      void (*done)(struct rl_job *job));

#endif
