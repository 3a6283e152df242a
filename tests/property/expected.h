/*
 * expected.h: what the plain reference says a loss of a sample must give, and how near is near.
 *
 * Tolerances are relative to what was added up: the loss of each pair, and for the hinge also what
 * cancels inside 1 - d; for gradients the slopes before they cancel.
 */
#ifndef RL_TESTS_EXPECTED_H
#define RL_TESTS_EXPECTED_H

#include <check.h>
#include <float.h>

#include "core/reference.h"
#include "tests/property/samples.h"

/* A number and how far from it a result may lie. */
struct near {
    long double value, tolerance;
};

struct expected {
    size_t valid_items, values;
    uint64_t pairs;
    struct near divisor, weight_sum;
    struct near *items; /* [items] weighted values; of losses by list at the first `lists` places */
    struct near *gradient; /* [items] of the sum, undivided */
    struct near *lists;    /* [lists] sums */
    struct near sum;
};

/* What relative error is allowed: issues of rounding and series, by loss and dtype. */
static inline long double relative_bound(enum rl_measure_id loss, enum rl_dtype dtype)
{
    if (dtype == RL_FLOAT32)
        return 1e-6L;
    const bool exact = loss == RL_PAIRWISE_HINGE || loss == RL_PAIRWISE_MEAN_SQUARED_ERROR;
    return exact ? 1e-12L : 1e-11L;
}

static inline long double unit_of(enum rl_dtype dtype)
{
    return dtype == RL_FLOAT32 ? FLT_EPSILON : DBL_EPSILON;
}

static inline void near_add(struct near *sum, long double weight, struct near term)
{
    sum->value += weight * term.value;
    sum->tolerance += fabsl(weight) * term.tolerance;
}

static inline void check_near(const char *what, const struct rl_batch *batch,
                              const struct rl_eval *eval, size_t place, double got,
                              struct near want)
{
    ck_assert_msg(fabsl(got - want.value) <= want.tolerance + 1e-290L,
                  "%s %zu: got %.17g, want %.17Lg within %.3Lg (%s)", what, place, got, want.value,
                  want.tolerance, describe(batch, eval));
}

/* ---- Weights ----------------------------------------------------------------------------------
 */

static inline long double weight_at(const struct sample *sample, size_t list, size_t item)
{
    switch (sample->batch.weight_kind) {
    case RL_WEIGHT_NONE:
        return 1;
    case RL_WEIGHT_SCALAR:
        return sample->batch.weight;
    case RL_WEIGHT_LIST:
        return sample->weights[list];
    default:
        return sample->weights[item];
    }
}

/* What mean_with_sample_weight divides by. Weights may have both signs, and cancel. */
static inline struct near weight_sum_of(const struct sample *sample, size_t values)
{
    struct near sum = {0, 0};
    if (sample->batch.weight_kind == RL_WEIGHT_NONE)
        return (struct near){(long double)values, 0};
    if (sample->batch.weight_kind == RL_WEIGHT_SCALAR)
        return (struct near){sample->batch.weight, 0};
    for (size_t i = 0; i < sample_weight_count(sample); i++) {
        const long double weight = sample->weights[i];
        near_add(&sum, 1, (struct near){weight, 4 * DBL_EPSILON * fabsl(weight)});
    }
    return sum;
}

/* ---- One list ---------------------------------------------------------------------------------
 */

/* The part of the work on one list. */
struct list_task {
    const struct sample *sample;
    const struct rl_eval *eval;
    struct expected *expected;
    struct rl_reference_list list;
    size_t index, begin;
    long double temperature;
};

static inline bool pair_counts(const struct list_task *task, size_t i, size_t j)
{
    if (i == j || !rl_reference_valid(&task->list, i) || !rl_reference_valid(&task->list, j))
        return false;
    return task->eval->measure->id == RL_PAIRWISE_MEAN_SQUARED_ERROR ||
           task->list.labels[i] > task->list.labels[j];
}

/* The loss of a pair; the tolerance knows what 1 - d loses. */
static inline struct near near_pair(const struct list_task *task, size_t i, size_t j)
{
    const enum rl_measure_id loss = task->eval->measure->id;
    const enum rl_dtype dtype = task->sample->batch.dtype;
    const long double value = rl_reference_pair(loss, &task->list, i, j, task->temperature);
    long double tolerance = relative_bound(loss, dtype) * value;
    if (loss == RL_PAIRWISE_HINGE && value > 0)
        tolerance += 2 * unit_of(dtype) * (1 + fabsl(1 - value));
    return (struct near){value, tolerance};
}

static inline void expect_pair(const struct list_task *task, size_t i, size_t j)
{
    const enum rl_measure_id loss = task->eval->measure->id;
    struct expected *const expected = task->expected;
    const long double weight = weight_at(task->sample, task->index, task->begin + i);
    const long double bound = relative_bound(loss, task->sample->batch.dtype);
    const long double slope = rl_reference_slope(loss, &task->list, i, j, task->temperature);
    const struct near change = {slope, 10 * bound * fabsl(slope)};
    near_add(&expected->items[task->begin + i], weight, near_pair(task, i, j));
    near_add(&expected->gradient[task->begin + i], weight, change);
    near_add(&expected->gradient[task->begin + j], -weight, change);
    expected->pairs++;
}

static inline void expect_pairs(const struct list_task *task)
{
    for (size_t i = 0; i < task->list.items; i++) {
        for (size_t j = 0; j < task->list.items; j++)
            if (pair_counts(task, i, j))
                expect_pair(task, i, j);
        near_add(&task->expected->lists[task->index], 1, task->expected->items[task->begin + i]);
    }
}

static inline long double label_error(const struct list_task *task, size_t i)
{
    return (long double)task->list.labels[i] - task->list.scores[i];
}

static inline long double mean_error(const struct list_task *task)
{
    long double sum = 0, count = 0;
    for (size_t i = 0; i < task->list.items; i++)
        if (rl_reference_valid(&task->list, i))
            sum += label_error(task, i), count++;
    return count > 0 ? sum / count : 0;
}

static inline size_t first_valid(const struct list_task *task)
{
    size_t i = 0;
    while (i < task->list.items && !rl_reference_valid(&task->list, i))
        i++;
    return i;
}

/* Squared error: what cancels when the slopes of an item are had from sums over its list, as in
 * W f_i - sum_j w_j f_j. Each f has an ulp of its distance from the first item besides. */
static inline void expect_cancelling(const struct list_task *task)
{
    const long double mean = mean_error(task);
    const size_t first = first_valid(task);
    for (size_t i = 0; i < task->list.items; i++)
        for (size_t j = 0; j < task->list.items; j++) {
            if (!pair_counts(task, i, j))
                continue;
            long double size = fabsl(label_error(task, i) - mean) +
                               fabsl(label_error(task, j) - mean) +
                               fabsl(label_error(task, first) - mean);
            size *= fabsl(weight_at(task->sample, task->index, task->begin + i)) +
                    fabsl(weight_at(task->sample, task->index, task->begin + j));
            task->expected->gradient[task->begin + i].tolerance += 2 * DBL_EPSILON * size;
        }
}

/* What the terms of a list's gradient add up to at most, times the temperature. */
static inline long double slope_size(const struct list_task *task)
{
    long double labels = 0;
    if (task->eval->measure->id == RL_APPROX_NDCG)
        return (long double)task->list.items;
    if (task->eval->measure->id != RL_SOFTMAX)
        return 1;
    for (size_t i = 0; i < task->list.items; i++)
        labels += rl_reference_valid(&task->list, i) ? task->list.labels[i] : 0;
    return labels;
}

static inline void expect_list_loss(const struct list_task *task)
{
    struct expected *const expected = task->expected;
    const enum rl_measure_id id = task->eval->measure->id;
    long double weight = weight_at(task->sample, task->index, task->begin), loss;
    const long double bound = relative_bound(id, task->sample->batch.dtype);
    long double *const gradient = test_array(task->list.items, sizeof(*gradient));
    double weights[1] = {(double)weight};
    rl_reference_losses(id, &task->list, task->temperature, &loss);
    rl_reference_gradient(id, &task->list, task->temperature, weights, gradient);
    const struct near value = {loss, bound * fabsl(loss)};
    near_add(&expected->items[task->index], weight, value);
    near_add(&expected->lists[task->index], weight, value);
    for (size_t i = 0; i < task->list.items; i++) {
        long double scale =
            fabsl(gradient[i]) + fabsl(weight) * slope_size(task) / task->temperature;
        expected->gradient[task->begin + i] = (struct near){gradient[i], bound * scale};
    }
    free(gradient);
}

static inline void expect_list(const struct sample *sample, const struct rl_eval *eval, size_t list,
                               struct expected *expected)
{
    const size_t begin = sample->offsets[list];
    struct list_task task = {
        .sample = sample,
        .eval = eval,
        .expected = expected,
        .index = list,
        .begin = begin,
        .temperature = sample->batch.dtype == RL_FLOAT32 ? (double)(float)eval->temperature
                                                         : eval->temperature,
        .list = {.items = sample->offsets[list + 1] - begin,
                 .labels = sample->labels + begin,
                 .scores = sample->scores + begin,
                 .mask = sample->mask ? sample->mask + begin : NULL},
    };
    for (size_t i = 0; i < task.list.items; i++)
        expected->valid_items += rl_reference_valid(&task.list, i);
    if (eval->measure->value_per_list)
        expect_list_loss(&task);
    else
        expect_pairs(&task);
    if (eval->measure->id == RL_PAIRWISE_MEAN_SQUARED_ERROR)
        expect_cancelling(&task);
    near_add(&expected->sum, 1, expected->lists[list]);
}

/* ---- The batch --------------------------------------------------------------------------------
 */

static inline struct near divisor_of(const struct rl_eval *eval, const struct expected *expected)
{
    switch (eval->reduction) {
    case RL_SUM_OVER_BATCH_SIZE:
    case RL_MEAN:
        return (struct near){(long double)expected->values, 0};
    case RL_MEAN_WITH_SAMPLE_WEIGHT:
        return expected->weight_sum;
    default:
        return (struct near){1, 0};
    }
}

static inline void expected_init(struct expected *expected, const struct sample *sample,
                                 const struct rl_eval *eval)
{
    const struct rl_batch *const batch = &sample->batch;
    const size_t most = batch->items > batch->lists ? batch->items : batch->lists;
    *expected = (struct expected){
        .values = eval->measure->value_per_list ? batch->lists : batch->items,
        .items = test_array(most, sizeof(struct near)),
        .gradient = test_array(batch->items, sizeof(struct near)),
        .lists = test_array(batch->lists, sizeof(struct near)),
    };
    expected->weight_sum = weight_sum_of(sample, expected->values);
    expected->divisor = divisor_of(eval, expected);
    for (size_t l = 0; l < batch->lists; l++)
        expect_list(sample, eval, l, expected);
}

static inline void expected_release(struct expected *expected)
{
    free(expected->items);
    free(expected->gradient);
    free(expected->lists);
}

/* The number after reduction and rounding; a divisor of 0 gives 0. */
static inline struct near near_reduced(struct near sum, struct near divisor, enum rl_dtype dtype)
{
    if (divisor.value == 0)
        return (struct near){0, 0};
    struct near result = {sum.value / divisor.value, sum.tolerance / fabsl(divisor.value)};
    result.tolerance += fabsl(result.value / divisor.value) * divisor.tolerance;
    result.tolerance += unit_of(dtype) * fabsl(result.value);
    result.tolerance += dtype == RL_FLOAT32 ? (long double)FLT_TRUE_MIN : 0;
    return result;
}

#endif
