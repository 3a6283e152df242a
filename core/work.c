/*
 * work.c: takes the memory of a request's results, and estimates what it costs to compute them.
 */
#include "core/work.h"

#include <math.h>

#include "core/base/blocks.h"
#include "core/base/column.h"
#include "core/base/elementary.h"
#include "core/ranking/gains.h"
#include "core/lists/listscan.h"
#include "core/lists/plan.h"
#include "core/fields/toppairs.h"
#include "core/parts.h"
#include "core/strategy.h"

/* ---- Memory ---------------------------------------------------------------------------------- */

static size_t values_of(const struct rl_batch *batch, const struct rl_measure *measure)
{
    return measure->value_per_list ? batch->lists : batch->items;
}

/* Offsets of each list's top pairs, and their room. */
static bool take_top_pairs(const struct rl_batch *batch, const struct rl_eval *eval,
                           struct rl_arena *arena, struct rl_result *result)
{
    const bool squared = rl_strategy_of(eval->measure->id)->method == RL_METHOD_SQUARED;
    size_t total = 0;
    result->top_offsets = rl_arena_array(arena, batch->lists, sizeof(*result->top_offsets));
    result->top_counts = rl_arena_array(arena, batch->lists, sizeof(*result->top_counts));
    if (!result->top_offsets || !result->top_counts)
        return false;
    for (size_t list = 0; list < batch->lists; list++) {
        result->top_offsets[list] = total;
        result->top_counts[list] = 0;
        total += rl_toppairs_bound(squared, rl_list_items(batch, list), eval->top_k);
    }
    result->top_pairs = rl_arena_array(arena, total, sizeof(*result->top_pairs));
    return result->top_pairs;
}

static bool take_result(const struct rl_batch *batch, const struct rl_eval *eval,
                        struct rl_arena *arena, struct rl_result *result)
{
    const size_t size = rl_dtype_size(batch->dtype);
    bool is_loss = eval->measure->kind == RL_LOSS, taken = true;
    if (is_loss && eval->reduction == RL_NONE) {
        result->values = rl_arena_array(arena, values_of(batch, eval->measure), size);
        taken &= result->values != NULL;
    }
    if (is_loss && eval->include & RL_GRADIENT) {
        result->gradient = rl_arena_array(arena, batch->items, size);
        taken &= result->gradient != NULL;
    }
    if (eval->include & RL_PER_LIST) {
        result->lists = rl_arena_array(arena, batch->lists, sizeof(*result->lists));
        taken &= result->lists != NULL;
    }
    if (eval->measure->has_pairs && eval->include & RL_TOP_PAIRS)
        taken &= take_top_pairs(batch, eval, arena, result);
    return taken;
}

static bool take_eval(const struct rl_batch *batch, const struct rl_eval *eval,
                      struct rl_arena *arena, struct rl_eval_state *state)
{
    *state = (struct rl_eval_state){.temperature = rl_round(eval->temperature, batch->dtype)};
    if (eval->measure->kind == RL_LOSS) {
        state->sums = rl_arena_array(arena, batch->lists, sizeof(double));
        return state->sums;
    }
    state->rankings = rl_arena_array(arena, batch->lists, sizeof(*state->rankings));
    return state->rankings;
}

static bool take_lists(const struct rl_batch *batch, struct rl_arena *arena,
                       struct rl_work_state *state)
{
    state->outcomes = rl_arena_array(arena, batch->lists, sizeof(*state->outcomes));
    state->valid = rl_arena_array(arena, batch->lists, sizeof(*state->valid));
    state->pairs = rl_arena_array(arena, batch->lists, sizeof(*state->pairs));
    state->order = rl_arena_array(arena, batch->lists, sizeof(*state->order));
    return state->outcomes && state->valid && state->pairs && state->order;
}

/* Sums of item weights by list, where some loss divides by them. */
static bool take_weights(const struct rl_batch *batch, const struct rl_eval *evals, size_t count,
                         struct rl_arena *arena, struct rl_work_state *state)
{
    bool needed = false;
    for (size_t i = 0; i < count; i++)
        needed |= evals[i].measure->kind == RL_LOSS &&
                  (state->evals[i].share == RL_SHARE_WEIGHTS || rl_parts_needed(batch, &evals[i]));
    if (!needed || batch->weight_kind != RL_WEIGHT_ITEM)
        return true;
    state->weights = rl_arena_array(arena, batch->lists, sizeof(*state->weights));
    return state->weights;
}

/* ---- What is known before any list is looked at ---------------------------------------------- */

static double sum_column(const void *column, enum rl_dtype dtype, size_t first, size_t n)
{
    double sum = 0, block[RL_BLOCK];
    for (size_t b = 0; b < rl_block_count(n); b++) {
        size_t begin = rl_block_begin(b), count = rl_block_end(b, n) - begin;
        for (size_t i = 0; i < count; i++)
            block[i] = rl_column_get(column, dtype, first + begin + i);
        sum += rl_sum(block, count);
    }
    return sum;
}

double rl_item_weights(const struct rl_batch *batch, size_t begin, size_t end)
{
    return sum_column(batch->weights, batch->dtype, begin, end - begin);
}

/* The sum of the weights as sent: a number counts once. */
static double sum_weights(const struct rl_batch *batch)
{
    switch (batch->weight_kind) {
    case RL_WEIGHT_SCALAR:
        return batch->weight;
    case RL_WEIGHT_LIST:
        return sum_column(batch->weights, batch->dtype, 0, batch->lists);
    case RL_WEIGHT_ITEM:
        return rl_item_weights(batch, 0, batch->items);
    case RL_WEIGHT_NONE:
        break;
    }
    return 0;
}

static bool divides_by_weights(const struct rl_batch *batch, const struct rl_eval *eval)
{
    return eval->reduction == RL_MEAN_WITH_SAMPLE_WEIGHT && batch->weight_kind != RL_WEIGHT_NONE;
}

static double divisor_of(const struct rl_batch *batch, const struct rl_eval *eval,
                         double weight_sum)
{
    if (eval->reduction == RL_SUM || eval->reduction == RL_NONE)
        return 1;
    if (divides_by_weights(batch, eval))
        return weight_sum;
    return (double)values_of(batch, eval->measure);
}

static enum rl_share share_of(const struct rl_batch *batch, const struct rl_eval *eval)
{
    if (eval->reduction == RL_SUM || eval->reduction == RL_NONE)
        return RL_SHARE_ONE;
    if (!divides_by_weights(batch, eval))
        return RL_SHARE_VALUES;
    return batch->weight_kind == RL_WEIGHT_SCALAR ? RL_SHARE_ONE : RL_SHARE_WEIGHTS;
}

uint64_t rl_list_pairs(const struct rl_work *work, size_t eval, size_t list)
{
    const struct rl_work_state *const state = work->state;
    const enum rl_method method = rl_strategy_of(work->evals[eval].measure->id)->method;
    const uint64_t valid = state->valid[list];
    if (method == RL_METHOD_SQUARED)
        return valid ? valid * (valid - 1) : 0;
    return method == RL_METHOD_FIELD ? state->pairs[list] : 0;
}

double rl_list_share(const struct rl_work *work, size_t eval, size_t list)
{
    const struct rl_work_state *const state = work->state;
    const struct rl_batch *const batch = work->batch;
    const bool per_list = work->evals[eval].measure->value_per_list;
    switch (state->evals[eval].share) {
    case RL_SHARE_VALUES:
        return per_list ? 1 : (double)rl_list_items(batch, list);
    case RL_SHARE_WEIGHTS:
        return state->weights ? state->weights[list]
                              : rl_column_get(batch->weights, batch->dtype, list);
    case RL_SHARE_ONE:
        break;
    }
    return 1;
}

static void note_ranks(const struct rl_eval *eval, struct rl_eval_state *of_eval,
                       struct rl_work_state *state)
{
    of_eval->tiered = rl_ranking_needs_tiers(eval);
    of_eval->tier_key = rl_tiers_key(eval);
    if (of_eval->tiered) {
        state->tier_keys |= 1u << of_eval->tier_key;
    } else {
        state->needs_ranks = true;
        rl_ranking_add_needs(eval, &state->rank_needs);
    }
}

static void note_needs(const struct rl_eval *eval, struct rl_eval_state *of_eval,
                       struct rl_work_state *state)
{
    const enum rl_method method = rl_strategy_of(eval->measure->id)->method;
    const bool top_pairs = eval->measure->has_pairs && eval->include & RL_TOP_PAIRS;
    state->needs_wide |= method != RL_METHOD_RANKING;
    state->needs_labels |=
        method != RL_METHOD_RANKING && method != RL_METHOD_FIELD && method != RL_METHOD_LISTMLE;
    if (method == RL_METHOD_RANKING)
        note_ranks(eval, of_eval, state);
    state->needs_grades |= method == RL_METHOD_FIELD || method == RL_METHOD_LISTMLE ||
                           method == RL_METHOD_APPROX || top_pairs;
    if (top_pairs && eval->top_k > state->max_top_k)
        state->max_top_k = eval->top_k;
}

static void fill_totals(const struct rl_batch *batch, const struct rl_eval *eval, double weight_sum,
                        struct rl_totals *totals)
{
    *totals = (struct rl_totals){
        .lists = batch->lists,
        .items = batch->items,
        .values = values_of(batch, eval->measure),
        .scalar_weight = batch->weight_kind == RL_WEIGHT_SCALAR,
    };
    totals->weight_sum = batch->weight_kind == RL_WEIGHT_NONE ? (double)totals->values : weight_sum;
}

/* ---- Cost ------------------------------------------------------------------------------------ */

/*
 * Nanoseconds that a list takes before any evaluation, and each item before any loss. An item of a
 * list that has the team for itself takes more: its scratch is mapped anew, and no cache holds it.
 */
static const double LIST_COST = 150, WIDEN_COST = 0.7, MAP_COST = 2, FAR_SWEEP = 2.2;

/* Items of a field are copied together where at most one in FEW_SHARE has a label above 0. A sweep
 * takes as long as START_HALVINGS halvings before it halves anything. */
static const double FEW_SHARE = 16, FEW_COST = 0.3, START_HALVINGS = 1.7;

static void note_cost(const struct rl_eval *eval, const struct rl_eval_state *of_eval,
                      struct rl_work_state *state)
{
    const struct rl_strategy *const strategy = rl_strategy_of(eval->measure->id);
    if (strategy->method == RL_METHOD_RANKING) {
        if (of_eval->tiered) {
            state->tier_cost += rl_tiered_cost(eval);
        } else {
            state->rank_cost += strategy->item_cost;
            state->rare_cost += strategy->rare_cost;
        }
        return;
    }
    const double times = eval->include & RL_GRADIENT ? 3 : 1;
    const double top = eval->include & RL_TOP_PAIRS ? 20 : 0;
    const bool all_pairs = strategy->method == RL_METHOD_APPROX;
    if (strategy->method == RL_METHOD_FIELD)
        state->field_cost += strategy->item_cost * times;
    else
        state->item_cost += strategy->item_cost * times;
    state->item_cost += top;
    *(all_pairs ? &state->all_pair_cost : &state->pair_cost) += strategy->pair_cost * times;
    *(all_pairs ? &state->all_sweep_cost : &state->sweep_cost) += strategy->sweep_cost * times;
}

/* What the cost of a list depends on. */
struct shape {
    size_t items, positives; /* positives: items with a label above 0 */
    double pairs;            /* at most */
    double grades;           /* at most */
    bool has_grades;         /* labels are whole numbers below RL_GRADES */
};

static double losses_cost(const struct rl_work_state *state, const struct shape *shape)
{
    const double n = (double)shape->items, far = shape->items > RL_CUT_ALONE ? FAR_SWEEP : 1;
    const double few = (double)shape->positives * FEW_SHARE <= n ? FEW_COST : 1;
    const double halvings = START_HALVINGS + rl_log2(shape->grades + 1);
    const double pairs = state->pair_cost * shape->pairs;
    const double sweeps = state->sweep_cost * n * halvings * far;
    return (WIDEN_COST + state->item_cost + few * state->field_cost) * n + fmin(pairs, sweeps) +
           fmin(state->all_pair_cost * n, state->all_sweep_cost) * n;
}

static double metrics_cost(const struct rl_work_state *state, const struct shape *shape)
{
    const struct rl_rank_needs *const needs = &state->rank_needs;
    const size_t ranked = shape->positives < needs->depth ? shape->positives : needs->depth;
    const size_t tabled = shape->has_grades ? RL_DISCOUNTS : 0;
    const size_t rare = ranked > tabled ? ranked - tabled : 0;
    return rl_listranks_cost(needs, shape->items, shape->positives) +
           state->rank_cost * (double)ranked + state->rare_cost * (double)rare;
}

static double tiers_cost(const struct rl_work_state *state, const struct shape *shape)
{
    double cost = state->tier_cost * (double)shape->items;
    for (size_t key = 0; key < RL_TIER_KEYS; key++)
        if (state->tier_keys & 1u << key)
            cost += rl_tiers_cost(key, shape->items);
    return cost;
}

static double cost_of(const struct rl_work_state *state, const struct shape *shape)
{
    double cost = LIST_COST;
    if (shape->items > RL_CUT_ALONE)
        cost += MAP_COST * (double)shape->items;
    if (state->needs_wide)
        cost += losses_cost(state, shape);
    if (state->needs_ranks)
        cost += metrics_cost(state, shape);
    if (state->tier_keys)
        cost += tiers_cost(state, shape);
    return cost;
}

double rl_list_cost(const struct rl_work *work, size_t items)
{
    const double n = (double)items;
    const struct shape shape = {
        .items = items, .positives = items, .pairs = n * n / 2, .grades = n};
    return cost_of(work->state, &shape);
}

/* Zeros among `count` bytes. */
static size_t count_zeros(const uint8_t *bytes, size_t count)
{
    enum { RUN = 128 }; /* whose zeros a byte can count */
    size_t zeros = 0;
    for (size_t begin = 0; begin < count; begin += RUN) {
        const size_t end = count - begin > RUN ? begin + RUN : count;
        uint8_t of_run = 0;
        for (size_t i = begin; i < end; i++)
            of_run = (uint8_t)(of_run + (bytes[i] == 0));
        zeros += of_run;
    }
    return zeros;
}

/* The shape of a list whose labels are all grades, the lowest of them 0; false for another. */
static bool shape_by_grades(const struct rl_batch *batch, size_t list, struct shape *ret)
{
    const char *const labels = batch->labels;
    const size_t begin = batch->offsets[list], end = batch->offsets[list + 1];
    uint8_t bytes[RL_BLOCK];
    uint32_t highest = 0;
    size_t zeros = 0;
    for (size_t i = begin; i < end; i += RL_BLOCK) {
        const size_t count = end - i < RL_BLOCK ? end - i : RL_BLOCK;
        const void *const block = labels + i * rl_dtype_size(batch->dtype);
        highest |= rl_listscan_kernels(batch->dtype)->grades(block, count, bytes);
        if (highest >= RL_GRADES)
            return false;
        zeros += count_zeros(bytes, count);
    }
    const double held = (double)zeros, others = (double)(end - begin - zeros);
    *ret = (struct shape){
        .items = end - begin,
        .positives = end - begin - zeros,
        .pairs = others * held + others * others / 2,
        .grades = highest + 1,
        .has_grades = true,
    };
    return zeros > 0;
}

/* Counts no fewer pairs than the list has, and at most 1.5 times as many where labels are few. */
static struct shape shape_of(const struct rl_batch *batch, size_t list)
{
    struct shape shape;
    if (shape_by_grades(batch, list, &shape))
        return shape;
    double lowest = INFINITY, highest = 0, count = 0,
           held = 0; /* held: items of the lowest label */
    bool whole = true;
    shape = (struct shape){.items = rl_list_items(batch, list)};
    for (size_t i = batch->offsets[list]; i < batch->offsets[list + 1]; i++) {
        const double label = rl_column_get(batch->labels, batch->dtype, i);
        if (!(label >= 0))
            continue;
        shape.positives += label > 0;
        count++;
        held = label < lowest ? 0 : held;
        lowest = label < lowest ? label : lowest;
        highest = label > highest ? label : highest;
        held += label == lowest;
        whole &= (label + 0x1p52) - 0x1p52 == label;
    }
    shape.has_grades = whole && highest < RL_GRADES;
    shape.grades = shape.has_grades ? highest + 1 : count;
    shape.pairs = (count - held) * held + (count - held) * (count - held) / 2;
    return shape;
}

double rl_work_cost(const struct rl_work *work)
{
    const struct rl_work_state *const state = work->state;
    double cost = state->analysis_cost;
    for (size_t list = 0; list < work->batch->lists; list++) {
        struct shape shape = shape_of(work->batch, list);
        cost += cost_of(state, &shape);
    }
    return cost;
}

/* ---- Starting -------------------------------------------------------------------------------- */

/* Whether lists have the weights that the definitions take. */
static bool weights_fit(const struct rl_batch *batch, const struct rl_eval *evals, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (batch->weight_kind == RL_WEIGHT_ITEM && evals[i].measure->kind == RL_METRIC &&
            rl_eval_definition(&evals[i])->list_weights == RL_LIST_WEIGHTS_AS_SENT)
            return false;
    return true;
}

enum rl_status rl_work_init(struct rl_work *work, const struct rl_batch *batch,
                            const struct rl_eval *evals, size_t count, struct rl_arena *arena,
                            struct rl_error *error)
{
    if (!weights_fit(batch, evals, count))
        return rl_fail(error, RL_INVALID, "/sample_weight",
                       "an item has a weight of its own, but a definition takes those of lists");
    struct rl_work_state *state = rl_arena_array(arena, 1, sizeof(*state));
    struct rl_result *results = rl_arena_array(arena, count, sizeof(*results));
    struct rl_eval_state *eval_states = rl_arena_array(arena, count, sizeof(*eval_states));
    if (!state || !results || !eval_states)
        return rl_fail(error, RL_NOMEM, "", "no memory for the results");
    *state = (struct rl_work_state){.evals = eval_states, .weight_sum = sum_weights(batch)};
    bool taken = take_lists(batch, arena, state);
    for (size_t i = 0; i < count && taken; i++) {
        results[i] = (struct rl_result){0};
        taken = take_result(batch, &evals[i], arena, &results[i]) &&
                take_eval(batch, &evals[i], arena, &eval_states[i]) &&
                rl_parts_take(batch, &evals[i], arena, &results[i]);
        eval_states[i].divisor = divisor_of(batch, &evals[i], state->weight_sum);
        eval_states[i].share = share_of(batch, &evals[i]);
        fill_totals(batch, &evals[i], state->weight_sum, &results[i].totals);
        note_needs(&evals[i], &eval_states[i], state);
        note_cost(&evals[i], &eval_states[i], state);
        state->analysis_cost += rl_parts_cost(batch, &evals[i]);
    }
    if (!taken || !take_weights(batch, evals, count, arena, state) ||
        !rl_parts_take_room(batch, evals, count, arena, &state->analysis))
        return rl_fail(error, RL_NOMEM, "", "no memory for the results");
    *work = (struct rl_work){
        .batch = batch, .evals = evals, .count = count, .results = results, .state = state};
    return RL_OK;
}
