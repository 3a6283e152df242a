/*
 * compute.c: computes works, on the calling thread or on the OpenMP team.
 *
 * The only file that enters OpenMP. The result of a piece of work does not depend on the thread
 * that runs it, so dynamic schedules are safe.
 */
#include "core/rankloss.h"

#include <omp.h>
#include <stdlib.h>

#include "core/analysis.h"
#include "core/perlist.h"
#include "core/reduce.h"
#include "core/schedule.h"
#include "core/base/scratch.h"

struct rl_team {
    struct rl_runner runner; /* first: a runner of the team is the team */
    int threads;
    struct rl_scratch *scratch; /* [threads] */
    struct rl_schedule schedule;
    int calm; /* calls since the last with a list that occupied the whole team */
};

/* Calls without long lists after which their memory is given back. */
enum { CALM = 64 };

/* ---- Inline ---------------------------------------------------------------------------------- */

void rl_compute_inline(struct rl_scratch *scratch, struct rl_work *work)
{
    struct rl_runner serial = rl_runner_serial();
    rl_perlist_begin(work);
    for (size_t list = 0; list < work->batch->lists; list++)
        rl_perlist_compute(work, list, scratch, &serial);
    rl_scratch_trim(scratch);
    rl_reduce(work);
    rl_analyse(work, &serial);
}

/* ---- The team -------------------------------------------------------------------------------- */

static void run_on_team(struct rl_runner *runner, size_t count,
                        void (*body)(void *context, size_t index), void *context)
{
    rl_team_run((struct rl_team *)runner, count, body, context);
}

/* How many threads a parallel region really gets. */
static int start_threads(int threads)
{
    int started = 0;
    omp_set_dynamic(0);
#pragma omp parallel num_threads(threads) reduction(+ : started)
    started++;
    return started;
}

enum rl_status rl_team_create(int threads, struct rl_team **ret_team, struct rl_error *error)
{
    struct rl_team *team = malloc(sizeof(*team));
    struct rl_scratch *const scratch = calloc((size_t)threads, sizeof(*scratch));
    if (!team || !scratch) {
        free(team);
        free(scratch);
        return rl_fail(error, RL_NOMEM, "", "no memory for a team of %d threads", threads);
    }
    *team = (struct rl_team){
        .runner = {.run = run_on_team},
        .threads = threads,
        .scratch = scratch,
    };
    rl_schedule_init(&team->schedule);
    const int started = start_threads(threads);
    if (started != threads) {
        rl_team_free(team);
        return rl_fail(error, RL_SYSTEM, "", "only %d of %d threads started", started, threads);
    }
    *ret_team = team;
    return RL_OK;
}

void rl_team_free(struct rl_team *team)
{
    if (!team)
        return;
    for (int i = 0; i < team->threads; i++)
        rl_scratch_release(&team->scratch[i]);
    rl_schedule_release(&team->schedule);
    free(team->scratch);
    free(team);
}

void rl_team_run(struct rl_team *team, size_t count, void (*body)(void *context, size_t index),
                 void *context)
{
    if (count == 1) {
        body(context, 0);
        return;
    }
#pragma omp parallel for schedule(dynamic) num_threads(team->threads)
    for (size_t i = 0; i < count; i++)
        body(context, i);
}

size_t rl_work_room(const struct rl_work *work)
{
    size_t longest = 0;
    for (size_t list = 0; list < work->batch->lists; list++)
        if (rl_is_alone(work->batch, list) && rl_list_items(work->batch, list) > longest)
            longest = rl_list_items(work->batch, list);
    return longest > 0 ? rl_perlist_room(work->state, longest) : 0;
}

/* ---- On the team ----------------------------------------------------------------------------- */

/* The long lists, one after the other, each on all threads. */
static void compute_alone(struct rl_team *team, struct rl_work *work)
{
    for (size_t list = 0; list < work->batch->lists; list++) {
        if (!rl_is_alone(work->batch, list))
            continue;
        rl_perlist_compute(work, list, &team->scratch[0], &team->runner);
        team->calm = 0;
    }
}

static void compute_chunk(void *context, size_t chunk)
{
    struct rl_team *const team = context;
    struct rl_runner serial = rl_runner_serial();
    size_t begin, end;
    struct rl_work *const work = rl_schedule_chunk(&team->schedule, chunk, &begin, &end);
    const struct rl_work_state *const state = work->state;
    for (size_t i = begin; i < end; i++)
        rl_perlist_compute(work, state->order[i], &team->scratch[omp_get_thread_num()], &serial);
}

/* The other lists, when there is no memory to schedule them. */
static void compute_one_by_one(struct rl_team *team, struct rl_work *work)
{
    struct rl_runner serial = rl_runner_serial();
    for (size_t list = 0; list < work->batch->lists; list++)
        if (!rl_is_alone(work->batch, list))
            rl_perlist_compute(work, list, &team->scratch[0], &serial);
}

void rl_team_trim(struct rl_team *team)
{
    for (int i = 0; i < team->threads; i++)
        rl_scratch_trim(&team->scratch[i]);
    team->calm = 0;
}

void rl_compute(struct rl_team *team, struct rl_work *const *works, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        rl_perlist_begin(works[i]);
        compute_alone(team, works[i]);
    }
    if (rl_schedule_fill(&team->schedule, works, count))
        rl_team_run(team, team->schedule.chunks, compute_chunk, team);
    else
        for (size_t i = 0; i < count; i++)
            compute_one_by_one(team, works[i]);
    for (size_t i = 0; i < count; i++) {
        rl_reduce(works[i]);
        rl_analyse(works[i], &team->runner);
    }
    if (++team->calm > CALM)
        rl_team_trim(team);
}
