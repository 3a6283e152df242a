/*
 * reference.c: every loss and gradient of one list, straight from its formula.
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
    const long double t = expl(-fabsl(d));
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
    const long double d = score_difference(list, i, j) / temperature;
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

/* Whether item i precedes item j when items are sorted by label, descending and stable. */
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
    const struct rl_reference_list *const list = softmax->list;
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
        const long double inverse = 1 / softmax_tail(&softmax, i);
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

/* ---- approx_ndcg ------------------------------------------------------------------------------
 */

/* 1 + the sum over j != i of 1 / (1 + e^{(s_i - s_j) / T}) */
static long double smooth_rank(const struct rl_reference_list *list, size_t i,
                               long double temperature)
{
    long double rank = 1;
    for (size_t j = 0; j < list->items; j++)
        if (j != i && rl_reference_valid(list, j))
            rank += sigmoid_of_minus(score_difference(list, i, j) / temperature);
    return rank;
}

/* The position of item i, from 1, when items are sorted by label. */
static long double best_rank(const struct rl_reference_list *list, size_t i)
{
    long double rank = 1;
    for (size_t j = 0; j < list->items; j++)
        rank += rl_reference_valid(list, j) && label_before(list, j, i);
    return rank;
}

static long double gain_at(const struct rl_reference_list *list, size_t i, long double rank)
{
    return (exp2l(list->labels[i]) - 1) / log2l(1 + rank);
}

static long double best_gain(const struct rl_reference_list *list)
{
    long double sum = 0;
    for (size_t i = 0; i < list->items; i++)
        if (rl_reference_valid(list, i))
            sum += gain_at(list, i, best_rank(list, i));
    return sum;
}

static long double approxndcg_loss(const struct rl_reference_list *list, long double temperature)
{
    const long double best = best_gain(list);
    long double loss = 0;
    for (size_t i = 0; i < list->items && best > 0; i++)
        if (rl_reference_valid(list, i))
            loss -= gain_at(list, i, smooth_rank(list, i, temperature)) / best;
    return loss;
}

/* d loss / d rank of item i, by the rank's definition passed on to the scores. */
static void add_through_rank(const struct rl_reference_list *list, size_t i,
                             long double temperature, long double best, long double *gradient)
{
    const long double rank = smooth_rank(list, i, temperature), discount = 1 / log2l(1 + rank);
    const long double by_rank = gain_at(list, i, rank) / best * discount / (logl(2) * (1 + rank));
    for (size_t j = 0; j < list->items; j++) {
        if (j == i || !rl_reference_valid(list, j))
            continue;
        const long double d = score_difference(list, i, j) / temperature;
        const long double by_score = sigmoid_of_minus(d) * sigmoid_of_minus(-d) / temperature;
        gradient[i] -= by_rank * by_score;
        gradient[j] += by_rank * by_score;
    }
}

static void approxndcg_gradient(const struct rl_reference_list *list, long double temperature,
                                long double *gradient)
{
    const long double best = best_gain(list);
    for (size_t i = 0; i < list->items && best > 0; i++)
        if (rl_reference_valid(list, i))
            add_through_rank(list, i, temperature, best, gradient);
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
    case RL_APPROX_NDCG:
        return approxndcg_loss(list, temperature);
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
    case RL_APPROX_NDCG:
        approxndcg_gradient(list, temperature, gradient);
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
            const long double weight = weights ? weights[i] : 1;
            const long double slope = weight * rl_reference_slope(loss, list, i, j, temperature);
            ret_gradient[i] += slope;
            ret_gradient[j] -= slope;
        }
    }
}
