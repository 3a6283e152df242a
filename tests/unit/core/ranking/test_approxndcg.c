/*
 * test_approxndcg.c: NDCG of smooth ranks against the plain reference.
 */
#include "core/ranking/approxndcg.h"

#include <float.h>
#include <math.h>

#include "core/reference.h"
#include "tests/property/lists.h"
#include "tests/property/property.h"
#include "tests/property/wideplan.h"
#include "tests/unit/backwards.h"

enum { LONGEST = 9000 };

static double labels[LONGEST], scores[LONGEST], gradient[LONGEST];
static long double want_gradient[LONGEST], sizes[LONGEST];
static struct rl_scratch scratch;

static double compute_by(struct rl_runner runner, size_t n, double temperature,
                         double *ret_gradient)
{
    const size_t offsets[] = {0, n};
    const struct rl_batch batch = {.dtype = RL_FLOAT64,
                                   .lists = 1,
                                   .items = n,
                                   .offsets = offsets,
                                   .labels = labels,
                                   .scores = scores};
    struct rl_plan plan;
    struct rl_room room;
    const size_t once = rl_approxndcg_room(n) + rl_plan_scratch(n);
    ck_assert(rl_scratch_reserve(&scratch, rl_plan_room(n) + once, &room));
    wide_plan_init(&plan, &batch, 0, &runner, &room);
    rl_plan_grade(&plan, &runner, room);
    return rl_approxndcg(&plan, temperature, &runner, room, ret_gradient);
}

static double compute(size_t n, double temperature)
{
    return compute_by(rl_runner_serial(), n, temperature, gradient);
}

/* What is added up in each item's gradient, without the signs. */
static void find_sizes(size_t n, double temperature)
{
    const struct rl_reference_list all = {.items = n, .labels = labels, .scores = scores};
    static double kept[LONGEST];
    static long double one[LONGEST];
    memcpy(kept, labels, n * sizeof(double));
    memset(sizes, 0, sizeof(sizes));
    rl_reference_gradient(RL_APPROX_NDCG, &all, temperature, NULL, want_gradient);
    for (size_t i = 0; i < n; i++)
        sizes[i] = fabsl(want_gradient[i]);
    for (size_t i = 0; i < n && n <= 40; i++) {
        memset(labels, 0, n * sizeof(double));
        labels[i] = kept[i];
        rl_reference_gradient(RL_APPROX_NDCG, &all, temperature, NULL, one);
        for (size_t k = 0; k < n; k++)
            sizes[k] += fabsl(one[k]);
    }
    memcpy(labels, kept, n * sizeof(double));
}

static void compare(size_t n, double temperature)
{
    const struct rl_reference_list list = {.items = n, .labels = labels, .scores = scores};
    long double want;
    const double got = compute(n, temperature);
    rl_reference_losses(RL_APPROX_NDCG, &list, temperature, &want);
    find_sizes(n, temperature);
    ck_assert_msg(fabsl(got - want) <= 1e-11L * fabsl(want), "%zu items: %.17g, %.17Lg", n, got,
                  want);
    for (size_t i = 0; i < n; i++) {
        const long double bound = 1e-10L * sizes[i] + (n > 40 ? 1e-10L / temperature : 0);
        ck_assert_msg(fabsl(gradient[i] - want_gradient[i]) <= bound + 1e-290L,
                      "gradient %zu of %zu: %.17g, %.17Lg, size %.3Lg", i, n, gradient[i],
                      want_gradient[i], sizes[i]);
    }
}

static void fill(struct random *random, size_t n)
{
    random_labels(random, (enum label_style)random_below(random, LABEL_STYLES), n, labels);
    for (size_t i = 0; i < n; i++)
        labels[i] = labels[i] >= 0 ? labels[i] : 0;
    random_scores(random, (enum score_style)random_below(random, SCORE_STYLES), n, labels, scores);
}

START_TEST(no_items_give_nothing)
{
    ck_assert_double_eq(compute(0, 1), 0);
}
END_TEST

START_TEST(labels_of_zero_give_nothing)
{
    for (size_t i = 0; i < 3; i++) {
        labels[i] = 0;
        scores[i] = i == 0 ? DBL_MAX : -DBL_MAX;
        gradient[i] = 7;
    }
    ck_assert_double_eq(compute(3, 1), 0);
    ck_assert(!signbit(compute(3, 1)));
    for (size_t i = 0; i < 3; i++)
        ck_assert_double_eq(gradient[i], 0);
}
END_TEST

/* The example in the documentation of TF-Ranking's class. */
START_TEST(a_published_value)
{
    labels[0] = 1, labels[1] = 0;
    scores[0] = 0.6, scores[1] = 0.8;
    ck_assert_double_eq_tol(compute(2, 0.1), -0.655107, 5e-7);
}
END_TEST

/* Scores far apart make ranks whole: what is left is NDCG. */
START_TEST(far_apart_it_is_ndcg)
{
    for (size_t i = 0; i < 4; i++) {
        labels[i] = (double)(i % 3);
        scores[i] = 1e200 * (double)i;
    }
    const double best = 3 + 1 / log2(3);
    ck_assert_double_eq_tol(compute(4, 1), -(3 / log2(3) + 1 / log2(4)) / best, 1e-15);
    for (size_t i = 0; i < 4; i++)
        ck_assert_double_eq(gradient[i], 0);
}
END_TEST

START_TEST(short_lists_match_the_reference)
{
    struct random random = random_init(random_seed());
    for (int round = 0; round < test_share(500); round++) {
        const size_t n = 1 + random_below(&random, 40);
        fill(&random, n);
        compare(n, pow(10, random_uniform(&random, -2, 2)));
    }
}
END_TEST

/* On either side of where pairs give way to sweeps, and of a block. */
START_TEST(longer_lists_match_the_reference)
{
    if (test_leaves_out_long())
        return;
    struct random random = random_init(random_seed() + 1);
    const size_t lengths[] = {199, 200, 201, 1000, 4095, 4097};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        fill(&random, lengths[i]);
        compare(lengths[i], 1.5);
    }
}
END_TEST

START_TEST(overflow_is_not_finite)
{
    labels[0] = 2000, labels[1] = 0;
    scores[0] = scores[1] = 0;
    ck_assert(!isfinite(compute(2, 1)));
}
END_TEST

START_TEST(order_of_blocks_does_not_matter)
{
    struct random random = random_init(random_seed() + 2);
    static double other[LONGEST];
    fill(&random, LONGEST);
    const double loss = compute(LONGEST, 1);
    const double other_loss = compute_by(runner_backwards(), LONGEST, 1, other);
    ck_assert_mem_eq(&loss, &other_loss, sizeof(loss));
    ck_assert_mem_eq(gradient, other, sizeof(other));
    ck_assert_double_eq(compute_by(rl_runner_serial(), LONGEST, 1, NULL), loss);
}
END_TEST
