/*
 * test_order.c: the order of columns against qsort: every kind of score, both types, both ways.
 */
#include "core/lists/order.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/cut.h"
#include "tests/property/lists.h"
#include "tests/unit/backwards.h"

#include "tests/lib/unittest.h"

enum { LONGEST = 2 * RL_CUT + 500 };

static double doubles[LONGEST], labels[LONGEST], values[LONGEST];
static float floats[LONGEST];
static uint32_t want[LONGEST], places[LONGEST];
static struct rl_scratch scratch;
static enum rl_dtype dtype;
static enum rl_direction direction;

static double value_at(size_t i)
{
    return dtype == RL_FLOAT32 ? (double)floats[i] : doubles[i];
}

static int by_value_then_place(const void *a, const void *b)
{
    const uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    const double x = value_at(i), y = value_at(j);
    if (x != y)
        return (x < y) == (direction == RL_ASCENDING) ? -1 : 1;
    return (i > j) - (i < j);
}

static void sort_plainly(size_t n)
{
    for (size_t i = 0; i < n; i++)
        want[i] = (uint32_t)i;
    qsort(want, n, sizeof(want[0]), by_value_then_place);
}

/* Beside the scores of lists.h, doubles that only the lower half of their bits tells apart. */
enum { NEAR = SCORE_STYLES, STYLES };

static void fill(struct random *random, int style, size_t n)
{
    if (style == NEAR)
        for (size_t i = 0; i < n; i++)
            doubles[i] = 1 + (double)random_below(random, 100000) * 0x1p-50;
    else
        random_scores(random, (enum score_style)style, n, labels, doubles);
    for (size_t i = 0; i < n; i++) {
        if (random_below(random, 20) == 0)
            doubles[i] = random_below(random, 2) ? 0.0 : -0.0;
        floats[i] = (float)doubles[i];
    }
}

static const void *column(void)
{
    return dtype == RL_FLOAT32 ? (const void *)floats : doubles;
}

static void check_order(size_t n, struct rl_runner runner)
{
    struct rl_room room;
    ck_assert(rl_scratch_reserve(&scratch, rl_order_room(n), &room));
    sort_plainly(n);
    memset(values, 0xff, n * sizeof(values[0]));
    rl_order(dtype, column(), n, direction, &runner, room, places, values);
    for (size_t r = 0; r < n; r++) {
        ck_assert_uint_eq(places[r], want[r]);
        ck_assert(values[r] == value_at(want[r]) && !(values[r] == 0 && signbit(values[r])));
    }
    memset(places, 0, n * sizeof(places[0]));
    rl_order(dtype, column(), n, direction, &runner, room, places, NULL);
    ck_assert_mem_eq(places, want, n * sizeof(want[0]));
}

static void check_both_ways(size_t n)
{
    for (int ascending = 0; ascending < 2; ascending++) {
        direction = ascending ? RL_ASCENDING : RL_DESCENDING;
        check_order(n, n % 2 ? rl_runner_serial() : runner_backwards());
    }
}

START_TEST(columns_are_ordered)
{
    static const size_t lengths[] = {0, 1, 2, 40, 95, 96, 97, 300, 1000, 3072, 3073, LONGEST};
    struct random random = random_init(random_seed());
    for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++) {
        for (int style = 0; style < STYLES; style++) {
            fill(&random, style, lengths[l]);
            for (dtype = RL_FLOAT32; dtype <= RL_FLOAT64; dtype++)
                check_both_ways(lengths[l]);
        }
    }
}
END_TEST

START_TEST(the_top_is_the_start_of_the_order)
{
    struct random random = random_init(random_seed());
    size_t done = 0;
    direction = RL_DESCENDING;
    for (int round = 0; round < test_share(3000); round++) {
        const size_t n = 1 + random_below(&random, 2000),
                     most = 1 + random_below(&random, n / 8 + 1);
        struct rl_room room;
        ck_assert(rl_scratch_reserve(&scratch, rl_order_room(n), &room));
        fill(&random, round % STYLES, n);
        dtype = round % 2 ? RL_FLOAT32 : RL_FLOAT64;
        if (!rl_order_top(dtype, column(), n, most, room, places))
            continue;
        done++;
        sort_plainly(n);
        ck_assert_mem_eq(places, want, most * sizeof(want[0]));
    }
    ck_assert_uint_gt(done, (size_t)test_share(3000) / 10);
}
END_TEST

START_TEST(a_rising_column_is_given_up)
{
    struct rl_room room;
    ck_assert(rl_scratch_reserve(&scratch, rl_order_room(1000), &room));
    for (size_t i = 0; i < 1000; i++)
        doubles[i] = (double)i;
    ck_assert(!rl_order_top(RL_FLOAT64, doubles, 1000, 10, room, places));
}
END_TEST
