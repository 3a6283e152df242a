/*
 * batch.c: from the extracted arrays of a request to its typed batch.
 */
#include "server/formats/json/batch.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "server/formats/document/members.h"

struct filling {
    const struct rl_extracted *extracted;
    enum rl_dtype dtype;
    const struct rl_array *shape; /* the scores: all others follow their shape */
    const char *place;            /* the pointer of these scores */
    bool unretrieved;             /* see struct rl_batch_members */
    struct rl_arena *arena;
    struct rl_error *error;
    struct rl_batch batch;
};

/* ---- Places ---------------------------------------------------------------------------------- */

/* Fails at value `index` of the array whose pointer is `base`. */
static enum rl_status refuse_at(const struct filling *filling, const struct rl_array *array,
                                const char *base, size_t index, const char *detail)
{
    char row_pointer[RL_POINTER_MAX], pointer[RL_POINTER_MAX];
    size_t row = 0;
    if (array->shape == RL_ARRAY_FLAT) {
        rl_pointer_index(pointer, base, index);
    } else {
        while (array->offsets[row + 1] <= index)
            row++;
        rl_pointer_index(row_pointer, base, row);
        rl_pointer_index(pointer, row_pointer, index - array->offsets[row]);
    }
    return rl_fail(filling->error, RL_INVALID, pointer, "%s", detail);
}

static enum rl_status refuse_misfit(const struct filling *filling, const struct rl_misfit *misfit,
                                    const char *base)
{
    char row_pointer[RL_POINTER_MAX], pointer[RL_POINTER_MAX];
    rl_pointer_index(row_pointer, base, misfit->row);
    rl_pointer_index(pointer, row_pointer, misfit->item);
    return rl_fail(filling->error, RL_INVALID, misfit->inner ? pointer : row_pointer,
                   "%s was expected, found %s", misfit->expected, misfit->found);
}

/* Fails at the first string, object or too deeply nested list of an array that holds one. */
static enum rl_status refuse_mixed(const struct filling *filling, const json_t *array,
                                   const char *base, bool inner)
{
    char pointer[RL_POINTER_MAX];
    size_t i;
    const json_t *element = array;
    json_array_foreach((json_t *)array, i, element)
    {
        rl_pointer_index(pointer, base, i);
        if (json_is_array(element) && !inner) {
            if (!rl_array_of(filling->extracted, element))
                return refuse_mixed(filling, element, pointer, true);
        } else if (json_is_array(element) || json_is_object(element) || json_is_string(element)) {
            break;
        }
    }
    return rl_refuse_kind(filling->error, pointer, "a number", element);
}

/* The array of a member; fails if its shape is irregular. */
static enum rl_status find_array(const struct filling *filling, const json_t *value,
                                 const char *pointer, const struct rl_array **ret_array)
{
    const struct rl_array *const array = rl_array_of(filling->extracted, value);
    if (!json_is_array(value))
        return rl_refuse_kind(filling->error, pointer, "a list of numbers, or a list of such lists",
                              value);
    if (!array)
        return refuse_mixed(filling, value, pointer, false);
    if (array->shape == RL_ARRAY_IRREGULAR)
        return refuse_misfit(filling, &array->misfit, pointer);
    *ret_array = array;
    return RL_OK;
}

/* ---- Shapes ---------------------------------------------------------------------------------- */

static size_t row_length(const struct rl_array *array, size_t row)
{
    return array->offsets[row + 1] - array->offsets[row];
}

/* The first row whose length differs from that of the scores, or `rows`. Both have as many rows. */
static size_t first_odd_row(const struct rl_array *array, const struct rl_array *shape)
{
    size_t row = 0;
    if (memcmp(array->offsets, shape->offsets, (shape->rows + 1) * sizeof(size_t)) == 0)
        return shape->rows;
    while (row_length(array, row) == row_length(shape, row))
        row++;
    return row;
}

static enum rl_status check_rows(const struct filling *filling, const struct rl_array *array,
                                 const char *pointer)
{
    const struct rl_array *const shape = filling->shape;
    char row_pointer[RL_POINTER_MAX];
    const size_t rows = array->shape == RL_ARRAY_ROWS ? array->rows : 0;
    if (rows != shape->rows)
        return rl_fail(filling->error, RL_INVALID, pointer,
                       "%zu lists were expected, as in %s, found %zu", shape->rows,
                       filling->place + 1, rows);
    const size_t row = first_odd_row(array, shape);
    if (row == rows)
        return RL_OK;
    rl_pointer_index(row_pointer, pointer, row);
    return rl_fail(filling->error, RL_INVALID, row_pointer,
                   "%zu items were expected, as in %s, found %zu", row_length(shape, row),
                   filling->place + 1, row_length(array, row));
}

/* Fails if an array does not have the shape of the scores. */
static enum rl_status check_shape(const struct filling *filling, const struct rl_array *array,
                                  const char *pointer)
{
    const struct rl_array *const shape = filling->shape;
    if (shape->shape == RL_ARRAY_ROWS) {
        if (array->shape == RL_ARRAY_FLAT && array->count > 0)
            return rl_fail(filling->error, RL_INVALID, pointer,
                           "a list of lists was expected, as in %s, found a list of numbers",
                           filling->place + 1);
        return check_rows(filling, array, pointer);
    }
    if (array->shape == RL_ARRAY_ROWS)
        return rl_fail(filling->error, RL_INVALID, pointer,
                       "a list of numbers was expected, as in %s, found a list of lists",
                       filling->place + 1);
    if (array->count != shape->count)
        return rl_fail(filling->error, RL_INVALID, pointer,
                       "%zu items were expected, as in %s, found %zu", shape->count,
                       filling->place + 1, array->count);
    return RL_OK;
}

/* ---- Values ---------------------------------------------------------------------------------- */

static uint64_t bits_at(const struct rl_array *array, size_t index)
{
    uint64_t bits;
    memcpy(&bits, &array->values[index], sizeof(bits));
    return bits;
}

/* Booleans become 1 and 0, nulls become a plain not-a-number. Selects instead of branches: which
 * word comes is unpredictable. */
static void plain_labels(const struct rl_array *array)
{
    if (!array->has_null && !array->has_bool)
        return;
    for (size_t i = 0; i < array->count; i++) {
        const uint64_t bits = bits_at(array, i);
        double value = array->values[i];
        value = bits == RL_BITS_NULL ? (double)NAN : value;
        value = bits == RL_BITS_FALSE ? 0 : value;
        array->values[i] = bits == RL_BITS_TRUE ? 1 : value;
    }
}

enum { BLOCK = 64 };

/* Rounds `length` (at most BLOCK) doubles to floats; whether one is beyond float's range. All are
 * read before any is written, so that the two may overlap. */
static inline bool narrow_block(char *out, const double *values, size_t length)
{
    double wide[BLOCK];
    float slim[BLOCK];
    int beyond = 0;
    memcpy(wide, values, length * sizeof(*wide));
    for (size_t i = 0; i < length; i++) {
        slim[i] = (float)wide[i];
        beyond |= fabsf(slim[i]) > FLT_MAX;
    }
    if (!beyond)
        memcpy(out, slim, length * sizeof(*slim)); // cppcheck-suppress uninitvar; length of them
    return beyond;
}

/* Rounds doubles to floats in the same memory. Returns the index of the first beyond float's range,
 * or `count`. */
static size_t narrow(double *values, size_t count)
{
    char *const out = (char *)values;
    size_t i = 0;
    for (; count - i >= BLOCK; i += BLOCK)
        if (narrow_block(out + i * sizeof(float), values + i, BLOCK))
            break;
    if (count - i < BLOCK && !narrow_block(out + i * sizeof(float), values + i, count - i))
        return count;
    while (!(fabsf((float)values[i]) > FLT_MAX))
        i++;
    return i;
}

/* Rounds an array of numbers to the dtype. */
static enum rl_status finish_array(const struct filling *filling, const struct rl_array *array,
                                   const char *pointer)
{
    if (filling->dtype == RL_FLOAT64)
        return RL_OK;
    const size_t bad = narrow(array->values, array->count);
    if (bad == array->count)
        return RL_OK;
    return refuse_at(filling, array, pointer, bad,
                     "beyond the range of float32; dtype float64 has more");
}

/* Fails at a boolean or, unless `null_fits`, at a null. */
static enum rl_status check_numbers(const struct filling *filling, const struct rl_array *array,
                                    const char *pointer, bool null_fits)
{
    if (!array->has_bool && (null_fits || !array->has_null))
        return RL_OK;
    for (size_t i = 0; i < array->count; i++) {
        const uint64_t bits = bits_at(array, i);
        if (bits == RL_BITS_TRUE)
            return refuse_at(filling, array, pointer, i, "a number was expected, found true");
        if (bits == RL_BITS_FALSE)
            return refuse_at(filling, array, pointer, i, "a number was expected, found false");
        if (bits == RL_BITS_NULL && !null_fits)
            return refuse_at(filling, array, pointer, i, "a number was expected, found null");
    }
    return RL_OK;
}

static bool is_valid(const struct rl_batch *batch, size_t item)
{
    if (batch->mask && !batch->mask[item])
        return false;
    return batch->dtype == RL_FLOAT32 ? ((const float *)batch->labels)[item] >= 0
                                      : ((const double *)batch->labels)[item] >= 0;
}

/* Null becomes a plain not-a-number, which is never ranked. Fails at a valid item, unless it may
 * be one that was not retrieved. */
static enum rl_status fill_nulls(const struct filling *filling, const struct rl_array *array,
                                 const char *pointer)
{
    for (size_t i = 0; array->has_null && i < array->count; i++) {
        if (bits_at(array, i) != RL_BITS_NULL)
            continue;
        if (!filling->unretrieved && is_valid(&filling->batch, i))
            return refuse_at(filling, array, pointer, i,
                             "a number was expected at an item that is neither masked nor "
                             "unlabelled, found null");
        array->values[i] = (double)NAN;
    }
    return RL_OK;
}

/* ---- Members --------------------------------------------------------------------------------- */

static enum rl_status take_labels(struct filling *filling, const json_t *value, const char *pointer)
{
    const struct rl_array *array = NULL;
    if (find_array(filling, value, pointer, &array) != RL_OK ||
        check_shape(filling, array, pointer) != RL_OK)
        return filling->error->status;
    plain_labels(array);
    filling->batch.labels = array->values;
    return finish_array(filling, array, pointer);
}

/* Doubles become bytes in the same memory. A mask that is true everywhere is left out. */
static enum rl_status take_mask(struct filling *filling, const json_t *value)
{
    static const char pointer[] = "/y_true/mask";
    const struct rl_array *array = NULL;
    bool all = true;
    if (!value || json_is_null(value))
        return RL_OK;
    if (find_array(filling, value, pointer, &array) != RL_OK ||
        check_shape(filling, array, pointer) != RL_OK)
        return filling->error->status;
    uint8_t *const mask = (uint8_t *)array->values;
    for (size_t i = 0; i < array->count; i++) {
        const uint64_t bits = bits_at(array, i);
        const bool set = (bits == RL_BITS_TRUE) | (array->values[i] == 1);
        const bool clear = (bits == RL_BITS_FALSE) | (array->values[i] == 0);
        if (!(set | clear))
            return refuse_at(filling, array, pointer, i, "true, false, 1 or 0 was expected");
        mask[i] = set;
        all &= set;
    }
    filling->batch.mask = all ? NULL : mask;
    return RL_OK;
}

/* After the labels and the mask, which decide where a null fits. */
static enum rl_status take_scores(struct filling *filling, const struct rl_array *array,
                                  const char *pointer)
{
    if (check_numbers(filling, array, pointer, true) != RL_OK ||
        fill_nulls(filling, array, pointer) != RL_OK)
        return filling->error->status;
    filling->batch.scores = array->values;
    return finish_array(filling, array, pointer);
}

static bool rows_of_one(const struct rl_array *array)
{
    for (size_t row = 0; row < array->rows; row++)
        if (row_length(array, row) != 1)
            return false;
    return true;
}

/* The kind of weights with the shape of this array; false if there is none. A single number beside
 * a single list is the weight of that list, as Keras broadcasts it. */
static bool weight_kind(const struct filling *filling, const struct rl_array *array,
                        enum rl_weight_kind *ret_kind)
{
    const struct rl_array *const shape = filling->shape;
    if (shape->shape == RL_ARRAY_FLAT) {
        const bool one = array->count == 1;
        *ret_kind = one ? RL_WEIGHT_LIST : RL_WEIGHT_ITEM;
        return array->shape == RL_ARRAY_FLAT && (one || array->count == shape->count);
    }
    if (array->shape == RL_ARRAY_FLAT) {
        *ret_kind = RL_WEIGHT_LIST;
        return array->count == shape->rows;
    }
    const bool one_each = rows_of_one(array);
    *ret_kind = one_each ? RL_WEIGHT_LIST : RL_WEIGHT_ITEM;
    return array->rows == shape->rows && (one_each || first_odd_row(array, shape) == shape->rows);
}

static enum rl_status refuse_weights(const struct filling *filling, const struct rl_array *array)
{
    const char *const fits = filling->shape->shape == RL_ARRAY_ROWS
                                 ? "a number, one weight per list or one per item"
                                 : "a number or one weight per item";
    if (array->shape == RL_ARRAY_ROWS)
        return rl_fail(filling->error, RL_INVALID, "/sample_weight",
                       "%s was expected (%zu lists, %zu items), found %zu lists with %zu numbers",
                       fits, filling->batch.lists, filling->batch.items, array->rows, array->count);
    return rl_fail(filling->error, RL_INVALID, "/sample_weight",
                   "%s was expected (%zu lists, %zu items), found %zu numbers", fits,
                   filling->batch.lists, filling->batch.items, array->count);
}

static enum rl_status take_weight_number(struct filling *filling, const json_t *value)
{
    const double weight = json_number_value(value);
    if (filling->dtype == RL_FLOAT32 && isinf((float)weight))
        return rl_fail(filling->error, RL_INVALID, "/sample_weight",
                       "beyond the range of float32; dtype float64 has more");
    filling->batch.weight_kind = RL_WEIGHT_SCALAR;
    filling->batch.weight = filling->dtype == RL_FLOAT32 ? (double)(float)weight : weight;
    return RL_OK;
}

static enum rl_status take_weights(struct filling *filling, const json_t *value)
{
    static const char pointer[] = "/sample_weight";
    const struct rl_array *array = NULL;
    if (!value || json_is_null(value))
        return RL_OK;
    if (json_is_number(value))
        return take_weight_number(filling, value);
    if (!json_is_array(value))
        return rl_refuse_kind(filling->error, pointer, "a number or a list of numbers", value);
    if (find_array(filling, value, pointer, &array) != RL_OK)
        return filling->error->status;
    if (!weight_kind(filling, array, &filling->batch.weight_kind))
        return refuse_weights(filling, array);
    if (check_numbers(filling, array, pointer, false) != RL_OK)
        return filling->error->status;
    filling->batch.weights = array->values;
    return finish_array(filling, array, pointer);
}

/* ---- Whole ----------------------------------------------------------------------------------- */

static enum rl_status check_limits(const struct filling *filling, const struct rl_limits *limits)
{
    const struct rl_batch *const batch = &filling->batch;
    const size_t max_items = limits->max_items < UINT32_MAX ? limits->max_items : UINT32_MAX;
    if (filling->shape->count == 0 && filling->shape->shape == RL_ARRAY_FLAT)
        return rl_fail(filling->error, RL_INVALID, filling->place,
                       "at least one list or one item was expected, found none");
    if (batch->lists > limits->max_lists)
        return rl_fail(filling->error, RL_TOO_LARGE, filling->place,
                       "%zu lists are more than max-lists allows (%zu)", batch->lists,
                       limits->max_lists);
    if (batch->items > max_items)
        return rl_fail(filling->error, RL_TOO_LARGE, filling->place,
                       "%zu items are more than max-items allows (%zu)", batch->items, max_items);
    return RL_OK;
}

/* Lists, items and offsets from the shape of the scores. */
static enum rl_status take_shape(struct filling *filling, const json_t *scores)
{
    const struct rl_array *array = NULL;
    if (find_array(filling, scores, filling->place, &array) != RL_OK)
        return filling->error->status;
    filling->shape = array;
    filling->batch.items = array->count;
    filling->batch.lists = array->rows;
    filling->batch.offsets = array->offsets;
    if (array->shape == RL_ARRAY_ROWS)
        return RL_OK;
    size_t *const offsets = rl_arena_array(filling->arena, 2, sizeof(*offsets));
    if (!offsets)
        return rl_fail(filling->error, RL_NOMEM, "", "no memory for the request");
    offsets[0] = 0;
    offsets[1] = array->count;
    filling->batch.lists = 1;
    filling->batch.offsets = offsets;
    return RL_OK;
}

enum rl_status rl_json_batch(const struct rl_extracted *extracted,
                             const struct rl_batch_members *members, enum rl_dtype dtype,
                             const struct rl_limits *limits, struct rl_arena *arena,
                             struct rl_batch *ret_batch, bool *ret_batched, struct rl_error *error)
{
    struct filling filling = {.extracted = extracted,
                              .dtype = dtype,
                              .place = members->scores_pointer,
                              .unretrieved = members->unretrieved,
                              .arena = arena,
                              .error = error,
                              .batch = {.dtype = dtype}};
    const char *const labels_pointer = members->nested ? "/y_true/labels" : "/y_true";
    if (take_shape(&filling, members->scores) != RL_OK || check_limits(&filling, limits) != RL_OK ||
        take_labels(&filling, members->labels, labels_pointer) != RL_OK ||
        take_mask(&filling, members->mask) != RL_OK ||
        take_scores(&filling, filling.shape, filling.place) != RL_OK ||
        take_weights(&filling, members->weights) != RL_OK)
        return error->status;
    *ret_batch = filling.batch;
    *ret_batched = filling.shape->shape == RL_ARRAY_ROWS;
    return RL_OK;
}

enum rl_status rl_json_scores(const struct rl_extracted *extracted,
                              const struct rl_batch_members *members, const json_t *scores,
                              const char *pointer, const struct rl_batch *batch,
                              const void **ret_scores, struct rl_error *error)
{
    const struct rl_array *array = NULL;
    struct filling filling = {.extracted = extracted,
                              .dtype = batch->dtype,
                              .shape = rl_array_of(extracted, members->scores),
                              .place = members->scores_pointer,
                              .unretrieved = members->unretrieved,
                              .error = error,
                              .batch = *batch};
    if (find_array(&filling, scores, pointer, &array) != RL_OK ||
        check_shape(&filling, array, pointer) != RL_OK ||
        take_scores(&filling, array, pointer) != RL_OK)
        return error->status;
    *ret_scores = filling.batch.scores;
    return RL_OK;
}
