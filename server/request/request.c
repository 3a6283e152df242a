/*
 * request.c: the path of a request, from top to bottom.
 *
 * The transport calls accept when the headers are in, read for each piece of the body, and run when
 * the whole request is in. A job that waited for the executor comes back to run, finished.
 */
#include "server/request/request.h"

#include <string.h>

#include "server/base/clock.h"
#include "server/http/problem.h"
#include "server/net/rawreply.h"
#include "server/request/admit.h"
#include "server/request/executor.h"
#include "server/request/intake.h"
#include "server/request/respond.h"
#include "server/request/stages.h"

/* ---- accept ---------------------------------------------------------------------------------- */

static enum rl_status accept_stages(struct rl_job *job, struct rl_error *error)
{
    enum rl_status status = rl_intake_check(job, error); /* framing */
    if (status == RL_OK)
        status = rl_intake_access(job, error); /* tokens */
    if (status == RL_OK)
        status = rl_intake_route(job, error); /* path and method */
    if (status == RL_OK)
        status = rl_intake_body(job, error); /* type, length, room */
    return status;
}

/* Whether to read and drop the body of a refused request, so that the client keeps its connection.
 */
static bool can_discard(const struct rl_job *job)
{
    return !rl_problem_closes(job->status) && job->status != RL_UNAUTHORIZED &&
           job->status != RL_TOO_LARGE && !job->headers.expect &&
           job->body.announced <= RL_BODY_DISCARD_MAX;
}

/* From here on the reaper may answer for us, so the connection gets what such a reply needs. */
static void await_body(struct rl_job *job)
{
    struct rl_connection *const connection = job->connection;
    const char *const origin = rl_respond_allow_origin(job);
    memcpy(connection->request_id, job->request_id, sizeof(connection->request_id));
    connection->allow_origin[0] = '\0';
    if (strlen(origin) < sizeof(connection->allow_origin))
        strncat(connection->allow_origin, origin, sizeof(connection->allow_origin) - 1);
    rl_connection_enter_body(connection, job->body.announced == SIZE_MAX ? 0 : job->body.announced);
}

enum rl_next rl_request_accept(struct rl_job *job)
{
    job->status = accept_stages(job, &job->error);
    job->progress = RL_PROGRESS_ACCEPTED;
    if (job->body.announced > 0)
        await_body(job);
    if (job->status == RL_OK)
        return RL_NEXT_CONTINUE;
    job->body.discard = true;
    if (job->body.announced == 0 ? !rl_problem_closes(job->status) : can_discard(job))
        return RL_NEXT_CONTINUE;
    return RL_NEXT_RESPOND;
}

/* ---- read body ------------------------------------------------------------------------------- */

/* The rest is not worth reading, and libmicrohttpd cannot answer before its end. */
static enum rl_next give_up(struct rl_job *job)
{
    if (rl_connection_enter(job->connection, RL_PHASE_WRITE) && job->connection->plain)
        rl_rawreply_send(job->connection->fd, job->status, job->request_id,
                         job->connection->allow_origin);
    return RL_NEXT_CLOSE;
}

enum rl_next rl_request_read(struct rl_job *job, const char *data, size_t size)
{
    enum rl_status status =
        rl_body_append(&job->body, data, size, job->context->settings->max_body_bytes, &job->error);
    rl_connection_received(job->connection, job->body.received);
    if (status == RL_OK && job->status == RL_OK)
        status = rl_admit_bytes(job, &job->error);
    if (status != RL_OK) {
        job->status = status;
        job->close = true;
        rl_body_drop(&job->body);
        rl_admit_body_gone(job);
    }
    return job->body.dropped > RL_BODY_DISCARD_MAX ? give_up(job) : RL_NEXT_CONTINUE;
}

/* ---- decode, admit, schedule, compute, encode ------------------------------------------------ */

static enum rl_next finish(struct rl_job *job, enum rl_status status)
{
    job->status = status;
    return RL_NEXT_RESPOND;
}

static enum rl_next schedule(struct rl_job *job)
{
    if (!rl_connection_enter(job->connection, RL_PHASE_WORK))
        return RL_NEXT_CLOSE; /* the reaper was faster */
    const enum rl_status status = rl_admit_place(job, &job->error);
    if (status != RL_OK)
        return finish(job, status);
    job->times.queued = rl_clock_now();
    job->times.deadline = job->times.queued + job->context->settings->request_timeout * 1000000u;
    return RL_NEXT_WAIT;
}

/* A small request takes all stages here, on the I/O thread. The executor takes larger ones through
 * the same stages (rl_stages_run). */
static enum rl_next run_batch(struct rl_job *job)
{
    struct rl_error *const error = &job->error;
    enum rl_status status = RL_OK;
    if (rl_admit_small_body(job))
        status = rl_stage_decode(job, error);
    if (status == RL_OK && !rl_admit_small_work(job))
        return schedule(job);
    if (status == RL_OK)
        status = rl_stage_compute(job, error); /* reduces as well */
    if (status == RL_OK)
        status = rl_stage_encode(job, error);
    return finish(job, status);
}

void rl_request_trailers(struct rl_job *job, const struct rl_headers *trailers)
{
    if (job->status == RL_OK)
        job->status = rl_headers_check_trailers(trailers, &job->error);
}

enum rl_next rl_request_run(struct rl_job *job)
{
    if (job->status != RL_OK || job->times.queued != 0)
        return RL_NEXT_RESPOND;
    job->times.received = rl_clock_now();
    if (job->method != RL_METHOD_OPTIONS && rl_route_takes_body(&job->route))
        return run_batch(job);
    return finish(job, rl_respond_read(job, &job->error));
}

void rl_request_wait(struct rl_job *job)
{
    rl_executor_put(job->context->executor, job);
}

void rl_request_end(struct rl_job *job)
{
    rl_job_end(job);
    rl_admit_end(job);
}
