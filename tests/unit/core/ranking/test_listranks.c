/*
 * test_listranks.c: the ranks that metrics need, found in every way, against plain counting.
 */
#include "core/ranking/listranks.h"

#include <stdlib.h>

#include "tests/property/lists.h"

#include "tests/lib/unittest.h"

enum { LONGEST = 2000 };

static double labels[LONGEST], scores[LONGEST], weights[LONGEST];
static uint8_t mask[LONGEST];
static struct rl_scratch scratch;

/* Whether the item counts, and its rank among those that do. */
static bool counts(size_t i)
{
    return mask[i] && labels[i] >= 0 && weights[i] > 0;
}

static size_t rank_of(size_t n, size_t i)
{
    size_t rank = 0;
    for (size_t j = 0; j < n; j++)
        rank += counts(j) && (scores[j] > scores[i] || (scores[j] == scores[i] && j < i));
    return rank;
}

static void check_found(const struct rl_listranks *list, size_t n, size_t depth)
{
    static size_t item_at[LONGEST];
    size_t count = 0, f = 0;
    for (size_t i = 0; i < n; i++) {
        if (!counts(i))
            continue;
        item_at[rank_of(n, i)] = i;
        count++;
    }
    ck_assert_uint_eq(list->count, count);
    for (size_t rank = 0; rank < count && rank < depth; rank++) {
        const size_t i = item_at[rank];
        if (!(labels[i] > 0))
            continue;
        ck_assert_uint_lt(f, list->found);
        ck_assert_uint_eq(list->ranks[f], rank);
        ck_assert_double_eq(list->ranked_labels[f], labels[i]);
        if (list->ranked_weights)
            ck_assert_double_eq(list->ranked_weights[f], weights[i]);
        f++;
    }
    ck_assert_uint_eq(list->found, f);
}

static void check_positives(const struct rl_listranks *list, size_t n)
{
    size_t p = 0, of_grade[RL_GRADES] = {0};
    for (size_t i = 0; i < n; i++) {
        if (!counts(i) || !(labels[i] > 0))
            continue;
        if (list->labels)
            ck_assert_double_eq(list->labels[p], labels[i]);
        if (list->weights)
            ck_assert_double_eq(list->weights[p], weights[i]);
        if (list->grades)
            of_grade[(size_t)labels[i]]++;
        p++;
    }
    ck_assert_uint_eq(list->positives, p);
    ck_assert(list->labels || list->grades);
    for (size_t g = 1; g < RL_GRADES && list->grades; g++)
        ck_assert_uint_eq(g <= list->highest_grade ? list->grades[g] : 0, of_grade[g]);
}

static void check_first(const struct rl_listranks *list, size_t n, bool needed)
{
    size_t first = RL_NO_RANK;
    for (size_t i = 0; i < n && needed; i++)
        if (counts(i) && labels[i] >= 1 && rank_of(n, i) < first)
            first = rank_of(n, i);
    ck_assert_uint_eq(list->first, first);
}

static void check_list(size_t n, bool weighted, bool masked, const struct rl_rank_needs *needs)
{
    const size_t offsets[] = {0, n};
    struct rl_batch batch = {
        .dtype = RL_FLOAT64,
        .lists = 1,
        .items = n,
        .offsets = offsets,
        .labels = labels,
        .scores = scores,
        .mask = masked ? mask : NULL,
        .weight_kind = weighted ? RL_WEIGHT_ITEM : RL_WEIGHT_NONE,
        .weights = weights,
    };
    struct rl_plan plan;
    struct rl_listranks list;
    struct rl_runner runner = rl_runner_serial();
    struct rl_room room;
    ck_assert(rl_scratch_reserve(&scratch, rl_plan_room(n) + rl_listranks_room(n), &room));
    rl_plan_gather(&plan, &batch, 0, &runner, &room);
    rl_listranks_init(&list, &plan, needs, &runner, &room);
    ck_assert_uint_eq(list.items, n);
    check_found(&list, n, needs->depth);
    check_positives(&list, n);
    check_first(&list, n, needs->first);
}

static void fill(struct random *random, size_t n, bool weighted, bool masked)
{
    const size_t sparse = random_below(random, 2) ? 30 : 1;
    random_labels(random, (enum label_style)random_below(random, LABEL_STYLES), n, labels);
    random_scores(random, (enum score_style)random_below(random, SCORE_STYLES), n, labels, scores);
    for (size_t i = 0; i < n; i++) {
        labels[i] = random_below(random, sparse) ? 0 : labels[i];
        weights[i] = weighted ? (double)random_below(random, 3) - 0.5 : 1;
        mask[i] = !masked || random_below(random, 5);
    }
}

static size_t random_depth(struct random *random)
{
    switch (random_below(random, 4)) {
    case 0:
        return 0;
    case 1:
        return SIZE_MAX;
    case 2:
        return 1 + random_below(random, 20);
    default:
        return 1 + random_below(random, 500);
    }
}

START_TEST(ranks_match_plain_counting)
{
    struct random random = random_init(random_seed());
    for (int round = 0; round < test_share(1500); round++) {
        const size_t n = random_below(&random, round % 20 ? 150 : LONGEST);
        const bool weighted = round % 3 == 0, masked = round % 4 == 0;
        const struct rl_rank_needs needs = {random_depth(&random), random_below(&random, 2)};
        fill(&random, n, weighted, masked);
        check_list(n, weighted, masked, &needs);
    }
}
END_TEST

/* A weight that is not above 0 takes every item out. */
START_TEST(nothing_counts_without_weight)
{
    const size_t offsets[] = {0, 2};
    struct rl_batch batch = {.dtype = RL_FLOAT64,
                             .lists = 1,
                             .items = 2,
                             .offsets = offsets,
                             .labels = labels,
                             .scores = scores,
                             .weight_kind = RL_WEIGHT_SCALAR,
                             .weight = 0};
    struct rl_rank_needs needs = {SIZE_MAX, true};
    struct rl_plan plan;
    struct rl_listranks list;
    struct rl_runner runner = rl_runner_serial();
    struct rl_room room;
    labels[0] = labels[1] = 1;
    ck_assert(rl_scratch_reserve(&scratch, rl_plan_room(2) + rl_listranks_room(2), &room));
    rl_plan_gather(&plan, &batch, 0, &runner, &room);
    rl_listranks_init(&list, &plan, &needs, &runner, &room);
    ck_assert_uint_eq(list.count, 0);
    ck_assert_uint_eq(list.positives, 0);
    ck_assert_uint_eq(list.found, 0);
    ck_assert_uint_eq(list.first, RL_NO_RANK);
}
END_TEST
