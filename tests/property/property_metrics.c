/*
 * property_metrics.c: random batches through core against the plain reference: every metric,
 * definition, dtype, k, shape of weights and mask; and the mean over lists.
 */
#include <float.h>

#include "core/referencemetric.h"
#include "tests/property/definitions.h"
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

static struct rl_reference_list list_at(const struct sample *sample, size_t list)
{
    const size_t begin = sample->offsets[list];
    return (struct rl_reference_list){
        .items = sample->offsets[list + 1] - begin,
        .labels = sample->labels + begin,
        .scores = sample->scores + begin,
        .mask = sample->mask ? sample->mask + begin : NULL,
    };
}

static void reference_lists(const struct sample *sample, const struct rl_eval *eval,
                            struct rl_reference_metric *ret_lists)
{
    double *const weights = test_array(sample->batch.items, sizeof(*weights));
    for (size_t l = 0; l < sample->batch.lists; l++) {
        const struct rl_reference_list list = list_at(sample, l);
        list_weights(sample, l, weights);
        rl_reference_metric(eval, &list, weights, &ret_lists[l]);
    }
    free(weights);
}

static bool weighs_as_sent(const struct rl_eval *eval)
{
    return eval->definition && eval->definition->list_weights == RL_LIST_WEIGHTS_AS_SENT;
}

/* What a list without relevance weighs. */
static long double average_weight(const struct rl_reference_metric *lists, size_t count)
{
    long double sum = 0;
    size_t relevant = 0;
    for (size_t l = 0; l < count; l++) {
        if (lists[l].counts && lists[l].relevance > 0) {
            sum += lists[l].weighted_relevance / lists[l].relevance;
            relevant++;
        }
    }
    return relevant ? sum / (long double)relevant : 1;
}

static long double weight_of(const struct sample *sample, const struct rl_eval *eval, size_t list,
                             const struct rl_reference_metric *lists)
{
    if (!lists[list].counts)
        return 0;
    if (weighs_as_sent(eval))
        return sample->batch.weight_kind == RL_WEIGHT_NONE     ? 1
               : sample->batch.weight_kind == RL_WEIGHT_SCALAR ? sample->batch.weight
                                                               : sample->weights[list];
    return lists[list].relevance > 0 ? lists[list].weighted_relevance / lists[list].relevance
                                     : average_weight(lists, sample->batch.lists);
}

static void check_close(const char *what, const struct sample *sample, const struct rl_eval *eval,
                        double got, long double want, enum rl_dtype dtype)
{
    const long double bound = dtype == RL_FLOAT32 ? FLT_EPSILON : 1e-11L;
    ck_assert_msg(fabsl(got - want) <= bound * fabsl(want) + 1e-30L,
                  "%s: got %.17g, want %.17Lg (%s)", what, got, want,
                  describe(&sample->batch, eval));
}

static void check_eval(const struct sample *sample, const struct rl_eval *eval,
                       const struct rl_result *result)
{
    const size_t count = sample->batch.lists;
    struct rl_reference_metric *const lists = test_array(count, sizeof(*lists));
    long double sum = 0, weight_sum = 0;
    reference_lists(sample, eval, lists);
    for (size_t l = 0; l < count; l++) {
        long double weight = weight_of(sample, eval, l, lists), value = lists[l].value;
        if (eval->measure->id == RL_DCG && !lists[l].undefined)
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
        const size_t count = 1 + random_below(&random, 3);
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

/* ---- Any definition -------------------------------------------------------------------------- */

enum { EVALS = 4, MOST_ORDERS = 800 };

static bool takes_average(const struct sample *sample, const struct rl_eval *eval)
{
    double *const weights = test_array(sample->batch.items, sizeof(*weights));
    bool takes = true;
    for (size_t l = 0; l < sample->batch.lists; l++) {
        const struct rl_reference_list list = list_at(sample, l);
        list_weights(sample, l, weights);
        takes &= rl_reference_orders(eval, &list, weights) <= MOST_ORDERS;
    }
    free(weights);
    return takes;
}

/* Where the reference would take the mean of too many orders, ties keep the order of the input. */
static struct rl_eval random_defined_eval(struct random *random, const struct sample *sample,
                                          bool unretrieved, struct any_definition *any)
{
    struct rl_eval eval = random_metric_eval(random);
    random_definition(random, sample->batch.weight_kind == RL_WEIGHT_ITEM, any);
    any->definition.unretrieved = unretrieved ? RL_UNRETRIEVED_COUNT : RL_UNRETRIEVED_ERROR;
    any->definition.gain_count = RANDOM_TABLE;
    eval.definition = &any->definition;
    if (!takes_average(sample, &eval))
        any->definition.ties = RL_TIES_INPUT;
    return eval;
}

static void check_definitions(struct random *random, const struct sample_limits *limits)
{
    struct any_definition any[EVALS];
    struct rl_eval evals[EVALS];
    const bool unretrieved = random_below(random, 2);
    struct sample sample;
    struct rl_arena arena;
    struct rl_work work;
    rl_arena_init(&arena, SIZE_MAX);
    sample_random(random, limits, &sample);
    sample_grade(&sample, RANDOM_TABLE);
    if (unretrieved)
        sample_unretrieve(random, &sample);
    for (size_t e = 0; e < EVALS; e++)
        evals[e] = random_defined_eval(random, &sample, unretrieved, &any[e]);
    compute_inline(&sample.batch, evals, EVALS, &arena, &work);
    ck_assert_int_eq(work.status, RL_OK);
    for (size_t e = 0; e < EVALS; e++) {
        check_eval(&sample, &evals[e], &work.results[e]);
        check_counts(&sample, &work.results[e]);
    }
    sample_release(&sample);
    rl_arena_release(&arena);
}

/* Nearly every list has few enough orders for its mean to be taken one by one. */
START_TEST(short_lists_match_the_reference_under_any_definition)
{
    const struct sample_limits limits = {.most_lists = 5, .longest = 7};
    struct random random = random_init(random_seed() + 2);
    for (int round = 0; round < ROUNDS; round++)
        check_definitions(&random, &limits);
}
END_TEST

START_TEST(longer_lists_match_the_reference_under_any_definition)
{
    const struct sample_limits limits = {.most_lists = 4, .longest = 120};
    struct random random = random_init(random_seed() + 3);
    for (int round = 0; round < ROUNDS / 4; round++)
        check_definitions(&random, &limits);
}
END_TEST

/* Labels of any kind: those that are not grades are refused, and the first list of them is named.
 */
START_TEST(labels_that_are_no_grades_are_refused)
{
    const struct sample_limits limits = {.most_lists = 6, .longest = 12};
    struct random random = random_init(random_seed() + 4);
    size_t refused = 0;
    for (int round = 0; round < 1000; round++) {
        struct any_definition any;
        struct sample sample;
        struct rl_arena arena;
        struct rl_work work;
        char pointer[RL_POINTER_MAX] = "";
        rl_arena_init(&arena, SIZE_MAX);
        sample_random(&random, &limits, &sample);
        random_definition(&random, sample.batch.weight_kind == RL_WEIGHT_ITEM, &any);
        any.definition.gain = RL_GAIN_TABLE;
        any.definition.ties = RL_TIES_INPUT;
        struct rl_reference_metric lists[6];
        const struct rl_eval eval = {.measure = rl_measure_get(round % 2 ? RL_DCG : RL_NDCG),
                                     .definition = &any.definition};
        reference_lists(&sample, &eval, lists);
        for (size_t l = sample.batch.lists; l-- > 0;)
            if (lists[l].invalid)
                snprintf(pointer, sizeof(pointer), "/y_true/%zu", l);
        compute_inline(&sample.batch, &eval, 1, &arena, &work);
        ck_assert_int_eq(work.status, pointer[0] ? RL_INVALID : RL_OK);
        if (pointer[0])
            ck_assert_str_eq(work.error.pointer, pointer);
        refused += work.status == RL_INVALID;
        sample_release(&sample);
        rl_arena_release(&arena);
    }
    ck_assert_uint_gt(refused, 100);
    ck_assert_uint_lt(refused, 900);
}
END_TEST
