/*
 * perlist.c: everything a request asks of one list.
 *
 * The list is gathered and sorted once (plan.h), then each evaluation gives unweighted losses of
 * the valid items, and from those come sums, values and gradient.
 */
#include "core/perlist.h"

#include <math.h>

#include "core/base/column.h"
#include "core/base/cut.h"
#include "core/lists/emit.h"
#include "core/fields/field.h"
#include "core/ranking/approxndcg.h"
#include "core/ranking/listmle.h"
#include "core/ranking/softmax.h"
#include "core/fields/moments.h"
#include "core/fields/toppairs.h"
#include "core/base/scratch.h"
#include "core/strategy.h"

/* One list under evaluation. */
struct perlist {
    struct rl_work *work;
    struct rl_work_state *state;
    size_t list, begin; /* which, and the place of its first item in the batch */
    struct rl_plan plan;
    struct rl_listranks ranks; /* where the work has metrics */
    struct rl_runner *runner;
    struct rl_room room; /* for one evaluation at a time */
    double *losses;      /* [m] */
    double *gradient;    /* [m] */
    double *extra;       /* [m] */
    double temperature;  /* of the current evaluation */
    bool valid, finite;
};

static bool is_stopped(const struct perlist *p)
{
    return rl_runner_stopped(p->runner);
}

static enum rl_status stop_status(const struct perlist *p)
{
    return (enum rl_status)atomic_load_explicit(p->work->stop, memory_order_relaxed);
}

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

size_t rl_perlist_room(const struct rl_work_state *state, size_t items)
{
    size_t doubles = max_size(rl_listmle_scratch(items), rl_moments_scratch(items));
    doubles = max_size(doubles, rl_softmax_scratch(items));
    size_t once = max_size(rl_room_bytes(doubles, sizeof(double)), rl_field_room(items));
    once = max_size(once, rl_ranking_room(items));
    once = max_size(once, rl_approxndcg_room(items));
    once = max_size(once, rl_toppairs_room(items, state->max_top_k));
    once = max_size(once, rl_emit_room(items));
    if (state->tier_keys)
        once = max_size(once, rl_tiers_room(items) + rl_tiered_room(items));
    const size_t ranks = state->needs_ranks ? rl_listranks_room(items) : 0;
    const size_t losses = state->needs_wide ? 3 * rl_room_bytes(items, sizeof(double)) : 0;
    return rl_plan_room(items) + ranks + losses + once + 256;
}

/* ---- Writing results ------------------------------------------------------------------------- */

static struct rl_emission emission_of(const struct perlist *p, size_t eval, void *column)
{
    return (struct rl_emission){
        .plan = &p->plan,
        .runner = p->runner,
        .dtype = p->work->batch->dtype,
        .first = p->begin,
        .divisor = p->state->evals[eval].divisor,
        .column = column,
    };
}

static void emit_losses(struct perlist *p, size_t eval)
{
    struct rl_emission emission = emission_of(p, eval, p->work->results[eval].values);
    double *const ret_sum = &p->state->evals[eval].sums[p->list];
    p->finite &= rl_emit_losses(&emission, p->room, p->losses, ret_sum);
}

static void emit_gradient(struct perlist *p, size_t eval)
{
    struct rl_emission emission = emission_of(p, eval, p->work->results[eval].gradient);
    p->finite &= rl_emit_gradient(&emission, p->room, p->gradient);
}

/* loss: of the list, unweighted. */
static void emit_list_loss(struct perlist *p, size_t eval, double loss)
{
    const enum rl_dtype dtype = p->work->batch->dtype;
    void *const values = p->work->results[eval].values;
    loss *= p->plan.weight;
    p->state->evals[eval].sums[p->list] = loss;
    p->finite &= isfinite(loss) != 0;
    if (!values)
        return;
    rl_column_set(values, dtype, p->list, loss);
    p->finite &= isfinite(rl_round(loss, dtype)) != 0;
}

/* gradient: [m] of the list's loss, unweighted. */
static void emit_list_gradient(struct perlist *p, size_t eval)
{
    for (size_t v = 0; v < p->plan.count; v++)
        p->gradient[v] *= p->plan.weight;
    emit_gradient(p, eval);
}

/* ---- Losses ---------------------------------------------------------------------------------- */

/* An item's own loss falls as its score rises; the losses of items above it rise. */
static void join_slopes(void *context, size_t piece)
{
    struct perlist *const p = context;
    const struct rl_plan *const plan = &p->plan;
    const double temperature = p->temperature;
    for (size_t v = rl_cut_begin(piece); v < rl_cut_end(piece, plan->count); v++) {
        const double own = plan->weights ? plan->weights[v] * p->gradient[v] : p->gradient[v];
        const double slope = (p->extra[v] - own) / temperature;
        p->gradient[v] = plan->weights ? slope : slope * plan->weight;
    }
}

static void pairwise_gradient(struct perlist *p, enum rl_field_kind slope)
{
    struct rl_plan *const plan = &p->plan;
    struct rl_field field = {.kind = slope, .temperature = p->temperature};
    rl_field_sum(&field, plan, p->runner, p->room, p->gradient);
    field.negated = true;
    field.masses = plan->weights;
    rl_field_sum(&field, plan, p->runner, p->room, p->extra);
    rl_runner_until_stopped(p->runner, rl_cut_count(plan->count), join_slopes, p);
}

static void compute_pairwise(struct perlist *p, size_t eval)
{
    const struct rl_strategy *const strategy = rl_strategy_of(p->work->evals[eval].measure->id);
    struct rl_field field = {.kind = strategy->loss, .temperature = p->temperature};
    rl_field_sum(&field, &p->plan, p->runner, p->room, p->losses);
    if (is_stopped(p))
        return;
    emit_losses(p, eval);
    if (!p->work->results[eval].gradient)
        return;
    pairwise_gradient(p, strategy->slope);
    if (!is_stopped(p))
        emit_gradient(p, eval);
}

static void compute_squared(struct perlist *p, size_t eval)
{
    struct rl_plan *const plan = &p->plan;
    struct rl_room room = p->room;
    double *const scratch = rl_room_take(&room, rl_moments_scratch(plan->count), sizeof(double));
    double *const gradient = p->work->results[eval].gradient ? p->gradient : NULL;
    rl_moments(plan->labels, plan->scores, plan->weights, plan->count, p->runner, scratch,
               p->losses, gradient);
    if (is_stopped(p))
        return;
    emit_losses(p, eval);
    if (!gradient)
        return;
    for (size_t v = 0; v < plan->count && !plan->weights; v++)
        gradient[v] *= plan->weight;
    emit_gradient(p, eval);
}

/* The item at place k of the order by label, descending and stable. */
static void order_by_label(const struct rl_plan *plan, double *ret_scores)
{
    size_t k = 0;
    for (size_t g = plan->grades; g-- > 0;)
        for (size_t p = plan->starts[g]; p < plan->starts[g + 1]; p++)
            ret_scores[k++] = plan->scores[plan->graded[p]];
}

static void unorder_by_label(const struct rl_plan *plan, const double *ordered,
                             double *ret_gradient)
{
    size_t k = 0;
    for (size_t g = plan->grades; g-- > 0;)
        for (size_t p = plan->starts[g]; p < plan->starts[g + 1]; p++)
            ret_gradient[plan->graded[p]] = ordered[k++];
}

static void compute_list_mle(struct perlist *p, size_t eval)
{
    struct rl_plan *const plan = &p->plan;
    struct rl_room room = p->room;
    struct rl_result *const result = &p->work->results[eval];
    double *const scratch = rl_room_take(&room, rl_listmle_scratch(plan->count), sizeof(double));
    order_by_label(plan, p->losses);
    const double loss = rl_listmle(p->losses, plan->count, p->temperature, p->runner, scratch,
                                   result->gradient ? p->extra : NULL);
    emit_list_loss(p, eval, loss);
    if (!result->gradient)
        return;
    unorder_by_label(plan, p->extra, p->gradient);
    emit_list_gradient(p, eval);
}

static void compute_softmax(struct perlist *p, size_t eval)
{
    struct rl_plan *const plan = &p->plan;
    struct rl_room room = p->room;
    double *const scratch = rl_room_take(&room, rl_softmax_scratch(plan->count), sizeof(double));
    double *const gradient = p->work->results[eval].gradient ? p->gradient : NULL;
    const double loss = rl_softmax(plan->labels, plan->scores, plan->count, p->temperature,
                                   p->runner, scratch, gradient);
    emit_list_loss(p, eval, loss);
    if (gradient)
        emit_list_gradient(p, eval);
}

static void compute_approx_ndcg(struct perlist *p, size_t eval)
{
    double *const gradient = p->work->results[eval].gradient ? p->gradient : NULL;
    const double loss = rl_approxndcg(&p->plan, p->temperature, p->runner, p->room, gradient);
    if (is_stopped(p))
        return;
    emit_list_loss(p, eval, loss);
    if (gradient)
        emit_list_gradient(p, eval);
}

static void compute_top_pairs(struct perlist *p, size_t eval)
{
    struct rl_result *const result = &p->work->results[eval];
    const struct rl_strategy *const strategy = rl_strategy_of(p->work->evals[eval].measure->id);
    struct rl_pair_loss loss = {.squared = strategy->method == RL_METHOD_SQUARED,
                                .kind = strategy->loss,
                                .temperature = p->temperature};
    const size_t first = result->top_offsets[p->list];
    const size_t count = rl_toppairs(&loss, &p->plan, p->work->evals[eval].top_k, p->runner,
                                     p->room, result->top_pairs + first);
    result->top_counts[p->list] = (uint32_t)count;
    p->finite &= count == 0 || isfinite(result->top_pairs[first].loss);
}

/* ---- Metrics --------------------------------------------------------------------------------- */

static void note_ranking(struct perlist *p, const struct rl_ranking *ranking, enum rl_status status)
{
    p->valid &= status == RL_OK;
    p->finite &= isfinite(ranking->value) && isfinite(ranking->weighted_relevance) &&
                 isfinite(ranking->relevance);
}

/* From the list's ranks; metrics that need tiers are left to compute_tiered. */
static void compute_metric(struct perlist *p, size_t eval)
{
    const struct rl_eval_state *const of_eval = &p->state->evals[eval];
    struct rl_ranking *const ranking = &of_eval->rankings[p->list];
    if (!of_eval->tiered)
        note_ranking(
            p, ranking,
            rl_ranking_list(&p->work->evals[eval], &p->ranks, p->runner, p->room, ranking));
}

/* The metrics of one key, which share the list's tiers. */
static void compute_tiered(struct perlist *p, size_t key)
{
    struct rl_room room = p->room;
    struct rl_tiers tiers;
    rl_tiers_init(&tiers, p->work->batch, p->list, key, p->runner, &room);
    for (size_t eval = 0; eval < p->work->count && !is_stopped(p); eval++) {
        const struct rl_eval_state *const of_eval = &p->state->evals[eval];
        if (of_eval->tiered && of_eval->tier_key == key)
            note_ranking(p, &of_eval->rankings[p->list],
                         rl_tiered_list(&p->work->evals[eval], &tiers, p->runner, room,
                                        &of_eval->rankings[p->list]));
    }
}

/* ---- One list -------------------------------------------------------------------------------- */

static void compute_eval(struct perlist *p, size_t eval)
{
    static void (*const compute[])(struct perlist * p, size_t eval) = {
        [RL_METHOD_FIELD] = compute_pairwise,     [RL_METHOD_SQUARED] = compute_squared,
        [RL_METHOD_LISTMLE] = compute_list_mle,   [RL_METHOD_SOFTMAX] = compute_softmax,
        [RL_METHOD_APPROX] = compute_approx_ndcg, [RL_METHOD_RANKING] = compute_metric,
    };
    p->temperature = p->state->evals[eval].temperature;
    compute[rl_strategy_of(p->work->evals[eval].measure->id)->method](p, eval);
    if (p->work->results[eval].top_pairs && !is_stopped(p))
        compute_top_pairs(p, eval);
}

static void prepare(struct perlist *p)
{
    struct rl_work_state *const state = p->state;
    rl_plan_gather(&p->plan, p->work->batch, p->list, p->runner, &p->room);
    if (state->needs_wide)
        rl_plan_widen_scores(&p->plan, p->runner);
    if (state->needs_labels)
        rl_plan_widen_labels(&p->plan, p->runner);
    state->valid[p->list] = (uint32_t)p->plan.count;
    state->pairs[p->list] = 0;
    if (state->weights)
        state->weights[p->list] =
            rl_item_weights(p->work->batch, p->begin, p->work->batch->offsets[p->list + 1]);
    if (state->needs_grades) {
        rl_plan_grade(&p->plan, p->runner, p->room);
        state->pairs[p->list] = rl_plan_pairs(&p->plan);
    }
    if (state->needs_ranks)
        rl_listranks_init(&p->ranks, &p->plan, &state->rank_needs, p->runner, &p->room);
    if (!state->needs_wide)
        return;
    p->losses = rl_room_take(&p->room, p->plan.count, sizeof(double));
    p->gradient = rl_room_take(&p->room, p->plan.count, sizeof(double));
    p->extra = rl_room_take(&p->room, p->plan.count, sizeof(double));
}

/* RL_OK, or why the list has no results. */
static enum rl_status compute_list(struct perlist *p, struct rl_scratch *scratch)
{
    const size_t items = rl_list_items(p->work->batch, p->list);
    const size_t bytes =
        items <= RL_SHORT_LIST ? p->state->short_room : rl_perlist_room(p->state, items);
    if (is_stopped(p))
        return stop_status(p);
    if (!rl_scratch_reserve(scratch, bytes, &p->room))
        return RL_NOMEM;
    prepare(p);
    for (size_t eval = 0; eval < p->work->count && !is_stopped(p); eval++)
        compute_eval(p, eval);
    for (size_t key = 0; key < RL_TIER_KEYS && !is_stopped(p); key++)
        if (p->state->tier_keys & 1u << key)
            compute_tiered(p, key);
    if (is_stopped(p))
        return stop_status(p);
    if (!p->valid)
        return RL_INVALID;
    return p->finite ? RL_OK : RL_NOT_FINITE;
}

void rl_perlist_begin(struct rl_work *work)
{
    struct rl_work_state *const state = work->state;
    state->short_room = rl_perlist_room(state, RL_SHORT_LIST);
}

void rl_perlist_compute(struct rl_work *work, size_t list, struct rl_scratch *scratch,
                        struct rl_runner *runner)
{
    struct perlist p = {.work = work,
                        .state = work->state,
                        .list = list,
                        .begin = work->batch->offsets[list],
                        .runner = runner,
                        .valid = true,
                        .finite = true};
    runner->stop = work->stop;
    p.state->outcomes[list] = (uint8_t)compute_list(&p, scratch);
}
