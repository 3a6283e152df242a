/*
 * test_cascade.c: the mean over all orders of a tie, against all orders one by one and closed
 * forms.
 */
#include "core/ranking/cascade.h"

#include <math.h>

#include "tests/lib/unittest.h"
#include "tests/property/random.h"

enum { LONGEST = 20000 };

static double chances[LONGEST];
static struct rl_scratch scratch;

static double cascade(size_t count, size_t size, size_t first, size_t within)
{
    const struct rl_runner runner = rl_runner_serial();
    struct rl_room room;
    ck_assert(rl_scratch_reserve(&scratch, rl_cascade_room(count), &room));
    return rl_cascade(chances, count, size, first, within, &runner, room);
}

/* The sum over all orders of the items not yet used; the chances of the others are 0. */
static long double sum_of_orders(size_t count, size_t size, size_t rank, size_t end, unsigned used)
{
    long double sum = 0;
    if (rank == end)
        return 0;
    for (size_t i = 0; i < size; i++) {
        const double chance = i < count ? chances[i] : 0;
        if (used & 1u << i)
            continue;
        sum += (chance / (long double)(rank + 1) +
                (1 - chance) * sum_of_orders(count, size, rank + 1, end, used | 1u << i));
    }
    return sum / (long double)(size - (size_t)__builtin_popcount(used));
}

static void check_close(double got, long double want)
{
    ck_assert_msg(fabsl(got - want) <= 1e-13L * want, "got %.17g, want %.17Lg", got, want);
}

START_TEST(short_ties_match_all_orders)
{
    struct random random = random_init(random_seed());
    for (int round = 0; round < test_share(500); round++) {
        const size_t size = 1 + random_below(&random, 7), count = random_below(&random, size + 1);
        const size_t within = random_below(&random, size + 1), first = random_below(&random, 5);
        for (size_t i = 0; i < count; i++)
            chances[i] = random_below(&random, 3) ? random_uniform(&random, 0.01, 1) : 0.9375;
        check_close(cascade(count, size, first, within),
                    sum_of_orders(count, size, first, first + within, 0));
    }
}
END_TEST

/* Every order is the same: the search ends at the j-th item with (1 - chance)^(j - 1) chance. */
START_TEST(equal_chances_make_a_geometric_series)
{
    static const double of[] = {1, 0.9375, 0.0625, 1e-3, 1e-9};
    for (size_t c = 0; c < sizeof(of) / sizeof(of[0]); c++) {
        const size_t size = of[c] < 0.01 ? 3000 : LONGEST;
        long double want = 0, goes_on = 1;
        for (size_t i = 0; i < size; i++) {
            chances[i] = of[c];
            want += goes_on * of[c] / (long double)(i + 11);
            goes_on *= 1 - (long double)of[c];
        }
        check_close(cascade(size, size, 10, size), want);
    }
}
END_TEST

/* One item with a chance is at each rank as often. */
START_TEST(one_chance_is_spread_evenly)
{
    long double want = 0;
    chances[0] = 0.25;
    for (size_t rank = 1; rank <= LONGEST; rank++)
        want += 0.25L / (long double)rank / LONGEST;
    check_close(cascade(1, LONGEST, 0, LONGEST), want);
    ck_assert_double_eq(cascade(0, LONGEST, 0, LONGEST), 0);
    ck_assert_double_eq(cascade(1, LONGEST, 0, 0), 0);
}
END_TEST

/* Two chances among many items: the first is met at rank a, the other at rank b > a. */
START_TEST(two_chances_match_the_sum_over_their_ranks)
{
    enum { SIZE = 600 };
    long double want = 0;
    chances[0] = chances[1] = 0.5;
    for (size_t a = 1; a <= SIZE; a++)
        for (size_t b = a + 1; b <= SIZE; b++)
            want += (0.5L / (long double)a + 0.25L / (long double)b) / (SIZE * (SIZE - 1) / 2.0L);
    check_close(cascade(2, SIZE, 0, SIZE), want);
}
END_TEST

void test_before_all(void)
{
    random_seed();
}
