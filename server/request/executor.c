/*
 * executor.c: the thread that processes queued jobs.
 */
#include "server/request/executor.h"

#include <execinfo.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "server/base/clock.h"
#include "server/observe/metrics.h"
#include "server/request/admit.h"
#include "server/request/queue.h"
#include "server/request/stages.h"

enum {
    /* A pass takes jobs until their bodies add up to this many bytes. A job that arrives meanwhile
     * then waits tens of milliseconds, not for everything that was queued. A larger job gets a
     * pass of its own. */
    PASS_BYTES = 8 * 1024 * 1024,
    /* Steps of nice(2) by which the team yields to the I/O threads, which answer small requests.
     * The team's threads inherit it. */
    NICENESS = 5,
    QUIET_MS = 1000,
};

struct rl_executor {
    struct rl_executor_options options;
    struct rl_queue *queue;
    pthread_t thread;
    struct rl_crew crew; /* the thread's own */
    struct rl_error error;
    enum rl_status status;
    sem_t started; /* posted when the team runs, or when `error` says why it does not */
};

void rl_executor_put(struct rl_executor *executor, struct rl_job *job)
{
    rl_queue_put(executor->queue, job);
}

size_t rl_executor_busy(struct rl_executor *executor)
{
    /* In this order: a job counts as worked on before it leaves its place. */
    const size_t waiting = rl_admission_waiting(executor->options.admission);
    return waiting + rl_queue_working(executor->queue);
}

/* ---- One pass -------------------------------------------------------------------------------- */

/* Whether the client has closed its side. The descriptor stays open while the job is ours. */
static bool client_gone(const struct rl_job *job)
{
    struct pollfd at = {.fd = job->connection->fd, .events = POLLRDHUP};
    return poll(&at, 1, 0) > 0 && (at.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

static bool is_late(const struct rl_job *job)
{
    return rl_clock_now() > job->times.deadline;
}

/* Stops a job that nobody waits for any more. */
static void review(struct rl_job *job)
{
    if (client_gone(job))
        rl_job_stop(job, RL_GONE);
    else if (is_late(job))
        rl_job_stop(job, RL_DEADLINE);
}

/* Gives the job back to its I/O thread. `argument` is the executor. */
static void finish(void *argument, struct rl_job *job)
{
    const struct rl_executor *const executor = argument;
    rl_queue_done(executor->queue, job);
    executor->options.resume(job);
}

static void run_pass(struct rl_executor *executor, struct rl_job **jobs, size_t count)
{
    const uint64_t now = rl_clock_now();
    rl_metrics_batch(count);
    for (size_t i = 0; i < count; i++) {
        rl_admit_leave(jobs[i]);
        jobs[i]->times.waited = now - jobs[i]->times.queued;
        rl_metrics_queue_wait(jobs[i]->times.waited);
        review(jobs[i]);
    }
    rl_stages_run(&executor->crew, jobs, count, finish, executor);
}

/* ---- Ending work early ----------------------------------------------------------------------- */

/* Gives back a job that was still in the queue. */
static void refuse(const struct rl_executor *executor, struct rl_job *job, enum rl_status status)
{
    rl_admit_leave(job);
    rl_job_stop(job, status);
    job->status = rl_stage_check_stop(job, &job->error);
    executor->options.resume(job);
}

static void refuse_late(void *executor, struct rl_job *job)
{
    job->times.waited = rl_clock_now() - job->times.queued;
    rl_metrics_queue_wait(job->times.waited);
    refuse(executor, job, RL_DEADLINE);
}

static void refuse_last(void *executor, struct rl_job *job)
{
    refuse(executor, job, RL_DRAINING);
}

static bool is_any(const struct rl_job *job)
{
    (void)job;
    return true;
}

static void stop_last(struct rl_job *job)
{
    rl_job_stop(job, RL_DRAINING);
}

void rl_executor_watch(struct rl_executor *executor)
{
    rl_queue_visit(executor->queue, review);
    rl_queue_remove(executor->queue, is_late, refuse_late, executor);
}

void rl_executor_cancel(struct rl_executor *executor)
{
    rl_admission_close(executor->options.admission);
    rl_queue_remove(executor->queue, is_any, refuse_last, executor);
    rl_queue_visit(executor->queue, stop_last);
}

/* ---- The thread ------------------------------------------------------------------------------ */

/* Frees what the team keeps for long lists. */
static void let_rest(struct rl_executor *executor)
{
    rl_team_trim(executor->crew.team);
    rl_pool_give(executor->options.pool, executor->crew.room);
    executor->crew.room = 0;
}

/* Works until the queue ends. Memory that large requests used is kept while they come, which saves
 * page faults, and freed after a quiet second (memory.h then gives it to the kernel). */
static void work_off(struct rl_executor *executor)
{
    struct rl_job *jobs[RL_STAGES_MOST];
    size_t count = 0;
    uint64_t patience_ms = 0;
    enum rl_take take;
    while ((take = rl_queue_take(executor->queue, PASS_BYTES, patience_ms, jobs, &count)) !=
           RL_TAKE_END) {
        if (take == RL_TAKE_JOBS) {
            run_pass(executor, jobs, count);
        } else {
            let_rest(executor);
        }
        patience_ms = take == RL_TAKE_JOBS ? QUIET_MS : 0;
    }
}

static void *work(void *argument)
{
    struct rl_executor *const executor = argument;
    /* If this is not permitted, small requests lose a little latency. */
    (void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + NICENESS);
    const enum rl_status status =
        rl_team_create(executor->options.threads, &executor->crew.team, &executor->error);
    executor->status = status;
    sem_post(&executor->started); /* after a failure the executor may already be freed */
    if (status != RL_OK)
        return NULL;
    work_off(executor);
    let_rest(executor);
    rl_team_free(executor->crew.team);
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

/* libgomp ends its threads with pthread_exit. glibc loads libgcc_s for that, and aborts the process
 * if memory is too short by then. A backtrace loads it now. */
static void load_unwinder(void)
{
    void *frame;
    backtrace(&frame, 1);
}

static void release(struct rl_executor *executor)
{
    rl_queue_free(executor->queue);
    sem_destroy(&executor->started);
    free(executor);
}

enum rl_status rl_executor_create(const struct rl_executor_options *options,
                                  struct rl_executor **ret_executor, struct rl_error *error)
{
    load_unwinder();
    struct rl_executor *const executor = calloc(1, sizeof(*executor));
    if (!executor)
        return rl_fail(error, RL_NOMEM, "", "no memory for the executor");
    executor->options = *options;
    sem_init(&executor->started, 0, 0);
    enum rl_status status = rl_queue_create(RL_STAGES_MOST, &executor->queue, error);
    if (status == RL_OK)
        status = start(executor, error);
    if (status == RL_OK)
        *ret_executor = executor;
    else
        release(executor);
    return status;
}

void rl_executor_free(struct rl_executor *executor)
{
    if (!executor)
        return;
    rl_queue_stop(executor->queue);
    pthread_join(executor->thread, NULL);
    release(executor);
}
