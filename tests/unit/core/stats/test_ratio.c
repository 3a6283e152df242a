/*
 * test_ratio.c: a ratio of sums and its standard error, by hand.
 */
#include "core/stats/ratio.h"

#include <math.h>

#include "tests/lib/unittest.h"

START_TEST(equal_divisors_give_the_usual_error_of_a_mean)
{
    const double a[] = {2, 4, 9}, b[] = {1, 1, 1};
    const struct rl_ratio ratio = {a, b, 3, 1};
    ck_assert_double_eq(rl_ratio_value(&ratio), 5);
    ck_assert_double_eq_tol(rl_ratio_standard_error(&ratio), sqrt(13.0 / 3), 1e-15);
}
END_TEST

/* R = 6 / 4; rests 1 - 1.5, 5 - 4.5. */
START_TEST(other_divisors_are_linearised)
{
    const double a[] = {1, 5}, b[] = {1, 3};
    const struct rl_ratio ratio = {a, b, 2, 10};
    ck_assert_double_eq(rl_ratio_value(&ratio), 15);
    ck_assert_double_eq_tol(rl_ratio_standard_error(&ratio), 10 * sqrt(2 * 0.5) / 4, 1e-14);
}
END_TEST

START_TEST(too_little_to_say)
{
    const double a[] = {1, 2}, b[] = {1, -1};
    const struct rl_ratio one = {a, b, 1, 1}, cancelling = {a, b, 2, 1}, none = {a, b, 0, 1};
    ck_assert(isnan(rl_ratio_standard_error(&one)));
    ck_assert(isnan(rl_ratio_standard_error(&cancelling)));
    ck_assert_double_eq(rl_ratio_value(&cancelling), 0);
    ck_assert_double_eq(rl_ratio_value(&none), 0);
}
END_TEST
