/*
 * test_listmle.c: list_mle in linear time against the plain reference.
 *
 * The scores are given in label order, so the reference gets descending labels beside them.
 */
#include "core/ranking/listmle.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/reference.h"
#include "tests/property/lists.h"
#include "tests/lib/unittest.h"

enum { LONGEST = 9000 };

static double labels[LONGEST], scores[LONGEST], gradient[LONGEST], scratch[3 * LONGEST];
static long double want_gradient[LONGEST];

static void run_backwards(struct rl_runner *runner, size_t count, void (*body)(void *, size_t),
                          void *context)
{
    (void)runner;
    while (count-- > 0)
        body(context, count);
}

static double compute(size_t n, double temperature)
{
    struct rl_runner runner = rl_runner_serial();
    ck_assert_uint_le(rl_listmle_scratch(n), sizeof(scratch) / sizeof(scratch[0]));
    return rl_listmle(scores, n, temperature, &runner, scratch, gradient);
}

static void compare(size_t n, double temperature)
{
    struct rl_reference_list list = {.items = n, .labels = labels, .scores = scores};
    long double want;
    const double got = compute(n, temperature);
    rl_reference_losses(RL_LIST_MLE, &list, temperature, &want);
    rl_reference_gradient(RL_LIST_MLE, &list, temperature, NULL, want_gradient);
    ck_assert_msg(fabsl(got - want) <= 1e-12L * want, "%zu items: %.17g, %.17Lg", n, got, want);
    for (size_t i = 0; i < n; i++) {
        const long double scale = fabsl(want_gradient[i]) + 1 / temperature;
        ck_assert_msg(fabsl(gradient[i] - want_gradient[i]) <= 1e-12L * scale,
                      "gradient %zu of %zu: %.17g, %.17Lg", i, n, gradient[i], want_gradient[i]);
    }
}

static void fill(struct random *random, size_t n)
{
    for (size_t i = 0; i < n; i++)
        labels[i] = (double)((n - i) / 3);
    random_scores(random, (enum score_style)random_below(random, SCORE_STYLES), n, labels, scores);
}

START_TEST(no_items_give_nothing)
{
    ck_assert_double_eq(compute(0, 1), 0);
}
END_TEST

START_TEST(short_lists_match_the_reference)
{
    struct random random = random_init(random_seed());
    for (int round = 0; round < test_share(3000); round++) {
        const size_t n = 1 + random_below(&random, 40);
        fill(&random, n);
        compare(n, pow(10, random_uniform(&random, -2, 2)));
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
        random_scores(&random, SCORES_NORMAL, lengths[i], labels, scores);
        compare(lengths[i], 1.5);
    }
}
END_TEST

/* Far below the maximum the 1e-10 carries all of S: there each item's gradient is the maximum's. */
START_TEST(gradient_through_the_maximum)
{
    labels[0] = 2;
    labels[1] = 1;
    scores[0] = 100;
    scores[1] = 0;
    compare(2, 1);
    ck_assert_double_eq_tol(gradient[0], 1, 1e-9);
    ck_assert_double_eq_tol(gradient[1], -1, 1e-9);
    labels[2] = 0;
    scores[2] = 100;
    scores[0] = 0;
    scores[1] = 0;
    compare(3, 1);
}
END_TEST

START_TEST(overflow_is_not_finite)
{
    scores[0] = -DBL_MAX;
    scores[1] = DBL_MAX;
    ck_assert(!isfinite(compute(2, 1)));
}
END_TEST

START_TEST(order_of_blocks_does_not_matter)
{
    struct random random = random_init(random_seed());
    struct rl_runner backwards = {.run = run_backwards};
    static double other[LONGEST];
    fill(&random, LONGEST);
    double loss = compute(LONGEST, 1);
    double other_loss = rl_listmle(scores, LONGEST, 1, &backwards, scratch, other);
    ck_assert(memcmp(&loss, &other_loss, sizeof(loss)) == 0);
    ck_assert(memcmp(gradient, other, sizeof(other)) == 0);
}
END_TEST

START_TEST(loss_does_not_depend_on_whether_the_gradient_is_asked_for)
{
    struct random random = random_init(random_seed());
    struct rl_runner runner = rl_runner_serial();
    fill(&random, LONGEST);
    const double with = compute(LONGEST, 1);
    ck_assert_double_eq(rl_listmle(scores, LONGEST, 1, &runner, scratch, NULL), with);
}
END_TEST

void test_before_all(void)
{
    random_seed();
}
