/*
 * ranking.c: the ranking metrics, of one list whose ranks are known, and combined over the lists.
 */
#include "core/ranking/ranking.h"

#include <assert.h>
#include <math.h>

#include "core/base/blocks.h"
#include "core/base/elementary.h"
#include "core/ranking/ideal.h"

static bool uses_discounts(enum rl_measure_id metric)
{
    return metric == RL_DCG || metric == RL_NDCG;
}

/* Whether the relevance of an item is a gain, not 1 or 0. */
static bool uses_gains(enum rl_measure_id metric)
{
    return uses_discounts(metric) || metric == RL_EXPECTED_RECIPROCAL_RANK;
}

/* Whether the first relevant item alone decides. */
static bool uses_first(enum rl_measure_id metric)
{
    return metric == RL_MEAN_RECIPROCAL_RANK || metric == RL_HIT_RATE;
}

size_t rl_eval_k(const struct rl_eval *eval)
{
    return eval->measure->takes & RL_TAKES_K ? eval->k : 0;
}

/* Whether a higher grade never has a lower gain, and grade 0 has none. */
static bool table_rises(const struct rl_definition *definition)
{
    if (definition->gains[0] != 0)
        return false;
    for (size_t grade = 1; grade < definition->gain_count; grade++)
        if (definition->gains[grade] < definition->gains[grade - 1])
            return false;
    return true;
}

bool rl_ranking_needs_tiers(const struct rl_eval *eval)
{
    const struct rl_definition *const definition = rl_eval_definition(eval);
    const bool table = uses_discounts(eval->measure->id) && definition->gain == RL_GAIN_TABLE;
    return eval->measure->id == RL_AUC || definition->ties != RL_TIES_INPUT ||
           definition->unretrieved != RL_UNRETRIEVED_ERROR ||
           definition->unlabelled != RL_UNLABELLED_DROP || (table && !table_rises(definition));
}

/* The ranks of a list name the first item with a label >= 1. */
void rl_ranking_add_needs(const struct rl_eval *eval, struct rl_rank_needs *needs)
{
    const size_t k = rl_eval_k(eval), depth = k ? k : SIZE_MAX;
    if (uses_first(eval->measure->id) && rl_eval_definition(eval)->relevant_from == 1)
        needs->first = true;
    else if (depth > needs->depth)
        needs->depth = depth;
}

size_t rl_ranking_room(size_t items)
{
    return 3 * rl_room_bytes(items, sizeof(double)) + rl_ideal_room(items);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static double ratio(double dividend, double divisor)
{
    return divisor != 0 ? dividend / divisor : 0;
}

/* One list under evaluation. */
struct ranked {
    enum rl_measure_id metric;
    const struct rl_definition *definition;
    const struct rl_listranks *list;
    struct rl_gains gains;
    size_t k, cut; /* ranks below the cut are looked at; k 0: all */
    struct rl_runner *runner;
    struct rl_room room;
};

/* The items found whose rank is below the cut. */
static size_t found_within(const struct rl_listranks *list, size_t cut)
{
    size_t low = 0, high = list->found;
    if (high && list->ranks[high - 1] < cut)
        return high;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (list->ranks[middle] < cut)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- The metrics of gains -------------------------------------------------------------------- */

static void weigh(const struct rl_listranks *list, const double *weights, size_t count,
                  double *gains)
{
    if (weights)
        for (size_t i = 0; i < count; i++)
            gains[i] *= weights[i];
    else if (list->weight != 1)
        for (size_t i = 0; i < count; i++)
            gains[i] *= list->weight;
}

static double gain_of_grade(const struct rl_gains *gains, size_t grade)
{
    return grade < gains->grades ? gains->of_grades[grade] : rl_gain(gains, (double)grade);
}

/* Both sums of relevance, where all weigh the same. */
static void sum_grades(const struct ranked *ranked, struct rl_ranking *ret)
{
    const struct rl_listranks *const list = ranked->list;
    double sum = 0;
    for (size_t grade = 1; grade <= list->highest_grade; grade++)
        if (list->grades[grade])
            sum += list->grades[grade] * gain_of_grade(&ranked->gains, grade);
    ret->relevance = sum;
    ret->weighted_relevance = sum * list->weight;
}

/* Weighted gains in input order, and both sums of relevance. */
static void sum_gains(const struct ranked *ranked, double *ret_gains, struct rl_ranking *ret)
{
    const struct rl_listranks *const list = ranked->list;
    rl_gains_fill(&ranked->gains, list->labels, list->positives, list->grades != NULL, ret_gains);
    ret->relevance = rl_sum(ret_gains, list->positives);
    weigh(list, list->weights, list->positives, ret_gains);
    ret->weighted_relevance = rl_sum(ret_gains, list->positives);
}

static double dcg_of(const struct ranked *ranked)
{
    const struct rl_listranks *const list = ranked->list;
    struct rl_room room = ranked->room;
    const size_t count = found_within(list, ranked->cut);
    double *const gains = rl_room_take(&room, count, sizeof(*gains));
    rl_gains_fill(&ranked->gains, list->ranked_labels, count, list->grades != NULL, gains);
    weigh(list, list->ranked_weights, count, gains);
    return rl_discounted(ranked->definition, gains, list->ranks, count);
}

/* The largest gains, descending, where the counts of grades determine them. */
static double ideal_by_grades(const struct ranked *ranked)
{
    const struct rl_listranks *const list = ranked->list;
    struct rl_room room = ranked->room;
    const size_t taken = smaller(ranked->cut, list->positives);
    double *const best = rl_room_take(&room, taken, sizeof(*best));
    size_t i = 0;
    for (size_t grade = list->highest_grade; grade > 0 && i < taken; grade--) {
        const size_t end = i + smaller(list->grades[grade], taken - i);
        if (i == end)
            continue;
        for (const double gain = gain_of_grade(&ranked->gains, grade) * list->weight; i < end; i++)
            best[i] = gain;
    }
    return rl_discounted(ranked->definition, best, NULL, taken);
}

/* gains: of the positive items, or NULL where the counts of grades determine them. */
static double ideal_dcg(const struct ranked *ranked, double *gains)
{
    return gains ? rl_ideal_gain(ranked->definition, gains, ranked->list->positives, ranked->cut,
                                 ranked->runner, ranked->room)
                 : ideal_by_grades(ranked);
}

/* expected_reciprocal_rank: a search ends at each item with its chance. */
static double reciprocal_rank_of_end(const struct ranked *ranked)
{
    const struct rl_listranks *const list = ranked->list;
    const size_t count = found_within(list, ranked->cut);
    double sum = 0, goes_on = 1;
    for (size_t f = 0; f < count; f++) {
        const double chance = rl_gain(&ranked->gains, list->ranked_labels[f]);
        sum += goes_on * chance / ((double)list->ranks[f] + 1);
        goes_on *= 1 - chance;
    }
    return sum;
}

static double gain_metric(struct ranked *ranked, struct rl_ranking *ret)
{
    const struct rl_listranks *const list = ranked->list;
    double *gains = NULL;
    if (list->labels) {
        gains = rl_room_take(&ranked->room, list->positives, sizeof(*gains));
        sum_gains(ranked, gains, ret);
    } else if (list->grades) {
        sum_grades(ranked, ret);
    }
    if (isnan(ret->relevance))
        return 0;
    if (ranked->metric == RL_EXPECTED_RECIPROCAL_RANK)
        return reciprocal_rank_of_end(ranked);
    const double dcg = dcg_of(ranked);
    return ranked->metric == RL_DCG ? dcg : ratio(dcg, ideal_dcg(ranked, gains));
}

/* ---- The metrics of binary relevance ----------------------------------------------------------
 */

/* By the counts of grades, whole numbers above 0. */
static size_t relevant_grades(const struct ranked *ranked)
{
    const struct rl_listranks *const list = ranked->list;
    size_t count = list->positives;
    for (size_t grade = 1; grade <= list->highest_grade; grade++) {
        if (!((double)grade < ranked->definition->relevant_from))
            break;
        count -= list->grades[grade];
    }
    return count;
}

static void sum_relevant(const struct ranked *ranked, struct rl_ranking *ret)
{
    const struct rl_listranks *const list = ranked->list;
    const double from = ranked->definition->relevant_from;
    size_t count = 0;
    double weights = 0;
    if (list->labels) {
        for (size_t p = 0; p < list->positives; p++) {
            const bool relevant = list->labels[p] >= from;
            count += relevant;
            weights += relevant && list->weights ? list->weights[p] : 0;
        }
    } else {
        count = relevant_grades(ranked);
    }
    ret->relevance = (double)count;
    ret->weighted_relevance = list->weights ? weights : (double)count * list->weight;
}

/* RL_NO_RANK without a relevant item. */
static uint32_t first_relevant(const struct ranked *ranked)
{
    const struct rl_listranks *const list = ranked->list;
    const double from = ranked->definition->relevant_from;
    if (from == 1)
        return list->first;
    for (size_t f = 0; f < list->found; f++)
        if (list->ranked_labels[f] >= from)
            return list->ranks[f];
    return RL_NO_RANK;
}

static double reciprocal_rank(const struct ranked *ranked)
{
    const uint32_t first = first_relevant(ranked);
    return first < ranked->cut ? 1 / ((double)first + 1) : 0;
}

/* The sum of weight * precision over the relevant items. */
static double precision_sum(const struct ranked *ranked)
{
    const struct rl_listranks *const list = ranked->list;
    const size_t count = found_within(list, ranked->cut);
    size_t relevant = 0;
    double sum = 0;
    for (size_t f = 0; f < count; f++) {
        if (!(list->ranked_labels[f] >= ranked->definition->relevant_from))
            continue;
        const double weight = list->ranked_weights ? list->ranked_weights[f] : list->weight;
        relevant++;
        sum += weight * ((double)relevant / ((double)list->ranks[f] + 1));
    }
    return sum;
}

static double relevant_within(const struct ranked *ranked, size_t cut)
{
    const struct rl_listranks *const list = ranked->list;
    const size_t count = found_within(list, cut);
    size_t relevant = 0;
    for (size_t f = 0; f < count; f++)
        relevant += list->ranked_labels[f] >= ranked->definition->relevant_from;
    return (double)relevant;
}

static double precision_divisor(const struct ranked *ranked)
{
    const bool over_k = ranked->k && ranked->definition->precision_over == RL_PRECISION_OVER_K;
    return (double)(over_k ? ranked->k : smaller(ranked->cut, ranked->list->count));
}

/* bpref: how many of the others are above each relevant item, at most as many as there are
 * relevant ones. All that count are judged. */
static double preference(const struct ranked *ranked, double relevant)
{
    const struct rl_listranks *const list = ranked->list;
    const double most = fmin(relevant, (double)list->count - relevant);
    double sum = 0, found = 0;
    for (size_t f = 0; f < list->found; f++) {
        if (!(list->ranked_labels[f] >= ranked->definition->relevant_from))
            continue;
        sum += 1 - ratio(fmin((double)list->ranks[f] - found, most), most);
        found++;
    }
    return ratio(sum, relevant);
}

static double rank_bias(const struct ranked *ranked)
{
    const struct rl_listranks *const list = ranked->list;
    const double persistence = ranked->definition->persistence, log = rl_log(persistence);
    double sum = 0;
    for (size_t f = 0; f < list->found; f++)
        if (list->ranked_labels[f] >= ranked->definition->relevant_from)
            sum += rl_exp(log * (double)list->ranks[f]);
    return (1 - persistence) * sum;
}

static double binary_metric(const struct ranked *ranked, struct rl_ranking *ret)
{
    const size_t cut = ranked->cut;
    sum_relevant(ranked, ret);
    switch (ranked->metric) {
    case RL_MEAN_RECIPROCAL_RANK:
        return reciprocal_rank(ranked);
    case RL_MEAN_AVERAGE_PRECISION:
        return ratio(precision_sum(ranked), ret->weighted_relevance);
    case RL_PRECISION_AT_K:
        return ratio(relevant_within(ranked, cut), precision_divisor(ranked));
    case RL_RECALL_AT_K:
        return ratio(relevant_within(ranked, cut), ret->relevance);
    case RL_HIT_RATE:
        return first_relevant(ranked) < cut;
    case RL_R_PRECISION:
        return ratio(relevant_within(ranked, (size_t)ret->relevance), ret->relevance);
    case RL_BPREF:
        return preference(ranked, ret->relevance);
    case RL_RANK_BIASED_PRECISION:
        return rank_bias(ranked);
    default:
        assert(false && "a metric that needs no tiers");
        return 0;
    }
}

/* ---- One list ---------------------------------------------------------------------------------
 */

void rl_ranking_finish(const struct rl_eval *eval, bool defined, double weight,
                       struct rl_ranking *list)
{
    const struct rl_definition *const definition = rl_eval_definition(eval);
    const bool as_sent = definition->list_weights == RL_LIST_WEIGHTS_AS_SENT;
    const bool relevant = !(list->relevance == 0);
    if (!(defined && relevant)) {
        list->counts &= definition->without_relevant != RL_WITHOUT_RELEVANT_SKIP;
        list->value = list->counts && definition->without_relevant == RL_WITHOUT_RELEVANT_ONE;
    }
    list->averaged = list->counts && !relevant && !as_sent;
    list->weight = as_sent ? weight : ratio(list->weighted_relevance, list->relevance);
}

enum rl_status rl_ranking_list(const struct rl_eval *eval, const struct rl_listranks *list,
                               struct rl_runner *runner, struct rl_room room,
                               struct rl_ranking *ret)
{
    const size_t k = rl_eval_k(eval);
    struct ranked ranked = {
        .metric = eval->measure->id,
        .definition = rl_eval_definition(eval),
        .list = list,
        .gains = rl_gains_of(eval),
        .k = k,
        .cut = k && k < list->items ? k : list->items,
        .runner = runner,
        .room = room,
    };
    *ret = (struct rl_ranking){.counts = list->count > 0};
    ret->value =
        uses_gains(ranked.metric) ? gain_metric(&ranked, ret) : binary_metric(&ranked, ret);
    rl_ranking_finish(eval, true, list->weight, ret);
    return isnan(ret->relevance) ? RL_INVALID : RL_OK;
}

/* ---- Over the lists ---------------------------------------------------------------------------
 */

/* What a list without any relevance weighs: as much as the others do on average; 1 if there are
 * none. */
static double average_weight(const struct rl_ranking *lists, size_t count)
{
    double sum = 0;
    size_t others = 0;
    for (size_t i = 0; i < count; i++) {
        if (lists[i].counts && !lists[i].averaged) {
            sum += lists[i].weight;
            others++;
        }
    }
    return others ? sum / (double)others : 1;
}

static double list_weight(const struct rl_ranking *list, double average)
{
    if (!list->counts)
        return 0;
    return list->averaged ? average : list->weight;
}

double rl_ranking_combine(enum rl_measure_id metric, struct rl_ranking *lists, size_t count,
                          double *ret_sum, double *ret_weight_sum)
{
    const double average = average_weight(lists, count);
    double sum = 0, weight_sum = 0;
    for (size_t i = 0; i < count; i++) {
        lists[i].weight = list_weight(&lists[i], average);
        if (metric == RL_DCG && !(lists[i].relevance == 0))
            lists[i].value = ratio(lists[i].value, lists[i].weight);
        sum += lists[i].value * lists[i].weight;
        weight_sum += lists[i].weight;
    }
    *ret_sum = sum;
    *ret_weight_sum = weight_sum;
    return ratio(sum, weight_sum);
}
