/*
 * columns.c: from the lifted columns of a request to its typed batch.
 */
#include "server/formats/json/columns.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "server/formats/json/members.h"

struct filling {
    const struct rl_lifted *lifted;
    enum rl_dtype dtype;
    const struct rl_column *shape; /* the scores: all others follow their shape */
    struct rl_arena *arena;
    struct rl_error *error;
    struct rl_batch batch;
};

const struct rl_column *rl_column_of(const struct rl_lifted *lifted, const json_t *value)
{
    if (!json_is_array(value) || json_array_size(value) != 1)
        return NULL;
    const json_t *index = json_array_get(value, 0);
    return json_is_integer(index) ? &lifted->columns[json_integer_value(index)] : NULL;
}

const char *rl_column_first_kind(const struct rl_column *column)
{
    uint64_t bits;
    if (column->shape == RL_SHAPE_ROWS || column->misfit.inner)
        return "a list";
    if (column->shape == RL_SHAPE_IRREGULAR)
        return strcmp(column->misfit.expected, "a list") == 0 ? "a list" : "a number";
    if (column->count == 0)
        return NULL;
    memcpy(&bits, column->values, sizeof(bits));
    return bits == RL_BITS_NULL    ? "null"
           : bits == RL_BITS_TRUE  ? "true"
           : bits == RL_BITS_FALSE ? "false"
                                   : "a number";
}

/* ---- Places ---------------------------------------------------------------------------------- */

/* Fails at value `index` of a column whose pointer is `base`. */
static enum rl_status refuse_at(const struct filling *filling, const struct rl_column *column,
                                const char *base, size_t index, const char *detail)
{
    char row_pointer[RL_POINTER_MAX], pointer[RL_POINTER_MAX];
    size_t row = 0;
    if (column->shape == RL_SHAPE_LIST) {
        rl_pointer_index(pointer, base, index);
    } else {
        while (column->offsets[row + 1] <= index)
            row++;
        rl_pointer_index(row_pointer, base, row);
        rl_pointer_index(pointer, row_pointer, index - column->offsets[row]);
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

/* Fails at the first string, object or list too deep in an array that holds such. */
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
            if (!rl_column_of(filling->lifted, element))
                return refuse_mixed(filling, element, pointer, true);
        } else if (json_is_array(element) || json_is_object(element) || json_is_string(element)) {
            break;
        }
    }
    return rl_refuse_kind(filling->error, pointer, "a number", element);
}

/* The column of a member, in a regular shape. */
static enum rl_status find_column(const struct filling *filling, const json_t *value,
                                  const char *pointer, const struct rl_column **ret_column)
{
    const struct rl_column *column = rl_column_of(filling->lifted, value);
    if (!json_is_array(value))
        return rl_refuse_kind(filling->error, pointer, "a list of numbers, or a list of such lists",
                              value);
    if (!column)
        return refuse_mixed(filling, value, pointer, false);
    if (column->shape == RL_SHAPE_IRREGULAR)
        return refuse_misfit(filling, &column->misfit, pointer);
    *ret_column = column;
    return RL_OK;
}

/* ---- Shapes ---------------------------------------------------------------------------------- */

static size_t row_length(const struct rl_column *column, size_t row)
{
    return column->offsets[row + 1] - column->offsets[row];
}

/* The first row whose length differs from that of the scores, or `rows`. Both have as many rows. */
static size_t first_odd_row(const struct rl_column *column, const struct rl_column *shape)
{
    size_t row = 0;
    if (memcmp(column->offsets, shape->offsets, (shape->rows + 1) * sizeof(size_t)) == 0)
        return shape->rows;
    while (row_length(column, row) == row_length(shape, row))
        row++;
    return row;
}

static enum rl_status check_rows(const struct filling *filling, const struct rl_column *column,
                                 const char *pointer)
{
    const struct rl_column *shape = filling->shape;
    char row_pointer[RL_POINTER_MAX];
    const size_t rows = column->shape == RL_SHAPE_ROWS ? column->rows : 0;
    if (rows != shape->rows)
        return rl_fail(filling->error, RL_INVALID, pointer,
                       "%zu lists were expected, as in y_pred, found %zu", shape->rows, rows);
    const size_t row = first_odd_row(column, shape);
    if (row == rows)
        return RL_OK;
    rl_pointer_index(row_pointer, pointer, row);
    return rl_fail(filling->error, RL_INVALID, row_pointer,
                   "%zu items were expected, as in y_pred, found %zu", row_length(shape, row),
                   row_length(column, row));
}

/* Refuses a column that has not the shape of the scores. */
static enum rl_status check_shape(const struct filling *filling, const struct rl_column *column,
                                  const char *pointer)
{
    const struct rl_column *shape = filling->shape;
    if (shape->shape == RL_SHAPE_ROWS) {
        if (column->shape == RL_SHAPE_LIST && column->count > 0)
            return rl_fail(filling->error, RL_INVALID, pointer,
                           "a list of lists was expected, as in y_pred, found a list of numbers");
        return check_rows(filling, column, pointer);
    }
    if (column->shape == RL_SHAPE_ROWS)
        return rl_fail(filling->error, RL_INVALID, pointer,
                       "a list of numbers was expected, as in y_pred, found a list of lists");
    if (column->count != shape->count)
        return rl_fail(filling->error, RL_INVALID, pointer,
                       "%zu items were expected, as in y_pred, found %zu", shape->count,
                       column->count);
    return RL_OK;
}

/* ---- Values ---------------------------------------------------------------------------------- */

static uint64_t bits_at(const struct rl_column *column, size_t index)
{
    uint64_t bits;
    memcpy(&bits, &column->values[index], sizeof(bits));
    return bits;
}

/* Booleans become 1 and 0; nulls become a plain not-a-number. */
static void plain_labels(const struct rl_column *column)
{
    if (!column->has_null && !column->has_bool)
        return;
    for (size_t i = 0; i < column->count; i++) {
        const uint64_t bits = bits_at(column, i);
        if (bits == RL_BITS_NULL)
            column->values[i] = NAN;
        else if (bits == RL_BITS_TRUE || bits == RL_BITS_FALSE)
            column->values[i] = bits == RL_BITS_TRUE;
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
    char *out = (char *)values;
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

/* Rounds a column of numbers to the dtype. */
static enum rl_status finish_column(const struct filling *filling, const struct rl_column *column,
                                    const char *pointer)
{
    if (filling->dtype == RL_FLOAT64)
        return RL_OK;
    const size_t bad = narrow(column->values, column->count);
    if (bad == column->count)
        return RL_OK;
    return refuse_at(filling, column, pointer, bad,
                     "beyond the range of float32; dtype float64 has more");
}

/* Refuses what is no number in a column that may hold numbers alone. */
static enum rl_status check_numbers(const struct filling *filling, const struct rl_column *column,
                                    const char *pointer, bool null_fits)
{
    if (!column->has_bool && (null_fits || !column->has_null))
        return RL_OK;
    for (size_t i = 0; i < column->count; i++) {
        const uint64_t bits = bits_at(column, i);
        if (bits == RL_BITS_TRUE)
            return refuse_at(filling, column, pointer, i, "a number was expected, found true");
        if (bits == RL_BITS_FALSE)
            return refuse_at(filling, column, pointer, i, "a number was expected, found false");
        if (bits == RL_BITS_NULL && !null_fits)
            return refuse_at(filling, column, pointer, i, "a number was expected, found null");
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

/* A null score may stand at an invalid item only; what replaces it there is never read. */
static enum rl_status fill_nulls(const struct filling *filling, const struct rl_column *column)
{
    for (size_t i = 0; column->has_null && i < column->count; i++) {
        if (bits_at(column, i) != RL_BITS_NULL)
            continue;
        if (is_valid(&filling->batch, i))
            return refuse_at(filling, column, "/y_pred", i,
                             "a number was expected at an item that is neither masked nor "
                             "unlabelled, found null");
        column->values[i] = 0;
    }
    return RL_OK;
}

/* ---- Members --------------------------------------------------------------------------------- */

static enum rl_status take_labels(struct filling *filling, const json_t *value, const char *pointer)
{
    const struct rl_column *column;
    if (find_column(filling, value, pointer, &column) != RL_OK ||
        check_shape(filling, column, pointer) != RL_OK)
        return filling->error->status;
    plain_labels(column);
    filling->batch.labels = column->values;
    return finish_column(filling, column, pointer);
}

/* Doubles become bytes in the same memory; a mask that is true everywhere is none. */
static enum rl_status take_mask(struct filling *filling, const json_t *value)
{
    static const char pointer[] = "/y_true/mask";
    const struct rl_column *column;
    bool all = true;
    if (!value || json_is_null(value))
        return RL_OK;
    if (find_column(filling, value, pointer, &column) != RL_OK ||
        check_shape(filling, column, pointer) != RL_OK)
        return filling->error->status;
    uint8_t *mask = (uint8_t *)column->values;
    for (size_t i = 0; i < column->count; i++) {
        const uint64_t bits = bits_at(column, i);
        const bool set = bits == RL_BITS_TRUE || column->values[i] == 1;
        if (!set && bits != RL_BITS_FALSE && column->values[i] != 0)
            return refuse_at(filling, column, pointer, i, "true, false, 1 or 0 was expected");
        mask[i] = set;
        all &= set;
    }
    filling->batch.mask = all ? NULL : mask;
    return RL_OK;
}

/* Labels and mask must be there already. */
static enum rl_status take_scores(struct filling *filling)
{
    const struct rl_column *column = filling->shape;
    if (check_numbers(filling, column, "/y_pred", true) != RL_OK ||
        fill_nulls(filling, column) != RL_OK)
        return filling->error->status;
    filling->batch.scores = column->values;
    return finish_column(filling, column, "/y_pred");
}

static bool rows_of_one(const struct rl_column *column)
{
    for (size_t row = 0; row < column->rows; row++)
        if (row_length(column, row) != 1)
            return false;
    return true;
}

/* Which kind of weights has the shape of this column; false when it fits nothing. One number beside
 * a single list is that list's weight, as in Keras, where it is broadcast. */
static bool weight_kind(const struct filling *filling, const struct rl_column *column,
                        enum rl_weight_kind *ret_kind)
{
    const struct rl_column *shape = filling->shape;
    if (shape->shape == RL_SHAPE_LIST) {
        const bool one = column->count == 1;
        *ret_kind = one ? RL_WEIGHT_LIST : RL_WEIGHT_ITEM;
        return column->shape == RL_SHAPE_LIST && (one || column->count == shape->count);
    }
    if (column->shape == RL_SHAPE_LIST) {
        *ret_kind = RL_WEIGHT_LIST;
        return column->count == shape->rows;
    }
    const bool one_each = rows_of_one(column);
    *ret_kind = one_each ? RL_WEIGHT_LIST : RL_WEIGHT_ITEM;
    return column->rows == shape->rows && (one_each || first_odd_row(column, shape) == shape->rows);
}

static enum rl_status refuse_weights(const struct filling *filling, const struct rl_column *column)
{
    const char *fits = filling->shape->shape == RL_SHAPE_ROWS
                           ? "a number, one weight per list or one per item"
                           : "a number or one weight per item";
    if (column->shape == RL_SHAPE_ROWS)
        return rl_fail(filling->error, RL_INVALID, "/sample_weight",
                       "%s was expected (%zu lists, %zu items), found %zu lists with %zu numbers",
                       fits, filling->batch.lists, filling->batch.items, column->rows,
                       column->count);
    return rl_fail(filling->error, RL_INVALID, "/sample_weight",
                   "%s was expected (%zu lists, %zu items), found %zu numbers", fits,
                   filling->batch.lists, filling->batch.items, column->count);
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
    const struct rl_column *column;
    if (!value || json_is_null(value))
        return RL_OK;
    if (json_is_number(value))
        return take_weight_number(filling, value);
    if (!json_is_array(value))
        return rl_refuse_kind(filling->error, pointer, "a number or a list of numbers", value);
    if (find_column(filling, value, pointer, &column) != RL_OK)
        return filling->error->status;
    if (!weight_kind(filling, column, &filling->batch.weight_kind))
        return refuse_weights(filling, column);
    if (check_numbers(filling, column, pointer, false) != RL_OK)
        return filling->error->status;
    filling->batch.weights = column->values;
    return finish_column(filling, column, pointer);
}

/* ---- Whole ----------------------------------------------------------------------------------- */

static enum rl_status check_limits(const struct filling *filling, const struct rl_limits *limits)
{
    const struct rl_batch *batch = &filling->batch;
    const size_t max_items = limits->max_items < UINT32_MAX ? limits->max_items : UINT32_MAX;
    if (filling->shape->count == 0 && filling->shape->shape == RL_SHAPE_LIST)
        return rl_fail(filling->error, RL_INVALID, "/y_pred",
                       "at least one list or one item was expected, found none");
    if (batch->lists > limits->max_lists)
        return rl_fail(filling->error, RL_TOO_LARGE, "/y_pred",
                       "%zu lists are more than max-lists allows (%zu)", batch->lists,
                       limits->max_lists);
    if (batch->items > max_items)
        return rl_fail(filling->error, RL_TOO_LARGE, "/y_pred",
                       "%zu items are more than max-items allows (%zu)", batch->items, max_items);
    return RL_OK;
}

/* Lists, items and offsets from the shape of the scores. */
static enum rl_status take_shape(struct filling *filling, const json_t *scores)
{
    const struct rl_column *column;
    if (find_column(filling, scores, "/y_pred", &column) != RL_OK)
        return filling->error->status;
    filling->shape = column;
    filling->batch.items = column->count;
    filling->batch.lists = column->rows;
    filling->batch.offsets = column->offsets;
    if (column->shape == RL_SHAPE_ROWS)
        return RL_OK;
    size_t *offsets = rl_arena_array(filling->arena, 2, sizeof(*offsets));
    if (!offsets)
        return rl_fail(filling->error, RL_NOMEM, "", "no memory for the request");
    offsets[0] = 0;
    offsets[1] = column->count;
    filling->batch.lists = 1;
    filling->batch.offsets = offsets;
    return RL_OK;
}

enum rl_status rl_columns_batch(const struct rl_lifted *lifted,
                                const struct rl_batch_members *members, enum rl_dtype dtype,
                                const struct rl_limits *limits, struct rl_arena *arena,
                                struct rl_batch *ret_batch, bool *ret_batched,
                                struct rl_error *error)
{
    struct filling filling = {.lifted = lifted,
                              .dtype = dtype,
                              .arena = arena,
                              .error = error,
                              .batch = {.dtype = dtype}};
    const char *labels_pointer = members->nested ? "/y_true/labels" : "/y_true";
    if (take_shape(&filling, members->scores) != RL_OK || check_limits(&filling, limits) != RL_OK ||
        take_labels(&filling, members->labels, labels_pointer) != RL_OK ||
        take_mask(&filling, members->mask) != RL_OK || take_scores(&filling) != RL_OK ||
        take_weights(&filling, members->weights) != RL_OK)
        return error->status;
    *ret_batch = filling.batch;
    *ret_batched = filling.shape->shape == RL_SHAPE_ROWS;
    return RL_OK;
}
