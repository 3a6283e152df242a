/*
 * test_reduce.c: from the sums of lists to totals, values and errors.
 */
#include "core/reduce.h"

#include <math.h>
#include <string.h>

#include "tests/lib/unittest.h"

enum { LISTS = 3 };

static const size_t offsets[] = {0, 2, 2, 5};
static double sums[LISTS];
static uint8_t outcomes[LISTS];
static uint32_t valid[] = {2, 0, 3};
static uint64_t pairs[] = {1, 0, 2};
static struct rl_list_result lists[LISTS];
static struct rl_ranking rankings[LISTS];
static struct rl_batch batch;
static struct rl_eval eval;
static struct rl_eval_state eval_state;
static struct rl_work_state state;
static struct rl_result result;
static struct rl_work work;

void test_before_each(void)
{
    batch = (struct rl_batch){.dtype = RL_FLOAT32, .lists = LISTS, .items = 5, .offsets = offsets};
    eval = (struct rl_eval){.measure = rl_measure_get(RL_PAIRWISE_HINGE), .temperature = 1};
    eval_state = (struct rl_eval_state){.temperature = 1, .divisor = 5, .sums = sums};
    state = (struct rl_work_state){
        .evals = &eval_state, .outcomes = outcomes, .valid = valid, .pairs = pairs};
    result = (struct rl_result){.lists = lists, .totals = {.weight_sum = 5}};
    work = (struct rl_work){
        .batch = &batch, .evals = &eval, .count = 1, .results = &result, .state = &state};
    memset(outcomes, RL_OK, sizeof(outcomes));
    sums[0] = 1, sums[1] = 0, sums[2] = 2.5;
}

START_TEST(sums_become_totals_and_a_value)
{
    rl_reduce(&work);
    ck_assert_int_eq(work.status, RL_OK);
    ck_assert_double_eq(result.value, (double)0.7f);
    ck_assert_double_eq(result.totals.sum, 3.5);
    ck_assert_uint_eq(result.totals.valid_items, 5);
    ck_assert_uint_eq(result.totals.pairs, 3);
    ck_assert_uint_eq(lists[2].items, 3);
    ck_assert_uint_eq(lists[2].valid_items, 3);
    ck_assert_uint_eq(lists[2].pairs, 2);
    ck_assert_double_eq(lists[2].sum, 2.5);
}
END_TEST

static void check_sums(const struct rl_sums *got, const struct rl_sums *want)
{
    ck_assert_uint_eq(got->lists, want->lists);
    ck_assert_double_eq(got->a, want->a);
    ck_assert_double_eq(got->b, want->b);
    ck_assert_double_eq(got->aa, want->aa);
    ck_assert_double_eq(got->ab, want->ab);
    ck_assert_double_eq(got->bb, want->bb);
}

START_TEST(each_list_adds_its_share_of_the_divisor)
{
    static const float weights[] = {4, 5, 6};
    static double item_weights[] = {7, 0, 8};
    rl_reduce(&work);
    check_sums(&result.totals.own, &(struct rl_sums){3, 3.5, 3, 1 + 6.25, 3.5, 3});
    result.totals.own = (struct rl_sums){0};
    eval_state.share = RL_SHARE_VALUES;
    rl_reduce(&work);
    check_sums(&result.totals.own, &(struct rl_sums){3, 3.5, 5, 7.25, 2 + 7.5, 4 + 9});
    result.totals.own = (struct rl_sums){0};
    eval_state.share = RL_SHARE_WEIGHTS;
    batch.weights = weights;
    rl_reduce(&work);
    check_sums(&result.totals.own, &(struct rl_sums){3, 3.5, 15, 7.25, 4 + 15, 16 + 25 + 36});
    result.totals.own = (struct rl_sums){0};
    state.weights = item_weights;
    rl_reduce(&work);
    check_sums(&result.totals.own, &(struct rl_sums){3, 3.5, 15, 7.25, 7 + 20, 49 + 64});
}
END_TEST

START_TEST(squared_error_counts_every_ordered_pair)
{
    eval.measure = rl_measure_get(RL_PAIRWISE_MEAN_SQUARED_ERROR);
    rl_reduce(&work);
    ck_assert_uint_eq(result.totals.pairs, 2 + 0 + 6);
}
END_TEST

START_TEST(list_mle_has_no_pairs)
{
    eval.measure = rl_measure_get(RL_LIST_MLE);
    rl_reduce(&work);
    ck_assert_uint_eq(result.totals.pairs, 0);
}
END_TEST

START_TEST(a_zero_divisor_gives_zero)
{
    eval_state.divisor = 0;
    rl_reduce(&work);
    ck_assert_int_eq(work.status, RL_OK);
    ck_assert_double_eq(result.value, 0);
    ck_assert_double_eq(result.totals.sum, 3.5);
}
END_TEST

START_TEST(metrics_are_combined)
{
    eval.measure = rl_measure_get(RL_MEAN_RECIPROCAL_RANK);
    eval_state.sums = NULL;
    eval_state.rankings = rankings;
    rankings[0] = (struct rl_ranking){.value = 0.5, .weight = 2, .relevance = 1, .counts = true};
    rankings[1] = (struct rl_ranking){.counts = false};
    rankings[2] = (struct rl_ranking){.value = 1, .weight = 1, .relevance = 1, .counts = true};
    rl_reduce(&work);
    ck_assert_int_eq(work.status, RL_OK);
    ck_assert_double_eq(result.value, (double)(float)(2.0 / 3));
    ck_assert_double_eq(result.totals.sum, 2);
    ck_assert_double_eq(result.totals.weight_sum, 3);
    ck_assert_double_eq(lists[0].value, 0.5);
    ck_assert_double_eq(lists[0].weight, 2);
    check_sums(&result.totals.own, &(struct rl_sums){2, 2, 3, 1 + 1, 2 + 1, 4 + 1});
    check_sums(&result.totals.averaged, &(struct rl_sums){0});
}
END_TEST

START_TEST(lists_without_relevance_are_summed_apart)
{
    eval.measure = rl_measure_get(RL_MEAN_RECIPROCAL_RANK);
    eval_state.sums = NULL;
    eval_state.rankings = rankings;
    rankings[0] = (struct rl_ranking){.value = 0.5, .counts = true, .averaged = true};
    rankings[1] = (struct rl_ranking){.value = 0.25, .counts = true, .averaged = true};
    rankings[2] = (struct rl_ranking){.value = 1, .weight = 3, .relevance = 1, .counts = true};
    rl_reduce(&work);
    check_sums(&result.totals.own, &(struct rl_sums){1, 3, 3, 9, 9, 9});
    check_sums(&result.totals.averaged, &(struct rl_sums){2, 0.75, 2, 0.3125, 0.75, 2});
    ck_assert_double_eq(result.totals.weight_sum, 9);
}
END_TEST

/* ---- Errors ---------------------------------------------------------------------------------- */

static void check_failure(enum rl_status status, const char *pointer)
{
    rl_reduce(&work);
    ck_assert_int_eq(work.status, status);
    ck_assert_int_eq(work.error.status, status);
    ck_assert_str_eq(work.error.pointer, pointer);
}

START_TEST(the_lowest_list_that_is_not_finite_is_named)
{
    outcomes[1] = outcomes[2] = RL_NOT_FINITE;
    check_failure(RL_NOT_FINITE, "/y_pred/1");
    ck_assert_ptr_nonnull(strstr(work.error.detail, "list 1"));
}
END_TEST

START_TEST(missing_memory_goes_before_all_else)
{
    outcomes[0] = RL_NOT_FINITE, outcomes[2] = RL_NOMEM;
    check_failure(RL_NOMEM, "");
}
END_TEST

START_TEST(the_list_with_which_the_sum_overflows_is_named)
{
    batch.dtype = RL_FLOAT64;
    sums[0] = 1.5e308, sums[2] = 1.5e308;
    check_failure(RL_NOT_FINITE, "/y_pred/2");
}
END_TEST

START_TEST(a_value_too_large_for_float32_is_an_error)
{
    sums[0] = 1e30, sums[2] = 1e40;
    check_failure(RL_NOT_FINITE, "/y_pred/2");
    batch.dtype = RL_FLOAT64;
    rl_reduce(&work);
    ck_assert_int_eq(work.status, RL_OK);
}
END_TEST

START_TEST(weights_whose_sum_overflows_are_an_error)
{
    result.totals.weight_sum = INFINITY;
    check_failure(RL_NOT_FINITE, "/sample_weight");
}
END_TEST
