/*
 * referencemetric.c: every metric of one list under any definition, straight from its formula.
 *
 * Written to be compared with the catalogue line by line: no sorting tricks, no shared sums, all
 * in long double.
 */
#include "core/referencemetric.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* A list as a metric sees it. */
struct ranking {
    enum rl_measure_id metric;
    const struct rl_definition *definition;
    const struct rl_reference_list *list;
    const double *weights;
    size_t k;      /* 0: all */
    size_t ranked; /* items that have a rank */
    size_t *order; /* [ranked]: the items by rank */
};

static long double ratio(long double dividend, long double divisor)
{
    return divisor != 0 ? dividend / divisor : 0;
}

/* ---- Items ------------------------------------------------------------------------------------
 */

static long double weight_of(const struct ranking *ranking, size_t item)
{
    return ranking->weights ? ranking->weights[item] : 1;
}

static bool is_judged(const struct ranking *ranking, size_t item)
{
    return rl_reference_valid(ranking->list, item);
}

static bool item_counts(const struct ranking *ranking, size_t item)
{
    const struct rl_reference_list *const list = ranking->list;
    const bool unlabelled = (!list->mask || list->mask[item]) && isnan(list->labels[item]) &&
                            ranking->definition->unlabelled == RL_UNLABELLED_ZERO;
    return (is_judged(ranking, item) || unlabelled) && weight_of(ranking, item) > 0;
}

static bool has_rank(const struct ranking *ranking, size_t item)
{
    return item_counts(ranking, item) && !isnan(ranking->list->scores[item]);
}

static long double label_of(const struct ranking *ranking, size_t item)
{
    const double label = ranking->list->labels[item];
    return isnan(label) ? 0 : label;
}

static bool is_relevant(const struct ranking *ranking, size_t item)
{
    return item_counts(ranking, item) &&
           label_of(ranking, item) >= ranking->definition->relevant_from;
}

static bool is_grade(const struct ranking *ranking, size_t item)
{
    const long double label = label_of(ranking, item);
    return label == floorl(label) && label < (long double)ranking->definition->gain_count;
}

static long double gain_of(const struct ranking *ranking, size_t item)
{
    const struct rl_definition *const definition = ranking->definition;
    const long double label = label_of(ranking, item);
    switch (definition->gain) {
    case RL_GAIN_EXPONENTIAL:
        return exp2l(label) - 1;
    case RL_GAIN_LINEAR:
        return label;
    case RL_GAIN_TABLE:
        return is_grade(ranking, item) ? (long double)definition->gains[(size_t)label] : 0;
    }
    return 0;
}

/* The chance that the item ends the search, in expected_reciprocal_rank. */
static long double chance_of(const struct ranking *ranking, size_t item)
{
    const long double most = ranking->definition->max_grade;
    return (exp2l(fminl(label_of(ranking, item), most)) - 1) / exp2l(most);
}

static bool uses_gains(enum rl_measure_id metric)
{
    return metric == RL_DCG || metric == RL_NDCG;
}

static long double relevance_of(const struct ranking *ranking, size_t item)
{
    if (uses_gains(ranking->metric))
        return gain_of(ranking, item);
    return ranking->metric == RL_EXPECTED_RECIPROCAL_RANK ? chance_of(ranking, item)
                                                          : is_relevant(ranking, item);
}

/* ---- Ranks ------------------------------------------------------------------------------------
 */

/* Ranks count from 1. */
static long double discount_of(const struct ranking *ranking, size_t rank)
{
    const struct rl_definition *const definition = ranking->definition;
    switch (definition->discount) {
    case RL_DISCOUNT_LOG2:
        return 1 / log2l(1 + (long double)rank);
    case RL_DISCOUNT_RECIPROCAL:
        return 1 / (long double)rank;
    case RL_DISCOUNT_NONE:
        return 1;
    case RL_DISCOUNT_TABLE:
        return rank <= definition->discount_count ? definition->discounts[rank - 1] : 0;
    }
    return 0;
}

/* Whether item i is ranked above item j, for which the scores alone do not tell. */
static bool goes_first(const struct ranking *ranking, size_t i, size_t j)
{
    const long double difference = label_of(ranking, i) - label_of(ranking, j);
    if (ranking->definition->ties == RL_TIES_WORST && difference != 0)
        return difference < 0;
    if (ranking->definition->ties == RL_TIES_BEST && difference != 0)
        return difference > 0;
    return i < j;
}

static void rank_items(struct ranking *ranking)
{
    const double *const scores = ranking->list->scores;
    ranking->ranked = 0;
    for (size_t i = 0; i < ranking->list->items; i++) {
        size_t above = 0;
        if (!has_rank(ranking, i))
            continue;
        for (size_t j = 0; j < ranking->list->items; j++)
            if (has_rank(ranking, j))
                above +=
                    scores[j] > scores[i] || (scores[j] == scores[i] && goes_first(ranking, j, i));
        ranking->order[above] = i;
        ranking->ranked++;
    }
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Ranks 1 … cut are looked at. */
static size_t cut_of(const struct ranking *ranking)
{
    return ranking->k ? smaller(ranking->k, ranking->ranked) : ranking->ranked;
}

/* ---- Metrics ----------------------------------------------------------------------------------
 */

static long double discounted_gain(const struct ranking *ranking)
{
    long double sum = 0;
    for (size_t r = 0; r < cut_of(ranking); r++)
        sum += weight_of(ranking, ranking->order[r]) * gain_of(ranking, ranking->order[r]) *
               discount_of(ranking, r + 1);
    return sum;
}

/* That of the best possible ranking of all items that count. */
static long double ideal_gain(const struct ranking *ranking)
{
    const size_t items = ranking->list->items;
    long double sum = 0;
    for (size_t i = 0; i < items; i++) {
        const long double own = weight_of(ranking, i) * gain_of(ranking, i);
        size_t above = 0;
        if (!item_counts(ranking, i))
            continue;
        for (size_t j = 0; j < items; j++) {
            const long double other = weight_of(ranking, j) * gain_of(ranking, j);
            above += item_counts(ranking, j) && (other > own || (other == own && j < i));
        }
        if (!ranking->k || above < ranking->k)
            sum += own * discount_of(ranking, above + 1);
    }
    return sum;
}

static long double relevant_within(const struct ranking *ranking, size_t last)
{
    size_t count = 0;
    for (size_t r = 0; r < smaller(last, ranking->ranked); r++)
        count += is_relevant(ranking, ranking->order[r]);
    return (long double)count;
}

static long double reciprocal_rank(const struct ranking *ranking)
{
    for (size_t r = 0; r < cut_of(ranking); r++)
        if (is_relevant(ranking, ranking->order[r]))
            return 1 / (long double)(r + 1);
    return 0;
}

/* The sum of weight * precision over the relevant items. */
static long double precision_sum(const struct ranking *ranking)
{
    long double sum = 0;
    for (size_t r = 0; r < cut_of(ranking); r++)
        if (is_relevant(ranking, ranking->order[r]))
            sum += weight_of(ranking, ranking->order[r]) * relevant_within(ranking, r + 1) /
                   (long double)(r + 1);
    return sum;
}

static long double precision(const struct ranking *ranking)
{
    const bool over_k = ranking->definition->precision_over == RL_PRECISION_OVER_K && ranking->k;
    const size_t cut = cut_of(ranking);
    return ratio(relevant_within(ranking, cut), (long double)(over_k ? ranking->k : cut));
}

static size_t count_items(const struct ranking *ranking, bool relevant, bool judged)
{
    size_t count = 0;
    for (size_t i = 0; i < ranking->list->items; i++)
        count += item_counts(ranking, i) && is_relevant(ranking, i) == relevant &&
                 (!judged || is_judged(ranking, i));
    return count;
}

static long double binary_preference(const struct ranking *ranking)
{
    const size_t relevant = count_items(ranking, true, true);
    const size_t most = smaller(relevant, count_items(ranking, false, true));
    size_t others = 0;
    long double sum = 0;
    for (size_t r = 0; r < ranking->ranked; r++) {
        if (is_relevant(ranking, ranking->order[r]))
            sum += 1 - ratio((long double)smaller(others, most), (long double)most);
        else
            others += is_judged(ranking, ranking->order[r]);
    }
    return ratio(sum, (long double)relevant);
}

/* 1 if the pair is in order, 1/2 if tied, else 0; an item without a rank is below all that have
 * one. */
static long double order_of(const struct ranking *ranking, size_t i, size_t j)
{
    const double *const scores = ranking->list->scores;
    const bool own = has_rank(ranking, i), other = has_rank(ranking, j);
    if (own != other)
        return own;
    return !own || scores[i] == scores[j] ? 0.5L : scores[i] > scores[j];
}

static long double area_under_curve(const struct ranking *ranking)
{
    long double sum = 0, pairs = 0;
    for (size_t i = 0; i < ranking->list->items; i++)
        for (size_t j = 0; j < ranking->list->items; j++) {
            if (!is_relevant(ranking, i) || !item_counts(ranking, j) || is_relevant(ranking, j))
                continue;
            sum += order_of(ranking, i, j);
            pairs++;
        }
    return ratio(sum, pairs);
}

static long double cascade(const struct ranking *ranking)
{
    long double sum = 0, left = 1;
    for (size_t r = 0; r < cut_of(ranking); r++) {
        const long double chance = chance_of(ranking, ranking->order[r]);
        sum += left * chance / (long double)(r + 1);
        left *= 1 - chance;
    }
    return sum;
}

static long double rank_bias(const struct ranking *ranking)
{
    const long double persistence = ranking->definition->persistence;
    long double sum = 0;
    for (size_t r = 0; r < ranking->ranked; r++)
        if (is_relevant(ranking, ranking->order[r]))
            sum += (1 - persistence) * powl(persistence, (long double)r);
    return sum;
}

/* Of the current order. */
static long double value_of(const struct ranking *ranking)
{
    const size_t relevant = count_items(ranking, true, false);
    switch (ranking->metric) {
    case RL_DCG:
        return discounted_gain(ranking);
    case RL_NDCG:
        return ratio(discounted_gain(ranking), ideal_gain(ranking));
    case RL_MEAN_RECIPROCAL_RANK:
        return reciprocal_rank(ranking);
    case RL_MEAN_AVERAGE_PRECISION:
        return precision_sum(ranking); /* divided by the caller */
    case RL_PRECISION_AT_K:
        return precision(ranking);
    case RL_RECALL_AT_K:
        return ratio(relevant_within(ranking, cut_of(ranking)), (long double)relevant);
    case RL_HIT_RATE:
        return reciprocal_rank(ranking) > 0;
    case RL_R_PRECISION:
        return ratio(relevant_within(ranking, relevant), (long double)relevant);
    case RL_BPREF:
        return binary_preference(ranking);
    case RL_AUC:
        return area_under_curve(ranking);
    case RL_EXPECTED_RECIPROCAL_RANK:
        return cascade(ranking);
    case RL_RANK_BIASED_PRECISION:
        return rank_bias(ranking);
    default:
        assert(false && "a metric");
        return 0;
    }
}

/* ---- All orders -------------------------------------------------------------------------------
 */

static bool are_tied(const struct ranking *ranking, size_t rank, size_t other)
{
    const double *const scores = ranking->list->scores;
    return scores[ranking->order[rank]] == scores[ranking->order[other]];
}

static void swap_ranks(struct ranking *ranking, size_t rank, size_t other)
{
    const size_t item = ranking->order[rank];
    ranking->order[rank] = ranking->order[other];
    ranking->order[other] = item;
}

/* The sum of the values of all orders of the ties from `rank` on. */
static long double sum_of_orders(struct ranking *ranking, size_t rank)
{
    long double sum = 0;
    if (rank == ranking->ranked)
        return value_of(ranking);
    for (size_t other = rank; other < ranking->ranked && are_tied(ranking, rank, other); other++) {
        swap_ranks(ranking, rank, other);
        sum += sum_of_orders(ranking, rank + 1);
        swap_ranks(ranking, rank, other);
    }
    return sum;
}

static double count_orders(const struct ranking *ranking)
{
    double orders = 1;
    size_t length = 1;
    for (size_t r = 1; r < ranking->ranked; r++) {
        length = are_tied(ranking, r, r - 1) ? length + 1 : 1;
        orders *= (double)length;
    }
    return orders;
}

static bool averages(const struct ranking *ranking)
{
    return ranking->definition->ties == RL_TIES_AVERAGE && ranking->metric != RL_AUC;
}

/* ---- One list ---------------------------------------------------------------------------------
 */

static void sum_relevance(const struct ranking *ranking, struct rl_reference_metric *ret)
{
    const bool table = uses_gains(ranking->metric) && ranking->definition->gain == RL_GAIN_TABLE;
    *ret = (struct rl_reference_metric){0};
    for (size_t i = 0; i < ranking->list->items; i++) {
        if (!item_counts(ranking, i))
            continue;
        ret->counts = true;
        ret->invalid |= table && !is_grade(ranking, i);
        ret->relevance += relevance_of(ranking, i);
        ret->weighted_relevance += weight_of(ranking, i) * relevance_of(ranking, i);
    }
    ret->undefined = ret->relevance == 0 ||
                     (ranking->metric == RL_AUC && count_items(ranking, false, false) == 0);
}

static struct ranking ranking_of(const struct rl_eval *eval, const struct rl_reference_list *list,
                                 const double *weights)
{
    struct ranking ranking = {
        .metric = eval->measure->id,
        .definition = eval->definition ? eval->definition : rl_definition_get(RL_KERAS),
        .list = list,
        .weights = weights,
        .k = eval->measure->takes & RL_TAKES_K ? eval->k : 0,
        .order = calloc(list->items + 1, sizeof(*ranking.order)),
    };
    assert(ranking.order);
    rank_items(&ranking);
    return ranking;
}

double rl_reference_orders(const struct rl_eval *eval, const struct rl_reference_list *list,
                           const double *weights)
{
    struct ranking ranking = ranking_of(eval, list, weights);
    const double orders = averages(&ranking) ? count_orders(&ranking) : 1;
    free(ranking.order);
    return orders;
}

void rl_reference_metric(const struct rl_eval *eval, const struct rl_reference_list *list,
                         const double *weights, struct rl_reference_metric *ret)
{
    struct ranking ranking = ranking_of(eval, list, weights);
    const enum rl_without_relevant without = ranking.definition->without_relevant;
    sum_relevance(&ranking, ret);
    if (ret->undefined) {
        ret->counts &= without != RL_WITHOUT_RELEVANT_SKIP;
        ret->value = ret->counts && without == RL_WITHOUT_RELEVANT_ONE;
    } else {
        ret->value = averages(&ranking) ? sum_of_orders(&ranking, 0) / count_orders(&ranking)
                                        : value_of(&ranking);
        if (ranking.metric == RL_MEAN_AVERAGE_PRECISION)
            ret->value /= ret->weighted_relevance;
    }
    free(ranking.order);
}
