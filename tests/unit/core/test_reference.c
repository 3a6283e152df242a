/*
 * test_reference.c: the plain reference against values worked out by hand, and its gradients
 * against its own losses by central differences.
 */
#include "core/reference.h"

#include <math.h>

#include "tests/property/lists.h"
#include "tests/lib/unittest.h"

static void check_close(long double got, long double want, long double tolerance)
{
    ck_assert_msg(fabsl(got - want) <= tolerance, "got %.18Lg, want %.18Lg", got, want);
}

static const double LABELS[] = {1, 0, 1, 3}, SCORES[] = {1, 3, 2, 4};
static const struct rl_reference_list LIST = {.items = 4, .labels = LABELS, .scores = SCORES};

START_TEST(hinge_of_the_documented_list)
{
    long double losses[4];
    rl_reference_losses(RL_PAIRWISE_HINGE, &LIST, 1, losses);
    const long double want[] = {3, 0, 2, 0};
    for (size_t i = 0; i < 4; i++)
        check_close(losses[i], want[i], 0);
    ck_assert_uint_eq(rl_reference_pairs(RL_PAIRWISE_HINGE, &LIST), 5);
}
END_TEST

START_TEST(pair_losses_by_hand)
{
    check_close(rl_reference_pair(RL_PAIRWISE_HINGE, &LIST, 0, 1, 2), 2, 0);
    check_close(rl_reference_pair(RL_PAIRWISE_LOGISTIC, &LIST, 0, 1, 2), 1.3132616875182228L,
                1e-16L);
    check_close(rl_reference_pair(RL_PAIRWISE_SOFT_ZERO_ONE, &LIST, 0, 1, 2), 0.7310585786300049L,
                1e-16L);
    check_close(rl_reference_pair(RL_PAIRWISE_MEAN_SQUARED_ERROR, &LIST, 0, 1, 2), 9, 0);
    ck_assert_uint_eq(rl_reference_pairs(RL_PAIRWISE_MEAN_SQUARED_ERROR, &LIST), 12);
    ck_assert_uint_eq(rl_reference_pairs(RL_LIST_MLE, &LIST), 0);
}
END_TEST

START_TEST(list_mle_by_hand)
{
    const double labels[] = {0, 2}, scores[] = {1, 0};
    const struct rl_reference_list list = {.items = 2, .labels = labels, .scores = scores};
    long double loss, e = expl(-1);
    rl_reference_losses(RL_LIST_MLE, &list, 1, &loss);
    check_close(loss, logl(e + 1 + 1e-10L) + 1 + logl(1 + 1e-10L), 1e-18L);
}
END_TEST

START_TEST(softmax_by_hand)
{
    const double labels[] = {0, 2, 1}, scores[] = {2, 0, 0};
    const struct rl_reference_list list = {.items = 3, .labels = labels, .scores = scores};
    long double loss, gradient[3], sum = expl(1) + 2;
    rl_reference_losses(RL_SOFTMAX, &list, 2, &loss);
    check_close(loss, 3 * logl(sum), 1e-18L);
    rl_reference_gradient(RL_SOFTMAX, &list, 2, NULL, gradient);
    check_close(gradient[0], 3 * expl(1) / sum / 2, 1e-18L);
    check_close(gradient[1], (3 / sum - 2) / 2, 1e-18L);
    check_close(gradient[2], (3 / sum - 1) / 2, 1e-18L);
}
END_TEST

/* Two items one temperature apart: ranks 1 + 1 / (1 + e) and 1 + e / (1 + e). */
START_TEST(approx_ndcg_by_hand)
{
    const double labels[] = {1, 2}, scores[] = {2, 0};
    const struct rl_reference_list list = {.items = 2, .labels = labels, .scores = scores};
    const long double far = expl(1) / (1 + expl(1)), near = 1 - far;
    const long double first = log2l(2 + near), second = log2l(2 + far);
    const long double best = 3 + 1 / log2l(3);
    long double loss, gradient[2];
    rl_reference_losses(RL_APPROX_NDCG, &list, 2, &loss);
    check_close(loss, -(1 / first + 3 / second) / best, 1e-18L);
    rl_reference_gradient(RL_APPROX_NDCG, &list, 2, NULL, gradient);
    const long double by_first = 1 / (first * first * (2 + near) * logl(2));
    const long double by_second = 3 / (second * second * (2 + far) * logl(2));
    check_close(gradient[1], (by_first - by_second) * far * near / 2 / best, 1e-18L);
    check_close(gradient[0], -gradient[1], 1e-18L);
}
END_TEST

START_TEST(invalid_items_are_inert)
{
    const double labels[] = {1, NAN, 0, -1, 2}, scores[] = {1, NAN, 3, INFINITY, NAN};
    const uint8_t mask[] = {1, 1, 1, 1, 0};
    const struct rl_reference_list list = {
        .items = 5, .labels = labels, .scores = scores, .mask = mask};
    for (int loss = RL_PAIRWISE_HINGE; loss < RL_DCG; loss++) {
        long double losses[5], gradient[5];
        rl_reference_losses((enum rl_measure_id)loss, &list, 1, losses);
        rl_reference_gradient((enum rl_measure_id)loss, &list, 1, NULL, gradient);
        ck_assert(isfinite(losses[0]) && losses[0] != 0);
        for (size_t i = 0; i < 5; i++)
            ck_assert(isfinite(gradient[i]) && (gradient[i] == 0) == (i != 0 && i != 2));
    }
}
END_TEST

/* The weighted loss with score k moved by `step`. */
static long double moved(enum rl_measure_id loss, const struct rl_reference_list *list,
                         double *scores, const double *weights, size_t k, double step)
{
    long double losses[8] = {0}, sum = 0;
    const double kept = scores[k];
    scores[k] += step;
    rl_reference_losses(loss, list, 1.5L, losses);
    scores[k] = kept;
    for (size_t i = 0; i < list->items; i++)
        sum += losses[i] * weights[rl_measure_get(loss)->value_per_list ? 0 : i];
    return sum;
}

START_TEST(gradients_match_central_differences)
{
    struct random random = random_init(random_seed());
    const double step = 0x1p-13;
    for (int round = 0; round < 3000; round++) {
        double labels[8], scores[8], weights[8];
        random_labels(&random, (enum label_style)random_below(&random, LABEL_STYLES), 8, labels);
        for (size_t i = 0; i < 8; i++) {
            scores[i] = random_normal(&random);
            weights[i] = random_uniform(&random, -1, 2);
        }
        struct rl_reference_list list = {.items = 8, .labels = labels, .scores = scores};
        const enum rl_measure_id loss = (enum rl_measure_id)(round % RL_DCG);
        long double gradient[8], bound = loss == RL_PAIRWISE_HINGE ? 2 : 1e-6L;
        size_t beyond = 0;
        rl_reference_gradient(loss, &list, 1.5L, weights, gradient);
        for (size_t k = 0; k < 8; k++) {
            const long double slope = (moved(loss, &list, scores, weights, k, step) -
                                       moved(loss, &list, scores, weights, k, -step)) /
                                      (2 * (long double)step);
            beyond += fabsl(slope - gradient[k]) > 1e-6L;
            check_close(gradient[k], slope, bound);
        }
        /* A kink within the step is rare. */
        ck_assert_uint_le(beyond, 4);
    }
}
END_TEST

void test_before_all(void)
{
    random_seed();
}
