/*
 * test_tile.c: fields pair by pair, on every instruction set of this machine, against the formula;
 * and the same bits on all of them.
 */
#include "core/fields/tile.h"

#include <string.h>

#include "core/base/cpu.h"
#include "tests/property/random.h"
#include "tests/unit/fieldvalue.h"
#include "tests/lib/unittest.h"

enum { LONGEST = RL_TILE_MOST, ROUNDS = 300 };

static double below[LONGEST + RL_TILE_PAD], scores[LONGEST + RL_TILE_PAD];
static double masses[LONGEST + RL_TILE_PAD], rise[LONGEST + RL_TILE_PAD];
static double fall[LONGEST + RL_TILE_PAD], spare[LONGEST + RL_TILE_PAD];
static double sums[RL_ISAS][LONGEST + RL_TILE_PAD];

static rl_tile_fn *kernel_of(enum rl_isa isa, enum rl_field_kind kind)
{
#if defined(__x86_64__)
    if (isa == RL_ISA_AVX2)
        return rl_tile_avx2[kind];
    if (isa == RL_ISA_AVX512)
        return rl_tile_avx512[kind];
#endif
    ck_assert_int_eq(isa, RL_ISA_BASELINE);
    return rl_tile_baseline[kind];
}

/* Grades of random sizes, one item each when `most` is 1. */
static void fill_grades(struct random *random, size_t n, size_t most)
{
    for (size_t p = 0; p < n;) {
        size_t first = p, size = 1 + random_below(random, most);
        for (; p < n && p < first + size; p++)
            below[p] = (double)first;
    }
}

struct range {
    double lowest, highest;
};

static struct range fill_scores(struct random *random, size_t n, double spread)
{
    const double offset = random_below(random, 2) ? 1e6 : 0;
    struct range range = {INFINITY, -INFINITY};
    for (size_t p = 0; p < n; p++) {
        scores[p] = offset + spread * random_uniform(random, -1, 1);
        if (random_below(random, 4) == 0)
            scores[p] = scores[random_below(random, p + 1)];
        masses[p] = random_uniform(random, 0, 2);
        range.lowest = fmin(range.lowest, scores[p]);
        range.highest = fmax(range.highest, scores[p]);
    }
    return range;
}

static void check_target(enum rl_field_kind kind, double temperature, size_t target, double got)
{
    long double want = 0, size = 0;
    for (size_t j = 0; j < (size_t)below[target]; j++) {
        const long double d = ((long double)scores[target] - scores[j]) / temperature;
        long double value = field_value(kind, d);
        value *= field_has_masses(kind) ? masses[j] : 1;
        want += value;
        size += fabsl(value);
    }
    if (kind == RL_FIELD_HINGE)
        want *= temperature, size *= temperature;
    ck_assert_msg(fabsl(got - want) <= 1e-12L * size, "%s, T %g: target %zu got %.17g, want %.17Lg",
                  field_name(kind), temperature, target, got, want);
}

static size_t without_sources(size_t n)
{
    size_t first = 0;
    while (first < n && below[first] == 0)
        first++;
    return first;
}

static void run_tile(enum rl_isa isa, enum rl_field_kind kind, size_t n, double temperature,
                     double centre)
{
    struct rl_tile tile = {
        .n = n,
        .first = without_sources(n),
        .temperature = temperature,
        .centre = centre,
        .below = below,
        .scores = scores,
        .masses = masses,
        .rise = rise,
        .fall = fall,
        .spare = spare,
        .sums = sums[isa],
    };
    rl_tile_pad(below, scores, n, centre);
    memset(sums[isa], 0, n * sizeof(double));
    kernel_of(isa, kind)(&tile);
}

static void check_all(size_t n, double temperature, double centre)
{
    for (int k = RL_FIELD_NONE + 1; k < RL_FIELD_KINDS; k++) {
        const enum rl_field_kind kind = (enum rl_field_kind)k;
        for (int i = 0; i < RL_ISAS; i++) {
            const enum rl_isa isa = (enum rl_isa)i;
            if (!rl_isa_available(isa))
                continue;
            run_tile(isa, kind, n, temperature, centre);
            ck_assert_msg(!memcmp(sums[isa], sums[0], n * sizeof(double)), "%s: %s differs",
                          field_name(kind), rl_isa_text(isa));
        }
        for (size_t p = 0; p < n; p++)
            check_target(kind, temperature, p, sums[0][p]);
    }
}

START_TEST(all_kernels_match_the_formula_with_the_same_bits)
{
    static const double spreads[] = {1e-6, 0.5, 3, 100};
    struct random random = random_init(random_seed());
    for (int round = 0; round < test_share(ROUNDS); round++) {
        const size_t n = 1 + random_below(&random, round % 10 ? 70 : LONGEST);
        double temperature = exp(random_uniform(&random, -1, 4));
        fill_grades(&random, n, 1 + random_below(&random, n));
        const struct range range = fill_scores(&random, n, spreads[random_below(&random, 4)]);
        /* Wider ranges are not what the kernels are for: they go to the sweeps. */
        temperature = fmax(temperature, (range.highest - range.lowest) / RL_TILE_RANGE);
        check_all(n, temperature, (range.lowest + range.highest) / 2);
    }
}
END_TEST

START_TEST(hinge_keeps_its_digits_next_to_the_kink)
{
    below[0] = 0, below[1] = 1;
    masses[0] = 2;
    scores[0] = 0.1, scores[1] = 1.1; /* 1.1 - 0.1 is not 1, and its rounding must not matter */
    const long double want = 1 - ((long double)scores[1] - scores[0]);
    for (int isa = 0; isa < RL_ISAS; isa++) {
        if (!rl_isa_available((enum rl_isa)isa))
            continue;
        run_tile((enum rl_isa)isa, RL_FIELD_HINGE, 2, 1, 0.6);
        ck_assert_double_eq(sums[isa][1], want > 0 ? (double)want : 0);
        run_tile((enum rl_isa)isa, RL_FIELD_STEP, 2, 1, 0.6);
        ck_assert_double_eq(sums[isa][1], want > 0 ? masses[0] : 0);
    }
}
END_TEST

START_TEST(overflow_is_infinite_and_never_lost)
{
    below[0] = 0, below[1] = 1, below[2] = 2;
    scores[0] = 1.7e308, scores[1] = -1.7e308, scores[2] = 1.7e308;
    run_tile(RL_ISA_BASELINE, RL_FIELD_HINGE, 3, 1, 0);
    ck_assert_double_eq(sums[0][0], 0);
    ck_assert(isinf(sums[0][1]));
    ck_assert_double_eq(sums[0][2], 1);
    run_tile(RL_ISA_BASELINE, RL_FIELD_HINGE, 3, 1e308, 0); /* T - score overflows */
    ck_assert(isinf(sums[0][1]));
}
END_TEST
