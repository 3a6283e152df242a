/*
 * test_sort.c: stable sorting against qsort, over lengths on either side of every method.
 */
#include "core/base/sort.h"

#include <stdlib.h>

#include "core/base/cut.h"
#include "tests/property/random.h"
#include "tests/unit/backwards.h"
#include "tests/lib/unittest.h"

enum { LONGEST = 16 * RL_CUT + 100 };

static uint64_t keys[LONGEST], spare[LONGEST], want[LONGEST];
static struct rl_scratch scratch;

/* Payloads were numbered in input order, so stable means by payload. */
static int by_whole_key(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* CLUSTERED: numbers that only their lowest bits tell apart, so that passes over the highest bits
 * leave them all to insertion. SWAPPED: few of those. */
enum style { ANY_BITS, GRADES, EQUAL, DESCENDING, CLUSTERED, SWAPPED, HIGH_BITS, STYLES };

static uint32_t random_number(struct random *random, enum style style, size_t i)
{
    switch (style) {
    case GRADES:
        return (uint32_t)random_below(random, 5);
    case EQUAL:
        return 42;
    case DESCENDING:
        return UINT32_MAX - (uint32_t)i;
    case CLUSTERED:
        return (uint32_t)random_below(random, 256) | (uint32_t)random_below(random, 2) << 31;
    case SWAPPED:
        return (uint32_t)random_next(random) ^ (uint32_t)random_below(random, 2);
    case HIGH_BITS:
        return (uint32_t)random_below(random, 1000) << 22;
    default:
        return (uint32_t)random_next(random);
    }
}

static void check_sorted(size_t n, struct rl_runner runner)
{
    struct rl_room room;
    ck_assert(rl_scratch_reserve(&scratch, rl_sort_room(n), &room));
    ck_assert_uint_le(rl_sort_room(n), rl_sort_room(LONGEST));
    qsort(want, n, sizeof(want[0]), by_whole_key);
    uint64_t *const sorted = rl_sort(keys, spare, n, &runner, room);
    ck_assert(sorted == keys || sorted == spare);
    for (size_t i = 0; i < n; i++)
        ck_assert_uint_eq(sorted[i], want[i]);
}

static void sort_random(struct random *random, enum style style, size_t n, struct rl_runner runner)
{
    for (size_t i = 0; i < n; i++)
        keys[i] = want[i] = rl_key(random_number(random, style, i), (uint32_t)i);
    check_sorted(n, runner);
}

START_TEST(every_length_and_kind_of_key)
{
    static const size_t lengths[] = {0,
                                     1,
                                     2,
                                     3,
                                     17,
                                     48,
                                     49,
                                     128,
                                     200,
                                     512,
                                     513,
                                     1000,
                                     3071,
                                     3072,
                                     3073,
                                     5000,
                                     RL_CUT,
                                     RL_CUT + 1,
                                     3 * RL_CUT + 100,
                                     LONGEST};
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
