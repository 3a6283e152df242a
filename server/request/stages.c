/*
 * stages.c: decode, compute and encode.
 */
#include "server/request/stages.h"

#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/observe/metrics.h"
#include "server/observe/tracked.h"
#include "server/request/admit.h"
#include "server/request/respond.h"

/* ---- stop ------------------------------------------------------------------------------------ */

enum rl_status rl_stage_check_stop(const struct rl_job *job, struct rl_error *error)
{
    const int stop = atomic_load_explicit(&job->stop, memory_order_relaxed);
    switch (stop) {
    case RL_OK:
        return RL_OK;
    case RL_GONE:
        return rl_fail(error, RL_GONE, "", "the client has gone");
    case RL_DEADLINE:
        return rl_fail(error, RL_DEADLINE, "", "the request took longer than request-timeout, %g s",
                       (double)job->context->settings->request_timeout / 1000);
    default:
        return rl_fail(error, RL_DRAINING, "", "the server is shutting down");
    }
}

/* ---- decode ---------------------------------------------------------------------------------- */

/* `team` NULL: on this thread alone. `inflated` bounds the inflated body. */
static enum rl_status decode_body(struct rl_job *job, struct rl_team *team, size_t inflated,
                                  struct rl_error *error)
{
    static char nothing[1];
    struct rl_body *const body = &job->body;
    const enum rl_status status = rl_body_inflate(body, inflated, error);
    if (status != RL_OK)
        return status;
    const struct rl_input input = {
        .body = body->data ? body->data : nothing,
        .length = body->length,
        .headers = &job->headers,
        .target = &job->route.target,
        .limits = &job->context->limits,
        .team = team,
        .arena = &job->arena,
    };
    return job->format->read(&input, &job->query, error);
}

/* Prepares the work of a decoded query, and refuses it where it is too much for one request. */
static enum rl_status prepare_work(struct rl_job *job, struct rl_error *error)
{
    struct rl_query *const query = &job->query;
    const enum rl_status status =
        rl_work_init(&job->work, &query->batch, query->evals, query->count, &job->arena, error);
    if (status != RL_OK)
        return status;
    job->work.stop = &job->stop;
    job->work_cost = rl_work_cost(&job->work);
    const double seconds = job->work_cost * 1e-9;
    const double most = (double)job->context->settings->max_work / 1000;
    if (seconds > most)
        return rl_fail(error, RL_TOO_LARGE, "",
                       "the request would take about %.3g s of computing, over max-work, %g s",
                       seconds, most);
    return RL_OK;
}

static enum rl_status say_starved(struct rl_job *job, struct rl_error *error)
{
    job->starved = true;
    return rl_fail(error, RL_NOMEM, "",
                   "there is no room in max-total-memory, %zu bytes, beside other requests",
                   job->context->settings->max_total_memory);
}

/* Gives back what a job that is not decoded has taken, since it may wait now. */
static enum rl_status fail_decode(struct rl_job *job, enum rl_status status, struct rl_error *error)
{
    const bool starved = job->arena.starved;
    rl_arena_reset(&job->arena);
    return starved ? say_starved(job, error) : status;
}

static void let_body_go(struct rl_job *job)
{
    rl_body_end(&job->body);
    if (job->body.capacity == 0) /* it was large */
        rl_admit_body_gone(job);
}

static enum rl_status decode_job(struct rl_job *job, struct rl_team *team, size_t inflated,
                                 struct rl_error *error)
{
    if (job->progress >= RL_PROGRESS_DECODED)
        return RL_OK;
    const uint64_t start = rl_clock_now();
    enum rl_status status = rl_stage_check_stop(job, error);
    if (status == RL_OK)
        status = decode_body(job, team, inflated, error);
    if (status == RL_OK)
        status = prepare_work(job, error);
    if (status != RL_OK)
        return fail_decode(job, status, error);
    if (!job->query.uses_body)
        let_body_go(job);
    job->progress = RL_PROGRESS_DECODED;
    job->times.decode = rl_clock_now() - start;
    rl_metrics_decode(job->times.decode, job->query.batch.items);
    return RL_OK;
}

/* Whether inflating ended at a bound below max-inflated-bytes. */
static bool is_over(const struct rl_job *job, enum rl_status status, size_t inflated)
{
    return status == RL_TOO_LARGE && job->body.coding != RL_CODING_IDENTITY &&
           inflated < job->context->settings->max_inflated_bytes;
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

enum rl_status rl_stage_decode(struct rl_job *job, struct rl_error *error)
{
    const size_t inflated =
        min_size(RL_ADMIT_SMALL_BODY, job->context->settings->max_inflated_bytes);
    const enum rl_status status = decode_job(job, NULL, inflated, error);
    return is_over(job, status, inflated) ? RL_OK : status;
}

/* ---- compute --------------------------------------------------------------------------------- */

/* core counts the lists of all systems; a client knows those of each. */
static void name_system(const struct rl_job *job, struct rl_error *error)
{
    static const char prefix[] = "/y_pred/";
    const struct rl_query *const query = &job->query;
    if (!query->systems || strncmp(error->pointer, prefix, sizeof(prefix) - 1) != 0)
        return;
    const size_t list = strtoul(error->pointer + sizeof(prefix) - 1, NULL, 10);
    const size_t lists = query->batch.lists / query->batch.systems;
    rl_fail(error, error->status, "/systems",
            "the result of list %zu of system \"%s\" is not finite", list % lists,
            query->systems[list / lists]);
}

/* core names the list, but a client that sent one bare list knows no list 0. */
static void unbatch_pointer(const struct rl_job *job, struct rl_error *error)
{
    static const char of_scores[] = "/y_pred/0", of_labels[] = "/y_true/0";
    const size_t length = sizeof(of_scores) - 1, kept = length - (sizeof("/0") - 1);
    if (!job->query.batched && (strncmp(error->pointer, of_scores, length) == 0 ||
                                strncmp(error->pointer, of_labels, length) == 0))
        memmove(error->pointer + kept, error->pointer + length,
                strlen(error->pointer + length) + 1);
}

/* What a comparison found: each system under its name, and the differences. */
static void track_systems(const struct rl_query *query, const struct rl_eval *eval,
                          const struct rl_result *result)
{
    const size_t parts = 1 + query->batch.group_count, baseline = query->batch.baseline;
    for (size_t s = 0; s < query->batch.systems; s++) {
        const struct rl_part *const part = &result->parts[s * parts];
        const struct rl_comparison *const comparison = &result->comparisons[s * parts];
        rl_tracked_add_sure(eval->measure->id, query->systems[s], NULL, part->value,
                            part->confidence.t);
        if (s != baseline)
            rl_tracked_add_sure(eval->measure->id, query->systems[s], query->systems[baseline],
                                comparison->difference, comparison->confidence.t);
    }
}

/* The value of an evaluation to which a client gave a name, with its interval if it has one. */
static void track_value(const struct rl_eval *eval, const char *name,
                        const struct rl_result *result)
{
    const bool scalar = eval->measure->kind == RL_METRIC || eval->reduction != RL_NONE;
    if (!scalar || strcmp(name, eval->measure->name) == 0)
        return;
    if (eval->include & RL_CONFIDENCE)
        rl_tracked_add_sure(eval->measure->id, name, NULL, result->value,
                            result->parts[0].confidence.t);
    else
        rl_tracked_add(eval->measure->id, name, result->value);
}

/* Counts the measures of a computed job, each with an equal share of its time. */
static void count_measures(const struct rl_job *job)
{
    const struct rl_query *const query = &job->query;
    const bool track = job->context->settings->track_names > 0;
    for (size_t i = 0; i < query->count; i++) {
        const struct rl_eval *const eval = &query->evals[i];
        const struct rl_result *const result = &job->work.results[i];
        rl_metrics_compute(eval->measure->id, job->times.compute / query->count,
                           result->totals.lists, result->totals.pairs);
        if (track && query->target.compare)
            track_systems(query, eval, result);
        else if (track)
            track_value(eval, query->names[i], result);
    }
}

/* What computing left in the work, as the job's own status. */
static enum rl_status take_outcome(struct rl_job *job, uint64_t elapsed, struct rl_error *error)
{
    job->times.compute = elapsed;
    const enum rl_status status = rl_stage_check_stop(job, error);
    if (status != RL_OK)
        return status;
    if (job->work.status != RL_OK) {
        *error = job->work.error;
        unbatch_pointer(job, error);
        name_system(job, error);
        return job->work.status;
    }
    job->progress = RL_PROGRESS_COMPUTED;
    count_measures(job);
    return RL_OK;
}

enum rl_status rl_stage_compute(struct rl_job *job, struct rl_error *error)
{
    const uint64_t start = rl_clock_now();
    rl_compute_inline(job->scratch, &job->work);
    return take_outcome(job, rl_clock_now() - start, error);
}

/* ---- encode ---------------------------------------------------------------------------------- */

static void take_output(struct rl_reply *reply, struct rl_output *output)
{
    reply->data = rl_text_take(&output->text, &reply->length);
    reply->counted = reply->length;
    reply->owned = true;
    reply->content_type = output->type;
    reply->header = output->header;
}

static enum rl_status encode_job(struct rl_job *job, struct rl_team *team, struct rl_error *error)
{
    const uint64_t start = rl_clock_now();
    /* At least 1, as 0 would be no limit. */
    const size_t room = job->arena.limit - job->arena.used;
    struct rl_output output = {.stop = &job->stop,
                               .text = {.limit = room > 0 ? room : 1, .pool = job->context->pool}};
    enum rl_status status = job->format->write(&job->query, job->work.results, team, &output);
    if (status != RL_OK && output.text.starved)
        say_starved(job, error);
    else if (status != RL_OK)
        rl_fail(error, status, "",
                "no memory for the reply, or the request takes more than max-request-memory");
    else
        status = rl_stage_check_stop(job, error);
    if (status != RL_OK) {
        rl_text_release(&output.text);
        return status;
    }
    rl_arena_reset(&job->arena); /* before the reply is sent, which may take long */
    if (job->query.uses_body)
        let_body_go(job);
    take_output(&job->reply, &output);
    rl_respond_compress(job);
    job->progress = RL_PROGRESS_ENCODED;
    job->times.encode = rl_clock_now() - start;
    rl_metrics_encode(job->times.encode);
    return RL_OK;
}

enum rl_status rl_stage_encode(struct rl_job *job, struct rl_error *error)
{
    return encode_job(job, NULL, error);
}

/* ---- Many jobs on the team ------------------------------------------------------------------- */

struct pass {
    struct rl_team *team; /* for the inside of a job; NULL where each job has a thread */
    bool alone;           /* one job */
    struct rl_job **jobs;
    void (*done)(void *context, struct rl_job *job);
    void *context;
};

/* Several jobs may each inflate only to what their body claims. The pass was filled by these
 * claims, so together they take no more memory than a pass may. */
static void decode_one(void *context, size_t index)
{
    const struct pass *const pass = context;
    struct rl_job *const job = pass->jobs[index];
    const size_t max = job->context->settings->max_inflated_bytes;
    const size_t inflated = pass->alone ? max : rl_body_claim(&job->body, max);
    job->starved = false;
    job->status = decode_job(job, pass->team, inflated, &job->error);
    job->postponed = is_over(job, job->status, inflated);
}

/* What a failed job has taken may be what the next one needs. */
static void hand_back(const struct pass *pass, struct rl_job *job)
{
    if (job->status != RL_OK)
        rl_arena_reset(&job->arena);
    pass->done(pass->context, job);
}

static void encode_one(void *context, size_t index)
{
    const struct pass *const pass = context;
    struct rl_job *const job = pass->jobs[index];
    job->status = encode_job(job, pass->team, &job->error);
    job->postponed = job->starved && !pass->alone;
    if (job->postponed)
        return;
    pass->jobs[index] = NULL;
    hand_back(pass, job);
}

/* One job has the whole team to itself; of several each has a thread. */
static void run_pass(struct rl_team *team, struct pass *pass, size_t count,
                     void (*body)(void *context, size_t index))
{
    pass->team = count == 1 ? team : NULL;
    pass->alone = count == 1;
    if (count == 1)
        body(pass, 0);
    else
        rl_team_run(team, count, body, pass);
}

/* Counts the scratch of long lists, which stays with the crew, in the pool. */
static enum rl_status take_room(struct rl_crew *crew, struct rl_job *job)
{
    struct rl_pool *const pool = job->context->pool;
    const size_t room = rl_work_room(&job->work);
    if (room <= crew->room)
        return RL_OK;
    if (pool && room > rl_pool_most(pool))
        return rl_fail(&job->error, RL_TOO_LARGE, "",
                       "the longest list takes %zu bytes to compute, over max-total-memory", room);
    if (!rl_pool_take(pool, room - crew->room, false))
        return say_starved(job, &job->error);
    crew->room = room;
    return RL_OK;
}

static void take_rooms(struct rl_crew *crew, struct rl_job *const *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct rl_job *const job = jobs[i];
        if (job->status == RL_OK)
            job->status = take_room(crew, job);
        job->postponed |= job->starved && count > 1;
    }
}

/* Moves the jobs that are postponed to the end; returns how many others there are. */
static size_t move_postponed_back(struct rl_job **jobs, size_t count)
{
    size_t fit = 0;
    for (size_t i = 0; i < count; i++) {
        struct rl_job *const job = jobs[i];
        if (job->postponed)
            continue;
        jobs[i] = jobs[fit];
        jobs[fit++] = job;
    }
    return fit;
}

/* Gives back the jobs that failed and moves the others together; returns how many those are. */
static size_t sift(const struct pass *pass, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct rl_job *const job = pass->jobs[i];
        if (job->status == RL_OK)
            pass->jobs[kept++] = job;
        else
            hand_back(pass, job);
    }
    return kept;
}

static void compute_all(struct rl_team *team, struct rl_job *const *jobs, size_t count)
{
    struct rl_work *works[RL_STAGES_MOST];
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        works[i] = &jobs[i]->work;
        sum += jobs[i]->work_cost;
    }
    const uint64_t start = rl_clock_now();
    rl_compute(team, works, count);
    /* The time is divided among the jobs in proportion to their estimated work. */
    const double elapsed = (double)(rl_clock_now() - start);
    for (size_t i = 0; i < count; i++)
        jobs[i]->status =
            take_outcome(jobs[i], sum > 0 ? (uint64_t)(elapsed * (jobs[i]->work_cost / sum)) : 0,
                         &jobs[i]->error);
}

void rl_stages_run(struct rl_crew *crew, struct rl_job **jobs, size_t count,
                   void (*done)(void *context, struct rl_job *job), void *context)
{
    struct rl_team *const team = crew->team;
    struct pass pass = {.jobs = jobs, .done = done, .context = context};
    run_pass(team, &pass, count, decode_one);
    take_rooms(crew, jobs, count);
    const size_t fit = move_postponed_back(jobs, count);
    size_t kept = sift(&pass, fit);
    if (kept > 0 && jobs[0]->progress < RL_PROGRESS_COMPUTED) {
        compute_all(team, jobs, kept);
        kept = sift(&pass, kept);
    }
    if (kept > 0)
        run_pass(team, &pass, kept, encode_one);
    for (size_t i = 0; i < kept; i++)
        if (jobs[i])
            rl_stages_run(crew, &jobs[i], 1, done, context);
    for (size_t i = fit; i < count; i++)
        rl_stages_run(crew, &jobs[i], 1, done, context);
}
