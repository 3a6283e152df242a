/*
 * test_compute.c: a request from its batch to its results, on one thread and on a team.
 */
#include "core/rankloss.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/reference.h"
#include "tests/lib/unittest.h"

static struct rl_arena arena;
static struct rl_scratch scratch;
static struct rl_team *team;

void test_before_each(void)
{
    struct rl_error error;
    rl_arena_init(&arena, SIZE_MAX);
    rl_scratch_init(&scratch);
    ck_assert_int_eq(rl_init(NULL, &error), RL_OK);
    ck_assert_int_eq(rl_team_create(2, &team, &error), RL_OK);
}

void test_after_each(void)
{
    rl_team_free(team);
    rl_scratch_release(&scratch);
    rl_arena_release(&arena);
}

/* Keras-RS's documentation: two lists of four items. */
static const size_t example_offsets[] = {0, 4, 8};
static const float example_labels[] = {1, 0, 1, 3, 0, 1, 2, 3};
static const float example_scores[] = {1, 3, 2, 4, 1, 1.8f, 2, 3};

static struct rl_batch example_batch(void)
{
    return (struct rl_batch){.dtype = RL_FLOAT32,
                             .lists = 2,
                             .items = 8,
                             .offsets = example_offsets,
                             .labels = example_labels,
                             .scores = example_scores};
}

static struct rl_result compute(const struct rl_batch *batch, struct rl_eval eval)
{
    struct rl_error error;
    struct rl_work work;
    struct rl_eval *evals = rl_arena_array(&arena, 1, sizeof(*evals));
    *evals = eval;
    ck_assert_int_eq(rl_work_init(&work, batch, evals, 1, &arena, &error), RL_OK);
    rl_compute_inline(&scratch, &work);
    ck_assert_int_eq(work.status, RL_OK);
    return work.results[0];
}

static struct rl_eval hinge(enum rl_reduction reduction)
{
    return (struct rl_eval){.measure = rl_measure_get(RL_PAIRWISE_HINGE),
                            .temperature = 1,
                            .reduction = reduction,
                            .top_k = 10};
}

START_TEST(documentation_unbatched)
{
    static const float labels[] = {1, 0, 1, 3, 2}, scores[] = {1, 3, 2, 4, 0.8f};
    static const size_t offsets[] = {0, 5};
    struct rl_batch batch = {.dtype = RL_FLOAT32,
                             .lists = 1,
                             .items = 5,
                             .offsets = offsets,
                             .labels = labels,
                             .scores = scores};
    const struct rl_result result = compute(&batch, hinge(RL_SUM_OVER_BATCH_SIZE));
    ck_assert_double_eq(result.value, (double)2.32f);
}
END_TEST

START_TEST(documentation_batched)
{
    struct rl_batch batch = example_batch();
    const struct rl_result result = compute(&batch, hinge(RL_SUM_OVER_BATCH_SIZE));
    ck_assert_double_eq(result.value, 0.75);
    ck_assert_uint_eq(result.totals.pairs, 11);
}
END_TEST

START_TEST(documentation_masked)
{
    static const uint8_t mask[] = {1, 1, 1, 1, 1, 1, 0, 0};
    static const float labels[] = {1, 0, 1, 3, 0, 1, 2, 3};
    struct rl_batch batch = example_batch();
    batch.labels = labels;
    batch.mask = mask;
    const struct rl_result result = compute(&batch, hinge(RL_SUM_OVER_BATCH_SIZE));
    ck_assert_double_eq(result.value, (double)0.65f);
    ck_assert_uint_eq(result.totals.valid_items, 6);
}
END_TEST

START_TEST(documentation_weighted)
{
    static const float weights[] = {2, 3, 1, 1, 2, 1, 0, 0};
    struct rl_batch batch = example_batch();
    batch.weight_kind = RL_WEIGHT_ITEM;
    batch.weights = weights;
    const struct rl_result result = compute(&batch, hinge(RL_SUM_OVER_BATCH_SIZE));
    ck_assert_double_eq(result.value, (double)1.025f);
    ck_assert_double_eq(result.totals.sum, 8.200000047683716);
    ck_assert_double_eq(result.totals.weight_sum, 10);
}
END_TEST

START_TEST(documentation_without_reduction)
{
    static const float want[] = {3, 0, 2, 0, 0, 0.20000005f, 0.79999995f, 0};
    struct rl_batch batch = example_batch();
    const struct rl_result result = compute(&batch, hinge(RL_NONE));
    ck_assert_mem_eq(result.values, want, sizeof(want));
}
END_TEST

/* ---- Reductions and weights ------------------------------------------------------------------ */

/* Losses of the example: 3 0 2 0, and 0 0.2 0.8 0. */
static double value_of(enum rl_reduction reduction, enum rl_weight_kind kind, const float *weights)
{
    struct rl_batch batch = example_batch();
    batch.weight_kind = kind;
    batch.weight = 0.5;
    batch.weights = weights;
    return compute(&batch, hinge(reduction)).value;
}

START_TEST(reductions_divide_by_what_they_should)
{
    static const float items[] = {2, 3, 1, 1, 2, 1, 0, 0}, per_list[] = {2, 3};
    const double tolerance = 1e-6;
    ck_assert_double_eq_tol(value_of(RL_SUM, RL_WEIGHT_NONE, NULL), 6, tolerance);
    ck_assert_double_eq_tol(value_of(RL_MEAN, RL_WEIGHT_NONE, NULL), 6.0 / 8, tolerance);
    ck_assert_double_eq_tol(value_of(RL_MEAN_WITH_SAMPLE_WEIGHT, RL_WEIGHT_NONE, NULL), 6.0 / 8,
                            tolerance);
    ck_assert_double_eq_tol(value_of(RL_SUM, RL_WEIGHT_SCALAR, NULL), 3, tolerance);
    ck_assert_double_eq_tol(value_of(RL_MEAN_WITH_SAMPLE_WEIGHT, RL_WEIGHT_SCALAR, NULL), 6,
                            tolerance);
    ck_assert_double_eq_tol(value_of(RL_SUM_OVER_BATCH_SIZE, RL_WEIGHT_LIST, per_list), 13.0 / 8,
                            tolerance);
    ck_assert_double_eq_tol(value_of(RL_MEAN_WITH_SAMPLE_WEIGHT, RL_WEIGHT_LIST, per_list),
                            13.0 / 5, tolerance);
    ck_assert_double_eq_tol(value_of(RL_MEAN_WITH_SAMPLE_WEIGHT, RL_WEIGHT_ITEM, items), 8.2 / 10,
                            tolerance);
}
END_TEST

START_TEST(weights_that_add_up_to_nothing_give_zero)
{
    static const float zeros[8] = {0};
    struct rl_batch batch = example_batch();
    struct rl_eval eval = hinge(RL_MEAN_WITH_SAMPLE_WEIGHT);
    batch.weight_kind = RL_WEIGHT_ITEM;
    batch.weights = zeros;
    eval.include = RL_GRADIENT;
    const struct rl_result result = compute(&batch, eval);
    ck_assert_double_eq(result.value, 0);
    for (size_t i = 0; i < 8; i++)
        ck_assert_float_eq(((const float *)result.gradient)[i], 0);
}
END_TEST

START_TEST(lists_without_items_give_zero)
{
    static const size_t offsets[] = {0, 0, 0};
    struct rl_batch batch = {.dtype = RL_FLOAT32, .lists = 2, .offsets = offsets};
    for (int id = 0; id < RL_MEASURES; id++) {
        struct rl_eval eval = hinge(RL_SUM_OVER_BATCH_SIZE);
        eval.measure = rl_measure_get((enum rl_measure_id)id);
        eval.include = RL_PER_LIST | RL_GRADIENT | RL_TOP_PAIRS;
        ck_assert_double_eq(compute(&batch, eval).value, 0);
    }
}
END_TEST

START_TEST(the_gradient_is_that_of_the_reduced_loss)
{
    struct rl_batch batch = example_batch();
    struct rl_eval eval = hinge(RL_SUM);
    eval.include = RL_GRADIENT;
    /* First list: (0, 1), (2, 1) inside the margin, (3, ·) outside. Second: (1, 0), (2, 1). */
    static const float want[] = {-1, 2, -1, 0, 1, 0, -1, 0};
    const float *const sum = compute(&batch, eval).gradient;
    ck_assert_mem_eq(sum, want, sizeof(want));
    eval.reduction = RL_MEAN;
    const float *const mean = compute(&batch, eval).gradient;
    for (size_t i = 0; i < 8; i++)
        ck_assert_float_eq(mean[i], want[i] / 8);
}
END_TEST

START_TEST(list_mle_weighs_lists)
{
    static const float per_list[] = {2, 0.5f};
    struct rl_batch batch = example_batch();
    struct rl_eval eval = hinge(RL_NONE);
    eval.measure = rl_measure_get(RL_LIST_MLE);
    const float *const plain = compute(&batch, eval).values;
    batch.weight_kind = RL_WEIGHT_LIST;
    batch.weights = per_list;
    const float *const weighted = compute(&batch, eval).values;
    ck_assert_float_eq(weighted[0], plain[0] * 2);
    ck_assert_float_eq(weighted[1], plain[1] / 2);
    ck_assert_float_gt(plain[0], 1);
}
END_TEST

/* ---- Results that are not finite ------------------------------------------------------------- */

/* One list in float64: what is finite must also be right. */
static void check_result(const struct rl_batch *batch, const struct rl_eval *eval,
                         const struct rl_result *result)
{
    struct rl_reference_list list = {batch->items, batch->labels, batch->scores, NULL};
    long double losses[40], want = 0;
    rl_reference_losses(eval->measure->id, &list, eval->temperature, losses);
    for (size_t i = 0; i < (eval->measure->value_per_list ? 1 : batch->items); i++)
        want += losses[i];
    ck_assert_msg(fabsl(result->totals.sum - want) <= 1e-9L * fabsl(want),
                  "%s, T %g: got %.17g, want %.17Lg", eval->measure->name, eval->temperature,
                  result->totals.sum, want);
    ck_assert(isfinite(result->value));
    for (size_t i = 0; i < batch->items; i++)
        ck_assert(isfinite(((const double *)result->gradient)[i]));
}

static enum rl_status status_of(const struct rl_batch *batch, struct rl_eval eval,
                                struct rl_error *ret_error)
{
    struct rl_error error;
    struct rl_work work;
    ck_assert_int_eq(rl_work_init(&work, batch, &eval, 1, &arena, &error), RL_OK);
    rl_compute_inline(&scratch, &work);
    if (work.status == RL_OK)
        check_result(batch, &eval, &work.results[0]);
    *ret_error = work.error;
    return work.status;
}

START_TEST(overflow_is_an_error_that_names_the_list)
{
    static const double labels[] = {0, 1, 0, 1, 0, 1}, scores[] = {0, 1, 1.7e308, -1.7e308, 1, 0};
    static const size_t offsets[] = {0, 2, 4, 6};
    struct rl_batch batch = {.dtype = RL_FLOAT64,
                             .lists = 3,
                             .items = 6,
                             .offsets = offsets,
                             .labels = labels,
                             .scores = scores};
    struct rl_eval eval = hinge(RL_SUM_OVER_BATCH_SIZE);
    struct rl_error error;
    eval.include = RL_GRADIENT;
    ck_assert_int_eq(status_of(&batch, eval, &error), RL_NOT_FINITE);
    ck_assert_str_eq(error.pointer, "/y_pred/1");
}
END_TEST

/* Whatever finite numbers come: a result, or the error; never NaN, never a crash. */
START_TEST(extreme_scores_end_one_way_or_the_other)
{
    static const double extremes[] = {1.7e308, -1.7e308, 1e308, 5e-324, -5e-324, 0, 1, 1e-308};
    static const double temperatures[] = {1, 5e-324, 1e-308, 1.7e308};
    double labels[40], scores[40];
    size_t offsets[] = {0, 40}, finite = 0;
    struct rl_batch batch = {.dtype = RL_FLOAT64,
                             .lists = 1,
                             .items = 40,
                             .offsets = offsets,
                             .labels = labels,
                             .scores = scores};
    for (unsigned round = 0; round < 4000; round++) {
        struct rl_error error;
        struct rl_eval eval = hinge((enum rl_reduction)(round % 3));
        eval.measure = rl_measure_get((enum rl_measure_id)(round % 5));
        eval.temperature = temperatures[round / 5 % 4];
        eval.include = RL_GRADIENT | RL_TOP_PAIRS;
        for (unsigned i = 0; i < 40; i++) {
            const unsigned mixed = (round * 40 + i) * 2654435761u;
            labels[i] = mixed >> 28 & 3;
            scores[i] = extremes[(mixed >> 16) % (2 + round % 7)];
        }
        const enum rl_status status = status_of(&batch, eval, &error);
        ck_assert(status == RL_OK || status == RL_NOT_FINITE);
        finite += status == RL_OK;
    }
    ck_assert_uint_gt(finite, 100);
}
END_TEST

/* ---- Teams ----------------------------------------------------------------------------------- */

enum { BIG_ITEMS = 120000, BIG_LISTS = 600 };

static float big_labels[BIG_ITEMS], big_scores[BIG_ITEMS], big_weights[BIG_ITEMS];
static size_t big_offsets[BIG_LISTS + 1];

/* One list that occupies the whole team, and many short ones. */
static struct rl_batch big_batch(void)
{
    unsigned state = 1;
    for (size_t i = 0; i < BIG_ITEMS; i++) {
        state = state * 1664525u + 1013904223u;
        big_labels[i] = (float)(state >> 29);
        big_scores[i] = (float)(state >> 8 & 0xffff) / 4096;
        big_weights[i] = (float)(state >> 20 & 3);
    }
    big_offsets[1] = 70000;
    for (size_t list = 2; list <= BIG_LISTS; list++)
        big_offsets[list] = 70000 + (BIG_ITEMS - 70000) * (list - 1) / (BIG_LISTS - 1);
    return (struct rl_batch){.dtype = RL_FLOAT32,
                             .lists = BIG_LISTS,
                             .items = BIG_ITEMS,
                             .offsets = big_offsets,
                             .labels = big_labels,
                             .scores = big_scores,
                             .weight_kind = RL_WEIGHT_ITEM,
                             .weights = big_weights};
}

static void fill_evals(struct rl_eval *evals)
{
    for (int id = 0; id < RL_LIST_MLE; id++) {
        evals[id] = hinge(RL_NONE);
        evals[id].measure = rl_measure_get((enum rl_measure_id)id);
        evals[id].include = RL_PER_LIST | RL_GRADIENT | RL_TOP_PAIRS;
    }
}

static void check_same(const struct rl_result *a, const struct rl_result *b)
{
    ck_assert_mem_eq(a->values, b->values, BIG_ITEMS * sizeof(float));
    ck_assert_mem_eq(a->gradient, b->gradient, BIG_ITEMS * sizeof(float));
    ck_assert_mem_eq(a->lists, b->lists, BIG_LISTS * sizeof(*a->lists));
    ck_assert_mem_eq(&a->totals, &b->totals, sizeof(a->totals));
    for (size_t list = 0; list < BIG_LISTS; list++) {
        ck_assert_uint_eq(a->top_counts[list], b->top_counts[list]);
        ck_assert_mem_eq(a->top_pairs + a->top_offsets[list], b->top_pairs + b->top_offsets[list],
                         a->top_counts[list] * sizeof(struct rl_pair));
    }
}

START_TEST(teams_of_any_size_give_the_same_bits)
{
    struct rl_batch batch = big_batch(), example = example_batch();
    struct rl_eval evals[RL_LIST_MLE], example_eval = hinge(RL_NONE);
    struct rl_work first, second, other, *works[] = {&other, &second};
    struct rl_error error;
    fill_evals(evals);
    ck_assert_int_eq(rl_work_init(&first, &batch, evals, RL_LIST_MLE, &arena, &error), RL_OK);
    rl_compute_inline(&scratch, &first);
    for (int threads = 1; threads <= 8; threads += threads == 3 ? 5 : 1) {
        struct rl_team *own;
        ck_assert_int_eq(rl_team_create(threads, &own, &error), RL_OK);
        rl_work_init(&second, &batch, evals, RL_LIST_MLE, &arena, &error);
        rl_work_init(&other, &example, &example_eval, 1, &arena, &error);
        rl_compute(own, works, 2);
        ck_assert_int_eq(second.status, RL_OK);
        ck_assert_int_eq(other.status, RL_OK);
        for (size_t e = 0; e < RL_LIST_MLE; e++)
            check_same(&first.results[e], &second.results[e]);
        rl_team_free(own);
    }
}
END_TEST

START_TEST(one_failure_does_not_touch_the_others)
{
    static const float labels[] = {0, 1}, scores[] = {3e38f, -3e38f};
    static const size_t offsets[] = {0, 2};
    struct rl_batch bad = {.dtype = RL_FLOAT32,
                           .lists = 1,
                           .items = 2,
                           .offsets = offsets,
                           .labels = labels,
                           .scores = scores};
    struct rl_batch good = example_batch();
    struct rl_eval eval = hinge(RL_SUM);
    struct rl_work works[3], *pointers[] = {&works[0], &works[1], &works[2]};
    struct rl_error error;
    rl_work_init(&works[0], &good, &eval, 1, &arena, &error);
    rl_work_init(&works[1], &bad, &eval, 1, &arena, &error);
    rl_work_init(&works[2], &good, &eval, 1, &arena, &error);
    rl_compute(team, pointers, 3);
    ck_assert_int_eq(works[0].status, RL_OK);
    ck_assert_int_eq(works[1].status, RL_NOT_FINITE);
    ck_assert_str_eq(works[1].error.pointer, "/y_pred/0");
    ck_assert_int_eq(works[2].status, RL_OK);
    ck_assert_double_eq(works[2].results[0].value, 6);
}
END_TEST

static void count_index(void *context, size_t index)
{
    ((unsigned char *)context)[index]++;
}

START_TEST(a_team_runs_every_index_once)
{
    unsigned char counts[1000] = {0};
    rl_team_run(team, 1000, count_index, counts);
    rl_team_run(team, 1, count_index, counts);
    rl_team_run(team, 0, count_index, counts);
    ck_assert_uint_eq(counts[0], 2);
    for (size_t i = 1; i < 1000; i++)
        ck_assert_uint_eq(counts[i], 1);
}
END_TEST

/* Resident bytes of this process. */
static size_t resident(void)
{
    size_t pages = 0, ignored;
    FILE *const file = fopen("/proc/self/statm", "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%zu %zu", &ignored, &pages), 2);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void compute_on_team(const struct rl_batch *batch)
{
    struct rl_eval eval = hinge(RL_SUM);
    struct rl_arena own;
    struct rl_error error;
    struct rl_work work, *works[] = {&work};
    rl_arena_init(&own, SIZE_MAX);
    ck_assert_int_eq(rl_work_init(&work, batch, &eval, 1, &own, &error), RL_OK);
    rl_compute(team, works, 1);
    ck_assert_int_eq(work.status, RL_OK);
    rl_arena_release(&own);
}

START_TEST(memory_of_long_lists_is_given_back)
{
    struct rl_batch batch = big_batch(), example = example_batch();
    const size_t much = 4u << 20; /* the list takes more than twice as much */
    static const size_t one[] = {0, BIG_ITEMS};
    batch.lists = 1;
    batch.offsets = one;
    compute_on_team(&example);
    const size_t before = resident();
    compute_on_team(&batch);
    ck_assert_uint_gt(resident(), before + much);
    rl_team_trim(team);
    ck_assert_uint_lt(resident(), before + much);
    compute_on_team(&batch);
    for (int i = 0; i < 100; i++)
        compute_on_team(&example);
    ck_assert_uint_lt(resident(), before + much);
}
END_TEST

/* ---- Stopping -------------------------------------------------------------------------------- */

enum { LONG_ITEMS = 1000000, STOPPED = RL_CORE_STATUSES + 7 };

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Stops a work at a time. */
struct stopper {
    double at, set; /* seconds */
    atomic_int stop;
};

static void *stop_at(void *context)
{
    struct stopper *const stopper = context;
    while (seconds() < stopper->at)
        ;
    stopper->set = seconds();
    atomic_store(&stopper->stop, STOPPED);
    return NULL;
}

/* One list, no two labels alike. */
static struct rl_batch long_batch(void)
{
    static const size_t offsets[] = {0, LONG_ITEMS};
    float *const labels = rl_arena_array(&arena, LONG_ITEMS, sizeof(float));
    float *const scores = rl_arena_array(&arena, LONG_ITEMS, sizeof(float));
    unsigned state = 1;
    for (size_t i = 0; i < LONG_ITEMS; i++) {
        state = state * 1664525u + 1013904223u;
        labels[i] = (float)(state >> 8);
        scores[i] = (float)(state * 2654435761u >> 12) / 65536;
    }
    return (struct rl_batch){.dtype = RL_FLOAT32,
                             .lists = 1,
                             .items = LONG_ITEMS,
                             .offsets = offsets,
                             .labels = labels,
                             .scores = scores};
}

static void compute_works(bool on_team, struct rl_work *const *works, size_t count)
{
    for (size_t i = 0; i < count && !on_team; i++)
        rl_compute_inline(&scratch, works[i]);
    if (on_team)
        rl_compute(team, works, count);
}

/* A long list beside a short one, stopped a quarter of the way: how long it goes on after that, as
 * a share of what it takes in all; 1 if it was done before. */
static double share_after_stop(const struct rl_batch *batch, bool on_team)
{
    struct rl_batch example = example_batch();
    struct rl_eval eval = hinge(RL_NONE), example_eval = hinge(RL_SUM);
    struct rl_work work, other, *works[] = {&work, &other};
    struct rl_error error;
    struct stopper stopper = {0};
    pthread_t thread;
    eval.include = RL_GRADIENT;
    rl_work_init(&work, batch, &eval, 1, &arena, &error);
    rl_work_init(&other, &example, &example_eval, 1, &arena, &error);
    const double begun = seconds();
    compute_works(on_team, works, 1);
    const double whole = seconds() - begun;
    ck_assert_int_eq(work.status, RL_OK);
    work.stop = &stopper.stop;
    stopper.at = seconds() + whole / 4;
    ck_assert_int_eq(pthread_create(&thread, NULL, stop_at, &stopper), 0);
    compute_works(on_team, works, 2);
    const double ended = seconds();
    pthread_join(thread, NULL);
    if (work.status == RL_OK) /* it took longer the first time */
        return 1;
    ck_assert_int_eq(work.status, STOPPED);
    ck_assert_int_eq(work.error.status, STOPPED);
    ck_assert_int_eq(other.status, RL_OK);
    ck_assert_double_eq(other.results[0].value, 6);
    return (ended - stopper.set) / whole;
}

/* Other programs may hold the processor for a while: the best of a few. */
START_TEST(a_stopped_list_ends_within_its_blocks)
{
    struct rl_batch batch = long_batch();
    double best = 1;
    for (int round = 0; round < 20 && best > 0.05; round++)
        best = fmin(best, share_after_stop(&batch, _i));
    ck_assert_double_lt(best, 0.05);
}
END_TEST

START_TEST(a_work_stopped_beforehand_computes_nothing)
{
    struct rl_batch batch = big_batch(), example = example_batch();
    struct rl_eval evals[RL_LIST_MLE], example_eval = hinge(RL_SUM);
    struct rl_work work, other, *works[] = {&work, &other};
    struct rl_error error;
    atomic_int stop = STOPPED;
    fill_evals(evals);
    rl_work_init(&work, &batch, evals, RL_LIST_MLE, &arena, &error);
    rl_work_init(&other, &example, &example_eval, 1, &arena, &error);
    ck_assert_ptr_null(work.stop);
    work.stop = &stop;
    memset(work.results[0].values, 0x55, BIG_ITEMS * sizeof(float));
    compute_works(_i, works, 2);
    ck_assert_int_eq(work.status, STOPPED);
    for (size_t i = 0; i < BIG_ITEMS * sizeof(float); i++)
        ck_assert_uint_eq(((unsigned char *)work.results[0].values)[i], 0x55);
    ck_assert_int_eq(other.status, RL_OK);
    ck_assert_double_eq(other.results[0].value, 6);
}
END_TEST
