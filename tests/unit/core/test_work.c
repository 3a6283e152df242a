/*
 * test_work.c: the memory of a request's results, and its estimated cost.
 */
#include "core/work.h"

#include <math.h>
#include <time.h>

#include "tests/lib/unittest.h"

static const size_t offsets[] = {0, 3, 3, 103};
static float labels[103], scores[103], weights[103];

static struct rl_batch batch_of(enum rl_weight_kind kind)
{
    for (size_t i = 0; i < 103; i++) {
        labels[i] = (float)(i % 3);
        scores[i] = (float)i / 8;
        weights[i] = (float)(i % 5);
    }
    return (struct rl_batch){.dtype = RL_FLOAT32,
                             .lists = 3,
                             .items = 103,
                             .offsets = offsets,
                             .labels = labels,
                             .scores = scores,
                             .weight_kind = kind,
                             .weight = 2.5,
                             .weights = weights};
}

static struct rl_eval eval_of(enum rl_measure_id id, unsigned include)
{
    return (struct rl_eval){
        .measure = rl_measure_get(id), .temperature = 1, .include = include, .top_k = 4};
}

START_TEST(every_limit_that_is_too_small_is_refused)
{
    struct rl_batch batch = batch_of(RL_WEIGHT_NONE);
    struct rl_eval evals[] = {eval_of(RL_PAIRWISE_HINGE, RL_PER_LIST | RL_GRADIENT | RL_TOP_PAIRS),
                              eval_of(RL_LIST_MLE, RL_GRADIENT), eval_of(RL_NDCG, RL_PER_LIST)};
    evals[1].reduction = RL_NONE;
    size_t limit = 0, refused = 0;
    for (enum rl_status status = RL_NOMEM; status != RL_OK; limit += 8) {
        struct rl_arena arena;
        struct rl_error error;
        struct rl_work work;
        rl_arena_init(&arena, limit);
        status = rl_work_init(&work, &batch, evals, 3, &arena, &error);
        ck_assert(status == RL_OK || status == RL_NOMEM);
        ck_assert(status == RL_OK || error.status == RL_NOMEM);
        refused += status == RL_NOMEM;
        rl_arena_release(&arena);
        ck_assert_uint_lt(limit, 100000);
    }
    ck_assert_uint_gt(refused, 100);
}
END_TEST

START_TEST(a_definition_that_takes_weights_of_lists_refuses_those_of_items)
{
    for (int kind = RL_WEIGHT_NONE; kind <= RL_WEIGHT_ITEM; kind++) {
        struct rl_batch batch = batch_of((enum rl_weight_kind)kind);
        struct rl_eval eval = eval_of(RL_NDCG, 0);
        struct rl_arena arena;
        struct rl_error error;
        struct rl_work work;
        eval.definition = rl_definition_get(RL_SKLEARN);
        rl_arena_init(&arena, SIZE_MAX);
        const enum rl_status status = rl_work_init(&work, &batch, &eval, 1, &arena, &error);
        ck_assert_int_eq(status, kind == RL_WEIGHT_ITEM ? RL_INVALID : RL_OK);
        if (status == RL_INVALID)
            ck_assert_str_eq(error.pointer, "/sample_weight");
        rl_arena_release(&arena);
    }
}
END_TEST

static double weight_sum_of(enum rl_weight_kind kind, enum rl_measure_id id)
{
    struct rl_batch batch = batch_of(kind);
    struct rl_eval eval = eval_of(id, 0);
    struct rl_arena arena;
    struct rl_error error;
    struct rl_work work;
    rl_arena_init(&arena, SIZE_MAX);
    ck_assert_int_eq(rl_work_init(&work, &batch, &eval, 1, &arena, &error), RL_OK);
    const double sum = work.results[0].totals.weight_sum;
    rl_arena_release(&arena);
    return sum;
}

START_TEST(weights_are_summed_as_sent)
{
    ck_assert_double_eq(weight_sum_of(RL_WEIGHT_NONE, RL_PAIRWISE_HINGE), 103);
    ck_assert_double_eq(weight_sum_of(RL_WEIGHT_NONE, RL_LIST_MLE), 3);
    ck_assert_double_eq(weight_sum_of(RL_WEIGHT_SCALAR, RL_PAIRWISE_HINGE), 2.5);
    ck_assert_double_eq(weight_sum_of(RL_WEIGHT_LIST, RL_PAIRWISE_HINGE), 0 + 1 + 2);
    ck_assert_double_eq(weight_sum_of(RL_WEIGHT_ITEM, RL_PAIRWISE_HINGE), 20 * 10 + 0 + 1 + 2);
}
END_TEST

/* A list with labels 1 at every `step`th item, else 0. */
struct timed_list {
    struct rl_batch batch;
    size_t offsets[2];
    float labels[5000], scores[5000];
    double best; /* nanoseconds */
    double cost; /* as estimated */
};

static void timed_list_init(struct timed_list *list, size_t items, size_t step)
{
    list->offsets[0] = 0;
    list->offsets[1] = items;
    list->best = INFINITY;
    for (size_t i = 0; i < items; i++) {
        list->labels[i] = i % step == step / 2;
        list->scores[i] = (float)(i * 7919 % items);
    }
    list->batch = (struct rl_batch){.dtype = RL_FLOAT32,
                                    .lists = 1,
                                    .items = items,
                                    .offsets = list->offsets,
                                    .labels = list->labels,
                                    .scores = list->scores};
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void time_list(struct timed_list *list, struct rl_eval eval, struct rl_scratch *scratch)
{
    struct rl_arena arena;
    struct rl_error error;
    struct rl_work work;
    rl_arena_init(&arena, SIZE_MAX);
    ck_assert_int_eq(rl_work_init(&work, &list->batch, &eval, 1, &arena, &error), RL_OK);
    list->cost = rl_work_cost(&work);
    const double begin = now();
    rl_compute_inline(scratch, &work);
    list->best = fmin(list->best, now() - begin);
    ck_assert_int_eq(work.status, RL_OK);
    rl_arena_release(&arena);
}

/* Both lists in turn, so that a busy machine slows both: only the ratio is looked at. */
START_TEST(cost_follows_the_positive_items)
{
    static const enum rl_measure_id ids[] = {RL_NDCG, RL_MEAN_AVERAGE_PRECISION, RL_PAIRWISE_HINGE};
    static struct timed_list sparse, dense;
    struct rl_scratch scratch;
    rl_scratch_init(&scratch);
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        timed_list_init(&sparse, 5000, 5000);
        timed_list_init(&dense, 5000, 2);
        for (int round = 0; round < 100; round++) {
            time_list(&sparse, eval_of(ids[i], 0), &scratch);
            time_list(&dense, eval_of(ids[i], 0), &scratch);
        }
        double estimated = dense.cost / sparse.cost, measured = dense.best / sparse.best;
        ck_assert_msg(estimated < 8 * measured && measured < 8 * estimated,
                      "%s: %.1f times as much estimated, %.1f measured",
                      rl_measure_get(ids[i])->name, estimated, measured);
    }
    rl_scratch_release(&scratch);
}
END_TEST

static double cost_of_list(enum rl_measure_id id, unsigned include, size_t items)
{
    size_t own_offsets[] = {0, items};
    static float own_labels[3000000];
    struct rl_batch batch = {
        .lists = 1, .items = items, .offsets = own_offsets, .labels = own_labels};
    struct rl_eval eval = eval_of(id, include);
    for (size_t i = 0; i < items; i++)
        own_labels[i] = (float)(i % 5);
    struct rl_arena arena;
    struct rl_error error;
    struct rl_work work;
    rl_arena_init(&arena, SIZE_MAX);
    ck_assert_int_eq(rl_work_init(&work, &batch, &eval, 1, &arena, &error), RL_OK);
    const double cost = rl_work_cost(&work);
    rl_arena_release(&arena);
    return cost;
}

/* The same list by Keras-RS's definition of NDCG and by each way of others. */
START_TEST(cost_follows_the_definition)
{
    static struct timed_list plain, defined;
    struct rl_scratch scratch;
    rl_scratch_init(&scratch);
    for (int metric = RL_DCG; metric < RL_MEASURES; metric++) {
        struct rl_definition definition = *rl_definition_get(RL_KERAS);
        struct rl_eval eval = eval_of((enum rl_measure_id)metric, 0);
        eval.definition = &definition;
        definition.unlabelled = RL_UNLABELLED_ZERO;
        definition.ties = (enum rl_ties)(metric % 4);
        timed_list_init(&plain, 5000, 2);
        timed_list_init(&defined, 5000, 2);
        for (int round = 0; round < 30; round++) {
            time_list(&plain, eval_of(RL_NDCG, 0), &scratch);
            time_list(&defined, eval, &scratch);
        }
        double estimated = defined.cost / plain.cost, measured = defined.best / plain.best;
        ck_assert_msg(estimated < 4 * measured && measured < 4 * estimated,
                      "%s: %.1f times as much estimated, %.1f measured", eval.measure->name,
                      estimated, measured);
    }
    rl_scratch_release(&scratch);
}
END_TEST

START_TEST(cost_grows_with_the_list_and_with_what_is_asked)
{
    for (int id = 0; id < RL_MEASURES; id++) {
        double last = 0;
        for (size_t items = 0; items < 3000000; items = items * 3 + 1) {
            const double cost = cost_of_list((enum rl_measure_id)id, 0, items);
            ck_assert_double_gt(cost, last);
            last = cost;
        }
    }
    ck_assert_double_gt(cost_of_list(RL_PAIRWISE_HINGE, RL_GRADIENT, 500),
                        cost_of_list(RL_PAIRWISE_HINGE, 0, 500));
    ck_assert_double_lt(cost_of_list(RL_PAIRWISE_HINGE, 0, 5), 1000);
    ck_assert_double_lt(cost_of_list(RL_PAIRWISE_HINGE, 0, 1000000), 1e9);
}
END_TEST
