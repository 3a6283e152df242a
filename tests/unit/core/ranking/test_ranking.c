/*
 * test_ranking.c: the metrics in rank order against the plain reference, and their combination.
 */
#include "core/ranking/ranking.h"

#include <math.h>
#include <stdlib.h>

#include "core/reference.h"
#include "tests/property/lists.h"
#include "tests/lib/unittest.h"

enum { LONGEST = 3000 };

static double labels[LONGEST], scores[LONGEST], weights[LONGEST];
static double ranked_labels[LONGEST], ranked_weights[LONGEST];
static struct rl_scratch scratch;
static size_t order[LONGEST];

static int by_score_descending(const void *a, const void *b)
{
    size_t i = *(const size_t *)a, j = *(const size_t *)b;
    if (scores[i] != scores[j])
        return scores[i] > scores[j] ? -1 : 1;
    return (i > j) - (i < j);
}

/* The list as rl_ranking_list wants it. */
static struct rl_ranked rank(size_t n, bool weighted)
{
    struct rl_ranked ranked = {.items = n, .labels = ranked_labels, .weight = 1};
    for (size_t i = 0; i < n; i++)
        if (labels[i] >= 0 && (!weighted || weights[i] > 0))
            order[ranked.count++] = i;
    qsort(order, ranked.count, sizeof(order[0]), by_score_descending);
    for (size_t i = 0; i < ranked.count; i++) {
        ranked_labels[i] = labels[order[i]];
        ranked_weights[i] = weights[order[i]];
    }
    if (weighted)
        ranked.weights = ranked_weights;
    return ranked;
}

static void check_close(const char *what, double got, long double want)
{
    ck_assert_msg(fabsl(got - want) <= 1e-13L * fabsl(want), "%s: got %.17g, want %.17Lg", what,
                  got, want);
}

static struct rl_ranking evaluate(enum rl_measure_id metric, size_t k,
                                  const struct rl_ranked *ranked)
{
    struct rl_ranking ret;
    struct rl_room room;
    struct rl_runner runner = rl_runner_serial();
    ck_assert(rl_scratch_reserve(&scratch, rl_ranking_room(metric, ranked->count), &room));
    rl_ranking_list(metric, k, ranked, &runner, room, &ret);
    return ret;
}

static void compare(enum rl_measure_id metric, size_t n, bool weighted, size_t k)
{
    struct rl_reference_list list = {.items = n, .labels = labels, .scores = scores};
    struct rl_reference_metric want;
    struct rl_ranking got;
    struct rl_ranked ranked = rank(n, weighted);
    got = evaluate(metric, k, &ranked);
    rl_reference_metric(metric, &list, weighted ? weights : NULL, k, &want);
    check_close(rl_measure_get(metric)->name, got.value, want.value);
    check_close("relevance", got.relevance, want.relevance);
    check_close("weighted relevance", got.weighted_relevance, want.weighted_relevance);
    ck_assert_int_eq(got.counts, want.counts);
}

static void fill(struct random *random, size_t n)
{
    random_labels(random, (enum label_style)random_below(random, LABEL_STYLES), n, labels);
    random_scores(random, (enum score_style)random_below(random, SCORE_STYLES), n, labels, scores);
    for (size_t i = 0; i < n; i++)
        weights[i] = random_below(random, 4) ? random_uniform(random, 0, 3) : 0;
}

START_TEST(short_lists_match_the_reference)
{
    struct random random = random_init(random_seed());
    for (int round = 0; round < 5000; round++) {
        size_t n = random_below(&random, 30), k = random_below(&random, 40);
        fill(&random, n);
        for (int metric = RL_DCG; metric < RL_MEASURES; metric++)
            compare((enum rl_measure_id)metric, n, round % 2, k);
    }
}
END_TEST

/* Longer than the table of discounts. */
START_TEST(long_lists_match_the_reference)
{
    struct random random = random_init(random_seed());
    for (int metric = RL_DCG; metric < RL_MEASURES; metric++) {
        fill(&random, LONGEST);
        compare((enum rl_measure_id)metric, LONGEST, true, 0);
        compare((enum rl_measure_id)metric, LONGEST, false, 1500);
    }
}
END_TEST

START_TEST(lists_without_relevance_weigh_the_average)
{
    struct rl_ranking lists[] = {
        {.value = 0.5, .weighted_relevance = 6, .relevance = 2, .counts = true},
        {.value = 1, .weighted_relevance = 1, .relevance = 1, .counts = true},
        {.value = 0, .counts = true},
        {.value = 0, .counts = false},
    };
    double sum, weight_sum;
    double value = rl_ranking_combine(RL_NDCG, lists, 4, &sum, &weight_sum);
    ck_assert_double_eq(lists[0].weight, 3);
    ck_assert_double_eq(lists[1].weight, 1);
    ck_assert_double_eq(lists[2].weight, 2);
    ck_assert_double_eq(lists[3].weight, 0);
    ck_assert_double_eq(sum, 2.5);
    ck_assert_double_eq(weight_sum, 6);
    ck_assert_double_eq(value, 2.5 / 6);
}
END_TEST

START_TEST(dcg_is_divided_by_the_weight_of_its_list)
{
    struct rl_ranking lists[] = {
        {.value = 6, .weighted_relevance = 6, .relevance = 2, .counts = true},
        {.value = 4, .weighted_relevance = 2, .relevance = 2, .counts = true},
    };
    double sum, weight_sum;
    double value = rl_ranking_combine(RL_DCG, lists, 2, &sum, &weight_sum);
    ck_assert_double_eq(lists[0].value, 2);
    ck_assert_double_eq(lists[1].value, 4);
    ck_assert_double_eq(value, 10 / 4.0);
}
END_TEST

START_TEST(nothing_that_counts_gives_zero)
{
    struct rl_ranking lists[2] = {{.counts = false}, {.counts = false}};
    double sum, weight_sum;
    ck_assert_double_eq(rl_ranking_combine(RL_DCG, lists, 2, &sum, &weight_sum), 0);
    ck_assert_double_eq(sum, 0);
    ck_assert_double_eq(weight_sum, 0);
    struct rl_ranking irrelevant = {.counts = true};
    ck_assert_double_eq(rl_ranking_combine(RL_NDCG, &irrelevant, 1, &sum, &weight_sum), 0);
    ck_assert_double_eq(weight_sum, 1);
}
END_TEST

START_TEST(huge_labels_are_not_finite_only_where_gains_are_used)
{
    const double huge[] = {2000, 1};
    struct rl_ranked ranked = {.items = 2, .count = 2, .labels = huge, .weight = 1};
    for (int metric = RL_DCG; metric < RL_MEASURES; metric++) {
        struct rl_ranking list;
        double sum, weight_sum;
        list = evaluate((enum rl_measure_id)metric, 0, &ranked);
        double value = rl_ranking_combine((enum rl_measure_id)metric, &list, 1, &sum, &weight_sum);
        ck_assert_int_eq(isfinite(value) != 0, metric != RL_DCG && metric != RL_NDCG);
    }
}
END_TEST

static void start(void)
{
    rl_ranking_init();
}

void test_before_all(void)
{
    random_seed();
    start();
}
