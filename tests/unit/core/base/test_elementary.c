/*
 * test_elementary.c: exp, log and related functions against long double, over the whole range.
 *
 * Errors are counted in units in the last place of the double nearest to the true value.
 */
#include "core/base/elementary.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "tests/lib/unittest.h"

static int points; /* of each function */

void test_before_each(void)
{
    points = test_share(2000000);
}

static uint64_t state;

static uint64_t next(void)
{
    state += 0x9e3779b97f4a7c15u;
    uint64_t mixed = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
}

static double uniform(double low, double high)
{
    return low + (high - low) * ((double)(next() >> 11) * 0x1p-53);
}

/* A positive double with uniformly distributed bits: every exponent, denormals included. */
static double any_positive(void)
{
    double value;
    do
        value = rl_from_bits(next() >> 1);
    while (!isfinite(value));
    return value;
}

/* Distance of `got` from `want`, in units in the last place of `want` as a double. */
static double ulps(double got, long double want)
{
    const double nearest = (double)want;
    if (isinf(nearest) || nearest == 0)
        return got == nearest ? 0 : INFINITY;
    const double next_up = nextafter(fabs(nearest), INFINITY);
    const long double ulp = isinf(next_up) ? 0x1p971L : (long double)next_up - fabs(nearest);
    return (double)(fabsl(got - want) / ulp);
}

static void hold(const char *name, double worst, double bound)
{
    printf("%s: worst error %.4f ulp (bound %g)\n", name, worst, bound);
    ck_assert_double_lt(worst, bound);
}

START_TEST(exp_is_within_an_ulp)
{
    const double ranges[][2] = {{-0.4, 0.4}, {-40, 40}, {-746, 710}, {-1e-9, 1e-9}};
    double worst = 0;
    for (size_t range = 0; range < sizeof(ranges) / sizeof(ranges[0]); range++) {
        for (int i = 0; i < points / 4; i++) {
            const double x = uniform(ranges[range][0], ranges[range][1]);
            worst = fmax(worst, ulps(rl_exp(x), expl(x)));
        }
    }
    hold("exp", worst, 1);
}
END_TEST

START_TEST(exp_at_its_edges)
{
    ck_assert_double_eq(rl_exp(0), 1);
    ck_assert_double_eq(rl_exp(-0.0), 1);
    ck_assert_double_eq(rl_exp(-INFINITY), 0);
    ck_assert_double_eq(rl_exp(INFINITY), INFINITY);
    ck_assert(isnan(rl_exp(NAN)));
    ck_assert_double_eq(rl_exp(DBL_MAX), INFINITY);
    ck_assert_double_eq(rl_exp(-DBL_MAX), 0);
    ck_assert_double_eq(rl_exp(DBL_MIN), 1);
    ck_assert_double_lt(ulps(rl_exp(0x1.62e42fefa39efp9), expl(0x1.62e42fefa39efp9)), 1);
    ck_assert_double_eq(rl_exp(0x1.62e42fefa39fp9), INFINITY);
    ck_assert_double_eq(rl_exp(-745.1332191019411), 0x1p-1074);
    ck_assert_double_eq(rl_exp(-745.1332191019412), 0);
}
END_TEST

START_TEST(exp_never_decreases)
{
    for (int i = 0; i < points; i++) {
        const double x = uniform(-746, 710);
        const double y = nextafter(x, INFINITY);
        ck_assert(rl_exp(x) <= rl_exp(y));
    }
}
END_TEST

START_TEST(exp2_is_close_and_exact_at_whole_numbers)
{
    double worst = 0;
    for (int i = 0; i < points; i++) {
        const double x = i % 2 ? uniform(-1076, 1024) : uniform(-8, 8);
        worst = fmax(worst, ulps(rl_exp2(x), exp2l(x)));
    }
    hold("exp2", worst, 1.25);
    for (int k = -1074; k <= 1023; k++)
        ck_assert_double_eq(rl_exp2(k), ldexp(1, k));
    ck_assert_double_eq(rl_exp2(1024), INFINITY);
    ck_assert_double_eq(rl_exp2(1e300), INFINITY);
    ck_assert_double_eq(rl_exp2(-1080), 0);
    ck_assert_double_eq(rl_exp2(-INFINITY), 0);
    ck_assert(isnan(rl_exp2(NAN)));
}
END_TEST

START_TEST(log_is_within_an_ulp)
{
    double worst = 0;
    for (int i = 0; i < points; i++) {
        const double x = i % 2 ? any_positive() : uniform(0.4, 2.5);
        worst = fmax(worst, ulps(rl_log(x), logl(x)));
    }
    for (int i = 0; i < points; i++) {
        const double x = 1 + uniform(-1, 1) * rl_exp2(uniform(-52, 0));
        if (x > 0)
            worst = fmax(worst, ulps(rl_log(x), logl(x)));
    }
    hold("log", worst, 1);
}
END_TEST

START_TEST(log_at_its_edges)
{
    ck_assert_double_eq(rl_log(1), 0);
    ck_assert_double_eq(rl_log(0), -INFINITY);
    ck_assert_double_eq(rl_log(-0.0), -INFINITY);
    ck_assert_double_eq(rl_log(INFINITY), INFINITY);
    ck_assert(isnan(rl_log(-1)));
    ck_assert(isnan(rl_log(-INFINITY)));
    ck_assert(isnan(rl_log(NAN)));
    ck_assert_double_lt(ulps(rl_log(DBL_MAX), logl(DBL_MAX)), 1);
    ck_assert_double_lt(ulps(rl_log(0x1p-1074), logl(0x1p-1074)), 1);
    ck_assert_double_lt(ulps(rl_log(DBL_MIN), logl(DBL_MIN)), 1);
    ck_assert_double_lt(ulps(rl_log(nextafter(DBL_MIN, 0)), logl(nextafter(DBL_MIN, 0))), 1);
}
END_TEST

START_TEST(log1p_keeps_small_arguments)
{
    double worst = 0;
    for (int i = 0; i < points; i++) {
        const double x = i % 3 ? uniform(0, 1) * rl_exp2(uniform(-80, 0)) : any_positive();
        worst = fmax(worst, ulps(rl_log1p(x), log1pl(x)));
    }
    hold("log1p", worst, 2);
    ck_assert_double_eq(rl_log1p(0), 0);
    ck_assert_double_eq(rl_log1p(0x1p-1074), 0x1p-1074);
    ck_assert_double_eq(rl_log1p(INFINITY), INFINITY);
    ck_assert(isnan(rl_log1p(NAN)));
}
END_TEST

START_TEST(log2_is_close_and_exact_at_powers_of_two)
{
    double worst = 0;
    for (int i = 0; i < points; i++) {
        const double x = i % 2 ? any_positive() : (double)(1 + next() % 5000000);
        worst = fmax(worst, ulps(rl_log2(x), log2l(x)));
    }
    hold("log2", worst, 2);
    for (int k = -1074; k <= 1023; k++)
        ck_assert_double_eq(rl_log2(ldexp(1, k)), k);
    ck_assert_double_eq(rl_log2(0), -INFINITY);
    ck_assert(isnan(rl_log2(-1)));
}
END_TEST

/* A loop that may be vectorised gives the bits of single calls. */
START_TEST(lanes_have_the_bits_of_scalars)
{
    static double x[1021], exps[1021], logs[1021];
    for (size_t i = 0; i < 1021; i++)
        x[i] = uniform(-750, 715);
    for (size_t i = 0; i < 1021; i++)
        exps[i] = rl_exp(x[i]);
    for (size_t i = 0; i < 1021; i++)
        logs[i] = rl_log(exps[i]);
    for (size_t i = 0; i < 1021; i++) {
        volatile double one = x[i], power = rl_exp(one);
        const volatile double back = rl_log(power);
        ck_assert_uint_eq(rl_to_bits(power), rl_to_bits(exps[i]));
        ck_assert_uint_eq(rl_to_bits(back), rl_to_bits(logs[i]));
    }
}
END_TEST

/* FNV-1a over the bits of many results: one number that must be the same on every machine. */
START_TEST(bits_are_those_of_every_machine)
{
    uint64_t hash = 0xcbf29ce484222325u;
    state = 1;
    for (int i = 0; i < 100000; i++) {
        double x = uniform(-700, 700), y = any_positive();
        uint64_t results[] = {rl_to_bits(rl_exp(x)), rl_to_bits(rl_exp2(x)), rl_to_bits(rl_log(y)),
                              rl_to_bits(rl_log1p(y)), rl_to_bits(rl_log2(y))};
        for (size_t r = 0; r < sizeof(results) / sizeof(results[0]); r++)
            hash = (hash ^ results[r]) * 0x100000001b3u;
    }
    printf("hash of 500000 results: %016llx\n", (unsigned long long)hash);
    ck_assert_uint_eq(hash, 0xff7af7c0b2d4f523u);
}
END_TEST
