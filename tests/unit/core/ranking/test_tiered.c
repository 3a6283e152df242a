/*
 * test_tiered.c: long ties, whose orders cannot be gone through, against closed forms; and lists at
 * the edges. Random lists are held to the reference by test_ranking and property_metrics.
 */
#include "core/ranking/tiered.h"

#include <math.h>

#include "tests/lib/unittest.h"

enum { MOST = 3000 };

static double labels[MOST], scores[MOST];
static struct rl_scratch scratch;

static struct rl_ranking evaluate(enum rl_measure_id metric, const struct rl_definition *definition,
                                  size_t n, size_t k)
{
    const struct rl_eval eval = {
        .measure = rl_measure_get(metric), .definition = definition, .k = k};
    const size_t offsets[] = {0, n};
    const struct rl_batch batch = {.dtype = RL_FLOAT64,
                                   .lists = 1,
                                   .items = n,
                                   .offsets = offsets,
                                   .labels = labels,
                                   .scores = scores};
    struct rl_runner runner = rl_runner_serial();
    struct rl_ranking ret;
    struct rl_tiers tiers;
    struct rl_room room;
    ck_assert(rl_scratch_reserve(&scratch, rl_tiers_room(n) + rl_tiered_room(n), &room));
    rl_tiers_init(&tiers, &batch, 0, rl_tiers_key(&eval), &runner, &room);
    ck_assert_int_eq(rl_tiered_list(&eval, &tiers, &runner, room, &ret), RL_OK);
    return ret;
}

static struct rl_definition keras_with(enum rl_ties ties)
{
    struct rl_definition definition = *rl_definition_get(RL_KERAS);
    definition.ties = ties;
    return definition;
}

static void check_close(const char *what, double got, long double want)
{
    ck_assert_msg(fabsl(got - want) <= 1e-12L * want, "%s: got %.17g, want %.17Lg", what, got,
                  want);
}

static double average_of(enum rl_measure_id metric, size_t n, size_t k)
{
    const struct rl_definition definition = keras_with(RL_TIES_AVERAGE);
    return evaluate(metric, &definition, n, k).value;
}

/* One tie of n items with r relevant ones. */
static void fill_tie(size_t n, size_t r)
{
    for (size_t i = 0; i < n; i++) {
        labels[i] = i < r;
        scores[i] = 0.5;
    }
}

/* The probability that none of r relevant items is among the first j of n: C(n - j, r) / C(n, r).
 */
static long double none_within(size_t n, size_t r, size_t j)
{
    return n < r + j ? 0
                     : expl(lgammal((long double)(n - j + 1)) + lgammal((long double)(n - r + 1)) -
                            lgammal((long double)(n - j - r + 1)) - lgammal((long double)(n + 1)));
}

START_TEST(one_long_tie_matches_closed_forms)
{
    enum { N = MOST, R = 40, K = 100 };
    long double hit = 1 - none_within(N, R, K), reciprocal = 0, precisions = 0, discounts = 0;
    for (size_t j = 1; j <= N; j++) {
        reciprocal += (none_within(N, R, j - 1) - none_within(N, R, j)) / (long double)j;
        precisions += (1 + (R - 1) * (long double)(j - 1) / (N - 1)) / (long double)j / N;
        discounts += 1 / log2l(1 + (long double)j);
    }
    fill_tie(N, R);
    check_close("hit rate", average_of(RL_HIT_RATE, N, K), hit);
    check_close("reciprocal rank", average_of(RL_MEAN_RECIPROCAL_RANK, N, 0), reciprocal);
    check_close("precisions", average_of(RL_MEAN_AVERAGE_PRECISION, N, 0), precisions);
    check_close("gain", average_of(RL_DCG, N, 0), discounts * R / N);
    check_close("precision", average_of(RL_PRECISION_AT_K, N, K), (long double)R / N);
    check_close("recall", average_of(RL_RECALL_AT_K, N, K), (long double)K / N);
    check_close("R-precision", average_of(RL_R_PRECISION, N, 0), (long double)R / N);
    check_close("area", average_of(RL_AUC, N, 0), 0.5L);
    check_close("persistence", average_of(RL_RANK_BIASED_PRECISION, N, 0),
                (1 - powl(0.8L, N)) * R / N);
    /* The mean of 1 - min(a, R) / R over a = 0 … N - R others above. */
    check_close("preference", average_of(RL_BPREF, N, 0), (R + 1) / 2.0L / (N - R + 1));
}
END_TEST

START_TEST(worst_and_best_put_relevant_items_last_and_first)
{
    const struct rl_definition worst = keras_with(RL_TIES_WORST), best = keras_with(RL_TIES_BEST);
    fill_tie(100, 10);
    ck_assert_double_eq(evaluate(RL_MEAN_RECIPROCAL_RANK, &worst, 100, 0).value, 1 / 91.0);
    ck_assert_double_eq(evaluate(RL_MEAN_RECIPROCAL_RANK, &best, 100, 0).value, 1);
    ck_assert_double_eq(evaluate(RL_NDCG, &best, 100, 0).value, 1);
    ck_assert_double_eq(evaluate(RL_RECALL_AT_K, &worst, 100, 90).value, 0);
    ck_assert_double_eq(evaluate(RL_RECALL_AT_K, &best, 100, 10).value, 1);
}
END_TEST

/* No item, one item, no relevant item, only relevant items, k beyond the end: in every way. */
START_TEST(edges_give_0_or_1_in_every_way)
{
    for (int metric = RL_DCG; metric < RL_MEASURES; metric++)
        for (int ties = RL_TIES_INPUT; ties <= RL_TIES_BEST; ties++) {
            const struct rl_definition definition = keras_with((enum rl_ties)ties);
            const enum rl_measure_id id = (enum rl_measure_id)metric;
            fill_tie(5, 0);
            ck_assert(!evaluate(id, &definition, 0, 3).counts);
            ck_assert_double_eq(evaluate(id, &definition, 0, 0).value, 0);
            ck_assert_double_eq(evaluate(id, &definition, 5, 9).value, 0);
            fill_tie(1, 1);
            const double one = evaluate(id, &definition, 1, 7).value;
            ck_assert_double_eq_tol(one,
                                    id == RL_AUC                        ? 0
                                    : id == RL_EXPECTED_RECIPROCAL_RANK ? 1 / 16.0
                                    : id == RL_RANK_BIASED_PRECISION    ? 0.2
                                                                        : 1,
                                    1e-15);
        }
}
END_TEST

START_TEST(a_list_of_relevant_items_alone_has_no_area)
{
    struct rl_definition definition = keras_with(RL_TIES_INPUT);
    fill_tie(4, 4);
    definition.without_relevant = RL_WITHOUT_RELEVANT_ONE;
    ck_assert_double_eq(evaluate(RL_AUC, &definition, 4, 0).value, 1);
    ck_assert_double_eq(evaluate(RL_AUC, &definition, 4, 0).weight, 1);
    definition.without_relevant = RL_WITHOUT_RELEVANT_SKIP;
    ck_assert(!evaluate(RL_AUC, &definition, 4, 0).counts);
}
END_TEST

void test_before_all(void)
{
    rl_gains_init();
}
