/*
 * test_perlist.c: a list that is stopped at any of its blocks ends with the status it was stopped
 * with, and touches nothing it should not (run with AddressSanitizer).
 */
#include "core/perlist.h"

#include <stdatomic.h>

#include "tests/lib/unittest.h"

enum { ITEMS = 50000, EVALS = 9, STOPPED = RL_CORE_STATUSES + 7 };

static float labels[ITEMS], scores[ITEMS], weights[ITEMS];
static const size_t offsets[] = {0, ITEMS};
static struct rl_eval evals[EVALS];
static atomic_int stop;

/* Runs blocks in order and stops the work before block number `left`, counted over all runs. */
struct stopping {
    struct rl_runner runner;
    size_t left, begun;
};

static void run_some(struct rl_runner *runner, size_t count,
                     void (*body)(void *context, size_t index), void *context)
{
    struct stopping *const stopping = (struct stopping *)runner;
    for (size_t i = 0; i < count; i++) {
        if (stopping->begun++ == stopping->left)
            atomic_store(&stop, STOPPED);
        body(context, i);
    }
}

/* grades 0: as many labels as there are items. */
static struct rl_batch batch_of(unsigned grades)
{
    unsigned state = grades + 1;
    for (size_t i = 0; i < ITEMS; i++) {
        state = state * 1664525u + 1013904223u;
        labels[i] = grades ? (float)((state >> 16) % grades) : (float)(state >> 8) / 0x1p20f;
        scores[i] = (float)(state >> 4 & 0xffff) / 4096;
        weights[i] = (float)(state >> 20 & 3);
    }
    return (struct rl_batch){.dtype = RL_FLOAT32,
                             .lists = 1,
                             .items = ITEMS,
                             .offsets = offsets,
                             .labels = labels,
                             .scores = scores,
                             .weight_kind = RL_WEIGHT_ITEM,
                             .weights = weights};
}

static void fill_evals(void)
{
    static const enum rl_measure_id ids[EVALS] = {RL_PAIRWISE_HINGE,
                                                  RL_PAIRWISE_LOGISTIC,
                                                  RL_PAIRWISE_SOFT_ZERO_ONE,
                                                  RL_PAIRWISE_MEAN_SQUARED_ERROR,
                                                  RL_LIST_MLE,
                                                  RL_SOFTMAX,
                                                  RL_APPROX_NDCG,
                                                  RL_NDCG,
                                                  RL_MEAN_AVERAGE_PRECISION};
    for (size_t i = 0; i < EVALS; i++)
        evals[i] = (struct rl_eval){.measure = rl_measure_get(ids[i]),
                                    .temperature = 1,
                                    .reduction = RL_NONE,
                                    .include = RL_GRADIENT | RL_TOP_PAIRS | RL_PER_LIST,
                                    .top_k = 100};
}

/* The outcome of the list when it is stopped before block `left`. Results are taken anew each
 * time, so that AddressSanitizer sees what is written out of them. */
static int outcome_of(const struct rl_batch *batch, size_t left, size_t *ret_begun)
{
    struct stopping stopping = {.runner = {.run = run_some}, .left = left};
    struct rl_arena arena;
    struct rl_scratch scratch;
    struct rl_error error;
    struct rl_work work;
    rl_arena_init(&arena, SIZE_MAX);
    rl_scratch_init(&scratch);
    atomic_store(&stop, RL_OK);
    ck_assert_int_eq(rl_work_init(&work, batch, evals, EVALS, &arena, &error), RL_OK);
    work.stop = &stop;
    rl_perlist_begin(&work);
    rl_perlist_compute(&work, 0, &scratch, &stopping.runner);
    const struct rl_work_state *const state = work.state;
    const int outcome = state->outcomes[0];
    rl_scratch_release(&scratch);
    rl_arena_release(&arena);
    *ret_begun = stopping.begun;
    return outcome;
}

static void check_blocks(unsigned grades, size_t step)
{
    struct rl_batch batch = batch_of(grades);
    size_t all, begun;
    ck_assert_int_eq(outcome_of(&batch, SIZE_MAX, &all), RL_OK);
    ck_assert_uint_gt(all, 100);
    const size_t rounds = (size_t)test_share((int)(all / step));
    for (size_t left = 0; left < all; left += all / rounds)
        ck_assert_int_eq(outcome_of(&batch, left, &begun), STOPPED);
}

START_TEST(a_list_of_few_grades_stops_at_any_block)
{
    check_blocks(3, 11);
}
END_TEST

START_TEST(a_list_of_many_grades_stops_at_any_block)
{
    check_blocks(0, 23);
}
END_TEST

void test_before_each(void)
{
    struct rl_error error;
    ck_assert_int_eq(rl_init(NULL, &error), RL_OK);
    fill_evals();
}
