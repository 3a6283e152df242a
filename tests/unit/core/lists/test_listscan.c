/*
 * test_listscan.c: the kernels of every instruction set against plain loops.
 */
#include "core/lists/listscan.h"

#include <float.h>
#include <stdlib.h>

#include "core/base/cpu.h"
#include "tests/property/lists.h"

#include "tests/lib/unittest.h"

enum { LONGEST = 700, ROUNDS = 400 };

static double doubles[LONGEST];
static float floats[LONGEST];

/* Numbers that a comparison of bits would order wrongly. */
static const double edges[] = {0.0, -0.0, 5e-324, -5e-324, 1e-45, -1e-45, FLT_MAX, -FLT_MAX, 1, -1};

static void fill_scores(struct random *random, size_t n)
{
    double labels[LONGEST] = {0};
    random_scores(random, (enum score_style)random_below(random, SCORE_STYLES), n, labels, doubles);
    for (size_t i = 0; i < n; i++) {
        if (random_below(random, 8) == 0)
            doubles[i] = edges[random_below(random, sizeof(edges) / sizeof(edges[0]))];
        floats[i] = (float)doubles[i];
    }
}

static const void *column_of(enum rl_dtype dtype)
{
    return dtype == RL_FLOAT32 ? (const void *)floats : doubles;
}

static double value_at(enum rl_dtype dtype, size_t i)
{
    return dtype == RL_FLOAT32 ? (double)floats[i] : doubles[i];
}

/* Each target with one chance in `share`. */
static size_t choose_targets(struct random *random, size_t n, size_t share, uint32_t *ret_targets)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (random_below(random, share) == 0)
            ret_targets[count++] = (uint32_t)i;
    return count;
}

static void check_ranks(enum rl_dtype dtype, size_t n, const uint32_t *targets, size_t count)
{
    uint32_t ranks[LONGEST];
    rl_listscan_kernels(dtype)->ranks(column_of(dtype), n, targets, count, ranks);
    for (size_t t = 0; t < count; t++) {
        size_t i = targets[t], want = 0;
        for (size_t j = 0; j < n; j++)
            want += value_at(dtype, j) > value_at(dtype, i) ||
                    (value_at(dtype, j) == value_at(dtype, i) && j < i);
        ck_assert_uint_eq(ranks[t], want);
    }
}

static void ranks_are_counted_on(enum rl_isa isa)
{
    struct random random = random_init(random_seed());
    rl_isa_choose(isa);
    for (int round = 0; round < test_share(ROUNDS); round++) {
        uint32_t targets[LONGEST];
        const size_t n = 1 + random_below(&random, round % 4 ? 90 : LONGEST);
        fill_scores(&random, n);
        const size_t count = choose_targets(&random, n, 1 + random_below(&random, 40), targets);
        check_ranks(RL_FLOAT32, n, targets, count);
        check_ranks(RL_FLOAT64, n, targets, count);
    }
}

static void above_finds_on(enum rl_isa isa)
{
    struct random random = random_init(random_seed());
    rl_isa_choose(isa);
    for (int round = 0; round < test_share(ROUNDS); round++) {
        const size_t n = 1 + random_below(&random, LONGEST), from = random_below(&random, n + 1);
        fill_scores(&random, n);
        for (enum rl_dtype dtype = RL_FLOAT32; dtype <= RL_FLOAT64; dtype++) {
            const double limit = value_at(dtype, random_below(&random, n));
            size_t want = from;
            while (want < n && !(value_at(dtype, want) > limit))
                want++;
            ck_assert_uint_eq(rl_listscan_kernels(dtype)->above(column_of(dtype), from, n, limit),
                              want);
        }
    }
}

/* The grades of a column of n labels, one of which is `odd`. */
static uint32_t grades_with(enum rl_dtype dtype, size_t n, size_t at, double odd, uint8_t *ret)
{
    for (size_t i = 0; i < n; i++)
        floats[i] = (float)(doubles[i] = i == at ? odd : (double)(i * 7 % 5));
    return rl_listscan_kernels(dtype)->grades(column_of(dtype), n, ret);
}

static void grades_on(enum rl_isa isa)
{
    static const double good[] = {0, -0.0, 1, 63};
    static const double bad[] = {64,     0.5,   -1,    NAN,        INFINITY, -INFINITY, 0x1p23, 1e9,
                                 5e-324, 1e-40, 1e300, 0x1p52 + 1, 62.5,     -0x1p23,   -0x1p52};
    uint8_t grades[LONGEST];
    rl_isa_choose(isa);
    for (enum rl_dtype dtype = RL_FLOAT32; dtype <= RL_FLOAT64; dtype++) {
        for (size_t n = 1; n < 70; n++) {
            const size_t at = n * 5 / 7;
            for (size_t g = 0; g < sizeof(good) / sizeof(good[0]); g++) {
                const uint32_t bound = grades_with(dtype, n, at, good[g], grades);
                ck_assert_uint_lt(bound, RL_GRADES);
                for (size_t i = 0; i < n; i++) {
                    ck_assert_double_eq(grades[i], value_at(dtype, i));
                    ck_assert_uint_le(grades[i], bound);
                }
            }
            for (size_t b = 0; b < sizeof(bad) / sizeof(bad[0]); b++)
                if (dtype == RL_FLOAT64 || bad[b] != 5e-324)
                    ck_assert_uint_ge(grades_with(dtype, n, at, bad[b], grades), RL_GRADES);
        }
    }
}

/* Each instruction set that this CPU has. */
static void on_each_isa(void (*check)(enum rl_isa isa))
{
    for (enum rl_isa isa = 0; isa < RL_ISAS; isa++) {
        if (rl_isa_available(isa))
            check(isa);
        else
            printf("%s: not on this CPU\n", rl_isa_text(isa));
    }
}

START_TEST(ranks_are_counted)
{
    on_each_isa(ranks_are_counted_on);
}
END_TEST

START_TEST(above_finds_the_first)
{
    on_each_isa(above_finds_on);
}
END_TEST

START_TEST(small_whole_numbers_are_grades)
{
    on_each_isa(grades_on);
}
END_TEST
