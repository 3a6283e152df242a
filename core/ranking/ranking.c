/*
 * ranking.c: the ranking metrics, of one list whose ranks are known, and combined over the lists.
 */
#include "core/ranking/ranking.h"

#include <assert.h>

#include "core/base/blocks.h"
#include "core/base/elementary.h"
#include "core/lists/order.h"

enum {
    /* Longer lists are sorted by gain; shorter ones, and those of which less than one item in
     * TAKEN_SHARE is wanted, are taken from a heap. */
    HEAPED = 48,
    TAKEN_SHARE = 16,
};

/* Discounts of the first ranks, and gains of the labels that are grades: most lists need no others.
 * Written by rl_ranking_init alone. */
enum { TABLE = 1024 };
static double discounts[TABLE], gains_of_grades[RL_GRADES];

/* Of a rank that counts from 0. */
static double discount_of(size_t rank)
{
    return 1 / rl_log2(2 + (double)rank);
}

void rl_ranking_init(void)
{
    for (size_t i = 0; i < TABLE; i++)
        discounts[i] = discount_of(i);
    for (size_t grade = 0; grade < RL_GRADES; grade++)
        gains_of_grades[grade] = rl_exp2((double)grade) - 1;
}

static bool uses_gains(enum rl_measure_id metric)
{
    return metric == RL_DCG || metric == RL_NDCG;
}

void rl_ranking_add_needs(enum rl_measure_id metric, size_t k, struct rl_rank_needs *needs)
{
    const size_t depth = k ? k : SIZE_MAX;
    if (metric == RL_MEAN_RECIPROCAL_RANK)
        needs->first = true;
    else if (depth > needs->depth)
        needs->depth = depth;
}

size_t rl_ranking_room(size_t items)
{
    return 4 * rl_room_bytes(items, sizeof(double)) + rl_room_bytes(items, sizeof(uint32_t)) +
           rl_order_room(items);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Ranks below the cut are looked at. */
static size_t cut_of(const struct rl_standing *list, size_t k)
{
    return k && k < list->items ? k : list->items;
}

/* The items found whose rank is below the cut. */
static size_t found_within(const struct rl_standing *list, size_t cut)
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

static double ratio(double dividend, double divisor)
{
    return divisor != 0 ? dividend / divisor : 0;
}

/* ---- dcg and ndcg ----------------------------------------------------------------------------
 */

/* grades: whether each label is a whole number below RL_GRADES. */
static void fill_gains(const double *labels, size_t count, bool grades, double *ret_gains)
{
    if (grades)
        for (size_t i = 0; i < count; i++)
            ret_gains[i] = gains_of_grades[(uint32_t)(int32_t)labels[i]];
    else
        for (size_t i = 0; i < count; i++)
            ret_gains[i] = rl_exp2(labels[i]) - 1;
}

static void weigh(const struct rl_standing *list, const double *weights, size_t count,
                  double *gains)
{
    if (weights)
        for (size_t i = 0; i < count; i++)
            gains[i] *= weights[i];
    else if (list->weight != 1)
        for (size_t i = 0; i < count; i++)
            gains[i] *= list->weight;
}

/* Both sums of relevance, where all weigh the same. */
static void sum_grades(const struct rl_standing *list, struct rl_ranking *ret)
{
    double sum = 0;
    for (size_t grade = 1; grade <= list->highest_grade; grade++)
        sum += list->grades[grade] * gains_of_grades[grade];
    ret->relevance = sum;
    ret->weighted_relevance = sum * list->weight;
}

/* Weighted gains in input order, and both sums of relevance. */
static void sum_gains(const struct rl_standing *list, double *ret_gains, struct rl_ranking *ret)
{
    fill_gains(list->labels, list->positives, list->grades != NULL, ret_gains);
    ret->relevance = rl_sum(ret_gains, list->positives);
    weigh(list, list->weights, list->positives, ret_gains);
    ret->weighted_relevance = rl_sum(ret_gains, list->positives);
}

/* The sum of gain * discount. ranks: [count], ascending; NULL for 0 … count - 1. */
static double discounted(const double *gains, const uint32_t *ranks, size_t count)
{
    double sum = 0, block[RL_BLOCK];
    size_t i = 0;
    if (ranks)
        for (; i < count && ranks[i] < TABLE; i++)
            sum += gains[i] * discounts[ranks[i]];
    else
        for (; i < count && i < TABLE; i++)
            sum += gains[i] * discounts[i];
    while (i < count) {
        const size_t length = smaller(count - i, RL_BLOCK);
        for (size_t b = 0; b < length; b++)
            block[b] = discount_of(ranks ? ranks[i + b] : i + b);
        for (size_t b = 0; b < length; b++)
            sum += gains[i + b] * block[b];
        i += length;
    }
    return sum;
}

static double dcg_of(const struct rl_standing *list, size_t cut, struct rl_room room)
{
    const size_t count = found_within(list, cut);
    double *gains = rl_room_take(&room, count, sizeof(*gains));
    fill_gains(list->ranked_labels, count, list->grades != NULL, gains);
    weigh(list, list->ranked_weights, count, gains);
    return discounted(gains, list->ranks, count);
}

/* Restores the heap (largest on top) of `count` values below `root`. */
static void sift_down(double *heap, size_t root, size_t count)
{
    double value = heap[root];
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        child += child + 1 < count && heap[child + 1] > heap[child];
        if (!(heap[child] > value))
            break;
        heap[root] = heap[child];
    }
    heap[root] = value;
}

/* The `taken` largest gains, descending. gains become a heap. */
static void best_by_heap(double *gains, size_t count, size_t taken, double *ret_best)
{
    for (size_t root = count / 2; root-- > 0;)
        sift_down(gains, root, count);
    for (size_t i = 0; i < taken; i++) {
        ret_best[i] = gains[0];
        gains[0] = gains[--count];
        sift_down(gains, 0, count);
    }
}

/* The same where the counts of grades tell it. */
static void best_by_grades(const struct rl_standing *list, size_t taken, double *ret_best)
{
    size_t i = 0;
    for (size_t grade = list->highest_grade; grade > 0 && i < taken; grade--) {
        const size_t end = i + smaller(list->grades[grade], taken - i);
        for (const double gain = gains_of_grades[grade] * list->weight; i < end; i++)
            ret_best[i] = gain;
    }
}

/* The discounted sum of the largest weighted gains. gains: in input order, or NULL where the counts
 * of grades tell them; no longer of use afterwards. */
static double ideal_dcg(const struct rl_standing *list, double *gains, size_t cut,
                        struct rl_runner *runner, struct rl_room room)
{
    const size_t count = list->positives, taken = smaller(cut, count);
    double *best = rl_room_take(&room, count, sizeof(*best));
    if (!gains) {
        best_by_grades(list, taken, best);
    } else if (count <= HEAPED || taken < count / TAKEN_SHARE) {
        best_by_heap(gains, count, taken, best);
    } else {
        uint32_t *places = rl_room_take(&room, count, sizeof(*places));
        rl_order(RL_FLOAT64, gains, count, RL_DESCENDING, runner, room, places, best);
    }
    return discounted(best, NULL, taken);
}

static double gain_metric(enum rl_measure_id metric, const struct rl_standing *list, size_t cut,
                          struct rl_runner *runner, struct rl_room room, struct rl_ranking *ret)
{
    double *gains = NULL;
    if (list->labels) {
        gains = rl_room_take(&room, list->positives, sizeof(*gains));
        sum_gains(list, gains, ret);
    } else if (list->grades) {
        sum_grades(list, ret);
    }
    const double dcg = dcg_of(list, cut, room);
    return metric == RL_DCG ? dcg : ratio(dcg, ideal_dcg(list, gains, cut, runner, room));
}

/* ---- The metrics of binary relevance ----------------------------------------------------------
 */

static void sum_relevant(const struct rl_standing *list, struct rl_ranking *ret)
{
    size_t count = 0;
    double weights = 0;
    if (list->labels) {
        for (size_t p = 0; p < list->positives; p++) {
            const bool relevant = list->labels[p] >= 1;
            count += relevant;
            weights += relevant && list->weights ? list->weights[p] : 0;
        }
    } else {
        count = list->positives; /* whole numbers above 0 */
    }
    ret->relevance = (double)count;
    ret->weighted_relevance = list->weights ? weights : (double)count * list->weight;
}

static double reciprocal_rank(const struct rl_standing *list, size_t cut)
{
    return list->first < cut ? 1 / ((double)list->first + 1) : 0;
}

/* The sum of weight * precision over the relevant items. */
static double precision_sum(const struct rl_standing *list, size_t cut)
{
    const size_t count = found_within(list, cut);
    size_t relevant = 0;
    double sum = 0;
    for (size_t f = 0; f < count; f++) {
        if (!(list->ranked_labels[f] >= 1))
            continue;
        const double weight = list->ranked_weights ? list->ranked_weights[f] : list->weight;
        relevant++;
        sum += weight * ((double)relevant / ((double)list->ranks[f] + 1));
    }
    return sum;
}

static double relevant_within(const struct rl_standing *list, size_t cut)
{
    const size_t count = found_within(list, cut);
    size_t relevant = 0;
    for (size_t f = 0; f < count; f++)
        relevant += list->ranked_labels[f] >= 1;
    return (double)relevant;
}

static double binary_metric(enum rl_measure_id metric, const struct rl_standing *list, size_t cut,
                            struct rl_ranking *ret)
{
    sum_relevant(list, ret);
    switch (metric) {
    case RL_MEAN_RECIPROCAL_RANK:
        return reciprocal_rank(list, cut);
    case RL_MEAN_AVERAGE_PRECISION:
        return ratio(precision_sum(list, cut), ret->weighted_relevance);
    case RL_PRECISION_AT_K:
        return ratio(relevant_within(list, cut), (double)smaller(cut, list->count));
    case RL_RECALL_AT_K:
        return ratio(relevant_within(list, cut), ret->relevance);
    default:
        assert(false && "a metric");
        return 0;
    }
}

void rl_ranking_list(enum rl_measure_id metric, size_t k, const struct rl_standing *list,
                     struct rl_runner *runner, struct rl_room room, struct rl_ranking *ret)
{
    const size_t cut = cut_of(list, k);
    *ret = (struct rl_ranking){.counts = list->count > 0};
    ret->value = uses_gains(metric) ? gain_metric(metric, list, cut, runner, room, ret)
                                    : binary_metric(metric, list, cut, ret);
}

/* ---- Over the lists ---------------------------------------------------------------------------
 */

/* A list without any relevance weighs as much as the others do on average; 1 if there are none. */
static double average_weight(const struct rl_ranking *lists, size_t count)
{
    double sum = 0;
    size_t relevant_lists = 0;
    for (size_t i = 0; i < count; i++) {
        if (!(lists[i].relevance == 0)) {
            sum += lists[i].weighted_relevance / lists[i].relevance;
            relevant_lists++;
        }
    }
    return relevant_lists ? sum / (double)relevant_lists : 1;
}

static double list_weight(const struct rl_ranking *list, double average)
{
    if (!list->counts)
        return 0;
    return list->relevance == 0 ? average : list->weighted_relevance / list->relevance;
}

double rl_ranking_combine(enum rl_measure_id metric, struct rl_ranking *lists, size_t count,
                          double *ret_sum, double *ret_weight_sum)
{
    double average = average_weight(lists, count), sum = 0, weight_sum = 0;
    for (size_t i = 0; i < count; i++) {
        lists[i].weight = list_weight(&lists[i], average);
        if (metric == RL_DCG)
            lists[i].value = ratio(lists[i].value, lists[i].weight);
        sum += lists[i].value * lists[i].weight;
        weight_sum += lists[i].weight;
    }
    *ret_sum = sum;
    *ret_weight_sum = weight_sum;
    return ratio(sum, weight_sum);
}
