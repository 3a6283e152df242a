/*
 * test_toppairs.c: the worst pairs against all pairs, sorted; in the exact order stated.
 */
#include "core/fields/toppairs.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/elementary.h"
#include "tests/property/random.h"
#include "tests/property/wideplan.h"
#include "tests/lib/unittest.h"

enum { MOST = 120, MOST_PAIRS = MOST * MOST };

static double labels[MOST], scores[MOST], weights[MOST];
static struct rl_scratch scratch;
static enum rl_measure_id loss_now;
static double temperature_now;

struct expected {
    uint32_t i, j;
    double loss, difference;
};

static struct expected expected[MOST_PAIRS];

static int in_stated_order(const void *a, const void *b)
{
    const struct expected *x = a, *y = b;
    if (x->loss != y->loss)
        return x->loss > y->loss ? -1 : 1;
    if (x->difference != y->difference)
        return x->difference < y->difference ? -1 : 1;
    if (x->i != y->i)
        return x->i < y->i ? -1 : 1;
    return (x->j > y->j) - (x->j < y->j);
}

/* The numbers are small and round, so only exp and log round. */
static double pair_loss(uint32_t i, uint32_t j)
{
    double difference = scores[i] - scores[j], d = difference / temperature_now;
    double u = rl_exp(-fabs(d)), error = (labels[i] - labels[j]) - difference;
    switch (loss_now) {
    case RL_PAIRWISE_HINGE:
        return d < 1 ? 1 - d : 0;
    case RL_PAIRWISE_LOGISTIC:
        return fmax(0, -d) + rl_log1p(u);
    case RL_PAIRWISE_SOFT_ZERO_ONE:
        return (d < 0 ? 1 : u) / (1 + u);
    default:
        return error * error;
    }
}

static size_t fill_expected(uint32_t n)
{
    size_t count = 0;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < n; j++) {
            const bool counts = loss_now == RL_PAIRWISE_MEAN_SQUARED_ERROR
                                    ? i != j && labels[i] >= 0 && labels[j] >= 0
                                    : labels[i] > labels[j] && labels[j] >= 0;
            const double loss = counts ? weights[i] * pair_loss(i, j) : 0;
            if (loss > 0)
                expected[count++] = (struct expected){i, j, loss, scores[i] - scores[j]};
        }
    }
    qsort(expected, count, sizeof(expected[0]), in_stated_order);
    return count;
}

static const enum rl_field_kind kinds[] = {
    [RL_PAIRWISE_HINGE] = RL_FIELD_HINGE,
    [RL_PAIRWISE_LOGISTIC] = RL_FIELD_SOFTPLUS,
    [RL_PAIRWISE_SOFT_ZERO_ONE] = RL_FIELD_SIGMOID,
    [RL_PAIRWISE_MEAN_SQUARED_ERROR] = RL_FIELD_NONE,
};

static size_t find(uint32_t n, size_t top_k, struct rl_pair *ret_pairs)
{
    size_t offsets[] = {0, n};
    struct rl_batch batch = {.dtype = RL_FLOAT64,
                             .lists = 1,
                             .items = n,
                             .offsets = offsets,
                             .labels = labels,
                             .scores = scores,
                             .weight_kind = RL_WEIGHT_ITEM,
                             .weights = weights};
    struct rl_runner serial = rl_runner_serial();
    struct rl_plan plan;
    struct rl_room room;
    const size_t bytes = rl_plan_room(n) + rl_plan_scratch(n) + rl_toppairs_room(n, top_k);
    ck_assert(rl_scratch_reserve(&scratch, bytes, &room));
    wide_plan_init(&plan, &batch, 0, &serial, &room);
    rl_plan_grade(&plan, &serial, room);
    struct rl_pair_loss loss = {.squared = loss_now == RL_PAIRWISE_MEAN_SQUARED_ERROR,
                                .kind = kinds[loss_now],
                                .temperature = temperature_now};
    return rl_toppairs(&loss, &plan, top_k, &serial, room, ret_pairs);
}

static void check(uint32_t n, size_t top_k)
{
    static struct rl_pair pairs[MOST_PAIRS];
    size_t all = fill_expected(n), count = find(n, top_k, pairs);
    ck_assert_uint_eq(count, all < top_k ? all : top_k);
    const bool squared = loss_now == RL_PAIRWISE_MEAN_SQUARED_ERROR;
    ck_assert_uint_le(count, rl_toppairs_bound(squared, n, top_k));
    for (size_t r = 0; r < count; r++) {
        ck_assert_msg(pairs[r].i == expected[r].i && pairs[r].j == expected[r].j,
                      "loss %d, n %u, k %zu, rank %zu: got (%u, %u) %.17g, want (%u, %u) %.17g",
                      (int)loss_now, n, top_k, r, pairs[r].i, pairs[r].j, pairs[r].loss,
                      expected[r].i, expected[r].j, expected[r].loss);
        ck_assert_double_eq(pairs[r].loss, expected[r].loss);
    }
}

/* Multiples of 1/8, many of them equal; some weights 0 or negative, some labels invalid. */
static void fill(struct random *random, uint32_t n)
{
    size_t grades = 1 + random_below(random, 8), steps = 1 + random_below(random, 60);
    const bool uniform = random_below(random, 2);
    for (uint32_t v = 0; v < n; v++) {
        labels[v] = (double)random_below(random, grades) / 2;
        if (random_below(random, 12) == 0)
            labels[v] = -1;
        scores[v] = (double)random_below(random, steps) / 8;
        weights[v] = uniform ? 1 : (double)random_below(random, 5) - 1;
    }
}

START_TEST(the_worst_pairs_in_the_stated_order)
{
    struct random random = random_init(random_seed());
    for (int round = 0; round < test_share(4000); round++) {
        const uint32_t n = (uint32_t)random_below(&random, round % 20 ? 25 : MOST);
        loss_now = (enum rl_measure_id)(round % 4);
        temperature_now = round % 3 ? 1 : 0.5;
        fill(&random, n);
        check(n, 1 + random_below(&random, round % 5 ? 12 : 400));
    }
}
END_TEST

/* Scores and weights with which each pair that is looked at beats those before. */
static void fill_rising(uint32_t n)
{
    for (uint32_t v = 0; v < n; v++) {
        labels[v] = v < n / 2 ? 0 : 1;
        scores[v] = (double)v / 8;
        weights[v] = v < n / 2 ? 1 : 1 + (double)v / 1024;
    }
}

START_TEST(pairs_that_beat_all_before_them)
{
    for (uint32_t n = 2; n <= MOST; n += 7) {
        fill_rising(n);
        temperature_now = 64;
        for (loss_now = RL_PAIRWISE_HINGE; loss_now < RL_LIST_MLE; loss_now++) {
            check(n, 10);
            check(n, n * n);
        }
    }
}
END_TEST

START_TEST(bound_is_the_number_of_pairs_at_most)
{
    ck_assert_uint_eq(rl_toppairs_bound(false, 0, 10), 0);
    ck_assert_uint_eq(rl_toppairs_bound(false, 4, 10), 6);
    ck_assert_uint_eq(rl_toppairs_bound(false, 100, 10), 10);
    ck_assert_uint_eq(rl_toppairs_bound(true, 3, 10), 6);
    ck_assert_uint_eq(rl_toppairs_bound(true, UINT32_MAX, 10), 10);
}
END_TEST

void test_before_all(void)
{
    random_seed();
}
