/*
 * property_gradients.c: core's gradients against central differences of the plain reference's
 * losses, through every reduction and shape of weights.
 */
#include "tests/property/expected.h"

#include "tests/property/property.h"

enum { ROUNDS = 800, LENGTH = 24 };

/* The reduced loss by the reference, undivided, of one list whose score k moved by `step`. */
static long double moved_loss(const struct sample *sample, const struct rl_eval *eval, size_t list,
                              size_t k, double step)
{
    size_t begin = sample->offsets[list], n = sample->offsets[list + 1] - begin;
    double scores[LENGTH];
    long double losses[LENGTH + 1] = {0}, sum = 0;
    memcpy(scores, sample->scores + begin, n * sizeof(double));
    scores[k] += step;
    const struct rl_reference_list moved = {
        .items = n,
        .labels = sample->labels + begin,
        .scores = scores,
        .mask = sample->mask ? sample->mask + begin : NULL,
    };
    rl_reference_losses(eval->measure->id, &moved, eval->temperature, losses);
    if (eval->measure->value_per_list)
        return losses[0] * weight_at(sample, list, begin);
    for (size_t i = 0; i < n; i++)
        sum += losses[i] * weight_at(sample, list, begin + i);
    return sum;
}

/* Whether some pair of item k has its hinge so near to the kink that a difference straddles it. */
static bool near_kink(const struct sample *sample, const struct rl_eval *eval, size_t list,
                      size_t k, double step)
{
    if (eval->measure->id != RL_PAIRWISE_HINGE)
        return false;
    for (size_t j = sample->offsets[list]; j < sample->offsets[list + 1]; j++) {
        const double apart = fabs(sample->scores[sample->offsets[list] + k] - sample->scores[j]);
        if (fabs(apart - eval->temperature) <= 2 * step)
            return true;
    }
    return false;
}

static void check_item(const struct sample *sample, const struct rl_eval *eval,
                       const struct rl_result *result, const struct expected *expected, size_t list,
                       size_t k)
{
    const double step = 0x1p-14;
    const size_t place = sample->offsets[list] + k;
    const double got = element(result->gradient, sample->batch.dtype, place);
    if (!sample_valid(sample, place)) {
        ck_assert_double_eq(got, 0);
        return;
    }
    if (near_kink(sample, eval, list, k, step))
        return;
    long double slope =
        (moved_loss(sample, eval, list, k, step) - moved_loss(sample, eval, list, k, -step)) /
        (2 * (long double)step);
    slope = expected->divisor.value != 0 ? slope / expected->divisor.value : 0;
    const long double scale =
        expected->divisor.value != 0 ? 1 + 1 / fabsl(expected->divisor.value) : 1;
    ck_assert_msg(fabsl(got - slope) <= 1e-5L * (scale + fabsl(slope)),
                  "item %zu of list %zu: got %.9g, want %.9Lg (%s)", k, list, got, slope,
                  describe(&sample->batch, eval));
}

static void check_sample(struct random *random, const struct sample *sample)
{
    struct rl_arena arena;
    struct rl_work work;
    struct expected expected;
    struct rl_eval eval = random_loss_eval(random, sample->batch.weight_kind == RL_WEIGHT_ITEM);
    eval.temperature = (double)(float)random_uniform(random, 0.5, 3);
    rl_arena_init(&arena, SIZE_MAX);
    compute_inline(&sample->batch, &eval, 1, &arena, &work);
    ck_assert_int_eq(work.status, RL_OK);
    expected_init(&expected, sample, &eval);
    for (size_t l = 0; l < sample->batch.lists; l++)
        for (size_t k = 0; k < sample->offsets[l + 1] - sample->offsets[l]; k++)
            check_item(sample, &eval, &work.results[0], &expected, l, k);
    expected_release(&expected);
    rl_arena_release(&arena);
}

START_TEST(gradients_match_central_differences)
{
    const struct sample_limits limits = {.most_lists = 3, .longest = LENGTH};
    struct random random = random_init(random_seed() + 1);
    for (int round = 0; round < ROUNDS; round++) {
        struct sample sample;
        sample_random(&random, &limits, &sample);
        for (size_t i = 0; i < sample.batch.items; i++)
            if (sample_valid(&sample, i))
                sample.scores[i] = 2 * random_normal(&random);
        sample_sync(&sample);
        check_sample(&random, &sample);
        sample_release(&sample);
    }
}
END_TEST

/* Scores on multiples of the temperature: each difference of one step is at the kink. */
START_TEST(slope_at_the_kink_of_the_hinge_is_zero)
{
    struct random random = random_init(random_seed() + 2);
    for (int round = 0; round < ROUNDS; round++) {
        const double temperature = random_uniform(&random, 0.1, 3);
        size_t length = 2;
        struct sample sample;
        struct rl_arena arena;
        struct rl_work work;
        struct rl_eval eval = {.measure = rl_measure_get(RL_PAIRWISE_HINGE),
                               .reduction = RL_SUM,
                               .include = RL_GRADIENT};
        sample_init(&sample, round % 2 ? RL_FLOAT32 : RL_FLOAT64, &length, 1);
        sample.labels[0] = 1;
        sample.scores[1] = round % 4 < 2 ? 0 : (double)random_below(&random, 1000);
        eval.temperature = round % 2 ? (double)(float)temperature : temperature;
        /* The difference is exactly T, or an ulp less. */
        eval.temperature = sample.scores[1] != 0 ? 0.25 : eval.temperature;
        sample.scores[0] = sample.scores[1] + eval.temperature;
        const bool inside = random_below(&random, 2);
        if (inside)
            sample.scores[0] = round % 2 ? (double)nextafterf((float)sample.scores[0], -1)
                                         : nextafter(sample.scores[0], -1);
        sample_sync(&sample);
        rl_arena_init(&arena, SIZE_MAX);
        compute_inline(&sample.batch, &eval, 1, &arena, &work);
        const double slope = element(work.results[0].gradient, sample.batch.dtype, 0);
        ck_assert_double_eq_tol(slope, inside ? -1 / eval.temperature : 0, 1e-6 / eval.temperature);
        rl_arena_release(&arena);
        sample_release(&sample);
    }
}
END_TEST
