/*
 * test_ranking.c: the metrics of a list against the plain reference, and their combination.
 */
#include "core/ranking/tiered.h"

#include <math.h>
#include <stdlib.h>

#include "core/referencemetric.h"
#include "tests/property/lists.h"
#include "tests/lib/unittest.h"

enum { LONGEST = 3000 };

static double labels[LONGEST], scores[LONGEST], weights[LONGEST];
static float float_labels[LONGEST], float_scores[LONGEST], float_weights[LONGEST];
static struct rl_scratch scratch;

static void check_close(const char *what, double got, long double want)
{
    ck_assert_msg(fabsl(got - want) <= 1e-13L * fabsl(want), "%s: got %.17g, want %.17Lg", what,
                  got, want);
}

/* What the request asks for beside the metric at hand: its ranks serve all. */
struct others {
    bool first;
    size_t depth;
};

static struct rl_eval eval_of(enum rl_measure_id metric, size_t k)
{
    return (struct rl_eval){.measure = rl_measure_get(metric), .k = k};
}

static struct rl_ranking evaluate_listranks(const struct rl_batch *batch,
                                            const struct rl_eval *eval, struct others others)
{
    const size_t n = batch->items;
    struct rl_rank_needs needs = {.depth = others.depth, .first = others.first};
    struct rl_plan plan;
    struct rl_listranks list;
    struct rl_ranking ret;
    struct rl_room room;
    struct rl_runner runner = rl_runner_serial();
    const size_t bytes = rl_plan_room(n) + rl_listranks_room(n) + rl_ranking_room(n);
    ck_assert(rl_scratch_reserve(&scratch, bytes, &room));
    rl_ranking_add_needs(eval, &needs);
    rl_plan_gather(&plan, batch, 0, &runner, &room);
    rl_listranks_init(&list, &plan, &needs, &runner, &room);
    ck_assert_int_eq(rl_ranking_list(eval, &list, &runner, room, &ret), RL_OK);
    return ret;
}

static struct rl_ranking evaluate_tiers(const struct rl_batch *batch, const struct rl_eval *eval)
{
    const size_t n = batch->items;
    struct rl_tiers tiers;
    struct rl_ranking ret;
    struct rl_room room;
    struct rl_runner runner = rl_runner_serial();
    ck_assert(rl_scratch_reserve(&scratch, rl_tiers_room(n) + rl_tiered_room(n), &room));
    rl_tiers_init(&tiers, batch, 0, rl_tiers_key(eval), &runner, &room);
    ck_assert_int_eq(rl_tiered_list(eval, &tiers, &runner, room, &ret), RL_OK);
    return ret;
}

static void check_list(const struct rl_batch *batch, enum rl_measure_id metric, size_t k,
                       struct others others)
{
    const bool weighted = batch->weight_kind == RL_WEIGHT_ITEM;
    struct rl_reference_list list = {.items = batch->items, .labels = labels, .scores = scores};
    const struct rl_eval eval = eval_of(metric, k);
    struct rl_reference_metric want;
    rl_reference_metric(&eval, &list, weighted ? weights : NULL, &want);
    for (int tiers = rl_ranking_needs_tiers(&eval); tiers <= 1; tiers++) {
        struct rl_ranking got =
            tiers ? evaluate_tiers(batch, &eval) : evaluate_listranks(batch, &eval, others);
        check_close(eval.measure->name, got.value, want.value);
        check_close("relevance", got.relevance, want.relevance);
        check_close("weighted relevance", got.weighted_relevance, want.weighted_relevance);
        ck_assert_int_eq(got.counts, want.counts);
    }
}

static void round_to_float(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        labels[i] = float_labels[i] = (float)labels[i];
        scores[i] = float_scores[i] = (float)scores[i];
        weights[i] = float_weights[i] = (float)weights[i];
    }
}

static void compare(enum rl_measure_id metric, size_t n, bool weighted, size_t k,
                    struct others others)
{
    const size_t offsets[] = {0, n};
    struct rl_batch batch = {
        .dtype = RL_FLOAT64,
        .lists = 1,
        .items = n,
        .offsets = offsets,
        .labels = labels,
        .scores = scores,
        .weight_kind = weighted ? RL_WEIGHT_ITEM : RL_WEIGHT_NONE,
        .weights = weights,
    };
    check_list(&batch, metric, k, others);
    round_to_float(n);
    batch.dtype = RL_FLOAT32;
    batch.labels = float_labels;
    batch.scores = float_scores;
    batch.weights = float_weights;
    check_list(&batch, metric, k, others);
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
    for (int round = 0; round < test_share(5000); round++) {
        size_t n = random_below(&random, 30), k = random_below(&random, 40);
        fill(&random, n);
        for (int metric = RL_DCG; metric < RL_MEASURES; metric++)
            compare((enum rl_measure_id)metric, n, round % 2, k,
                    (struct others){round % 3 == 0, round % 5 ? 0 : random_below(&random, 50)});
    }
}
END_TEST

/* Every way to the ranks: lists of some hundred items, sparse and dense, with small and large k. */
START_TEST(middle_lists_match_the_reference)
{
    struct random random = random_init(random_seed() + 1);
    for (int round = 0; round < test_share(300); round++) {
        size_t n = 40 + random_below(&random, 500), k = random_below(&random, 2) ? 0 : 10;
        const enum rl_measure_id metric =
            RL_DCG + (enum rl_measure_id)(round % (RL_MEASURES - RL_DCG));
        fill(&random, n);
        for (size_t i = 0, sparse = random_below(&random, 2); i < n && sparse; i++)
            labels[i] = random_below(&random, 50) ? 0 : labels[i];
        compare(metric, n, round % 2, k, (struct others){round % 3 == 0, 0});
    }
}
END_TEST

/* Longer than the table of discounts. */
START_TEST(long_lists_match_the_reference)
{
    if (test_leaves_out_long())
        return;
    struct random random = random_init(random_seed());
    for (int metric = RL_DCG; metric < RL_MEASURES; metric++) {
        fill(&random, LONGEST);
        compare((enum rl_measure_id)metric, LONGEST, true, 0, (struct others){0});
        compare((enum rl_measure_id)metric, LONGEST, false, 1500, (struct others){0});
    }
}
END_TEST

START_TEST(lists_without_relevance_weigh_the_average)
{
    struct rl_ranking lists[] = {
        {.value = 0.5, .weight = 3, .relevance = 2, .counts = true},
        {.value = 1, .weight = 1, .relevance = 1, .counts = true},
        {.value = 0, .counts = true, .averaged = true},
        {.value = 0, .counts = false},
    };
    double sum, weight_sum;
    const double value = rl_ranking_combine(RL_NDCG, lists, 4, &sum, &weight_sum);
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
        {.value = 6, .weight = 3, .relevance = 2, .counts = true},
        {.value = 4, .weight = 1, .relevance = 2, .counts = true},
    };
    double sum, weight_sum;
    const double value = rl_ranking_combine(RL_DCG, lists, 2, &sum, &weight_sum);
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
    struct rl_ranking irrelevant = {.counts = true, .averaged = true};
    ck_assert_double_eq(rl_ranking_combine(RL_NDCG, &irrelevant, 1, &sum, &weight_sum), 0);
    ck_assert_double_eq(weight_sum, 1);
}
END_TEST

START_TEST(huge_labels_are_not_finite_only_where_gains_are_used)
{
    const double huge[] = {2000, 1}, some_scores[] = {2, 1};
    const size_t offsets[] = {0, 2};
    const struct rl_batch batch = {.dtype = RL_FLOAT64,
                                   .lists = 1,
                                   .items = 2,
                                   .offsets = offsets,
                                   .labels = huge,
                                   .scores = some_scores};
    for (int metric = RL_DCG; metric < RL_MEASURES; metric++) {
        struct rl_ranking list;
        double sum, weight_sum;
        const struct rl_eval eval = eval_of((enum rl_measure_id)metric, 0);
        list = metric == RL_AUC ? evaluate_tiers(&batch, &eval)
                                : evaluate_listranks(&batch, &eval, (struct others){0});
        const double value =
            rl_ranking_combine((enum rl_measure_id)metric, &list, 1, &sum, &weight_sum);
        ck_assert_int_eq(isfinite(value) != 0, metric != RL_DCG && metric != RL_NDCG);
    }
}
END_TEST

static void start(void)
{
    rl_gains_init();
}

void test_before_all(void)
{
    random_seed();
    start();
}
