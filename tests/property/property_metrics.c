/*
 * property_metrics.c: random batches through core against the plain reference: every metric,
 * dtype, k, shape of weights and mask; and the mean over lists as Keras-RS forms it.
 */
#include <float.h>

#include "core/referencemetric.h"
#include "tests/property/samples.h"
#include "tests/property/property.h"

enum { ROUNDS = 6000 };

/* Weights of one list's items, as a metric sees them. */
static void list_weights(const struct sample *sample, size_t list, double *ret_weights)
{
    size_t begin = sample->offsets[list], n = sample->offsets[list + 1] - begin;
    for (size_t i = 0; i < n; i++) {
        switch (sample->batch.weight_kind) {
        case RL_WEIGHT_NONE:
            ret_weights[i] = 1;
            break;
        case RL_WEIGHT_SCALAR:
            ret_weights[i] = sample->batch.weight;
            break;
        case RL_WEIGHT_LIST:
            ret_weights[i] = sample->weights[list];
            break;
        default:
            ret_weights[i] = sample->weights[begin + i];
        }
    }
}

static void reference_lists(const struct sample *sample, const struct rl_eval *eval,
                            struct rl_reference_metric *ret_lists)
{
    double *weights = test_array(sample->batch.items, sizeof(*weights));
    for (size_t l = 0; l < sample->batch.lists; l++) {
        size_t begin = sample->offsets[l];
        const struct rl_reference_list list = {
            .items = sample->offsets[l + 1] - begin,
            .labels = sample->labels + begin,
            .scores = sample->scores + begin,
            .mask = sample->mask ? sample->mask + begin : NULL,
        };
        list_weights(sample, l, weights);
        rl_reference_metric(eval, &list, weights, &ret_lists[l]);
    }
    free(weights);
}

/* What a list without relevance weighs. */
static long double average_weight(const struct rl_reference_metric *lists, size_t count)
{
    long double sum = 0;
    size_t relevant = 0;
    for (size_t l = 0; l < count; l++) {
        if (lists[l].relevance > 0) {
            sum += lists[l].weighted_relevance / lists[l].relevance;
            relevant++;
        }
    }
    return relevant ? sum / (long double)relevant : 1;
}

static long double weight_of(const struct rl_reference_metric *list, long double average)
{
    if (!list->counts)
        return 0;
    return list->relevance > 0 ? list->weighted_relevance / list->relevance : average;
}

static void check_close(const char *what, const struct sample *sample, const struct rl_eval *eval,
                        double got, long double want, enum rl_dtype dtype)
{
    long double bound = dtype == RL_FLOAT32 ? FLT_EPSILON : 1e-11L;
    ck_assert_msg(fabsl(got - want) <= bound * fabsl(want) + 1e-30L,
                  "%s: got %.17g, want %.17Lg (%s)", what, got, want,
                  describe(&sample->batch, eval));
}

static void check_eval(const struct sample *sample, const struct rl_eval *eval,
                       const struct rl_result *result)
{
    size_t count = sample->batch.lists;
    struct rl_reference_metric *lists = test_array(count, sizeof(*lists));
    long double sum = 0, weight_sum = 0;
    reference_lists(sample, eval, lists);
    long double average = average_weight(lists, count);
    for (size_t l = 0; l < count; l++) {
        long double weight = weight_of(&lists[l], average), value = lists[l].value;
        if (eval->measure->id == RL_DCG)
            value = weight > 0 ? value / weight : 0;
        check_close("list's value", sample, eval, result->lists[l].value, value, RL_FLOAT64);
        check_close("list's weight", sample, eval, result->lists[l].weight, weight, RL_FLOAT64);
        sum += value * weight;
        weight_sum += weight;
    }
    check_close("sum", sample, eval, result->totals.sum, sum, RL_FLOAT64);
    check_close("weight sum", sample, eval, result->totals.weight_sum, weight_sum, RL_FLOAT64);
    check_close("value", sample, eval, result->value, weight_sum > 0 ? sum / weight_sum : 0,
                sample->batch.dtype);
    free(lists);
}

static void check_counts(const struct sample *sample, const struct rl_result *result)
{
    size_t valid = 0, listed = 0;
    for (size_t i = 0; i < sample->batch.items; i++)
        valid += sample_valid(sample, i);
    for (size_t l = 0; l < sample->batch.lists; l++)
        listed += result->lists[l].valid_items;
    ck_assert_uint_eq(result->totals.lists, sample->batch.lists);
    ck_assert_uint_eq(result->totals.items, sample->batch.items);
    ck_assert_uint_eq(result->totals.valid_items, valid);
    ck_assert_uint_eq(listed, valid);
    ck_assert_uint_eq(result->totals.pairs, 0);
}

START_TEST(random_batches_match_the_reference)
{
    const struct sample_limits limits = {.most_lists = 6, .longest = 120};
    struct random random = random_init(random_seed() + 1);
    for (int round = 0; round < ROUNDS; round++) {
        struct sample sample;
        struct rl_eval evals[3];
        struct rl_arena arena;
        struct rl_work work;
        size_t count = 1 + random_below(&random, 3);
        rl_arena_init(&arena, SIZE_MAX);
        sample_random(&random, &limits, &sample);
        for (size_t e = 0; e < count; e++)
            evals[e] = random_metric_eval(&random);
        compute_inline(&sample.batch, evals, count, &arena, &work);
        ck_assert_int_eq(work.status, RL_OK);
        for (size_t e = 0; e < count; e++) {
            check_eval(&sample, &evals[e], &work.results[e]);
            check_counts(&sample, &work.results[e]);
        }
        sample_release(&sample);
        rl_arena_release(&arena);
    }
}
END_TEST
