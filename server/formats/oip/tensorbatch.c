/*
 * tensorbatch.c: from input tensors to a batch.
 */
#include "server/formats/oip/tensorbatch.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "server/formats/document/members.h"

struct filling {
    const struct rl_tensorbatch *how;
    const struct rl_tensor *tensors;
    struct rl_error *error;
    struct rl_batch batch;
    bool uses_body;
};

static const struct rl_tensor *find(const struct filling *filling, enum rl_tensor_name name)
{
    return &filling->tensors[name];
}

/* Memory of the arena, whose limit is the request's. */
static void *reserve(const struct filling *filling, size_t count, size_t size)
{
    struct rl_arena *const arena = filling->how->arena;
    void *const memory = rl_arena_array(arena, count, size);
    if (memory)
        return memory;
    if (count > (arena->limit - arena->used) / size)
        rl_fail(filling->error, RL_TOO_LARGE, "",
                "the request's numbers take more memory than max-request-memory");
    else
        rl_fail(filling->error, RL_NOMEM, "", "no memory for the request");
    return NULL;
}

/* ---- Shapes ---------------------------------------------------------------------------------- */

/* "[2, 3]" */
static const char *shape_text(const struct rl_tensor *tensor, char text[64])
{
    if (tensor->rank == 1)
        snprintf(text, 64, "[%zu]", tensor->dims[0]);
    else
        snprintf(text, 64, "[%zu, %zu]", tensor->dims[0], tensor->dims[1]);
    return text;
}

static bool same_shape(const struct rl_tensor *a, const struct rl_tensor *b)
{
    return a->rank == b->rank && a->dims[0] == b->dims[0] && a->dims[1] == b->dims[1];
}

static enum rl_status refuse_shape(const struct filling *filling, const struct rl_tensor *tensor,
                                   const char *expected)
{
    char pointer[RL_POINTER_MAX], found[64];
    rl_pointer_key(pointer, tensor->pointer, "shape");
    return rl_fail(filling->error, RL_INVALID, pointer, "%s: %s was expected, found %s",
                   tensor->name, expected, shape_text(tensor, found));
}

/* Fails if a tensor does not have the shape of the scores. */
static enum rl_status check_shape(const struct filling *filling, const struct rl_tensor *tensor)
{
    const struct rl_tensor *const scores = find(filling, RL_TENSOR_SCORES);
    char text[64], expected[96];
    if (same_shape(tensor, scores))
        return RL_OK;
    snprintf(expected, sizeof(expected), "%s, as in y_pred,", shape_text(scores, text));
    return refuse_shape(filling, tensor, expected);
}

static enum rl_status check_limits(const struct filling *filling)
{
    const struct rl_limits *const limits = filling->how->limits;
    const struct rl_batch *const batch = &filling->batch;
    const struct rl_tensor *const scores = find(filling, RL_TENSOR_SCORES);
    const struct rl_tensor *const lengths = find(filling, RL_TENSOR_LENGTHS);
    const size_t max_items = limits->max_items < UINT32_MAX ? limits->max_items : UINT32_MAX;
    const bool one_list = scores->rank == 1 && !lengths->sent;
    char pointer[RL_POINTER_MAX];
    rl_pointer_key(pointer, lengths->sent ? lengths->pointer : scores->pointer, "shape");
    if (batch->lists == 0 || (one_list && batch->items == 0))
        return rl_fail(filling->error, RL_INVALID, pointer,
                       "at least one list or one item was expected, found none");
    if (batch->lists > limits->max_lists)
        return rl_fail(filling->error, RL_TOO_LARGE, pointer,
                       "%zu lists are more than max-lists allows (%zu)", batch->lists,
                       limits->max_lists);
    if (batch->items > max_items)
        return rl_fail(filling->error, RL_TOO_LARGE, pointer,
                       "%zu items are more than max-items allows (%zu)", batch->items, max_items);
    return RL_OK;
}

/* ---- Lists ----------------------------------------------------------------------------------- */

/* Offsets of lists that are all `width` long. */
static enum rl_status fill_even(struct filling *filling, size_t width)
{
    const size_t lists = filling->batch.lists;
    size_t *const offsets = reserve(filling, lists + 1, sizeof(*offsets));
    if (!offsets)
        return filling->error->status;
    for (size_t i = 0; i <= lists; i++)
        offsets[i] = i * width;
    filling->batch.offsets = offsets;
    return RL_OK;
}

/* Offsets from the lengths of lists, which must add up to the items. */
static enum rl_status fill_ragged(struct filling *filling)
{
    const struct rl_tensor *const lengths = find(filling, RL_TENSOR_LENGTHS);
    const size_t lists = filling->batch.lists, items = filling->batch.items;
    size_t *const offsets = reserve(filling, lists + 1, sizeof(*offsets));
    size_t sum = 0;
    if (!offsets)
        return filling->error->status;
    for (size_t i = 0; i < lists; i++) {
        const double length = rl_datatype_value(lengths->type, lengths->bytes, i);
        if (!(length >= 0))
            return rl_tensor_refuse(lengths, i, "a length of at least 0 was expected",
                                    filling->error);
        if (length > (double)(items - sum))
            return rl_tensor_refuse(lengths, i, "the lists so far are longer than y_pred",
                                    filling->error);
        offsets[i] = sum;
        sum += (size_t)length;
    }
    offsets[lists] = sum;
    filling->batch.offsets = offsets;
    if (sum == items)
        return RL_OK;
    return rl_fail(filling->error, RL_INVALID, lengths->pointer,
                   "lengths: %zu items were expected, as in y_pred, found %zu", items, sum);
}

/* Lists, items and offsets from the shapes of the scores and the lengths. */
static enum rl_status take_lists(struct filling *filling)
{
    const struct rl_tensor *const scores = find(filling, RL_TENSOR_SCORES);
    const struct rl_tensor *const lengths = find(filling, RL_TENSOR_LENGTHS);
    const size_t width = scores->rank == 2 ? scores->dims[1] : scores->count;
    filling->batch.items = scores->count;
    filling->batch.lists = scores->rank == 2 ? scores->dims[0] : 1;
    if (lengths->sent) {
        if (scores->rank == 2)
            return refuse_shape(filling, scores, "[items], since there are lengths,");
        filling->batch.lists = lengths->count;
    }
    if (check_limits(filling) != RL_OK)
        return filling->error->status;
    return lengths->sent ? fill_ragged(filling) : fill_even(filling, width);
}

/* ---- Values ---------------------------------------------------------------------------------- */

static double number_at(enum rl_dtype dtype, const void *numbers, size_t index)
{
    return dtype == RL_FLOAT32 ? (double)((const float *)numbers)[index]
                               : ((const double *)numbers)[index];
}

enum { BLOCK = 512 };

/* Whether `count` numbers are finite: without a branch for each, so that it is vector code. */
static bool all_finite(enum rl_dtype dtype, const void *numbers, size_t count)
{
    int bad = 0;
    if (dtype == RL_FLOAT32) {
        const float *const values = numbers;
        for (size_t i = 0; i < count; i++)
            bad |= !(fabsf(values[i]) <= FLT_MAX);
    } else {
        const double *const values = numbers;
        for (size_t i = 0; i < count; i++)
            bad |= !(fabs(values[i]) <= DBL_MAX);
    }
    return !bad;
}

/* The first number from `index` on that is not finite, or `count`. */
static size_t next_odd(enum rl_dtype dtype, const void *numbers, size_t index, size_t count)
{
    const size_t size = dtype == RL_FLOAT32 ? sizeof(float) : sizeof(double);
    while (count - index > BLOCK && all_finite(dtype, (const char *)numbers + index * size, BLOCK))
        index += BLOCK;
    while (index < count && isfinite(number_at(dtype, numbers, index)))
        index++;
    return index;
}

/* The tensor's elements as numbers of the batch. */
static enum rl_status take_numbers(struct filling *filling, const struct rl_tensor *tensor,
                                   const void **ret_numbers)
{
    const enum rl_dtype dtype = filling->how->dtype;
    const size_t size = rl_datatype_size(rl_datatype_of(dtype));
    if (tensor->type == rl_datatype_of(dtype) && (uintptr_t)tensor->bytes % size == 0) {
        *ret_numbers = tensor->bytes;
        filling->uses_body |= !tensor->json;
        return RL_OK;
    }
    void *const numbers = reserve(filling, tensor->count, size);
    if (!numbers)
        return filling->error->status;
    rl_datatype_convert(tensor->type, tensor->bytes, tensor->count, dtype, numbers);
    *ret_numbers = numbers;
    return RL_OK;
}

/* Fails at an element that is infinite, or is so in the dtype. */
static enum rl_status refuse_infinite(const struct filling *filling, const struct rl_tensor *tensor,
                                      size_t index)
{
    const double sent = rl_datatype_value(tensor->type, tensor->bytes, index);
    return rl_tensor_refuse(tensor, index,
                            isinf(sent) ? "a finite number was expected, found an infinite one"
                                        : "beyond the range of float32; dtype float64 has more",
                            filling->error);
}

/* ---- Members --------------------------------------------------------------------------------- */

/* Booleans other than 0 and 1 have no meaning. */
static enum rl_status check_booleans(const struct filling *filling, const struct rl_tensor *tensor)
{
    unsigned char all = 0;
    if (tensor->type != RL_BOOL)
        return RL_OK;
    for (size_t i = 0; i < tensor->count; i++)
        all |= (unsigned char)tensor->bytes[i];
    if (all <= 1)
        return RL_OK;
    size_t i = 0;
    while ((unsigned char)tensor->bytes[i] <= 1)
        i++;
    return rl_tensor_refuse(tensor, i, "the byte 0 or 1 was expected", filling->error);
}

/* A label that is not-a-number means "not labelled". */
static enum rl_status take_labels(struct filling *filling)
{
    const struct rl_tensor *const tensor = find(filling, RL_TENSOR_LABELS);
    const enum rl_dtype dtype = filling->how->dtype;
    if (check_shape(filling, tensor) != RL_OK || check_booleans(filling, tensor) != RL_OK ||
        take_numbers(filling, tensor, &filling->batch.labels) != RL_OK)
        return filling->error->status;
    const void *const labels = filling->batch.labels;
    for (size_t i = 0; (i = next_odd(dtype, labels, i, tensor->count)) < tensor->count; i++)
        if (isinf(number_at(dtype, labels, i)))
            return refuse_infinite(filling, tensor, i);
    return RL_OK;
}

/* The bytes of a mask as they are; numbers where it came as JSON. */
static enum rl_status find_mask(struct filling *filling, const struct rl_tensor *tensor,
                                const uint8_t **ret_mask)
{
    if (tensor->type == RL_BOOL) {
        *ret_mask = (const uint8_t *)tensor->bytes;
        return check_booleans(filling, tensor);
    }
    uint8_t *const mask = reserve(filling, tensor->count, 1);
    if (!mask)
        return filling->error->status;
    for (size_t i = 0; i < tensor->count; i++)
        mask[i] = rl_datatype_value(tensor->type, tensor->bytes, i) != 0;
    *ret_mask = mask;
    return RL_OK;
}

/* A mask that is true everywhere is left out. */
static enum rl_status take_mask(struct filling *filling)
{
    const struct rl_tensor *const tensor = find(filling, RL_TENSOR_MASK);
    const uint8_t *mask = NULL;
    uint8_t all = 1;
    if (!tensor->sent)
        return RL_OK;
    if (check_shape(filling, tensor) != RL_OK || find_mask(filling, tensor, &mask) != RL_OK)
        return filling->error->status;
    for (size_t i = 0; i < tensor->count; i++)
        all &= mask[i];
    filling->batch.mask = all ? NULL : mask;
    filling->uses_body |= !all && tensor->type == RL_BOOL;
    return RL_OK;
}

static bool is_valid(const struct rl_batch *batch, size_t item)
{
    return (!batch->mask || batch->mask[item]) && number_at(batch->dtype, batch->labels, item) >= 0;
}

/* After the labels and the mask, which decide where a score may be missing. */
static enum rl_status take_scores(struct filling *filling)
{
    const struct rl_tensor *const tensor = find(filling, RL_TENSOR_SCORES);
    const enum rl_dtype dtype = filling->how->dtype;
    if (take_numbers(filling, tensor, &filling->batch.scores) != RL_OK)
        return filling->error->status;
    const void *const scores = filling->batch.scores;
    for (size_t i = 0; (i = next_odd(dtype, scores, i, tensor->count)) < tensor->count; i++) {
        if (isinf(number_at(dtype, scores, i)))
            return refuse_infinite(filling, tensor, i);
        if (!filling->how->unretrieved && is_valid(&filling->batch, i))
            return rl_tensor_refuse(tensor, i,
                                    "a number was expected at an item that is neither masked nor "
                                    "unlabelled, found not-a-number",
                                    filling->error);
    }
    return RL_OK;
}

/* The kind of weights with this shape; false if there is none. As in JSON, a single number beside a
 * single list is the weight of that list, and lists of one weight each are weights of lists. */
static bool weight_kind(const struct filling *filling, const struct rl_tensor *weights,
                        enum rl_weight_kind *ret_kind)
{
    const struct rl_tensor *const scores = find(filling, RL_TENSOR_SCORES);
    const bool one_list = scores->rank == 1 && !find(filling, RL_TENSOR_LENGTHS)->sent;
    const bool each_list = weights->dims[0] == filling->batch.lists && weights->dims[1] == 1 &&
                           (weights->rank == 1 || !one_list);
    *ret_kind = each_list ? RL_WEIGHT_LIST : RL_WEIGHT_ITEM;
    return each_list || same_shape(weights, scores);
}

static enum rl_status take_weights(struct filling *filling)
{
    const struct rl_tensor *const tensor = find(filling, RL_TENSOR_WEIGHTS);
    const enum rl_dtype dtype = filling->how->dtype;
    if (!tensor->sent)
        return RL_OK;
    if (!weight_kind(filling, tensor, &filling->batch.weight_kind))
        return refuse_shape(filling, tensor, "[lists], [lists, 1] or the shape of y_pred");
    if (take_numbers(filling, tensor, &filling->batch.weights) != RL_OK)
        return filling->error->status;
    const size_t odd = next_odd(dtype, filling->batch.weights, 0, tensor->count);
    if (odd == tensor->count)
        return RL_OK;
    if (isnan(number_at(dtype, filling->batch.weights, odd)))
        return rl_tensor_refuse(tensor, odd, "a number was expected, found not-a-number",
                                filling->error);
    return refuse_infinite(filling, tensor, odd);
}

/* ---- Whole ----------------------------------------------------------------------------------- */

static enum rl_status check_sent(const struct filling *filling)
{
    if (!find(filling, RL_TENSOR_LABELS)->sent)
        return rl_fail(filling->error, RL_INVALID, "/inputs", "y_true is missing");
    if (!find(filling, RL_TENSOR_SCORES)->sent)
        return rl_fail(filling->error, RL_INVALID, "/inputs", "y_pred is missing");
    return RL_OK;
}

enum rl_status rl_tensorbatch_make(const struct rl_tensorbatch *how,
                                   const struct rl_tensor tensors[RL_TENSORS],
                                   struct rl_query *query, struct rl_error *error)
{
    struct filling filling = {
        .how = how, .tensors = tensors, .error = error, .batch = {.dtype = how->dtype}};
    if (check_sent(&filling) != RL_OK || take_lists(&filling) != RL_OK ||
        take_labels(&filling) != RL_OK || take_mask(&filling) != RL_OK ||
        take_scores(&filling) != RL_OK || take_weights(&filling) != RL_OK)
        return error->status;
    query->batch = filling.batch;
    query->batched = tensors[RL_TENSOR_SCORES].rank == 2 || tensors[RL_TENSOR_LENGTHS].sent;
    query->uses_body = filling.uses_body;
    return RL_OK;
}
