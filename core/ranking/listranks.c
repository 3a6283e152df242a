/*
 * listranks.c: the ranks of one list that its metrics depend on.
 */
#include "core/ranking/listranks.h"

#include <math.h>
#include <string.h>

#include "core/base/column.h"
#include "core/base/cut.h"
#include "core/base/elementary.h"
#include "core/lists/order.h"

/*
 * Nanoseconds of one thread, between what AVX2 and AVX-512 take (make bench-kernels prints the
 * lengths at which the methods cost the same). The choice depends on the list alone, not on the
 * CPU.
 */
static const double COUNT_PAIR = 0.06;              /* of one item and one score */
static const double SORT_LIST = 500, SORT_ITEM = 6; /* of a list, and of each item */
static const double SORT_FAR = 14; /* extra, for each item of a list that fits no cache */
static const double SELECT_LIST = 200, SELECT_ITEM = 0.05; /* of a list, and of each item */
static const double SELECT_ENTRY = 15;                     /* of each item that enters the top, */
static const double SELECT_MOVE = 0.12;                    /* and for each one that is in it */
static const double READ_ITEM = 0.2, READ_POSITIVE = 0.5;  /* finding the positive items */

/* The most items that are selected: each new one is inserted among them. */
enum { TOP_MOST = 64 };

/* The items that count. */
struct contest {
    struct rl_plan *plan; /* ranks are shared with it; NULL where some of its items do not count */
    enum rl_dtype dtype;
    size_t count;
    const void *labels, *scores; /* [count] */
    const uint8_t *bytes;        /* [count], as in a plan */
    uint32_t highest_grade;
    const double *weights; /* [count] */
};

/* Finds the ranks of a list. */
struct builder {
    struct contest contest;
    struct rl_listranks *list;
    uint32_t *at; /* [positives] their places among the items that count */
    size_t depth;
    uint32_t *ranks; /* [found] */
    double *ranked_labels, *ranked_weights;
    struct rl_runner *runner;
};

size_t rl_listranks_room(size_t items)
{
    return 3 * rl_room_bytes(items + 1, sizeof(uint32_t)) +
           7 * rl_room_bytes(items + 1, sizeof(double)) + rl_room_bytes(items, sizeof(uint8_t)) +
           rl_room_bytes(RL_GRADES, sizeof(uint32_t)) +
           rl_room_bytes(items / 64 + 1, sizeof(uint64_t)) +
           rl_room_bytes(items, sizeof(uint32_t)) + rl_order_room(items);
}

/* ---- The items that count -------------------------------------------------------------------- */

static bool all_positive(const double *weights, size_t count)
{
    int other = 0;
    for (size_t v = 0; v < count; v++)
        other |= !(weights[v] > 0);
    return !other;
}

/* Copies the columns of the items with a weight > 0. */
static void copy_counting(const struct rl_plan *plan, struct rl_room *room, struct contest *contest)
{
    const size_t size = rl_dtype_size(plan->dtype);
    char *const labels = rl_room_take(room, plan->count, size);
    char *const scores = rl_room_take(room, plan->count, size);
    double *const weights = rl_room_take(room, plan->count, sizeof(double));
    uint8_t *const bytes = rl_room_take(room, plan->count, sizeof(uint8_t));
    size_t count = 0;
    for (size_t v = 0; v < plan->count; v++) {
        if (!(plan->weights[v] > 0))
            continue;
        memcpy(labels + count * size, (const char *)plan->own_labels + v * size, size);
        memcpy(scores + count * size, (const char *)plan->own_scores + v * size, size);
        weights[count] = plan->weights[v];
        bytes[count] = plan->bytes ? plan->bytes[v] : 0;
        count++;
    }
    contest->plan = NULL;
    contest->count = count;
    contest->labels = labels;
    contest->scores = scores;
    contest->bytes = plan->bytes ? bytes : NULL;
    contest->weights = weights;
}

static void enter(struct rl_plan *plan, struct rl_room *room, struct contest *contest)
{
    *contest = (struct contest){
        .plan = plan,
        .dtype = plan->dtype,
        .count = plan->count,
        .labels = plan->own_labels,
        .scores = plan->own_scores,
        .bytes = plan->bytes,
        .highest_grade = plan->highest_grade,
        .weights = plan->weights,
    };
    if (!plan->weights)
        contest->count = plan->weight > 0 ? plan->count : 0;
    else if (!all_positive(plan->weights, plan->count))
        copy_counting(plan, room, contest);
}

static double label_of(const struct contest *contest, size_t i)
{
    return contest->bytes ? contest->bytes[i] : rl_column_get(contest->labels, contest->dtype, i);
}

/* ---- Positive items -------------------------------------------------------------------------- */

/* Labels are counted in this many tables in turn, since a count that was just written is slow to
 * read. */
enum { STRIPES = 4, RUN = 8 };

static bool run_of_zeros(const uint8_t *bytes)
{
    uint64_t run;
    memcpy(&run, bytes, sizeof(run));
    return run == 0;
}

static size_t positives_by_bytes(const struct contest *contest, uint32_t *ret_at,
                                 uint32_t *ret_grades)
{
    uint32_t counts[RL_GRADES][STRIPES];
    const uint8_t *const bytes = contest->bytes;
    const size_t most = contest->highest_grade;
    size_t positives = 0, i = 0;
    memset(counts, 0, (most + 1) * sizeof(counts[0]));
    for (; i + RUN <= contest->count; i += RUN) {
        if (run_of_zeros(bytes + i))
            continue;
        for (size_t r = i; r < i + RUN; r++) {
            ret_at[positives] = (uint32_t)r;
            positives += bytes[r] != 0;
            counts[bytes[r]][r % STRIPES]++;
        }
    }
    for (; i < contest->count; i++) {
        ret_at[positives] = (uint32_t)i;
        positives += bytes[i] != 0;
        counts[bytes[i]][0]++;
    }
    memset(ret_grades, 0, (most + 1) * sizeof(*ret_grades));
    for (size_t g = 1; g <= most; g++)
        for (size_t stripe = 0; stripe < STRIPES; stripe++)
            ret_grades[g] += counts[g][stripe];
    return positives;
}

static inline size_t positives_as(const struct contest *contest, enum rl_dtype dtype,
                                  uint32_t *ret_at)
{
    size_t positives = 0;
    for (size_t i = 0; i < contest->count; i++) {
        ret_at[positives] = (uint32_t)i;
        positives += rl_column_get(contest->labels, dtype, i) > 0;
    }
    return positives;
}

static void find_positives(struct builder *builder, struct rl_room *room)
{
    const struct contest *const contest = &builder->contest;
    struct rl_listranks *const list = builder->list;
    uint32_t *const grades = rl_room_take(room, RL_GRADES, sizeof(uint32_t));
    builder->at = rl_room_take(room, contest->count, sizeof(uint32_t));
    if (contest->bytes) {
        list->positives = positives_by_bytes(contest, builder->at, grades);
        list->grades = grades;
        list->highest_grade = contest->highest_grade;
    } else {
        list->positives = contest->dtype == RL_FLOAT32
                              ? positives_as(contest, RL_FLOAT32, builder->at)
                              : positives_as(contest, RL_FLOAT64, builder->at);
    }
}

/* Labels and weights in input order, where the counts of grades are not enough. */
static void copy_positives(struct builder *builder, struct rl_room *room)
{
    const struct contest *const contest = &builder->contest;
    struct rl_listranks *const list = builder->list;
    if (list->grades && !contest->weights)
        return;
    double *const labels = rl_room_take(room, list->positives, sizeof(double));
    for (size_t p = 0; p < list->positives; p++)
        labels[p] = label_of(contest, builder->at[p]);
    list->labels = labels;
    if (!contest->weights)
        return;
    double *const weights = rl_room_take(room, list->positives, sizeof(double));
    for (size_t p = 0; p < list->positives; p++)
        weights[p] = contest->weights[builder->at[p]];
    list->weights = weights;
}

/* ---- Ranks ----------------------------------------------------------------------------------- */

/* Adds the item at `rank` if it is positive. Without a branch, as labels are unpredictable. */
static inline void add_found(struct builder *builder, size_t rank, size_t i)
{
    const double label = label_of(&builder->contest, i);
    const size_t f = builder->list->found;
    builder->ranks[f] = (uint32_t)rank;
    builder->ranked_labels[f] = label;
    if (builder->ranked_weights)
        builder->ranked_weights[f] = builder->contest.weights[i];
    builder->list->found += label > 0;
}

/* Each positive item's rank on its own; a map of the ranks puts them in order. */
static void rank_by_counting(struct builder *builder, struct rl_room room)
{
    const struct contest *const contest = &builder->contest;
    const size_t positives = builder->list->positives, words = contest->count / 64 + 1;
    uint64_t *const map = rl_room_take(&room, words, sizeof(uint64_t));
    uint32_t *const item_at = rl_room_take(&room, contest->count, sizeof(uint32_t));
    uint32_t *const ranks = builder->ranks; /* for a while by item */
    rl_listscan_kernels(contest->dtype)
        ->ranks(contest->scores, contest->count, builder->at, positives, ranks);
    memset(map, 0, words * sizeof(*map));
    for (size_t p = 0; p < positives; p++) {
        map[ranks[p] / 64] |= (uint64_t)1 << ranks[p] % 64;
        item_at[ranks[p]] = builder->at[p];
    }
    for (size_t word = 0; word < words; word++)
        for (uint64_t left = map[word]; left; left &= left - 1) {
            const size_t rank = word * 64 + (size_t)__builtin_ctzll(left);
            if (rank < builder->depth)
                add_found(builder, rank, item_at[rank]);
        }
}

static bool rank_by_selecting(struct builder *builder, struct rl_room room)
{
    const struct contest *const contest = &builder->contest;
    uint32_t top[TOP_MOST];
    if (!rl_order_top(contest->dtype, contest->scores, contest->count, builder->depth, room, top))
        return false;
    for (size_t rank = 0; rank < builder->depth; rank++)
        add_found(builder, rank, top[rank]);
    return true;
}

static void rank_by_sorting(struct builder *builder, struct rl_room room)
{
    const struct contest *const contest = &builder->contest;
    const uint32_t *order;
    if (contest->plan) {
        rl_plan_rank(contest->plan, builder->runner, room);
        order = contest->plan->ranked;
    } else {
        uint32_t *const places = rl_room_take(&room, contest->count, sizeof(uint32_t));
        rl_order(contest->dtype, contest->scores, contest->count, RL_DESCENDING, builder->runner,
                 room, places, NULL);
        order = places;
    }
    for (size_t rank = 0; rank < builder->depth; rank++)
        add_found(builder, rank, order[rank]);
}

/* The cost of each method of ranking the positive items; infinite for selecting where it does not
 * apply. */
struct rank_costs {
    double counting, sorting, selecting;
};

/* In a random order top * ln(n / top) items enter a full top. */
static double selecting_cost(double n, double top)
{
    if (!(0 < top && top <= TOP_MOST && top < n))
        return INFINITY;
    const double entries = top * (1 + rl_log(n / top));
    return SELECT_LIST + SELECT_ITEM * n + (SELECT_ENTRY + SELECT_MOVE * top) * entries;
}

static struct rank_costs rank_costs_of(size_t count, size_t positives, size_t depth)
{
    const double n = (double)count;
    return (struct rank_costs){
        .counting = (double)positives * n * COUNT_PAIR,
        .sorting = SORT_LIST + SORT_ITEM * n,
        .selecting = selecting_cost(n, (double)depth),
    };
}

double rl_listranks_cost(const struct rl_rank_needs *needs, size_t items, size_t positives)
{
    const size_t depth = needs->depth < items ? needs->depth : items;
    const struct rank_costs costs = rank_costs_of(items, positives, depth);
    const double far = items > RL_CUT_ALONE ? SORT_FAR * (double)items : 0;
    const double ranks = fmin(fmin(costs.counting, costs.sorting + far), costs.selecting);
    const double found = READ_POSITIVE * (double)positives;
    const double first = needs->first && depth < items ? COUNT_PAIR * (double)items + found : 0;
    const double reading = READ_ITEM * (double)items + found;
    return reading + (positives > 0 ? first : 0) + (positives > 0 && depth > 0 ? ranks : 0);
}

static void rank_positives(struct builder *builder, struct rl_room room)
{
    const struct rank_costs costs =
        rank_costs_of(builder->contest.count, builder->list->positives, builder->depth);
    if (costs.selecting < costs.counting && costs.selecting < costs.sorting &&
        rank_by_selecting(builder, room))
        return;
    if (costs.counting < costs.sorting)
        rank_by_counting(builder, room);
    else
        rank_by_sorting(builder, room);
}

/* The first relevant one of those found, or else the best relevant item's rank on its own. */
static uint32_t find_first(const struct builder *builder)
{
    const struct contest *const contest = &builder->contest;
    const struct rl_listranks *const list = builder->list;
    uint32_t best = RL_NO_RANK, rank;
    double best_score = 0;
    for (size_t f = 0; f < list->found; f++)
        if (builder->ranked_labels[f] >= 1)
            return builder->ranks[f];
    if (builder->depth == contest->count)
        return RL_NO_RANK;
    for (size_t p = 0; p < list->positives; p++) {
        const double score = rl_column_get(contest->scores, contest->dtype, builder->at[p]);
        if (label_of(contest, builder->at[p]) >= 1 && (best == RL_NO_RANK || score > best_score)) {
            best = builder->at[p];
            best_score = score;
        }
    }
    if (best == RL_NO_RANK)
        return RL_NO_RANK;
    rl_listscan_kernels(contest->dtype)->ranks(contest->scores, contest->count, &best, 1, &rank);
    return rank;
}

void rl_listranks_init(struct rl_listranks *list, struct rl_plan *plan,
                       const struct rl_rank_needs *needs, struct rl_runner *runner,
                       struct rl_room *room)
{
    struct builder builder = {.list = list, .runner = runner};
    enter(plan, room, &builder.contest);
    const size_t count = builder.contest.count;
    *list = (struct rl_listranks){
        .items = plan->items,
        .count = count,
        .weight = plan->weight,
        .first = RL_NO_RANK,
    };
    builder.depth = needs->depth < count ? needs->depth : count;
    find_positives(&builder, room);
    copy_positives(&builder, room);
    const size_t most = list->positives;
    builder.ranks = rl_room_take(room, most + 1, sizeof(uint32_t));
    builder.ranked_labels = rl_room_take(room, most + 1, sizeof(double));
    if (builder.contest.weights)
        builder.ranked_weights = rl_room_take(room, most + 1, sizeof(double));
    if (most && builder.depth)
        rank_positives(&builder, *room);
    if (most && needs->first)
        list->first = find_first(&builder);
    list->ranks = builder.ranks;
    list->ranked_labels = builder.ranked_labels;
    list->ranked_weights = builder.ranked_weights;
}
