/*
 * test_golden.c: every golden vector (a request and what Keras with Keras-RS answered) through
 * core's public API, on the calling thread and on teams; and the examples of Keras-RS's
 * documentation to the digit.
 */
#include "core/rankloss.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/unittest.h"

#ifndef GOLDEN
#define GOLDEN "tests/golden/"
#endif

enum { MOST_CASES = 300, MOST_ITEMS = 50000 };

/* One line of a file, ready to be evaluated. */
struct vector {
    json_t *line;
    const char *id;
    struct rl_batch batch;
    struct rl_eval eval;
    struct rl_work work;
};

static struct rl_arena arena;

static void *take(size_t count, size_t size)
{
    void *const memory = rl_arena_array(&arena, count, size);
    ck_assert_ptr_nonnull(memory);
    return memory;
}

/* ---- From JSON to a batch ---------------------------------------------------------------------
 */

/* Numbers of a nested array in order; null is NaN, true is 1. Returns how many. */
static size_t flatten(const json_t *json, double *ret_values)
{
    size_t count = 0, index;
    json_t *element;
    if (json_is_array(json)) {
        json_array_foreach(json, index, element) count += flatten(element, ret_values + count);
        return count;
    }
    if (json_is_null(json))
        ret_values[0] = NAN;
    else
        ret_values[0] = json_is_number(json) ? json_number_value(json) : json_is_true(json);
    return 1;
}

/* The numbers as a column of the dtype. */
static void *column(const json_t *json, enum rl_dtype dtype, size_t *ret_count)
{
    double *const values = take(MOST_ITEMS, sizeof(*values));
    float *const rounded = take(MOST_ITEMS, sizeof(*rounded));
    *ret_count = flatten(json, values);
    for (size_t i = 0; i < *ret_count; i++)
        rounded[i] = (float)values[i];
    return dtype == RL_FLOAT32 ? (void *)rounded : (void *)values;
}

static uint8_t *mask_column(const json_t *json)
{
    size_t count;
    const double *const values = column(json, RL_FLOAT64, &count);
    uint8_t *const mask = take(count + 1, 1);
    for (size_t i = 0; i < count; i++)
        mask[i] = values[i] != 0;
    return mask;
}

static bool is_batched(const json_t *scores)
{
    return json_is_array(json_array_get(scores, 0));
}

static void read_offsets(const json_t *scores, struct rl_batch *batch)
{
    batch->lists = is_batched(scores) ? json_array_size(scores) : 1;
    size_t *const offsets = take(batch->lists + 1, sizeof(*offsets));
    offsets[0] = 0;
    for (size_t l = 0; l < batch->lists; l++)
        offsets[l + 1] =
            offsets[l] + json_array_size(is_batched(scores) ? json_array_get(scores, l) : scores);
    batch->offsets = offsets;
}

static void read_weights(const json_t *weights, bool batched, bool per_list_value,
                         struct rl_batch *batch)
{
    size_t count;
    if (!weights)
        return;
    if (json_is_number(weights)) {
        batch->weight_kind = RL_WEIGHT_SCALAR;
        batch->weight = json_number_value(weights);
        if (batch->dtype == RL_FLOAT32)
            batch->weight = (double)(float)batch->weight;
        return;
    }
    batch->weights = column(weights, batch->dtype, &count);
    /* As many as lists: one per list (a bare list may have [w]), unless they are as many as items
     * and nested as the scores are. */
    bool per_list =
        count == batch->lists && (count != batch->items || is_batched(weights) != batched);
    per_list = per_list || per_list_value;
    batch->weight_kind = per_list ? RL_WEIGHT_LIST : RL_WEIGHT_ITEM;
}

static void read_batch(const json_t *body, bool per_list_value, struct rl_batch *batch)
{
    const json_t *labels = json_object_get(body, "y_true"), *mask = NULL;
    const json_t *const scores = json_object_get(body, "y_pred");
    const char *const dtype = json_string_value(json_object_get(body, "dtype"));
    size_t count;
    *batch = (struct rl_batch){.dtype = dtype && strcmp(dtype, "float64") == 0 ? RL_FLOAT64
                                                                               : RL_FLOAT32};
    if (json_is_object(labels)) {
        mask = json_object_get(labels, "mask");
        labels = json_object_get(labels, "labels");
    }
    read_offsets(scores, batch);
    batch->labels = column(labels, batch->dtype, &count);
    batch->scores = column(scores, batch->dtype, &batch->items);
    ck_assert_uint_eq(count, batch->items);
    batch->mask = mask ? mask_column(mask) : NULL;
    read_weights(json_object_get(body, "sample_weight"), is_batched(scores), per_list_value, batch);
}

static void read_eval(const json_t *body, const char *path, struct rl_eval *eval)
{
    const enum rl_kind kind = strstr(path, "/losses/") ? RL_LOSS : RL_METRIC;
    const json_t *const temperature = json_object_get(body, "temperature");
    const json_t *const reduction = json_object_get(body, "reduction");
    *eval = (struct rl_eval){
        .measure = rl_measure_find(kind, strrchr(path, '/') + 1),
        .temperature = temperature ? json_number_value(temperature) : 1,
        .reduction = json_is_null(reduction) ? RL_NONE : RL_SUM_OVER_BATCH_SIZE,
        .k = (size_t)json_integer_value(json_object_get(body, "k")),
        .include = RL_PER_LIST,
    };
    ck_assert_ptr_nonnull(eval->measure);
    if (json_is_string(reduction))
        ck_assert(rl_reduction_find(json_string_value(reduction), &eval->reduction));
}

static void read_vector(const char *text, struct vector *vector)
{
    struct rl_error error;
    vector->line = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(vector->line);
    const json_t *const body = json_object_get(vector->line, "body");
    vector->id = json_string_value(json_object_get(vector->line, "id"));
    read_eval(body, json_string_value(json_object_get(vector->line, "path")), &vector->eval);
    read_batch(body, vector->eval.measure->value_per_list, &vector->batch);
    ck_assert_int_eq(rl_work_init(&vector->work, &vector->batch, &vector->eval, 1, &arena, &error),
                     RL_OK);
}

static size_t read_file(const char *name, struct vector *ret_vectors)
{
    char path[256];
    char *text = NULL;
    size_t size = 0, count = 0;
    snprintf(path, sizeof(path), "%s%s", GOLDEN, name);
    FILE *const file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s cannot be opened (run from the top of the tree)", path);
    while (getline(&text, &size, file) > 0) {
        ck_assert_uint_lt(count, MOST_CASES);
        read_vector(text, &ret_vectors[count++]);
    }
    free(text);
    fclose(file);
    return count;
}

/* ---- Comparing --------------------------------------------------------------------------------
 */

/* The answer as numbers: one, or those of reduction none. */
static size_t answer(const struct vector *vector, double *ret_values)
{
    const struct rl_result *const result = &vector->work.results[0];
    if (vector->eval.measure->kind == RL_METRIC || vector->eval.reduction != RL_NONE) {
        ret_values[0] = result->value;
        return 1;
    }
    for (size_t i = 0; i < result->totals.values; i++)
        ret_values[i] = vector->batch.dtype == RL_FLOAT32 ? (double)((float *)result->values)[i]
                                                          : ((double *)result->values)[i];
    return result->totals.values;
}

static void compare(const struct vector *vector)
{
    static double got[MOST_ITEMS], want[MOST_ITEMS];
    const json_t *const expect = json_object_get(vector->line, "expect");
    const double rtol = json_number_value(json_object_get(vector->line, "rtol"));
    const double atol = json_number_value(json_object_get(vector->line, "atol"));
    ck_assert_msg(vector->work.status == RL_OK, "%s: %s", vector->id, vector->work.error.detail);
    const size_t count = answer(vector, got);
    const char *const key = vector->eval.measure->kind == RL_LOSS ? "loss" : "metric";
    ck_assert_uint_eq(flatten(json_object_get(expect, key), want), count);
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(fabs(got[i] - want[i]) <= atol + rtol * fabs(want[i]),
                      "%s: value %zu is %.17g, wanted %.17g", vector->id, i, got[i], want[i]);
}

static void compute_inline(struct vector *vectors, size_t count)
{
    struct rl_scratch scratch;
    rl_scratch_init(&scratch);
    for (size_t i = 0; i < count; i++)
        rl_compute_inline(&scratch, &vectors[i].work);
    rl_scratch_release(&scratch);
}

static void compute_team(struct vector *vectors, size_t count, int threads)
{
    static struct rl_work *works[MOST_CASES];
    struct rl_team *team = NULL;
    struct rl_error error;
    ck_assert_int_eq(rl_team_create(threads, &team, &error), RL_OK);
    for (size_t i = 0; i < count; i++)
        works[i] = &vectors[i].work;
    rl_compute(team, works, count);
    rl_team_free(team);
}

/* Loads, computes (threads 0: inline), compares all vectors of a file. */
static void check_file(const char *name, size_t expected, int threads)
{
    static struct vector vectors[MOST_CASES];
    rl_arena_init(&arena, SIZE_MAX);
    const size_t count = read_file(name, vectors);
    ck_assert_uint_eq(count, expected);
    if (threads == 0)
        compute_inline(vectors, count);
    else
        compute_team(vectors, count, threads);
    for (size_t i = 0; i < count; i++) {
        compare(&vectors[i]);
        json_decref(vectors[i].line);
    }
    rl_arena_release(&arena);
}

static const int team_sizes[] = {0, 1, 2, 3};

START_LOOP_TEST(losses, 4)
{
    check_file("losses.jsonl", 240, team_sizes[_i]);
}
END_TEST

START_LOOP_TEST(losses_of_long_lists, 4)
{
    check_file("losses_long_lists.jsonl", 6, team_sizes[_i]);
}
END_TEST

/* TF-Ranking's losses by their formulas, computed with numpy. */
START_LOOP_TEST(losses_by_list, 4)
{
    check_file("losses_by_list.jsonl", 16, team_sizes[_i]);
}
END_TEST

START_LOOP_TEST(metrics, 4)
{
    check_file("metrics.jsonl", 120, team_sizes[_i]);
}
END_TEST

/* ---- The documentation's examples --------------------------------------------------------------
 */

static const float labels[] = {1, 0, 1, 3, 0, 1, 2, 3};
static const float scores[] = {1, 3, 2, 4, 1, 1.8f, 2, 3};
static const size_t offsets[] = {0, 4, 8};
static const struct rl_batch documented = {
    .lists = 2, .items = 8, .offsets = offsets, .labels = labels, .scores = scores};

/* The hinge of a batch; *ret_values lies in the arena. */
static double hinge(const struct rl_batch *batch, enum rl_reduction reduction, float **ret_values)
{
    struct rl_eval eval = {
        .measure = rl_measure_get(RL_PAIRWISE_HINGE), .temperature = 1, .reduction = reduction};
    struct rl_work work;
    struct rl_error error;
    struct rl_scratch scratch;
    rl_scratch_init(&scratch);
    ck_assert_int_eq(rl_work_init(&work, batch, &eval, 1, &arena, &error), RL_OK);
    rl_compute_inline(&scratch, &work);
    ck_assert_int_eq(work.status, RL_OK);
    rl_scratch_release(&scratch);
    if (ret_values)
        *ret_values = work.results[0].values;
    return work.results[0].value;
}

/* The shortest text that reads back as the same float. */
static const char *text_of(double value)
{
    static char text[32];
    for (int digits = 1; digits < 10; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtof(text, NULL) == (float)value)
            break;
    }
    return text;
}

START_TEST(documented_examples_to_the_digit)
{
    static const float more_labels[] = {1, 0, 1, 3, 2}, more_scores[] = {1, 3, 2, 4, 0.8f};
    static const size_t more_offsets[] = {0, 5};
    static const uint8_t mask[] = {1, 1, 1, 1, 1, 1, 0, 0};
    static const float weights[] = {2, 3, 1, 1, 2, 1, 0, 0};
    struct rl_batch unbatched = {.lists = 1,
                                 .items = 5,
                                 .offsets = more_offsets,
                                 .labels = more_labels,
                                 .scores = more_scores};
    struct rl_batch masked = documented, weighted = documented;
    masked.mask = mask;
    weighted.weight_kind = RL_WEIGHT_ITEM;
    weighted.weights = weights;
    rl_arena_init(&arena, SIZE_MAX);
    ck_assert_str_eq(text_of(hinge(&unbatched, RL_SUM_OVER_BATCH_SIZE, NULL)), "2.32");
    ck_assert_str_eq(text_of(hinge(&documented, RL_SUM_OVER_BATCH_SIZE, NULL)), "0.75");
    ck_assert_str_eq(text_of(hinge(&masked, RL_SUM_OVER_BATCH_SIZE, NULL)), "0.65");
    ck_assert_str_eq(text_of(hinge(&weighted, RL_SUM_OVER_BATCH_SIZE, NULL)), "1.025");
    rl_arena_release(&arena);
}
END_TEST

START_TEST(documented_values_of_reduction_none)
{
    const char *const want[] = {"3", "0", "2", "0", "0", "0.20000005", "0.79999995", "0"};
    float *values;
    rl_arena_init(&arena, SIZE_MAX);
    hinge(&documented, RL_NONE, &values);
    for (size_t i = 0; i < 8; i++)
        ck_assert_str_eq(text_of(values[i]), want[i]);
    rl_arena_release(&arena);
}
END_TEST

void test_before_all(void)
{
    struct rl_error error;
    ck_assert_msg(rl_init(NULL, &error) == RL_OK, "%s", error.detail);
}
