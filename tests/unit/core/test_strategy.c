/*
 * test_strategy.c: each measure of the catalogue has a whole row that says how it is computed.
 */
#include "core/strategy.h"

#include <math.h>

#include "tests/lib/unittest.h"

START_TEST(each_measure_has_a_strategy)
{
    for (int id = 0; id < RL_MEASURES; id++) {
        const struct rl_measure *const measure = rl_measure_get((enum rl_measure_id)id);
        const struct rl_strategy *const strategy = rl_strategy_of(measure->id);
        ck_assert_msg(strategy->method != RL_METHOD_NONE, "%s has no row in strategy.c",
                      measure->name);
        ck_assert_msg(strategy->item_cost > 0, "%s: no item_cost", measure->name);
        ck_assert_int_eq(strategy->method == RL_METHOD_RANKING, measure->kind == RL_METRIC);
    }
}
END_TEST

/* A row that leaves them out would report the top pairs, or the gradient, of another loss. */
START_TEST(losses_of_pairs_name_their_fields)
{
    for (int id = 0; id < RL_MEASURES; id++) {
        const struct rl_measure *const measure = rl_measure_get((enum rl_measure_id)id);
        const struct rl_strategy *const strategy = rl_strategy_of(measure->id);
        const bool is_field = strategy->method == RL_METHOD_FIELD;
        ck_assert_msg(is_field == (strategy->loss != RL_FIELD_NONE), "%s: loss", measure->name);
        ck_assert_msg(is_field == (strategy->slope != RL_FIELD_NONE), "%s: slope", measure->name);
        ck_assert_msg(!is_field || (strategy->pair_cost > 0 && strategy->sweep_cost > 0),
                      "%s: costs", measure->name);
        ck_assert_msg(is_field || strategy->method == RL_METHOD_SQUARED || !measure->has_pairs,
                      "%s has pairs, but no loss of a pair", measure->name);
    }
}
END_TEST

/* Central differences: the slope is the loss' derivative, negated, and the loss never rises. */
START_TEST(slopes_are_derivatives_of_losses)
{
    for (int id = 0; id < RL_MEASURES; id++) {
        const struct rl_strategy *const strategy = rl_strategy_of((enum rl_measure_id)id);
        for (double d = -6.05; strategy->method == RL_METHOD_FIELD && d < 6; d += 0.1) {
            double step = 1e-5, before = rl_field_pair(strategy->loss, d - step, 0, 1);
            const double after = rl_field_pair(strategy->loss, d + step, 0, 1);
            double want = (before - after) / (2 * step),
                   got = rl_field_pair(strategy->slope, d, 0, 1);
            ck_assert_msg(fabs(got - want) < 1e-8, "measure %d at d = %g: got %g, want %g", id, d,
                          got, want);
            ck_assert_double_ge(before, after);
        }
    }
}
END_TEST
