/*
 * executor.c: the thread behind the queue.
 */
#include "server/request/executor.h"

#include <execinfo.h>
#include <malloc.h>
#include <poll.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "server/request/admit.h"
#include "server/base/clock.h"
#include "server/request/evaluate.h"
#include "server/observe/log.h"
#include "server/observe/metrics.h"

enum {
    /* One pass takes jobs until their bodies come to this much, so that what arrives meanwhile
     * waits for tens of milliseconds, not for everything that was queued. A larger job is a pass
     * alone. */
    PASS_BYTES = 8 * 1024 * 1024,
    /* The team yields to the I/O threads, which answer small requests, by so many steps of nice(2).
     * Threads inherit it. */
    NICENESS = 5,
    QUIET_MS = 1000,
};

struct rl_executor {
    struct rl_executor_options options;
    pthread_t thread;
    struct rl_team *team; /* the thread's own */
    struct rl_error error;
    enum rl_status status;
    sem_t started; /* posted when the team runs, or error says why not */
};

enum rl_status rl_executor_submit(struct rl_job *job, struct rl_error *error)
{
    const struct rl_context *const context = job->context;
    const enum rl_status status = rl_queue_reserve(context->queue, job, error);
    if (status != RL_OK)
        return status;
    job->times.queued = rl_clock_now();
    job->times.deadline = job->times.queued + context->settings->request_timeout * 1000000u;
    /* Suspended first: the executor may be done before rl_queue_put returns. */
    MHD_suspend_connection(job->mhd);
    rl_queue_put(context->queue, job);
    return RL_OK;
}

/* ---- One pass -------------------------------------------------------------------------------- */

/* Whether the client has closed its side. Its descriptor stays open while it is suspended. */
static bool client_gone(const struct rl_job *job)
{
    if (job->connection == NULL)
        return false;
    struct pollfd at = {.fd = job->connection->fd, .events = POLLRDHUP};
    return poll(&at, 1, 0) > 0 && (at.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

/* Whether a job is still worth doing. */
static enum rl_status review(struct rl_job *job, struct rl_error *error)
{
    const uint64_t now = rl_clock_now();
    job->times.waited = now - job->times.queued;
    rl_metrics_queue_wait(job->times.waited);
    if (client_gone(job)) {
        rl_metrics_client_gone();
        return rl_fail(error, RL_GONE, "", "the client went away");
    }
    if (now > job->times.deadline)
        return rl_fail(error, RL_DEADLINE, "", "the request waited longer than request-timeout");
    return RL_OK;
}

/* Gives the job back to its I/O thread. */
static void finish(struct rl_job *job)
{
    if (rl_queue_done(job->context->queue, job))
        MHD_resume_connection(job->mhd);
}

static void resume(struct rl_job *job)
{
    MHD_resume_connection(job->mhd);
}

static void refuse(struct rl_job *job)
{
    job->status =
        rl_fail(&job->error, RL_DRAINING, "", "the server shut down before it was computed");
    MHD_resume_connection(job->mhd);
}

void rl_executor_cancel(struct rl_executor *executor)
{
    rl_queue_cancel(executor->options.queue, refuse);
}

void rl_executor_abandon(struct rl_executor *executor)
{
    rl_queue_abandon(executor->options.queue, resume);
}

static void run_pass(const struct rl_executor *executor, struct rl_job **jobs, size_t count)
{
    size_t kept = 0;
    rl_metrics_batch(count);
    for (size_t i = 0; i < count; i++) {
        struct rl_job *const job = jobs[i];
        job->status = review(job, &job->error);
        if (job->status == RL_OK)
            jobs[kept++] = job;
        else
            finish(job);
    }
    if (kept > 0)
        rl_evaluate_many(executor->team, jobs, kept, finish);
}

/* ---- The thread ------------------------------------------------------------------------------ */

/* Works until the queue ends. When nothing has come for a while, memory that large requests left
 * behind goes back to the system: kept while they come, it saves them the page faults. */
static void work_off(const struct rl_executor *executor)
{
    struct rl_job *jobs[RL_EXECUTOR_PASS];
    size_t count = 0;
    uint64_t patience_ms = 0;
    enum rl_take take;
    while ((take = rl_queue_take(executor->options.queue, PASS_BYTES, patience_ms, jobs, &count)) !=
           RL_TAKE_END) {
        if (take == RL_TAKE_JOBS) {
            run_pass(executor, jobs, count);
        } else {
            rl_team_trim(executor->team);
            rl_body_free_spares();
            malloc_trim(0);
        }
        patience_ms = take == RL_TAKE_JOBS ? QUIET_MS : 0;
    }
}

static void *work(void *argument)
{
    struct rl_executor *const executor = argument;
    /* Without the right to be nicer nothing is lost but a little latency of small requests. */
    (void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + NICENESS);
    const enum rl_status status =
        rl_team_create(executor->options.threads, &executor->team, &executor->error);
    executor->status = status;
    sem_post(&executor->started); /* from here it may be gone if status is bad */
    if (status != RL_OK)
        return NULL;
    work_off(executor);
    rl_team_free(executor->team);
    return NULL;
}

static enum rl_status await_start(struct rl_executor *executor, struct rl_error *error)
{
    while (sem_wait(&executor->started) != 0)
        ; /* a signal */
    if (executor->status == RL_OK)
        return RL_OK;
    pthread_join(executor->thread, NULL);
    *error = executor->error;
    return executor->status;
}

static enum rl_status start(struct rl_executor *executor, struct rl_error *error)
{
    const int failure = pthread_create(&executor->thread, NULL, work, executor);
    if (failure != 0)
        return rl_fail(error, RL_SYSTEM, "", "cannot start the executor's thread: %s",
                       strerrordesc_np(failure));
    (void)pthread_setname_np(executor->thread, "executor");
    return await_start(executor, error);
}

/* libgomp ends its threads with pthread_exit, for which glibc loads libgcc_s only then, and aborts
 * the process when memory is too short for that. A backtrace loads it now. */
static void load_unwinder(void)
{
    void *frame;
    backtrace(&frame, 1);
}

enum rl_status rl_executor_create(const struct rl_executor_options *options,
                                  struct rl_executor **ret_executor, struct rl_error *error)
{
    load_unwinder();
    struct rl_executor *const executor = calloc(1, sizeof *executor);
    if (executor == NULL)
        return rl_fail(error, RL_NOMEM, "", "no memory for the executor");
    executor->options = *options;
    sem_init(&executor->started, 0, 0);
    const enum rl_status status = start(executor, error);
    if (status == RL_OK) {
        *ret_executor = executor;
        return RL_OK;
    }
    sem_destroy(&executor->started);
    free(executor);
    return status;
}

void rl_executor_free(struct rl_executor *executor)
{
    if (executor == NULL)
        return;
    rl_queue_stop(executor->options.queue);
    pthread_join(executor->thread, NULL);
    sem_destroy(&executor->started);
    free(executor);
}
