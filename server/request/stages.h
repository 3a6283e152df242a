/*
 * stages.h: decode, compute and encode: one job on the calling thread, or many on the team.
 */
#ifndef RL_STAGES_H
#define RL_STAGES_H

#include "server/request/job.h"

/* RL_OK, or the status with which the job was stopped (rl_job_stop). Every stage checks this. */
enum rl_status rl_stage_check_stop(const struct rl_job *job, struct rl_error *error);

/* Inflates the body, decodes it into job->query and prepares job->work. Returns RL_OK and leaves
 * the job as it is if the body inflates to more than a small body (admit.h): progress tells. I/O
 * thread. RL_SYNTAX, RL_INVALID, RL_TOO_LARGE (max-work among others), RL_NOMEM. */
enum rl_status rl_stage_decode(struct rl_job *job, struct rl_error *error);

/* Computes on the calling thread alone. RL_NOT_FINITE, RL_NOMEM. The job's I/O thread. */
enum rl_status rl_stage_compute(struct rl_job *job, struct rl_error *error);

/* Fills job->reply, in gzip where the client takes it. RL_NOMEM. */
enum rl_status rl_stage_encode(struct rl_job *job, struct rl_error *error);

/* A team, and the bytes of the pool (context->pool) that its scratch for long lists counts for. */
struct rl_crew {
    struct rl_team *team;
    size_t room;
};

/* The most jobs of one call of rl_stages_run. */
enum { RL_STAGES_MOST = 256 };

/*
 * Takes `count` jobs through all three stages on the team. Each thread decodes and encodes one job
 * at a time (a single job has the whole team); all lists of all jobs are computed in one loop. Jobs
 * whose body inflates to more than it claims, and those for which the pool had no room beside the
 * others, follow one at a time; RL_NOMEM if there is no room even then.
 *
 * Sets each job's status and error; the failure of one job does not affect the others. Calls
 * done(context, job) once for each as soon as it is ready, on any thread; the job may be gone when
 * that returns. The array `jobs` is overwritten.
 */
void rl_stages_run(struct rl_crew *crew, struct rl_job **jobs, size_t count,
                   void (*done)(void *context, struct rl_job *job), void *context);

#endif
