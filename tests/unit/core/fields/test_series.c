/*
 * test_series.c: softplus, sigmoid and bump over one node against the formula, whole and in
 * pieces, on every instruction set of this machine, with the same bits on all of them.
 */
#include "core/fields/series.h"

#include <string.h>

#include "core/base/cpu.h"
#include "core/fields/series_terms.h"
#include "tests/unit/spans.h"
#include "tests/lib/unittest.h"

enum { ROUNDS = 200 };

static struct span_items own;
static double sums[RL_ISAS][SPAN_MOST];

static const struct rl_series_kernels *kernels_of(enum rl_isa isa)
{
#if defined(__x86_64__)
    if (isa == RL_ISA_AVX2)
        return &rl_series_avx2;
    if (isa == RL_ISA_AVX512)
        return &rl_series_avx512;
#endif
    ck_assert_int_eq(isa, RL_ISA_BASELINE);
    return &rl_series_baseline;
}

static double worst_of(const double *coefficients, long double (*function)(long double u))
{
    long double worst = 0;
    for (int i = 1; i <= 100000; i++) {
        long double u = i / 100000.0L, sum = 0;
        for (int k = RL_SERIES_TERMS; k-- > 0;)
            sum = sum * u + coefficients[k];
        worst = fmaxl(worst, fabsl(sum / function(u) - 1));
    }
    return (double)worst;
}

static long double function_p(long double u)
{
    return log1pl(u) / u;
}

static long double function_q(long double u)
{
    return 1 / (1 + u);
}

static long double function_r(long double u)
{
    return 1 / ((1 + u) * (1 + u));
}

START_TEST(polynomials_are_as_close_as_stated)
{
    ck_assert_double_lt(worst_of(RL_SERIES_P, function_p), 7.95e-14);
    ck_assert_double_lt(worst_of(RL_SERIES_Q, function_q), 1.15e-12);
    ck_assert_double_lt(worst_of(RL_SERIES_R, function_r), 1.95e-11);
}
END_TEST

static void random_span(struct random *random, enum rl_field_kind kind)
{
    static const double spreads[] = {1e-6, 1, 30, 1e6};
    const size_t most = random_below(random, 10) ? 60 : SPAN_MOST / 2 - 1;
    span_fill(random, &own, 1 + random_below(random, most), 1 + random_below(random, most),
              spreads[random_below(random, 4)], exp(random_uniform(random, -2, 2)));
    if (kind != RL_FIELD_SOFTPLUS)
        own.sorted.masses = own.masses;
    memset(sums, 0, sizeof(sums));
}

static void check_targets(enum rl_field_kind kind, const double *got)
{
    static const long double bounds[RL_FIELD_KINDS] = {
        [RL_FIELD_SOFTPLUS] = 2e-13L, [RL_FIELD_SIGMOID] = 2e-12L, [RL_FIELD_BUMP] = 2.5e-11L};
    for (size_t t = own.span.targets; t < own.span.targets_end; t++) {
        const long double want = span_expected(&own, kind, t);
        ck_assert_msg(fabsl(got[own.places[t]] - want) <= bounds[kind] * want + 1e-300L,
                      "%s: target %zu got %.17g, want %.17Lg", field_name(kind), t,
                      got[own.places[t]], want);
    }
}

static void check_isas(enum rl_field_kind kind)
{
    for (int isa = 1; isa < RL_ISAS; isa++)
        if (rl_isa_available((enum rl_isa)isa))
            ck_assert_msg(!memcmp(sums[isa], sums[0], sizeof(sums[0])), "%s: %s differs",
                          field_name(kind), rl_isa_text((enum rl_isa)isa));
    check_targets(kind, sums[0]);
}

static void sweep_whole(enum rl_isa isa, enum rl_field_kind kind)
{
    struct rl_series_field field = rl_series_field(kind, own.temperature);
    struct rl_series empty = rl_series_empty();
    kernels_of(isa)->sweep_above(&field, &own.sorted, &own.span, &empty, sums[isa]);
    kernels_of(isa)->sweep_below(&field, &own.sorted, &own.span, &empty, sums[isa]);
}

START_TEST(whole_nodes_match_the_formula_with_the_same_bits)
{
    struct random random = random_init(random_seed());
    for (int round = 0; round < test_share(ROUNDS); round++) {
        const enum rl_field_kind kind = (enum rl_field_kind)(RL_FIELD_SOFTPLUS + round % 3);
        random_span(&random, kind);
        for (int isa = 0; isa < RL_ISAS; isa++)
            if (rl_isa_available((enum rl_isa)isa))
                sweep_whole((enum rl_isa)isa, kind);
        check_isas(kind);
    }
}
END_TEST

/* The sources, or the targets, that are not above the score. */
static size_t first_not_above(size_t begin, size_t end, double score)
{
    while (begin < end && own.scores[begin] > score)
        begin++;
    return begin;
}

/* Two pieces, cut at a score; the sums over one are where the sweep of the other starts. */
static void sweep_pieces(enum rl_isa isa, enum rl_field_kind kind, double cut)
{
    const struct rl_series_kernels *const kernels = kernels_of(isa);
    struct rl_series_field field = rl_series_field(kind, own.temperature);
    size_t sources = first_not_above(0, own.span.sources_end, cut), end = own.span.sources_end;
    const size_t targets = first_not_above(own.span.targets, own.span.targets_end, cut);
    struct rl_span upper = {0, sources, own.span.targets, targets};
    struct rl_span lower = {sources, end, targets, own.span.targets_end};
    struct rl_series above = rl_series_empty(), below = above, part;
    for (size_t s = 0; s < sources; s += 3) { /* joined from many parts */
        kernels->sum_above(&field, &own.sorted, s, s + 3 < sources ? s + 3 : sources, &part);
        rl_series_join(&field, &above, &part);
    }
    for (size_t s = end; s > sources; s -= s - sources < 5 ? s - sources : 5) {
        const size_t begin = s - sources < 5 ? sources : s - 5;
        kernels->sum_below(&field, &own.sorted, begin, s, &part);
        rl_series_join(&field, &below, &part);
    }
    struct rl_series empty = rl_series_empty();
    kernels->sweep_above(&field, &own.sorted, &upper, &empty, sums[isa]);
    kernels->sweep_above(&field, &own.sorted, &lower, &above, sums[isa]);
    kernels->sweep_below(&field, &own.sorted, &upper, &below, sums[isa]);
    kernels->sweep_below(&field, &own.sorted, &lower, &empty, sums[isa]);
}

START_TEST(pieces_match_the_formula_with_the_same_bits)
{
    struct random random = random_init(random_seed() + 1);
    for (int round = 0; round < test_share(ROUNDS); round++) {
        const enum rl_field_kind kind = (enum rl_field_kind)(RL_FIELD_SOFTPLUS + round % 3);
        random_span(&random, kind);
        const double cut = own.scores[random_below(&random, own.span.targets_end)];
        for (int isa = 0; isa < RL_ISAS; isa++)
            if (rl_isa_available((enum rl_isa)isa))
                sweep_pieces((enum rl_isa)isa, kind, cut);
        check_isas(kind);
    }
}
END_TEST
