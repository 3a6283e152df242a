/*
 * property_losses.c: random batches through core against the plain reference: every loss, dtype,
 * shape of weights, mask and reduction; values, gradients, per-list results and totals.
 */
#include "tests/property/expected.h"

#include "tests/property/property.h"

enum { ROUNDS = 2500, LONG_ROUNDS = 10 };

static void check_totals(const struct sample *sample, const struct rl_eval *eval,
                         const struct rl_totals *totals, const struct expected *expected)
{
    ck_assert_uint_eq(totals->lists, sample->batch.lists);
    ck_assert_uint_eq(totals->items, sample->batch.items);
    ck_assert_uint_eq(totals->valid_items, expected->valid_items);
    ck_assert_uint_eq(totals->pairs, expected->pairs);
    ck_assert_uint_eq(totals->values, expected->values);
    check_near("sum", &sample->batch, eval, 0, totals->sum, expected->sum);
    check_near("weight sum", &sample->batch, eval, 0, totals->weight_sum, expected->weight_sum);
}

static void check_values(const struct sample *sample, const struct rl_eval *eval,
                         const struct rl_result *result, const struct expected *expected)
{
    const struct rl_batch *const batch = &sample->batch;
    if (eval->reduction != RL_NONE) {
        check_near("value", batch, eval, 0, result->value,
                   near_reduced(expected->sum, expected->divisor, batch->dtype));
        return;
    }
    for (size_t i = 0; i < expected->values; i++)
        check_near("value", batch, eval, i, element(result->values, batch->dtype, i),
                   near_reduced(expected->items[i], expected->divisor, batch->dtype));
}

static void check_gradient(const struct sample *sample, const struct rl_eval *eval,
                           const struct rl_result *result, const struct expected *expected)
{
    const struct rl_batch *const batch = &sample->batch;
    for (size_t i = 0; i < batch->items; i++)
        check_near("gradient", batch, eval, i, element(result->gradient, batch->dtype, i),
                   near_reduced(expected->gradient[i], expected->divisor, batch->dtype));
}

static void check_lists(const struct sample *sample, const struct rl_eval *eval,
                        const struct rl_result *result, const struct expected *expected)
{
    uint64_t pairs = 0;
    size_t valid = 0;
    for (size_t l = 0; l < sample->batch.lists; l++) {
        const struct rl_list_result *const list = &result->lists[l];
        ck_assert_uint_eq(list->items, sample->offsets[l + 1] - sample->offsets[l]);
        check_near("list sum", &sample->batch, eval, l, list->sum, expected->lists[l]);
        pairs += list->pairs;
        valid += list->valid_items;
    }
    ck_assert_uint_eq(pairs, expected->pairs);
    ck_assert_uint_eq(valid, expected->valid_items);
}

static void check_eval(const struct sample *sample, const struct rl_eval *eval,
                       const struct rl_result *result)
{
    struct expected expected;
    expected_init(&expected, sample, eval);
    check_totals(sample, eval, &result->totals, &expected);
    check_values(sample, eval, result, &expected);
    check_gradient(sample, eval, result, &expected);
    check_lists(sample, eval, result, &expected);
    expected_release(&expected);
}

/* A sample, evaluated `count` ways in one work, each checked. */
static void check_sample(struct random *random, const struct sample *sample, size_t count)
{
    enum { MOST = 4 };
    struct rl_eval evals[MOST];
    struct rl_arena arena;
    struct rl_work work;
    rl_arena_init(&arena, SIZE_MAX);
    for (size_t e = 0; e < count; e++)
        evals[e] = random_loss_eval(random, sample->batch.weight_kind == RL_WEIGHT_ITEM);
    compute_inline(&sample->batch, evals, count, &arena, &work);
    ck_assert_msg(work.status == RL_OK, "%s: %s", describe(&sample->batch, &evals[0]),
                  work.error.detail);
    for (size_t e = 0; e < count; e++)
        check_eval(sample, &evals[e], &work.results[e]);
    rl_arena_release(&arena);
}

START_TEST(random_batches_match_the_reference)
{
    const struct sample_limits limits = {.most_lists = 6, .longest = 150};
    struct random random = random_init(random_seed() + 1);
    for (int round = 0; round < ROUNDS; round++) {
        struct sample sample;
        sample_random(&random, &limits, &sample);
        check_sample(&random, &sample, 1 + random_below(&random, 3));
        sample_release(&sample);
    }
}
END_TEST

/* Around and beyond the lengths where core changes its algorithm. */
START_TEST(long_lists_match_the_reference)
{
    struct random random = random_init(random_seed() + 2);
    for (int round = 0; round < LONG_ROUNDS; round++) {
        struct sample sample;
        size_t length = 300 + random_below(&random, 2700);
        sample_init(&sample, round % 2 ? RL_FLOAT32 : RL_FLOAT64, &length, 1);
        sample_fill_list(&random, &sample, 0, (enum label_style)random_below(&random, LABEL_STYLES),
                         (enum score_style)random_below(&random, SCORE_STYLES));
        sample_random_weights(&random, &(struct sample_limits){0}, &sample);
        sample_spoil_invalid(&random, &sample);
        sample_sync(&sample);
        check_sample(&random, &sample, 1);
        sample_release(&sample);
    }
}
END_TEST
