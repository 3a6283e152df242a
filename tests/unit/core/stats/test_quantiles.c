/*
 * test_quantiles.c: quantiles as numpy gives them, and Holm's correction against R's p.adjust.
 */
#include "core/stats/quantiles.h"

#include <math.h>

#include "tests/lib/unittest.h"

static void check_holm(const double *p, const double *want, size_t n)
{
    double got[8];
    rl_holm(p, n, got);
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(isnan(want[i]) ? isnan(got[i]) : fabs(got[i] - want[i]) < 1e-15,
                      "p %g: adjusted to %.17g, want %.17g", p[i], got[i], want[i]);
}

START_TEST(holm_of_a_table)
{
    check_holm((double[]){0.01, 0.02, 0.03, 0.04, 0.05}, (double[]){0.05, 0.08, 0.09, 0.09, 0.09},
               5);
    check_holm((double[]){0.04, 0.005, 0.03, 0.01}, (double[]){0.06, 0.02, 0.06, 0.03}, 4);
    check_holm((double[]){0.7, 0.6}, (double[]){1, 1}, 2);
    check_holm((double[]){0.2}, (double[]){0.2}, 1);
}
END_TEST

/* Two systems that do the same are adjusted the same, whichever was sent first. */
START_TEST(holm_of_equal_values)
{
    check_holm((double[]){0.01, 0.01, 0.04}, (double[]){0.03, 0.03, 0.04}, 3);
    check_holm((double[]){0.04, 0.01, 0.01}, (double[]){0.04, 0.03, 0.03}, 3);
    check_holm((double[]){0.2, 0.2, 0.2}, (double[]){0.6, 0.6, 0.6}, 3);
}
END_TEST

START_TEST(holm_leaves_missing_tests_out)
{
    check_holm((double[]){NAN, 0.01, NAN, 0.03}, (double[]){NAN, 0.02, NAN, 0.03}, 4);
    check_holm((double[]){NAN}, (double[]){NAN}, 1);
}
END_TEST

START_TEST(quantiles_interpolate)
{
    const double values[] = {1, 2, 4, 8, 16};
    ck_assert_double_eq(rl_quantile(values, 5, 0), 1);
    ck_assert_double_eq(rl_quantile(values, 5, 1), 16);
    ck_assert_double_eq(rl_quantile(values, 5, 0.5), 4);
    ck_assert_double_eq_tol(rl_quantile(values, 5, 0.1), 1.4, 1e-15);
    ck_assert_double_eq_tol(rl_quantile(values, 5, 0.9), 12.8, 1e-14);
    ck_assert_double_eq(rl_quantile(values, 1, 0.3), 1);
}
END_TEST
