/*
 * tiered.c: every ranking metric of one list, under any definition, from its tiers.
 */
#include "core/ranking/tiered.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "core/base/blocks.h"
#include "core/base/elementary.h"
#include "core/ranking/cascade.h"
#include "core/ranking/ideal.h"

/* One list under evaluation. */
struct tiered {
    enum rl_measure_id metric;
    const struct rl_definition *definition;
    const struct rl_tiers *list;
    bool whole;    /* whole tiers at a time; else single items */
    size_t k, cut; /* ranks below the cut are looked at; k 0: all */
    size_t relevant;
    double *relevance; /* [count] of each item: its gain, else 1 or 0 */
    double *weighted;  /* [count] the same times the item's weight */
    struct rl_runner *runner;
    struct rl_room room;
};

/* Ranks from first on; `within` of them are below the cut. */
struct tier {
    size_t first, size, within;
};

size_t rl_tiered_room(size_t items)
{
    return 4 * rl_room_bytes(items, sizeof(double)) + rl_ideal_room(items) + rl_cascade_room(items);
}

/* Between the costs for lists without ties and for lists of a few distinct scores, where the items
 * of a tier share some of the steps. */
double rl_tiered_cost(const struct rl_eval *eval)
{
    static const double costs[RL_MEASURES] = {
        [RL_DCG] = 8,
        [RL_NDCG] = 20,
        [RL_MEAN_RECIPROCAL_RANK] = 0.5,
        [RL_MEAN_AVERAGE_PRECISION] = 5,
        [RL_PRECISION_AT_K] = 2,
        [RL_RECALL_AT_K] = 2,
        [RL_HIT_RATE] = 0.5,
        [RL_R_PRECISION] = 2,
        [RL_BPREF] = 7,
        [RL_AUC] = 2,
        [RL_EXPECTED_RECIPROCAL_RANK] = 18,
        [RL_RANK_BIASED_PRECISION] = 7,
    };
    const bool sets = eval->measure->id == RL_EXPECTED_RECIPROCAL_RANK &&
                      rl_eval_definition(eval)->ties == RL_TIES_AVERAGE;
    return sets ? 50 : costs[eval->measure->id];
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static double ratio(double dividend, double divisor)
{
    return divisor != 0 ? dividend / divisor : 0;
}

/* ---- Tiers ----------------------------------------------------------------------------------- */

static size_t tier_count(const struct tiered *x)
{
    return x->whole ? x->list->tiers : x->list->ranked;
}

static struct tier tier_at(const struct tiered *x, size_t t, size_t cut)
{
    const size_t first = x->whole ? x->list->starts[t] : t;
    const size_t end = x->whole ? x->list->starts[t + 1] : t + 1;
    return (struct tier){
        .first = first,
        .size = end - first,
        .within = first < cut ? smaller(cut, end) - first : 0,
    };
}

/* values: [count]; the sum over the tier's items. */
static double sum_tier(const struct tiered *x, const struct tier *tier, const double *values)
{
    double sum = 0;
    for (size_t r = tier->first; r < tier->first + tier->size; r++)
        sum += values[x->list->order[r]];
    return sum;
}

/* ---- Gains ----------------------------------------------------------------------------------- */

static double discounted_gain(const struct tiered *x)
{
    struct rl_room room = x->room;
    const size_t cut = smaller(x->cut, x->list->ranked);
    double *const discounts = rl_room_take(&room, cut, sizeof(*discounts));
    double sum = 0;
    rl_discounts_fill(x->definition, cut, discounts);
    for (size_t t = 0; t < tier_count(x); t++) {
        const struct tier tier = tier_at(x, t, cut);
        if (tier.within == 0)
            break;
        double discount = 0;
        for (size_t r = tier.first; r < tier.first + tier.within; r++)
            discount += discounts[r];
        sum += sum_tier(x, &tier, x->weighted) / (double)tier.size * discount;
    }
    return sum;
}

/* Overwrites the gains. */
static double normalised_gain(const struct tiered *x)
{
    const double gain = discounted_gain(x);
    return ratio(gain, rl_ideal_gain(x->definition, x->weighted, x->list->count, x->cut, x->runner,
                                     x->room));
}

/* expected_reciprocal_rank of one tier, if the search gets there. *goes_on: the probability that it
 * does, then that it goes on. */
static double cascade_of(const struct tiered *x, const struct tier *tier, double *goes_on)
{
    struct rl_room room = x->room;
    double *const chances = rl_room_take(&room, tier->size, sizeof(*chances));
    const double gets_here = *goes_on;
    size_t count = 0;
    for (size_t r = tier->first; r < tier->first + tier->size; r++) {
        const double chance = x->relevance[x->list->order[r]];
        chances[count] = chance;
        count += chance > 0;
        *goes_on *= 1 - chance;
    }
    if (tier->size == 1)
        return count ? gets_here * chances[0] / (double)(tier->first + 1) : 0;
    return gets_here *
           rl_cascade(chances, count, tier->size, tier->first, tier->within, x->runner, room);
}

static double reciprocal_rank_of_end(const struct tiered *x)
{
    double sum = 0, goes_on = 1;
    for (size_t t = 0; t < tier_count(x) && goes_on > 0; t++) {
        const struct tier tier = tier_at(x, t, x->cut);
        if (tier.within == 0)
            break;
        sum += cascade_of(x, &tier, &goes_on);
    }
    return sum;
}

/* ---- Relevant items -------------------------------------------------------------------------- */

/* The first relevant item of a tier with `relevant` of them: the probability that it is within, or
 * the expectation of 1 / its rank where it is. */
static double first_of_tier(const struct tier *tier, double relevant, bool reciprocal)
{
    double none = 1, sum = 0;
    for (size_t j = 0; j < tier->within && none > 0; j++) {
        const double left = (double)(tier->size - j), here = none * relevant / left;
        sum += reciprocal ? here / (double)(tier->first + j + 1) : here;
        none *= (left - relevant) / left;
    }
    return sum;
}

static double first_relevant(const struct tiered *x, bool reciprocal)
{
    for (size_t t = 0; t < tier_count(x); t++) {
        const struct tier tier = tier_at(x, t, x->cut);
        const double relevant = sum_tier(x, &tier, x->relevance);
        if (relevant > 0)
            return first_of_tier(&tier, relevant, reciprocal);
    }
    return 0;
}

/* Of a tier, after `before` relevant items: the sum of weight * precision over its relevant ones.
 */
static double precisions_of(const struct tiered *x, const struct tier *tier, double relevant,
                            double before)
{
    const double size = (double)tier->size, weight = sum_tier(x, tier, x->weighted) / size;
    const double others = tier->size > 1 ? (relevant - 1) / (size - 1) : 0;
    double sum = 0;
    for (size_t j = 0; j < tier->within; j++)
        sum += (before + 1 + others * (double)j) / (double)(tier->first + j + 1);
    return weight * sum;
}

static double precision_sum(const struct tiered *x)
{
    double before = 0, sum = 0;
    for (size_t t = 0; t < tier_count(x); t++) {
        const struct tier tier = tier_at(x, t, x->cut);
        const double relevant = sum_tier(x, &tier, x->relevance);
        if (relevant > 0)
            sum += precisions_of(x, &tier, relevant, before);
        before += relevant;
    }
    return sum;
}

static double relevant_within(const struct tiered *x, size_t cut)
{
    double sum = 0;
    for (size_t t = 0; t < tier_count(x); t++) {
        const struct tier tier = tier_at(x, t, cut);
        if (tier.within == 0)
            break;
        sum += sum_tier(x, &tier, x->relevance) * ((double)tier.within / (double)tier.size);
    }
    return sum;
}

static double precision_divisor(const struct tiered *x)
{
    const bool over_k = x->k && x->definition->precision_over == RL_PRECISION_OVER_K;
    return (double)(over_k ? x->k : smaller(x->cut, x->list->ranked));
}

static double rank_bias(const struct tiered *x)
{
    const double persistence = x->definition->persistence, log = rl_log(persistence);
    double sum = 0;
    for (size_t t = 0; t < tier_count(x); t++) {
        const struct tier tier = tier_at(x, t, x->list->ranked);
        const double relevant = sum_tier(x, &tier, x->relevance);
        double persists = 0;
        for (size_t r = tier.first; r < tier.first + tier.size && relevant > 0; r++)
            persists += rl_exp(log * (double)r);
        sum += relevant / (double)tier.size * persists;
    }
    return (1 - persistence) * sum;
}

/* ---- Pairs of a relevant item and another ---------------------------------------------------- */

/* Items of the tier that are judged and not relevant. */
static double others_of(const struct tiered *x, const struct tier *tier)
{
    double others = 0;
    for (size_t r = tier->first; r < tier->first + tier->size; r++) {
        const size_t place = x->list->order[r];
        others += (!x->list->judged || x->list->judged[place]) && x->relevance[place] == 0;
    }
    return others;
}

static double judged_others(const struct tiered *x)
{
    double others = 0;
    for (size_t i = 0; i < x->list->count; i++)
        others += (!x->list->judged || x->list->judged[i]) && x->relevance[i] == 0;
    return others;
}

/* The mean of min(above + n, most) over n = 0 … others. */
static double mean_above(double above, double others, double most)
{
    const double below =
        fmax(0, fmin(others + 1, most - above)); /* the number of n that count in full */
    const double full = below * above + below * (below - 1) / 2;
    return (full + (others + 1 - below) * most) / (others + 1);
}

/* bpref: how many of the others are above each relevant item, at most as many as there are
 * relevant ones. A relevant item is equally likely to follow any number of its tier's others. */
static double preference(const struct tiered *x)
{
    const double most = fmin((double)x->relevant, judged_others(x));
    double sum = 0, above = 0;
    for (size_t t = 0; t < tier_count(x); t++) {
        const struct tier tier = tier_at(x, t, x->list->ranked);
        const double relevant = sum_tier(x, &tier, x->relevance), others = others_of(x, &tier);
        if (relevant > 0)
            sum += relevant * (1 - ratio(mean_above(above, others, most), most));
        above += others;
    }
    return ratio(sum, (double)x->relevant);
}

/* auc: items without a score share the last place. */
static double area_under_curve(const struct tiered *x)
{
    double relevant_left = (double)x->relevant;
    double others_left = (double)(x->list->count - x->relevant), sum = 0;
    const double pairs = relevant_left * others_left;
    for (size_t t = 0; t < x->list->tiers; t++) {
        const struct tier tier = tier_at(x, t, x->list->ranked);
        const double relevant = sum_tier(x, &tier, x->relevance);
        const double others = (double)tier.size - relevant;
        relevant_left -= relevant;
        others_left -= others;
        sum += relevant * (others_left + others / 2);
    }
    return ratio(sum + relevant_left * others_left / 2, pairs);
}

/* ---- One list -------------------------------------------------------------------------------- */

static void fill_relevant(const struct tiered *x)
{
    const double from = x->definition->relevant_from;
    for (size_t i = 0; i < x->list->count; i++)
        x->relevance[i] = x->list->labels[i] >= from;
}

/* Relevance by item, and both its sums. */
static void sum_relevance(struct tiered *x, const struct rl_eval *eval, struct rl_ranking *ret)
{
    const struct rl_tiers *const list = x->list;
    const struct rl_gains gains = rl_gains_of(eval);
    x->relevance = rl_room_take(&x->room, list->count, sizeof(double));
    x->weighted = rl_room_take(&x->room, list->count, sizeof(double));
    if (x->metric == RL_DCG || x->metric == RL_NDCG || x->metric == RL_EXPECTED_RECIPROCAL_RANK)
        rl_gains_fill(&gains, list->labels, list->count, false, x->relevance);
    else
        fill_relevant(x);
    for (size_t i = 0; i < list->count; i++)
        x->weighted[i] = x->relevance[i] * (list->weights ? list->weights[i] : list->weight);
    ret->relevance = rl_sum(x->relevance, list->count);
    ret->weighted_relevance = rl_sum(x->weighted, list->count);
}

static double metric_value(const struct tiered *x, const struct rl_ranking *sums)
{
    switch (x->metric) {
    case RL_DCG:
        return discounted_gain(x);
    case RL_NDCG:
        return normalised_gain(x);
    case RL_MEAN_RECIPROCAL_RANK:
        return first_relevant(x, true);
    case RL_MEAN_AVERAGE_PRECISION:
        return ratio(precision_sum(x), sums->weighted_relevance);
    case RL_PRECISION_AT_K:
        return ratio(relevant_within(x, x->cut), precision_divisor(x));
    case RL_RECALL_AT_K:
        return ratio(relevant_within(x, x->cut), sums->relevance);
    case RL_HIT_RATE:
        return first_relevant(x, false);
    case RL_R_PRECISION:
        return ratio(relevant_within(x, x->relevant), sums->relevance);
    case RL_BPREF:
        return preference(x);
    case RL_AUC:
        return area_under_curve(x);
    case RL_EXPECTED_RECIPROCAL_RANK:
        return reciprocal_rank_of_end(x);
    case RL_RANK_BIASED_PRECISION:
        return rank_bias(x);
    default:
        assert(false && "a metric");
        return 0;
    }
}

enum rl_status rl_tiered_list(const struct rl_eval *eval, const struct rl_tiers *tiers,
                              struct rl_runner *runner, struct rl_room room, struct rl_ranking *ret)
{
    const struct rl_definition *const definition = rl_eval_definition(eval);
    const size_t k = rl_eval_k(eval);
    struct tiered x = {
        .metric = eval->measure->id,
        .definition = definition,
        .list = tiers,
        .whole = eval->measure->id == RL_AUC || definition->ties == RL_TIES_AVERAGE,
        .k = k,
        .cut = k && k < tiers->items ? k : tiers->items,
        .runner = runner,
        .room = room,
    };
    *ret = (struct rl_ranking){.counts = tiers->count > 0};
    sum_relevance(&x, eval, ret);
    if (isnan(ret->relevance))
        return RL_INVALID;
    if (x.metric != RL_DCG && x.metric != RL_NDCG)
        x.relevant = (size_t)ret->relevance;
    ret->value = metric_value(&x, ret);
    rl_ranking_finish(eval, x.metric != RL_AUC || x.relevant < tiers->count, tiers->weight, ret);
    return RL_OK;
}
