/*
 * reference.c: every loss, gradient and metric of one list, straight from its formula.
 *
 * Written to be compared with the catalogue line by line: no sorting tricks, no shared sums, all
 * in long double.
 */
#include "core/reference.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* What list_mle adds inside its logarithm, as Keras-RS does. */
static const long double EPSILON = 1e-10L;

bool rl_reference_valid(const struct rl_reference_list *list, size_t item)
{
    return (!list->mask || list->mask[item]) && list->labels[item] >= 0;
}

/* Whether the loss has a term for the ordered pair (i, j). */
static bool has_pair(enum rl_measure_id loss, const struct rl_reference_list *list, size_t i,
                     size_t j)
{
    if (i == j || !rl_reference_valid(list, i) || !rl_reference_valid(list, j))
        return false;
    return loss == RL_PAIRWISE_MEAN_SQUARED_ERROR || list->labels[i] > list->labels[j];
}

uint64_t rl_reference_pairs(enum rl_measure_id loss, const struct rl_reference_list *list)
{
    uint64_t pairs = 0;
    if (rl_measure_get(loss)->value_per_list)
        return 0;
    for (size_t i = 0; i < list->items; i++)
        for (size_t j = 0; j < list->items; j++)
            pairs += has_pair(loss, list, i, j);
    return pairs;
}

static long double label_difference(const struct rl_reference_list *list, size_t i, size_t j)
{
    return (long double)list->labels[i] - list->labels[j];
}

static long double score_difference(const struct rl_reference_list *list, size_t i, size_t j)
{
    return (long double)list->scores[i] - list->scores[j];
}

/* 1 / (1 + e^d), without overflow. */
static long double sigmoid_of_minus(long double d)
{
    long double t = expl(-fabsl(d));
    return d >= 0 ? t / (1 + t) : 1 / (1 + t);
}

long double rl_reference_pair(enum rl_measure_id loss, const struct rl_reference_list *list,
                              size_t i, size_t j, long double temperature)
{
    long double d = score_difference(list, i, j) / temperature, error;
    switch (loss) {
    case RL_PAIRWISE_HINGE:
        return fmaxl(0, 1 - d);
    case RL_PAIRWISE_LOGISTIC:
        return fmaxl(0, -d) + log1pl(expl(-fabsl(d)));
    case RL_PAIRWISE_SOFT_ZERO_ONE:
        return sigmoid_of_minus(d);
    case RL_PAIRWISE_MEAN_SQUARED_ERROR:
        error = label_difference(list, i, j) - score_difference(list, i, j);
        return error * error;
    default:
        assert(false && "a pairwise loss");
        return 0;
    }
}

long double rl_reference_slope(enum rl_measure_id loss, const struct rl_reference_list *list,
                               size_t i, size_t j, long double temperature)
{
    long double d = score_difference(list, i, j) / temperature;
    switch (loss) {
    case RL_PAIRWISE_HINGE:
        return d < 1 ? -1 / temperature : 0;
    case RL_PAIRWISE_LOGISTIC:
        return -sigmoid_of_minus(d) / temperature;
    case RL_PAIRWISE_SOFT_ZERO_ONE:
        return -sigmoid_of_minus(d) * sigmoid_of_minus(-d) / temperature;
    case RL_PAIRWISE_MEAN_SQUARED_ERROR:
        return -2 * (label_difference(list, i, j) - score_difference(list, i, j));
    default:
        assert(false && "a pairwise loss");
        return 0;
    }
}

/* ---- list_mle and softmax
 * ------------------------------------------------------------------------------
 */

/* Whether item i stands before item j in label-descending stable order. */
static bool label_before(const struct rl_reference_list *list, size_t i, size_t j)
{
    return list->labels[i] > list->labels[j] || (list->labels[i] == list->labels[j] && i < j);
}

/* z of each item, and e^z; an invalid item adds nothing anywhere. */
struct softmax {
    const struct rl_reference_list *list;
    long double temperature, largest; /* largest score of a valid item */
    long double *powers;              /* [items]: e^z */
};

static void softmax_init(struct softmax *softmax, const struct rl_reference_list *list,
                         long double temperature)
{
    *softmax = (struct softmax){.list = list, .temperature = temperature, .largest = -INFINITY};
    softmax->powers = calloc(list->items + 1, sizeof(*softmax->powers));
    assert(softmax->powers);
    for (size_t i = 0; i < list->items; i++)
        if (rl_reference_valid(list, i))
            softmax->largest = fmaxl(softmax->largest, list->scores[i]);
    for (size_t i = 0; i < list->items; i++)
        if (rl_reference_valid(list, i))
            softmax->powers[i] = expl((list->scores[i] - softmax->largest) / temperature);
}

/* sum_{k > i} e^{z_k} + 1e-10, the items in the order of their labels. */
static long double softmax_after(const struct softmax *softmax, size_t i)
{
    long double sum = EPSILON;
    for (size_t k = 0; k < softmax->list->items; k++)
        if (rl_reference_valid(softmax->list, k) && label_before(softmax->list, i, k))
            sum += softmax->powers[k];
    return sum;
}

static long double softmax_tail(const struct softmax *softmax, size_t i)
{
    return softmax_after(softmax, i) + softmax->powers[i];
}

/* log((others + e^z) / e^z): a sum would lose a small log beside a large z. */
static long double surprise(const struct softmax *softmax, long double others, size_t i)
{
    const long double ratio = others / softmax->powers[i];
    if (isfinite(ratio))
        return log1pl(ratio);
    return logl(others) - (softmax->list->scores[i] - softmax->largest) / softmax->temperature;
}

static long double listmle_loss(const struct rl_reference_list *list, long double temperature)
{
    struct softmax softmax;
    long double loss = 0;
    softmax_init(&softmax, list, temperature);
    for (size_t i = 0; i < list->items; i++)
        if (rl_reference_valid(list, i))
            loss += surprise(&softmax, softmax_after(&softmax, i), i);
    free(softmax.powers);
    return loss;
}

/* The part of the gradient that comes through z's maximum: shared by the items that hold it. */
static void add_through_maximum(const struct softmax *softmax, long double inverse_sum,
                                long double *gradient)
{
    const struct rl_reference_list *list = softmax->list;
    size_t holders = 0;
    for (size_t k = 0; k < list->items; k++)
        holders += rl_reference_valid(list, k) && list->scores[k] == softmax->largest;
    for (size_t k = 0; k < list->items; k++)
        if (rl_reference_valid(list, k) && list->scores[k] == softmax->largest)
            gradient[k] += EPSILON * inverse_sum / (softmax->temperature * (long double)holders);
}

static void listmle_gradient(const struct rl_reference_list *list, long double temperature,
                             long double *gradient)
{
    struct softmax softmax;
    long double inverse_sum = 0;
    softmax_init(&softmax, list, temperature);
    for (size_t i = 0; i < list->items; i++) {
        if (!rl_reference_valid(list, i))
            continue;
        long double inverse = 1 / softmax_tail(&softmax, i);
        inverse_sum += inverse;
        gradient[i] -= 1 / temperature;
        for (size_t k = 0; k < list->items; k++)
            if (rl_reference_valid(list, k) && !label_before(list, k, i))
                gradient[k] += softmax.powers[k] * inverse / temperature;
    }
    add_through_maximum(&softmax, inverse_sum, gradient);
    free(softmax.powers);
}

/* sum_{k != i} e^{z_k} */
static long double softmax_others(const struct softmax *softmax, size_t i)
{
    long double sum = 0;
    for (size_t k = 0; k < softmax->list->items; k++)
        sum += k != i ? softmax->powers[k] : 0;
    return sum;
}

static long double softmax_loss(const struct rl_reference_list *list, long double temperature)
{
    struct softmax softmax;
    long double loss = 0;
    softmax_init(&softmax, list, temperature);
    for (size_t i = 0; i < list->items; i++)
        if (rl_reference_valid(list, i) && list->labels[i] > 0)
            loss += list->labels[i] * surprise(&softmax, softmax_others(&softmax, i), i);
    free(softmax.powers);
    return loss;
}

static void softmax_gradient(const struct rl_reference_list *list, long double temperature,
                             long double *gradient)
{
    struct softmax softmax;
    softmax_init(&softmax, list, temperature);
    const long double sum = softmax_others(&softmax, list->items);
    for (size_t i = 0; i < list->items; i++)
        for (size_t k = 0; k < list->items; k++)
            if (rl_reference_valid(list, i) && rl_reference_valid(list, k))
                gradient[k] += list->labels[i] * (softmax.powers[k] / sum - (i == k)) / temperature;
    free(softmax.powers);
}

/* ---- Losses -----------------------------------------------------------------------------------
 */

/* The loss of a list as a whole. */
static long double list_loss(enum rl_measure_id loss, const struct rl_reference_list *list,
                             long double temperature)
{
    switch (loss) {
    case RL_LIST_MLE:
        return listmle_loss(list, temperature);
    case RL_SOFTMAX:
        return softmax_loss(list, temperature);
    default:
        assert(false && "a loss with one value per list");
        return 0;
    }
}

static void list_gradient(enum rl_measure_id loss, const struct rl_reference_list *list,
                          long double temperature, long double *gradient)
{
    switch (loss) {
    case RL_LIST_MLE:
        listmle_gradient(list, temperature, gradient);
        break;
    case RL_SOFTMAX:
        softmax_gradient(list, temperature, gradient);
        break;
    default:
        assert(false && "a loss with one value per list");
    }
}

void rl_reference_losses(enum rl_measure_id loss, const struct rl_reference_list *list,
                         long double temperature, long double *ret_losses)
{
    if (rl_measure_get(loss)->value_per_list) {
        ret_losses[0] = list_loss(loss, list, temperature);
        return;
    }
    for (size_t i = 0; i < list->items; i++) {
        ret_losses[i] = 0;
        for (size_t j = 0; j < list->items; j++)
            if (has_pair(loss, list, i, j))
                ret_losses[i] += rl_reference_pair(loss, list, i, j, temperature);
    }
}

void rl_reference_gradient(enum rl_measure_id loss, const struct rl_reference_list *list,
                           long double temperature, const double *weights,
                           long double *ret_gradient)
{
    for (size_t i = 0; i < list->items; i++)
        ret_gradient[i] = 0;
    if (rl_measure_get(loss)->value_per_list) {
        list_gradient(loss, list, temperature, ret_gradient);
        for (size_t i = 0; weights && i < list->items; i++)
            ret_gradient[i] *= weights[0];
        return;
    }
    for (size_t i = 0; i < list->items; i++) {
        for (size_t j = 0; j < list->items; j++) {
            if (!has_pair(loss, list, i, j))
                continue;
            long double weight = weights ? weights[i] : 1;
            long double slope = weight * rl_reference_slope(loss, list, i, j, temperature);
            ret_gradient[i] += slope;
            ret_gradient[j] -= slope;
        }
    }
}

/* ---- Metrics ----------------------------------------------------------------------------------
 */

/* A list as a metric sees it. */
struct ranking {
    const struct rl_reference_list *list;
    const double *weights;
    size_t cut;        /* ranks 1 … cut are looked at */
    bool gains;        /* relevance is 2^y - 1, else y >= 1 */
    long double *keys; /* [items]: what rank_items sorts by */
    size_t *ranks;     /* [items]: from 1, by descending key; ties in input order */
};

static long double weight_of(const struct ranking *ranking, size_t item)
{
    return ranking->weights ? ranking->weights[item] : 1;
}

static bool item_counts(const struct ranking *ranking, size_t item)
{
    return rl_reference_valid(ranking->list, item) && weight_of(ranking, item) > 0;
}

static long double relevance_of(const struct ranking *ranking, size_t item)
{
    long double label = ranking->list->labels[item];
    return ranking->gains ? exp2l(label) - 1 : label >= 1;
}

static void rank_items(struct ranking *ranking)
{
    const long double *keys = ranking->keys;
    for (size_t i = 0; i < ranking->list->items; i++) {
        ranking->ranks[i] = 1;
        for (size_t j = 0; j < ranking->list->items; j++)
            if (item_counts(ranking, j))
                ranking->ranks[i] += keys[j] > keys[i] || (keys[j] == keys[i] && j < i);
    }
}

static void rank_by_score(struct ranking *ranking)
{
    for (size_t i = 0; i < ranking->list->items; i++)
        ranking->keys[i] = ranking->list->scores[i];
    rank_items(ranking);
}

/* The best possible ranking. */
static void rank_by_weighted_gain(struct ranking *ranking)
{
    for (size_t i = 0; i < ranking->list->items; i++)
        ranking->keys[i] =
            item_counts(ranking, i) ? weight_of(ranking, i) * relevance_of(ranking, i) : 0;
    rank_items(ranking);
}

/* Whether the item counts and stands among the first `last` ranks. */
static bool within(const struct ranking *ranking, size_t item, size_t last)
{
    return item_counts(ranking, item) && ranking->ranks[item] <= last;
}

static long double discounted_gain(const struct ranking *ranking)
{
    long double sum = 0;
    for (size_t i = 0; i < ranking->list->items; i++)
        if (within(ranking, i, ranking->cut))
            sum += weight_of(ranking, i) * relevance_of(ranking, i) /
                   log2l(1 + (long double)ranking->ranks[i]);
    return sum;
}

static long double relevance_within(const struct ranking *ranking, size_t last)
{
    long double sum = 0;
    for (size_t i = 0; i < ranking->list->items; i++)
        if (within(ranking, i, last))
            sum += relevance_of(ranking, i);
    return sum;
}

static long double reciprocal_rank(const struct ranking *ranking)
{
    long double best = 0;
    for (size_t i = 0; i < ranking->list->items; i++)
        if (within(ranking, i, ranking->cut) && relevance_of(ranking, i) > 0)
            best = fmaxl(best, 1 / (long double)ranking->ranks[i]);
    return best;
}

/* The sum of weight * precision over the relevant items. */
static long double precision_sum(const struct ranking *ranking)
{
    long double sum = 0;
    for (size_t i = 0; i < ranking->list->items; i++)
        if (within(ranking, i, ranking->cut) && relevance_of(ranking, i) > 0)
            sum += weight_of(ranking, i) * relevance_within(ranking, ranking->ranks[i]) /
                   (long double)ranking->ranks[i];
    return sum;
}

static size_t counting_items(const struct ranking *ranking)
{
    size_t count = 0;
    for (size_t i = 0; i < ranking->list->items; i++)
        count += item_counts(ranking, i);
    return count;
}

static long double ratio(long double dividend, long double divisor)
{
    return divisor != 0 ? dividend / divisor : 0;
}

static long double ndcg(struct ranking *ranking)
{
    long double gain = discounted_gain(ranking);
    rank_by_weighted_gain(ranking);
    return ratio(gain, discounted_gain(ranking));
}

static long double metric_value(enum rl_measure_id metric, struct ranking *ranking,
                                const struct rl_reference_metric *sums)
{
    size_t cut = ranking->cut, count = counting_items(ranking);
    switch (metric) {
    case RL_DCG:
        return discounted_gain(ranking);
    case RL_NDCG:
        return ndcg(ranking);
    case RL_MEAN_RECIPROCAL_RANK:
        return reciprocal_rank(ranking);
    case RL_MEAN_AVERAGE_PRECISION:
        return ratio(precision_sum(ranking), sums->weighted_relevance);
    case RL_PRECISION_AT_K:
        return ratio(relevance_within(ranking, cut), (long double)(cut < count ? cut : count));
    case RL_RECALL_AT_K:
        return ratio(relevance_within(ranking, cut), sums->relevance);
    default:
        assert(false && "a metric");
        return 0;
    }
}

static void sum_relevance(const struct ranking *ranking, struct rl_reference_metric *ret)
{
    *ret = (struct rl_reference_metric){0};
    for (size_t i = 0; i < ranking->list->items; i++) {
        if (!item_counts(ranking, i))
            continue;
        ret->counts = true;
        ret->relevance += relevance_of(ranking, i);
        ret->weighted_relevance += weight_of(ranking, i) * relevance_of(ranking, i);
    }
}

void rl_reference_metric(enum rl_measure_id metric, const struct rl_reference_list *list,
                         const double *weights, size_t k, struct rl_reference_metric *ret)
{
    struct ranking ranking = {
        .list = list,
        .weights = weights,
        .cut = k && k < list->items ? k : list->items,
        .gains = metric == RL_DCG || metric == RL_NDCG,
        .keys = calloc(list->items + 1, sizeof(*ranking.keys)),
        .ranks = calloc(list->items + 1, sizeof(*ranking.ranks)),
    };
    assert(ranking.keys && ranking.ranks);
    sum_relevance(&ranking, ret);
    rank_by_score(&ranking);
    ret->value = metric_value(metric, &ranking, ret);
    free(ranking.ranks);
    free(ranking.keys);
}
