/*
 * test_margin.c: hinge and step over one node against the formula, whole and in pieces.
 */
#include "core/fields/margin.h"

#include <string.h>

#include "tests/unit/spans.h"
#include "tests/lib/unittest.h"

enum { ROUNDS = 300, PIECES = 7 };

static struct span_items own;
static double sums[SPAN_MOST];

static void check_targets(enum rl_field_kind kind)
{
    const size_t n = own.span.targets_end;
    for (size_t t = own.span.targets; t < n; t++) {
        const long double want = span_expected(&own, kind, t);
        long double got = sums[own.places[t]];
        if (kind == RL_FIELD_HINGE)
            got /= own.temperature;
        ck_assert_msg(fabsl(got - want) <= 1e-14L * want, "%s: target %zu got %.17Lg, want %.17Lg",
                      field_name(kind), t, got, want);
    }
}

static void random_span(struct random *random, enum rl_field_kind kind)
{
    static const double spreads[] = {1e-6, 1, 30, 1e6};
    const size_t most = random_below(random, 10) ? 60 : SPAN_MOST / 2 - 1;
    span_fill(random, &own, 1 + random_below(random, most), 1 + random_below(random, most),
              spreads[random_below(random, 4)], exp(random_uniform(random, -2, 2)));
    if (kind == RL_FIELD_STEP)
        own.sorted.masses = own.masses;
    memset(sums, 0, sizeof(sums));
}

START_TEST(whole_nodes_match_the_formula)
{
    struct random random = random_init(random_seed());
    struct rl_margin_pieces none = {0};
    for (int round = 0; round < test_share(ROUNDS); round++) {
        const enum rl_field_kind kind = round % 2 ? RL_FIELD_STEP : RL_FIELD_HINGE;
        random_span(&random, kind);
        rl_margin_sweep(kind, own.temperature, &own.sorted, &own.span, &none, sums);
        check_targets(kind);
    }
}
END_TEST

/* Cuts the targets anywhere, and the sources anywhere else; some pieces are empty. */
static void sweep_in_pieces(struct random *random, enum rl_field_kind kind)
{
    size_t starts[PIECES], targets = own.span.targets, count = own.span.sources_end;
    struct rl_ramp ramps[PIECES];
    for (size_t p = 0; p < PIECES; p++)
        starts[p] = p ? starts[p - 1] + random_below(random, count - starts[p - 1] + 1) / 2 : 0;
    for (size_t p = 0; p < PIECES; p++)
        ramps[p] = rl_margin_piece(&own.sorted, starts[p], p + 1 < PIECES ? starts[p + 1] : count);
    struct rl_margin_pieces pieces = {PIECES, starts, ramps};
    while (targets < own.span.targets_end) {
        struct rl_span span = own.span;
        span.targets = targets;
        targets += 1 + random_below(random, own.span.targets_end - targets);
        span.targets_end = targets;
        rl_margin_sweep(kind, own.temperature, &own.sorted, &span, &pieces, sums);
    }
}

START_TEST(pieces_match_the_formula)
{
    struct random random = random_init(random_seed() + 1);
    for (int round = 0; round < test_share(ROUNDS); round++) {
        const enum rl_field_kind kind = round % 2 ? RL_FIELD_STEP : RL_FIELD_HINGE;
        random_span(&random, kind);
        sweep_in_pieces(&random, kind);
        check_targets(kind);
    }
}
END_TEST

START_TEST(a_gap_that_overflows_does_no_harm_without_sources)
{
    double scores[] = {-1.7e308, 1.7e308, -1.7e308};
    uint32_t places[] = {0, 1, 2};
    struct rl_sorted sorted = {.scores = scores, .places = places};
    struct rl_span span = {0, 1, 1, 3};
    struct rl_margin_pieces none = {0};
    memset(sums, 0, sizeof(sums));
    rl_margin_sweep(RL_FIELD_HINGE, 1, &sorted, &span, &none, sums);
    ck_assert_double_eq(sums[1], 0);
    ck_assert_double_eq(sums[2], 1);
}
END_TEST
