/*
 * test_catalogue.c: rows are whole, found by name, and say what the contract says.
 */
#include "core/rankloss.h"

#include <string.h>

#include "tests/lib/unittest.h"

START_TEST(rows_are_whole_and_losses_come_first)
{
    bool metrics_begun = false;
    for (int id = 0; id < RL_MEASURES; id++) {
        const struct rl_measure *const row = rl_measure_get((enum rl_measure_id)id);
        ck_assert_int_eq(row->id, id);
        ck_assert_uint_gt(strlen(row->name), 0);
        ck_assert_uint_gt(strlen(row->summary), 0);
        ck_assert_uint_gt(strlen(row->formula), 0);
        ck_assert_ptr_null(strchr(row->formula, '\n'));
        ck_assert(row->kind == RL_METRIC || !metrics_begun);
        metrics_begun = row->kind == RL_METRIC;
    }
    ck_assert(metrics_begun);
}
END_TEST

START_TEST(rows_are_found_by_kind_and_name)
{
    for (int id = 0; id < RL_MEASURES; id++) {
        const struct rl_measure *const row = rl_measure_get((enum rl_measure_id)id);
        ck_assert_ptr_eq(rl_measure_find(row->kind, row->name), row);
        ck_assert_ptr_null(rl_measure_find(row->kind == RL_LOSS ? RL_METRIC : RL_LOSS, row->name));
    }
    ck_assert_ptr_null(rl_measure_find(RL_LOSS, ""));
    ck_assert_ptr_null(rl_measure_find(RL_LOSS, "pairwise_hinge "));
    ck_assert_ptr_null(rl_measure_find(RL_LOSS, "Pairwise_hinge"));
}
END_TEST

START_TEST(rows_take_what_the_contract_says)
{
    for (int id = 0; id < RL_MEASURES; id++) {
        const struct rl_measure *const row = rl_measure_get((enum rl_measure_id)id);
        const bool loss = row->kind == RL_LOSS;
        const bool whole = row->id == RL_R_PRECISION || row->id == RL_BPREF || row->id == RL_AUC ||
                           row->id == RL_RANK_BIASED_PRECISION;
        ck_assert_int_eq((row->takes & RL_TAKES_K) != 0, !loss && !whole);
        ck_assert_int_eq((row->takes & RL_TAKES_TEMPERATURE) != 0,
                         loss && row->id != RL_PAIRWISE_MEAN_SQUARED_ERROR);
        ck_assert_int_eq(row->value_per_list, loss && row->id >= RL_LIST_MLE);
        ck_assert_int_eq(row->has_pairs, loss && !row->value_per_list);
    }
}
END_TEST

START_TEST(reductions_have_the_names_of_keras)
{
    const char *const names[] = {"sum_over_batch_size", "mean", "sum", "mean_with_sample_weight",
                                 "none"};
    for (int i = 0; i < RL_REDUCTIONS; i++) {
        enum rl_reduction found = RL_REDUCTIONS;
        ck_assert_str_eq(rl_reduction_name((enum rl_reduction)i), names[i]);
        ck_assert(rl_reduction_find(names[i], &found));
        ck_assert_int_eq(found, i);
    }
    enum rl_reduction untouched = RL_SUM;
    ck_assert(!rl_reduction_find("None", &untouched));
    ck_assert_int_eq(untouched, RL_SUM);
}
END_TEST
