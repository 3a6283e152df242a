/*
 * ranking.c: the ranking metrics, of one list in rank order, and combined over the lists.
 */
#include "core/ranking/ranking.h"

#include <assert.h>

#include "core/base/blocks.h"
#include "core/base/elementary.h"
#include "core/base/sort.h"

enum {
    /* Longer lists are sorted by gain; shorter ones, and those of which less than one item in
     * TAKEN_SHARE is wanted, are taken from a heap. */
    HEAPED = 1024,
    TAKEN_SHARE = 16,
};

/* Discounts of the first ranks; most lists need no others. Written by rl_ranking_init alone. */
enum { TABLE = 1024 };
static double discounts[TABLE];

static double discount_of(size_t rank)
{
    return 1 / rl_log2(1 + (double)rank);
}

void rl_ranking_init(void)
{
    for (size_t i = 0; i < TABLE; i++)
        discounts[i] = discount_of(i + 1);
}

static bool uses_gains(enum rl_measure_id metric)
{
    return metric == RL_DCG || metric == RL_NDCG;
}

size_t rl_ranking_room(enum rl_measure_id metric, size_t count)
{
    size_t gains = rl_room_bytes(count, sizeof(double));
    size_t keys = 2 * rl_room_bytes(count, sizeof(struct rl_key)) + rl_sort_room(count);
    if (!uses_gains(metric))
        return 0;
    return metric == RL_NDCG ? gains + keys : gains;
}

static bool relevant(const struct rl_ranked *list, size_t index)
{
    return list->labels[index] >= 1;
}

static double weight_of(const struct rl_ranked *list, size_t index)
{
    return list->weights ? list->weights[index] : list->weight;
}

/* Ranks 1 … cut are looked at. */
static size_t cut_of(const struct rl_ranked *list, size_t k)
{
    return k && k < list->items ? k : list->items;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static double ratio(double dividend, double divisor)
{
    return divisor != 0 ? dividend / divisor : 0;
}

/* ---- dcg and ndcg -----------------------------------------------------------------------------
 */

/* Weighted gains into gains[count], and both sums of relevance. */
static void fill_gains(const struct rl_ranked *list, double *gains, struct rl_ranking *ret)
{
    for (size_t i = 0; i < list->count; i++)
        gains[i] = rl_exp2(list->labels[i]) - 1;
    ret->relevance = rl_sum(gains, list->count);
    for (size_t i = 0; i < list->count; i++)
        gains[i] *= weight_of(list, i);
    ret->weighted_relevance = rl_sum(gains, list->count);
}

static double discount_at(size_t index)
{
    return index < TABLE ? discounts[index] : discount_of(index + 1);
}

static double discounted(const double *gains, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += gains[i] * discount_at(i);
    return sum;
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

/* The discounted sum of the `taken` largest gains, which become a heap. */
static double ideal_by_heap(double *gains, size_t count, size_t taken)
{
    double sum = 0;
    for (size_t root = count / 2; root-- > 0;)
        sift_down(gains, root, count);
    for (size_t i = 0; i < taken; i++) {
        sum += gains[0] * discount_at(i);
        gains[0] = gains[--count];
        sift_down(gains, 0, count);
    }
    return sum;
}

/* The same; gains are >= 0, so that a key gives its gain back. */
static double ideal_by_sort(double *gains, size_t count, size_t taken, struct rl_runner *runner,
                            struct rl_room room)
{
    struct rl_key *keys = rl_room_take(&room, count, sizeof(*keys));
    struct rl_key *spare = rl_room_take(&room, count, sizeof(*spare));
    for (size_t i = 0; i < count; i++)
        keys[i].key = ~rl_to_bits(gains[i]);
    keys = rl_sort(keys, spare, count, runner, room);
    for (size_t i = 0; i < taken; i++)
        gains[i] = rl_from_bits(~keys[i].key);
    return discounted(gains, taken);
}

static double gain_metric(enum rl_measure_id metric, const struct rl_ranked *list, size_t cut,
                          struct rl_runner *runner, struct rl_room room, struct rl_ranking *ret)
{
    size_t count = list->count, taken = smaller(cut, count);
    double *gains = rl_room_take(&room, count, sizeof(*gains));
    fill_gains(list, gains, ret);
    double dcg = discounted(gains, taken);
    if (metric == RL_DCG)
        return dcg;
    bool heap = count <= HEAPED || taken < count / TAKEN_SHARE;
    double best = heap ? ideal_by_heap(gains, count, taken)
                       : ideal_by_sort(gains, count, taken, runner, room);
    return ratio(dcg, best);
}

/* ---- The metrics of binary relevance ----------------------------------------------------------
 */

static void sum_relevant(const struct rl_ranked *list, struct rl_ranking *ret)
{
    size_t count = 0;
    double weights = 0;
    for (size_t i = 0; i < list->count; i++) {
        count += relevant(list, i);
        weights += relevant(list, i) ? weight_of(list, i) : 0;
    }
    ret->relevance = (double)count;
    ret->weighted_relevance = weights;
}

static double reciprocal_rank(const struct rl_ranked *list, size_t cut)
{
    for (size_t i = 0; i < smaller(cut, list->count); i++)
        if (relevant(list, i))
            return 1 / (double)(i + 1);
    return 0;
}

/* The sum of weight * precision over the relevant items. */
static double precision_sum(const struct rl_ranked *list, size_t cut)
{
    size_t found = 0;
    double sum = 0;
    for (size_t i = 0; i < smaller(cut, list->count); i++) {
        if (!relevant(list, i))
            continue;
        found++;
        sum += weight_of(list, i) * ((double)found / (double)(i + 1));
    }
    return sum;
}

static double relevant_within(const struct rl_ranked *list, size_t cut)
{
    size_t found = 0;
    for (size_t i = 0; i < smaller(cut, list->count); i++)
        found += relevant(list, i);
    return (double)found;
}

static double binary_metric(enum rl_measure_id metric, const struct rl_ranked *list, size_t cut,
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

void rl_ranking_list(enum rl_measure_id metric, size_t k, const struct rl_ranked *list,
                     struct rl_runner *runner, struct rl_room room, struct rl_ranking *ret)
{
    size_t cut = cut_of(list, k);
    ret->counts = list->count > 0;
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
