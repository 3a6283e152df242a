/*
 * test_referencemetric.c: the plain metrics against numbers worked out by hand.
 */
#include "core/referencemetric.h"

#include <math.h>

#include "tests/lib/unittest.h"

/* In order of score: labels 3, 0, 1, 1. */
static const double labels[] = {0, 3, 1, 1}, scores[] = {3, 4, 2, 1};
static const struct rl_reference_list LIST = {.items = 4, .labels = labels, .scores = scores};

static void check_close(long double got, long double want)
{
    ck_assert_msg(fabsl(got - want) <= 1e-15L, "got %.20Lg, want %.20Lg", got, want);
}

static struct rl_definition keras(void)
{
    return *rl_definition_get(RL_KERAS);
}

static long double value_of(enum rl_measure_id metric, const struct rl_definition *definition,
                            const struct rl_reference_list *list, size_t k)
{
    const struct rl_eval eval = {
        .measure = rl_measure_get(metric), .definition = definition, .k = k};
    struct rl_reference_metric ret;
    rl_reference_metric(&eval, list, NULL, &ret);
    return ret.value;
}

START_TEST(metrics_by_hand)
{
    const long double log3 = log2l(3), log5 = log2l(5);
    check_close(value_of(RL_DCG, NULL, &LIST, 0), 7 + 0.5L + 1 / log5);
    check_close(value_of(RL_DCG, NULL, &LIST, 2), 7);
    check_close(value_of(RL_NDCG, NULL, &LIST, 0), (7 + 0.5L + 1 / log5) / (7 + 1 / log3 + 0.5L));
    check_close(value_of(RL_MEAN_RECIPROCAL_RANK, NULL, &LIST, 0), 1);
    check_close(value_of(RL_MEAN_AVERAGE_PRECISION, NULL, &LIST, 0), (1 + 2 / 3.0L + 3 / 4.0L) / 3);
    check_close(value_of(RL_PRECISION_AT_K, NULL, &LIST, 2), 0.5L);
    check_close(value_of(RL_RECALL_AT_K, NULL, &LIST, 3), 2 / 3.0L);
    check_close(value_of(RL_HIT_RATE, NULL, &LIST, 1), 1);
    check_close(value_of(RL_R_PRECISION, NULL, &LIST, 0), 2 / 3.0L);
    check_close(value_of(RL_BPREF, NULL, &LIST, 0), 1 / 3.0L);
    check_close(value_of(RL_AUC, NULL, &LIST, 0), 1 / 3.0L);
    check_close(value_of(RL_RANK_BIASED_PRECISION, NULL, &LIST, 0), 0.2L * (1 + 0.64L + 0.512L));
    const long double good = 7 / 16.0L, fair = 1 / 16.0L;
    check_close(value_of(RL_EXPECTED_RECIPROCAL_RANK, NULL, &LIST, 0),
                good + (1 - good) * fair / 3 + (1 - good) * (1 - fair) * fair / 4);
    check_close(value_of(RL_EXPECTED_RECIPROCAL_RANK, NULL, &LIST, 3),
                good + (1 - good) * fair / 3);
}
END_TEST

START_TEST(gains_and_discounts_by_hand)
{
    static const double gains[] = {0.5, 1, 2, 3}, discounts[] = {1, 0.25};
    struct rl_definition definition = keras();
    definition.gain = RL_GAIN_LINEAR;
    definition.discount = RL_DISCOUNT_RECIPROCAL;
    check_close(value_of(RL_DCG, &definition, &LIST, 0), 3 + 1 / 3.0L + 1 / 4.0L);
    definition.gain = RL_GAIN_TABLE;
    definition.gains = gains;
    definition.gain_count = 4;
    definition.discount = RL_DISCOUNT_NONE;
    check_close(value_of(RL_DCG, &definition, &LIST, 3), 3 + 0.5L + 1);
    definition.discount = RL_DISCOUNT_TABLE;
    definition.discounts = discounts;
    definition.discount_count = 2;
    check_close(value_of(RL_DCG, &definition, &LIST, 0), 3 + 0.125L);
    check_close(value_of(RL_NDCG, &definition, &LIST, 0), (3 + 0.125L) / (3 + 0.25L));
    definition.gain_count = 3;
    const struct rl_eval eval = {.measure = rl_measure_get(RL_DCG), .definition = &definition};
    struct rl_reference_metric ret;
    rl_reference_metric(&eval, &LIST, NULL, &ret);
    ck_assert(ret.invalid);
}
END_TEST

/* Labels 1, 0, 0 with one score: the relevant item is first, second or third. */
START_TEST(ties_by_hand)
{
    static const double one[] = {0, 1, 0}, same[] = {2, 2, 2};
    const struct rl_reference_list list = {.items = 3, .labels = one, .scores = same};
    struct rl_definition definition = keras();
    check_close(value_of(RL_MEAN_RECIPROCAL_RANK, &definition, &list, 0), 0.5L);
    definition.ties = RL_TIES_WORST;
    check_close(value_of(RL_MEAN_RECIPROCAL_RANK, &definition, &list, 0), 1 / 3.0L);
    definition.ties = RL_TIES_BEST;
    check_close(value_of(RL_MEAN_RECIPROCAL_RANK, &definition, &list, 0), 1);
    definition.ties = RL_TIES_AVERAGE;
    check_close(value_of(RL_MEAN_RECIPROCAL_RANK, &definition, &list, 0),
                (1 + 1 / 2.0L + 1 / 3.0L) / 3);
    check_close(value_of(RL_HIT_RATE, &definition, &list, 2), 2 / 3.0L);
    check_close(value_of(RL_BPREF, &definition, &list, 0), 1 / 3.0L);
    check_close(value_of(RL_AUC, &definition, &list, 0), 0.5L);
}
END_TEST

START_TEST(items_without_label_or_score_by_hand)
{
    static const double some[] = {1, NAN, 0, 1}, found[] = {1, 4, 3, NAN};
    const struct rl_reference_list list = {.items = 4, .labels = some, .scores = found};
    struct rl_definition definition = keras();
    definition.unretrieved = RL_UNRETRIEVED_COUNT;
    check_close(value_of(RL_MEAN_RECIPROCAL_RANK, &definition, &list, 0), 0.5L);
    check_close(value_of(RL_RECALL_AT_K, &definition, &list, 0), 0.5L);
    check_close(value_of(RL_NDCG, &definition, &list, 0), (1 / log2l(3)) / (1 + 1 / log2l(3)));
    check_close(value_of(RL_BPREF, &definition, &list, 0), 0);
    definition.unlabelled = RL_UNLABELLED_ZERO;
    check_close(value_of(RL_MEAN_RECIPROCAL_RANK, &definition, &list, 0), 1 / 3.0L);
    check_close(value_of(RL_MEAN_AVERAGE_PRECISION, &definition, &list, 0), 1 / 6.0L);
    check_close(value_of(RL_PRECISION_AT_K, &definition, &list, 0), 1 / 3.0L);
    definition.precision_over = RL_PRECISION_OVER_K;
    check_close(value_of(RL_PRECISION_AT_K, &definition, &list, 10), 0.1L);
}
END_TEST

START_TEST(lists_without_a_relevant_item_by_hand)
{
    static const double none[] = {0, 0}, found[] = {1, 4};
    const struct rl_reference_list list = {.items = 2, .labels = none, .scores = found};
    struct rl_definition definition = keras();
    struct rl_eval eval = {.measure = rl_measure_get(RL_NDCG), .definition = &definition};
    struct rl_reference_metric ret;
    for (int without = RL_WITHOUT_RELEVANT_ZERO; without <= RL_WITHOUT_RELEVANT_SKIP; without++) {
        definition.without_relevant = (enum rl_without_relevant)without;
        rl_reference_metric(&eval, &list, NULL, &ret);
        check_close(ret.value, without == RL_WITHOUT_RELEVANT_ONE);
        ck_assert_int_eq(ret.counts, without != RL_WITHOUT_RELEVANT_SKIP);
    }
}
END_TEST

START_TEST(weights_of_zero_mask_in_metrics)
{
    const double weights[] = {1, 0, 1, 2};
    const struct rl_eval eval = {.measure = rl_measure_get(RL_MEAN_RECIPROCAL_RANK)};
    struct rl_reference_metric ret;
    rl_reference_metric(&eval, &LIST, weights, &ret);
    check_close(ret.value, 0.5L);
    ck_assert(ret.counts);
    check_close(ret.weighted_relevance, 3);
}
END_TEST
