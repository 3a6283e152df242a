/*
 * reduce.c: from what each list gave to the results of a request.
 */
#include "core/reduce.h"

#include <math.h>
#include <stdio.h>

#include "core/base/column.h"
#include "core/strategy.h"

static struct rl_list_result list_result(const struct rl_work *work, size_t eval, size_t list)
{
    const struct rl_work_state *const state = work->state;
    const struct rl_eval_state *const of = &state->evals[eval];
    return (struct rl_list_result){
        .items = rl_list_items(work->batch, list),
        .valid_items = state->valid[list],
        .pairs = rl_list_pairs(work, eval, list),
        .sum = of->sums ? of->sums[list] : 0,
        .value = of->rankings ? of->rankings[list].value : 0,
        .weight = of->rankings ? of->rankings[list].weight : 0,
    };
}

static void add_metric(const struct rl_ranking *ranking, struct rl_totals *totals)
{
    if (!ranking->counts)
        return;
    if (ranking->averaged)
        rl_sums_add(&totals->averaged, ranking->value, 1);
    else
        rl_sums_add(&totals->own, ranking->value * ranking->weight, ranking->weight);
}

static void reduce_lists(struct rl_work *work, size_t eval)
{
    const struct rl_work_state *const state = work->state;
    const struct rl_ranking *rankings = state->evals[eval].rankings;
    struct rl_result *const result = &work->results[eval];
    for (size_t list = 0; list < work->batch->lists; list++) {
        const struct rl_list_result of_list = list_result(work, eval, list);
        if (rankings)
            add_metric(&rankings[list], &result->totals);
        else
            rl_sums_add(&result->totals.own, of_list.sum, rl_list_share(work, eval, list));
        result->totals.valid_items += of_list.valid_items;
        result->totals.pairs += of_list.pairs;
        result->totals.sum += of_list.sum;
        if (result->lists)
            result->lists[list] = of_list;
    }
}

static void reduce_loss(struct rl_work *work, size_t eval)
{
    const struct rl_work_state *const state = work->state;
    const double divisor = state->evals[eval].divisor;
    struct rl_result *const result = &work->results[eval];
    reduce_lists(work, eval);
    if (work->evals[eval].reduction != RL_NONE)
        result->value =
            rl_round(divisor != 0 ? result->totals.sum / divisor : 0, work->batch->dtype);
}

static void reduce_metric(struct rl_work *work, size_t eval)
{
    const struct rl_work_state *const state = work->state;
    struct rl_result *const result = &work->results[eval];
    double sum, weight_sum;
    const double value =
        rl_ranking_combine(work->evals[eval].measure->id, state->evals[eval].rankings,
                           work->batch->lists, &sum, &weight_sum);
    reduce_lists(work, eval);
    result->value = rl_round(value, work->batch->dtype);
    result->totals.sum = sum;
    result->totals.weight_sum = weight_sum;
}

static enum rl_status fail_list(struct rl_work *work, size_t list, enum rl_status status)
{
    char pointer[RL_POINTER_MAX];
    if (status == RL_NOMEM)
        return rl_fail(&work->error, RL_NOMEM, "", "no memory to compute list %zu", list);
    if (status == RL_INVALID) {
        snprintf(pointer, sizeof(pointer), "/y_true/%zu", list);
        return rl_fail(&work->error, status, pointer,
                       "a label of list %zu is no grade of the table of gains", list);
    }
    if (status != RL_NOT_FINITE)
        return rl_fail(&work->error, status, "", "the work was stopped");
    snprintf(pointer, sizeof(pointer), "/y_pred/%zu", list);
    return rl_fail(&work->error, status, pointer, "the result of list %zu is not finite", list);
}

/* The reason why a list was left out comes first, wherever it happened: nothing else is known then.
 * */
static enum rl_status lists_status(struct rl_work *work)
{
    const struct rl_work_state *const state = work->state;
    size_t lists = work->batch->lists, first = lists;
    for (size_t list = 0; list < lists; list++) {
        const enum rl_status outcome = state->outcomes[list];
        if (outcome != RL_OK && outcome != RL_NOT_FINITE && outcome != RL_INVALID)
            return fail_list(work, list, outcome);
        if (outcome != RL_OK && first == lists)
            first = list;
    }
    return first < lists ? fail_list(work, first, state->outcomes[first]) : RL_OK;
}

/* The list with which the sum over lists, or its quotient, leaves the numbers of the dtype. */
static size_t overflowing_list(const struct rl_work *work, size_t eval)
{
    const struct rl_work_state *const state = work->state;
    const double *const sums = state->evals[eval].sums;
    double divisor = state->evals[eval].divisor, sum = 0;
    for (size_t list = 0; sums && list < work->batch->lists; list++) {
        sum += sums[list];
        const double value = divisor != 0 ? sum / divisor : 0;
        if (!isfinite(sum) || !isfinite(rl_round(value, work->batch->dtype)))
            return list;
    }
    return work->batch->lists - 1;
}

static enum rl_status totals_status(struct rl_work *work, size_t eval)
{
    const struct rl_result *const result = &work->results[eval];
    if (!isfinite(result->totals.weight_sum))
        return rl_fail(&work->error, RL_NOT_FINITE, "/sample_weight",
                       "the sum of the weights is not finite");
    if (!isfinite(result->totals.sum) || !isfinite(result->value))
        return fail_list(work, overflowing_list(work, eval), RL_NOT_FINITE);
    return RL_OK;
}

void rl_reduce(struct rl_work *work)
{
    work->status = lists_status(work);
    for (size_t eval = 0; eval < work->count && work->status == RL_OK; eval++) {
        if (work->evals[eval].measure->kind == RL_LOSS)
            reduce_loss(work, eval);
        else
            reduce_metric(work, eval);
        work->status = totals_status(work, eval);
    }
}
