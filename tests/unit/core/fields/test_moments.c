/*
 * test_moments.c: the squared error in linear time against the plain reference, at offsets and
 * spreads where raw moments lose all digits.
 */
#include "core/fields/moments.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/reference.h"
#include "tests/property/lists.h"
#include "tests/lib/unittest.h"

enum { LONGEST = 9000 };

static double labels[LONGEST], scores[LONGEST], weights[LONGEST], losses[LONGEST],
    gradient[LONGEST], scratch[64];
static long double want[LONGEST], want_gradient[LONGEST];

static void run_backwards(struct rl_runner *runner, size_t count, void (*body)(void *, size_t),
                          void *context)
{
    (void)runner;
    while (count-- > 0)
        body(context, count);
}

static void compute(size_t n, const double *item_weights)
{
    struct rl_runner runner = rl_runner_serial();
    ck_assert_uint_le(rl_moments_scratch(n), sizeof(scratch) / sizeof(scratch[0]));
    rl_moments(labels, scores, item_weights, n, &runner, scratch, losses, gradient);
}

/* What the terms of the gradient of item k amount to before they cancel. */
static long double gradient_scale(size_t n, size_t k, const double *item_weights)
{
    long double sum = 0;
    for (size_t j = 0; j < n; j++) {
        long double error =
            ((long double)labels[k] - labels[j]) - ((long double)scores[k] - scores[j]);
        const long double both = item_weights ? fabs(item_weights[k]) + fabs(item_weights[j]) : 2;
        sum += 2 * both * fabsl(error);
    }
    return sum;
}

static void compare(size_t n, const double *item_weights)
{
    struct rl_reference_list list = {.items = n, .labels = labels, .scores = scores};
    compute(n, item_weights);
    rl_reference_losses(RL_PAIRWISE_MEAN_SQUARED_ERROR, &list, 1, want);
    rl_reference_gradient(RL_PAIRWISE_MEAN_SQUARED_ERROR, &list, 1, item_weights, want_gradient);
    for (size_t i = 0; i < n; i++) {
        ck_assert_msg(fabsl(losses[i] - want[i]) <= 1e-13L * want[i],
                      "loss %zu of %zu: %.17g, %.17Lg", i, n, losses[i], want[i]);
        const long double scale = gradient_scale(n, i, item_weights);
        ck_assert_msg(fabsl(gradient[i] - want_gradient[i]) <= 1e-12L * scale,
                      "gradient %zu of %zu: %.17g, %.17Lg", i, n, gradient[i], want_gradient[i]);
    }
}

static void fill(struct random *random, size_t n)
{
    const enum label_style style = (enum label_style)random_below(random, LABELS_HOLES);
    random_labels(random, style, n, labels);
    random_scores(random, (enum score_style)random_below(random, SCORE_STYLES), n, labels, scores);
    for (size_t i = 0; i < n; i++)
        weights[i] = random_uniform(random, 0, 3);
}

START_TEST(short_lists_match_the_reference)
{
    struct random random = random_init(random_seed());
    for (int round = 0; round < test_share(3000); round++) {
        const size_t n = random_below(&random, 40);
        fill(&random, n);
        compare(n, round % 2 ? weights : NULL);
    }
}
END_TEST

START_TEST(lists_of_several_blocks_match_the_reference)
{
    if (test_leaves_out_long())
        return;
    struct random random = random_init(random_seed());
    const size_t lengths[] = {4095, 4096, 4097, LONGEST};
    for (size_t i = 0; i < 4; i++) {
        fill(&random, lengths[i]);
        random_scores(&random, SCORES_OFFSET, lengths[i], labels, scores);
        compare(lengths[i], NULL);
    }
}
END_TEST

START_TEST(equal_errors_give_exactly_nothing)
{
    for (size_t i = 0; i < 5; i++) {
        labels[i] = (double)i;
        scores[i] = 1e6 + (double)i;
    }
    compute(5, NULL);
    for (size_t i = 0; i < 5; i++) {
        ck_assert_double_eq(losses[i], 0);
        ck_assert_double_eq(gradient[i], 0);
    }
}
END_TEST

START_TEST(tiny_errors_under_large_labels_keep_their_digits)
{
    struct random random = random_init(random_seed());
    for (size_t i = 0; i < 100; i++) {
        labels[i] = 1000 * random_uniform(&random, 0, 1);
        scores[i] = labels[i] + 1e6 + 1e-7 * random_normal(&random);
    }
    compare(100, NULL);
}
END_TEST

START_TEST(one_outlier_among_many)
{
    if (test_leaves_out_long())
        return;
    for (size_t i = 0; i < 3000; i++) {
        labels[i] = 0;
        scores[i] = i == 1500 ? 1e12 : 1e-3 * (double)(i % 7);
    }
    compare(3000, NULL);
}
END_TEST

START_TEST(overflow_is_not_finite)
{
    labels[0] = labels[1] = 0;
    scores[0] = DBL_MAX;
    scores[1] = -DBL_MAX;
    compute(2, NULL);
    ck_assert(!isfinite(losses[0]) && !isfinite(losses[1]));
}
END_TEST

START_TEST(order_of_blocks_does_not_matter)
{
    struct random random = random_init(random_seed());
    struct rl_runner backwards = {.run = run_backwards};
    static double other_losses[LONGEST], other_gradient[LONGEST];
    fill(&random, LONGEST);
    compute(LONGEST, weights);
    rl_moments(labels, scores, weights, LONGEST, &backwards, scratch, other_losses, other_gradient);
    ck_assert(memcmp(losses, other_losses, sizeof(losses)) == 0);
    ck_assert(memcmp(gradient, other_gradient, sizeof(gradient)) == 0);
}
END_TEST

void test_before_all(void)
{
    random_seed();
}
