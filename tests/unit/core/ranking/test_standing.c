/*
 * test_standing.c: the ranks that metrics need, found in every way, against plain counting.
 */
#include "core/ranking/standing.h"

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

static void check_found(const struct rl_standing *standing, size_t n, size_t depth)
{
    static size_t item_at[LONGEST];
    size_t count = 0, f = 0;
    for (size_t i = 0; i < n; i++) {
        if (!counts(i))
            continue;
        item_at[rank_of(n, i)] = i;
        count++;
    }
    ck_assert_uint_eq(standing->count, count);
    for (size_t rank = 0; rank < count && rank < depth; rank++) {
        const size_t i = item_at[rank];
        if (!(labels[i] > 0))
            continue;
        ck_assert_uint_lt(f, standing->found);
        ck_assert_uint_eq(standing->ranks[f], rank);
        ck_assert_double_eq(standing->ranked_labels[f], labels[i]);
        if (standing->ranked_weights)
            ck_assert_double_eq(standing->ranked_weights[f], weights[i]);
        f++;
    }
    ck_assert_uint_eq(standing->found, f);
}

static void check_positives(const struct rl_standing *standing, size_t n)
{
    size_t p = 0, of_grade[RL_GRADES] = {0};
    for (size_t i = 0; i < n; i++) {
        if (!counts(i) || !(labels[i] > 0))
            continue;
        if (standing->labels)
            ck_assert_double_eq(standing->labels[p], labels[i]);
        if (standing->weights)
            ck_assert_double_eq(standing->weights[p], weights[i]);
        if (standing->grades)
            of_grade[(size_t)labels[i]]++;
        p++;
    }
    ck_assert_uint_eq(standing->positives, p);
    ck_assert(standing->labels || standing->grades);
    for (size_t g = 1; g < RL_GRADES && standing->grades; g++)
        ck_assert_uint_eq(g <= standing->highest_grade ? standing->grades[g] : 0, of_grade[g]);
}

static void check_first(const struct rl_standing *standing, size_t n, bool needed)
{
    size_t first = RL_NO_RANK;
    for (size_t i = 0; i < n && needed; i++)
        if (counts(i) && labels[i] >= 1 && rank_of(n, i) < first)
            first = rank_of(n, i);
    ck_assert_uint_eq(standing->first, first);
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
    struct rl_standing standing;
    struct rl_runner runner = rl_runner_serial();
    struct rl_room room;
    ck_assert(rl_scratch_reserve(&scratch, rl_plan_room(n) + rl_standing_room(n), &room));
    rl_plan_gather(&plan, &batch, 0, &runner, &room);
    rl_standing_init(&standing, &plan, needs, &runner, &room);
    ck_assert_uint_eq(standing.items, n);
    check_found(&standing, n, needs->depth);
    check_positives(&standing, n);
    check_first(&standing, n, needs->first);
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
    for (int round = 0; round < 1500; round++) {
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
    struct rl_standing standing;
    struct rl_runner runner = rl_runner_serial();
    struct rl_room room;
    labels[0] = labels[1] = 1;
    ck_assert(rl_scratch_reserve(&scratch, rl_plan_room(2) + rl_standing_room(2), &room));
    rl_plan_gather(&plan, &batch, 0, &runner, &room);
    rl_standing_init(&standing, &plan, &needs, &runner, &room);
    ck_assert_uint_eq(standing.count, 0);
    ck_assert_uint_eq(standing.positives, 0);
    ck_assert_uint_eq(standing.found, 0);
    ck_assert_uint_eq(standing.first, RL_NO_RANK);
}
END_TEST
