/*
 * test_sort.c: stable sorting against qsort, over lengths on either side of every method.
 */
#include "core/base/sort.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/cut.h"
#include "tests/property/random.h"
#include "tests/unit/backwards.h"
#include "tests/lib/unittest.h"

enum { LONGEST = 3 * RL_CUT + 100 };

static struct rl_key keys[LONGEST], spare[LONGEST], want[LONGEST];
static struct rl_scratch scratch;

/* Items were numbered in input order, so stable means by item. */
static int by_key_then_item(const void *a, const void *b)
{
    const struct rl_key *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

enum style { SCORES, FLOATS, GRADES, EQUAL, ANY_BITS, DESCENDING, STYLES };

static uint64_t random_key(struct random *random, enum style style, size_t i)
{
    switch (style) {
    case SCORES:
        return rl_key_descending(random_normal(random));
    case FLOATS:
        return rl_key_ascending((double)(float)random_normal(random));
    case GRADES:
        return rl_key_ascending((double)random_below(random, 5));
    case EQUAL:
        return 42;
    case DESCENDING:
        return UINT64_MAX - i;
    default:
        return random_next(random);
    }
}

static void check_sorted(size_t n, struct rl_runner runner)
{
    struct rl_room room;
    ck_assert(rl_scratch_reserve(&scratch, rl_sort_room(n), &room));
    qsort(want, n, sizeof(want[0]), by_key_then_item);
    struct rl_key *sorted = rl_sort(keys, spare, n, &runner, room);
    ck_assert(sorted == keys || sorted == spare);
    for (size_t i = 0; i < n; i++) {
        ck_assert_uint_eq(sorted[i].key, want[i].key);
        ck_assert_uint_eq(sorted[i].item, want[i].item);
    }
}

static void sort_random(struct random *random, enum style style, size_t n, struct rl_runner runner)
{
    for (size_t i = 0; i < n; i++)
        keys[i] = want[i] = (struct rl_key){random_key(random, style, i), (uint32_t)i};
    check_sorted(n, runner);
}

START_TEST(every_length_and_kind_of_key)
{
    static const size_t lengths[] = {0,    1,    2,    3,    17,   127,    128,        129,    200,
                                     1000, 2047, 2048, 2049, 5000, RL_CUT, RL_CUT + 1, LONGEST};
    struct random random = random_init(random_seed());
    for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++) {
        for (int style = 0; style < STYLES; style++) {
            sort_random(&random, (enum style)style, lengths[l], rl_runner_serial());
            sort_random(&random, (enum style)style, lengths[l], runner_backwards());
        }
    }
    rl_scratch_release(&scratch);
}
END_TEST

START_TEST(keys_are_in_the_order_of_the_values)
{
    static const double values[] = {-INFINITY, -1e308, -1,     -1e-300, -5e-324, -0.0,
                                    0.0,       5e-324, 1e-300, 1,       1e308,   INFINITY};
    for (size_t i = 1; i < sizeof(values) / sizeof(values[0]); i++) {
        ck_assert_uint_lt(rl_key_ascending(values[i - 1]), rl_key_ascending(values[i]));
        ck_assert_uint_gt(rl_key_descending(values[i - 1]), rl_key_descending(values[i]));
        ck_assert_uint_eq(rl_to_bits(rl_key_value(rl_key_descending(values[i]))),
                          rl_to_bits(values[i]));
        ck_assert_double_eq(rl_key_value(rl_key_descending(-values[i])), -values[i]);
    }
}
END_TEST
