/*
 * analysis.c: what the lists of a computed work say beyond their mean.
 *
 * A part is a set of lists of one system. Its lists are gathered as columns a and b
 * (stats/ratio.h), in index order; for a metric only lists that count. Systems differ in their
 * scores alone, so that the columns b of two of them are the same and their difference is a ratio
 * as well.
 */
#include "core/analysis.h"

#include <math.h>

#include "core/base/column.h"
#include "core/lists/order.h"
#include "core/parts.h"
#include "core/ranking/ranking.h"
#include "core/stats/quantiles.h"
#include "core/stats/ratio.h"
#include "core/stats/resample.h"
#include "core/stats/student.h"

/* Lists of a part, as columns. */
struct column_set {
    size_t count;
    double *a, *b;   /* [count] */
    double *values;  /* [count] the list's own metric or loss */
    uint32_t *lists; /* [count] of the system */
    double scale;    /* of the ratio */
};

struct analysis {
    struct rl_work *work;
    struct rl_work_state *state;
    struct rl_runner *runner;
    size_t lists, systems, parts; /* of a system; systems; 1 + groups */
    size_t eval;
    const uint32_t *members;     /* [lists] by group, each in index order */
    size_t *starts;              /* [groups + 1] into members */
    struct column_set own, base; /* [lists] each */
    double *differences;         /* [lists] */
    double *resampled;           /* [max(resamples, lists)] */
    uint64_t *counts;
    double *p, *adjusted;     /* [systems] */
    uint32_t *order;          /* [lists] */
    struct rl_room room;      /* for sorting */
    size_t lists_of_quantile; /* what `quantile` was computed for; 0: nothing yet */
    double level_of_quantile, quantile;
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- Lists of a part ------------------------------------------------------------------------- */

static bool is_metric(const struct analysis *x)
{
    return x->work->evals[x->eval].measure->kind == RL_METRIC;
}

static double ratio(double dividend, double divisor)
{
    return divisor != 0 ? dividend / divisor : 0;
}

static size_t member(const struct analysis *x, size_t part, size_t index)
{
    return part ? x->members[x->starts[part - 1] + index] : index;
}

static size_t part_lists(const struct analysis *x, size_t part)
{
    return part ? x->starts[part] - x->starts[part - 1] : x->lists;
}

/* Adds a list to the set, and to the sums of its totals. b is set once the mean weight is known. */
static void add_metric_list(const struct analysis *x, size_t list, size_t of_system,
                            struct column_set *set, struct rl_totals *totals)
{
    const struct rl_ranking *const ranking = &x->state->evals[x->eval].rankings[list];
    if (!ranking->counts)
        return;
    if (ranking->averaged)
        rl_sums_add(&totals->averaged, ranking->value, 1);
    else
        rl_sums_add(&totals->own, ranking->value * ranking->weight, ranking->weight);
    set->lists[set->count] = (uint32_t)of_system;
    set->values[set->count] = ranking->value;
    set->b[set->count++] = ranking->averaged ? NAN : ranking->weight;
}

static void finish_metric(struct column_set *set, struct rl_part *part)
{
    const struct rl_sums *const own = &part->totals.own;
    double mean = own->lists ? own->b / (double)own->lists : 1, sum = 0, weight_sum = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (isnan(set->b[i]))
            set->b[i] = mean;
        set->a[i] = set->values[i] * set->b[i];
        sum += set->a[i];
        weight_sum += set->b[i];
    }
    part->totals.sum = sum;
    part->totals.weight_sum = weight_sum;
    part->value = ratio(sum, weight_sum);
    set->scale = 1;
}

static double weight_of_list(const struct analysis *x, size_t list)
{
    const struct rl_batch *const batch = x->work->batch;
    if (batch->weight_kind == RL_WEIGHT_LIST)
        return rl_column_get(batch->weights, batch->dtype, list);
    return batch->weight_kind == RL_WEIGHT_ITEM ? x->state->weights[list] : 0;
}

static void add_loss_list(const struct analysis *x, size_t list, size_t of_system,
                          struct column_set *set, struct rl_totals *totals)
{
    double a = x->state->evals[x->eval].sums[list], b = rl_list_share(x->work, x->eval, list);
    const bool per_list = x->work->evals[x->eval].measure->value_per_list;
    rl_sums_add(&totals->own, a, b);
    totals->sum += a;
    totals->values += per_list ? 1 : rl_list_items(x->work->batch, list);
    totals->weight_sum += weight_of_list(x, list);
    set->lists[set->count] = (uint32_t)of_system;
    set->values[set->count] = ratio(a, b);
    set->a[set->count] = a;
    set->b[set->count++] = b;
}

static void finish_loss(const struct analysis *x, struct column_set *set, struct rl_part *part)
{
    const struct rl_batch *const batch = x->work->batch;
    struct rl_totals *const totals = &part->totals;
    const enum rl_share share = x->state->evals[x->eval].share;
    totals->scalar_weight = batch->weight_kind == RL_WEIGHT_SCALAR;
    if (totals->scalar_weight)
        totals->weight_sum = batch->weight;
    if (batch->weight_kind == RL_WEIGHT_NONE)
        totals->weight_sum = (double)totals->values;
    const double divisor = share == RL_SHARE_VALUES    ? (double)totals->values
                           : share == RL_SHARE_WEIGHTS ? totals->weight_sum
                                                       : x->state->evals[x->eval].divisor;
    part->value = ratio(totals->sum, divisor);
    set->scale = share == RL_SHARE_ONE ? ratio((double)set->count, divisor) : 1;
}

/* Fills the set and the part's value and totals from the lists of one part of a system. */
static void gather(const struct analysis *x, size_t system, size_t index, struct column_set *set,
                   struct rl_part *part)
{
    struct rl_totals *totals = &part->totals;
    *totals = (struct rl_totals){.lists = part_lists(x, index)};
    set->count = 0;
    for (size_t i = 0; i < totals->lists; i++) {
        size_t of_system = member(x, index, i), list = system * x->lists + of_system;
        totals->items += rl_list_items(x->work->batch, list);
        totals->valid_items += x->state->valid[list];
        totals->pairs += rl_list_pairs(x->work, x->eval, list);
        if (is_metric(x))
            add_metric_list(x, list, of_system, set, totals);
        else
            add_loss_list(x, list, of_system, set, totals);
    }
    if (is_metric(x))
        finish_metric(set, part);
    else
        finish_loss(x, set, part);
    part->value = rl_round(part->value, x->work->batch->dtype);
}

/* ---- Confidence ------------------------------------------------------------------------------ */

/* How many standard errors an interval reaches to each side. */
static double quantile_of(struct analysis *x, size_t lists)
{
    const double level = x->work->evals[x->eval].level;
    if (x->lists_of_quantile != lists || x->level_of_quantile != level) {
        x->quantile = rl_student_quantile(1 - level, (double)(lists - 1));
        x->lists_of_quantile = lists;
        x->level_of_quantile = level;
    }
    return x->quantile;
}

static struct rl_confidence confidence_of(struct analysis *x, const struct rl_ratio *of,
                                          double value)
{
    const struct rl_eval *const eval = &x->work->evals[x->eval];
    struct rl_confidence c = {of->lists, NAN, {NAN, NAN}, {NAN, NAN}};
    if (of->lists == 0)
        return c;
    c.standard_error = rl_ratio_standard_error(of);
    if (!isnan(c.standard_error)) {
        const double reach = quantile_of(x, of->lists) * c.standard_error;
        c.t[0] = value - reach;
        c.t[1] = value + reach;
    }
    rl_bootstrap(of, eval->seed, eval->resamples, x->runner, x->resampled);
    rl_order_ascending(x->resampled, eval->resamples, x->runner, x->room);
    c.bootstrap[0] = rl_quantile(x->resampled, eval->resamples, (1 - eval->level) / 2);
    c.bootstrap[1] = rl_quantile(x->resampled, eval->resamples, (1 + eval->level) / 2);
    return c;
}

/* ---- Summary --------------------------------------------------------------------------------- */

/* The set's places ordered by a number for each; equal ones in index order. */
static const uint32_t *order_by(struct analysis *x, const struct column_set *set,
                                const double *numbers, enum rl_direction direction)
{
    rl_order(RL_FLOAT64, numbers, set->count, direction, x->runner, x->room, x->order, NULL);
    return x->order;
}

static void summarise(struct analysis *x, const struct column_set *set, struct rl_summary *summary)
{
    static const double places[RL_QUANTILES] = {0, 0.1, 0.25, 0.5, 0.75, 0.9, 1};
    const bool metric = is_metric(x);
    const uint32_t *const order =
        order_by(x, set, set->values, metric ? RL_ASCENDING : RL_DESCENDING);
    size_t n = set->count, top_k = x->work->evals[x->eval].top_k;
    for (size_t i = 0; i < n; i++)
        x->resampled[metric ? i : n - 1 - i] = set->values[order[i]];
    for (size_t q = 0; q < RL_QUANTILES; q++)
        summary->quantiles[q] = n ? rl_quantile(x->resampled, n, places[q]) : NAN;
    summary->worst_count = smaller(n, top_k);
    for (size_t i = 0; i < summary->worst_count; i++)
        summary->worst[i] = (struct rl_extreme){set->lists[order[i]], set->values[order[i]]};
}

/* ---- Comparison ------------------------------------------------------------------------------ */

/* Changes of lists, the largest on the wanted side first. */
static size_t take_changes(struct analysis *x, bool rising, struct rl_extreme *ret)
{
    size_t taken = 0, top_k = x->work->evals[x->eval].top_k;
    const uint32_t *order =
        order_by(x, &x->own, x->differences, rising ? RL_DESCENDING : RL_ASCENDING);
    for (; taken < smaller(top_k, x->own.count); taken++) {
        const double change = x->differences[order[taken]];
        if (!(rising ? change > 0 : change < 0))
            break;
        ret[taken] = (struct rl_extreme){x->own.lists[order[taken]], change};
    }
    return taken;
}

static void compare_lists(struct analysis *x, struct rl_comparison *comparison)
{
    const bool metric = is_metric(x);
    size_t risen = 0, fallen = 0;
    for (size_t i = 0; i < x->own.count; i++) {
        x->differences[i] = x->own.values[i] - x->base.values[i];
        risen += x->differences[i] > 0;
        fallen += x->differences[i] < 0;
    }
    comparison->better = metric ? risen : fallen;
    comparison->worse = metric ? fallen : risen;
    comparison->equal = x->own.count - risen - fallen;
    comparison->most_better_count = take_changes(x, metric, comparison->most_better);
    comparison->most_worse_count = take_changes(x, !metric, comparison->most_worse);
}

static double paired_p(double difference, double standard_error, size_t lists)
{
    if (isnan(standard_error) || (difference == 0 && standard_error == 0))
        return NAN;
    return rl_student_two_sided(difference / standard_error, (double)(lists - 1));
}

/* Both sets are gathered: x->own and x->base. */
static void compare(struct analysis *x, struct rl_comparison *comparison)
{
    const struct rl_eval *const eval = &x->work->evals[x->eval];
    const size_t n = x->own.count;
    compare_lists(x, comparison);
    for (size_t i = 0; i < n; i++)
        x->differences[i] = x->own.a[i] - x->base.a[i];
    struct rl_ratio of = {x->differences, x->own.b, n, x->own.scale};
    comparison->difference = rl_ratio_value(&of);
    comparison->confidence = confidence_of(x, &of, comparison->difference);
    comparison->p_t = paired_p(comparison->difference, comparison->confidence.standard_error, n);
    comparison->p_randomization = n ? rl_randomization_test(x->differences, n, eval->seed,
                                                            eval->resamples, x->runner, x->counts)
                                    : NAN;
    comparison->p_holm = NAN;
}

/* Holm's correction over the systems, for one part. */
static void correct(struct analysis *x, struct rl_comparison *comparisons, size_t part)
{
    size_t tests = 0, baseline = x->work->batch->baseline;
    for (size_t s = 0; s < x->systems; s++)
        if (s != baseline)
            x->p[tests++] = comparisons[s * x->parts + part].p_t;
    rl_holm(x->p, tests, x->adjusted);
    tests = 0;
    for (size_t s = 0; s < x->systems; s++)
        if (s != baseline)
            comparisons[s * x->parts + part].p_holm = x->adjusted[tests++];
}

/* ---- All parts ------------------------------------------------------------------------------- */

/* Extremes of a system's parts lie one after the other. */
static void place_extremes(const struct analysis *x, struct rl_result *result, size_t system)
{
    struct rl_part *const parts = &result->parts[system * x->parts];
    size_t top_k = x->work->evals[x->eval].top_k, taken = 0;
    struct rl_extreme *const worst = parts->summary.worst;
    struct rl_comparison *comparisons =
        result->comparisons ? &result->comparisons[system * x->parts] : NULL;
    struct rl_extreme *const better = comparisons ? comparisons->most_better : NULL;
    struct rl_extreme *const worse = comparisons ? comparisons->most_worse : NULL;
    for (size_t p = 0; p < x->parts; p++) {
        parts[p].summary.worst = worst ? worst + taken : NULL;
        if (comparisons) {
            comparisons[p].most_better = better + taken;
            comparisons[p].most_worse = worse + taken;
        }
        taken += smaller(top_k, part_lists(x, p));
    }
}

static void analyse_part(struct analysis *x, struct rl_result *result, size_t system, size_t index)
{
    const unsigned include = x->work->evals[x->eval].include;
    struct rl_part *part = &result->parts[system * x->parts + index], unused;
    gather(x, system, index, &x->own, part);
    if (include & RL_SUMMARY)
        summarise(x, &x->own, &part->summary);
    if (include & RL_CONFIDENCE) {
        struct rl_ratio of = {x->own.a, x->own.b, x->own.count, x->own.scale};
        part->confidence = confidence_of(x, &of, rl_ratio_value(&of));
    }
    if (!result->comparisons || system == x->work->batch->baseline)
        return;
    gather(x, x->work->batch->baseline, index, &x->base, &unused);
    compare(x, &result->comparisons[system * x->parts + index]);
}

static void analyse_eval(struct analysis *x)
{
    struct rl_result *const result = &x->work->results[x->eval];
    for (size_t system = 0; system < x->systems; system++) {
        place_extremes(x, result, system);
        for (size_t part = 0; part < x->parts; part++)
            analyse_part(x, result, system, part);
    }
    for (size_t part = 0; part < x->parts && result->comparisons; part++)
        correct(x, result->comparisons, part);
}

static struct column_set take_set(struct rl_room *room, size_t lists)
{
    struct column_set set = {0};
    set.a = rl_room_take(room, lists, sizeof(double));
    set.b = rl_room_take(room, lists, sizeof(double));
    set.values = rl_room_take(room, lists, sizeof(double));
    set.lists = rl_room_take(room, lists, sizeof(uint32_t));
    return set;
}

/* Lists by group, each group in index order. */
static void group_lists(struct analysis *x, struct rl_room *room)
{
    const struct rl_batch *const batch = x->work->batch;
    uint32_t *const members = rl_room_take(room, x->lists, sizeof(*members));
    x->starts = rl_room_take(room, batch->group_count + 2, sizeof(*x->starts));
    for (size_t g = 0; g < batch->group_count + 2; g++)
        x->starts[g] = 0;
    for (size_t l = 0; l < x->lists && batch->groups; l++)
        x->starts[batch->groups[l] + 2]++;
    for (size_t g = 2; g < batch->group_count + 2; g++)
        x->starts[g] += x->starts[g - 1];
    for (size_t l = 0; l < x->lists && batch->groups; l++)
        members[x->starts[batch->groups[l] + 1]++] = (uint32_t)l;
    x->members = members;
}

static void prepare(struct analysis *x)
{
    size_t resamples = 1;
    for (size_t e = 0; e < x->work->count; e++)
        if (x->work->evals[e].resamples > resamples)
            resamples = x->work->evals[e].resamples;
    struct rl_room *const room = &x->room;
    group_lists(x, room);
    x->own = take_set(room, x->lists);
    x->base = take_set(room, x->lists);
    x->differences = rl_room_take(room, x->lists, sizeof(double));
    x->resampled = rl_room_take(room, resamples > x->lists ? resamples : x->lists, sizeof(double));
    x->counts = rl_room_take(room, rl_randomization_room(resamples), sizeof(uint64_t));
    x->p = rl_room_take(room, x->systems, sizeof(double));
    x->adjusted = rl_room_take(room, x->systems, sizeof(double));
    x->order = rl_room_take(room, x->lists, sizeof(uint32_t));
}

void rl_analyse(struct rl_work *work, struct rl_runner *runner)
{
    struct rl_work_state *const state = work->state;
    if (work->status != RL_OK || !state->analysis.next)
        return;
    struct analysis x = {
        .work = work,
        .state = state,
        .runner = runner,
        .systems = rl_parts_systems(work->batch),
        .parts = 1 + work->batch->group_count,
        .room = state->analysis,
    };
    x.lists = work->batch->lists / x.systems;
    prepare(&x);
    for (x.eval = 0; x.eval < work->count; x.eval++)
        if (work->results[x.eval].parts)
            analyse_eval(&x);
}
