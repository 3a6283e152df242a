/*
 * tensor.c: reads the descriptions of input tensors and finds their elements.
 */
#include "server/formats/oip/tensor.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "server/formats/document/members.h"

#define BIT(type)   (1u << (type))
#define FLOATS      (BIT(RL_FP16) | BIT(RL_BF16) | BIT(RL_FP32) | BIT(RL_FP64))
#define INPUT_NAMES "y_true, y_pred, mask, sample_weight or lengths"

const struct rl_tensor_row rl_tensor_rows[RL_TENSORS] = {
    [RL_TENSOR_LABELS] = {"y_true", BIT(RL_DATATYPES) - 1, RL_FP32, 2, false},
    [RL_TENSOR_SCORES] = {"y_pred", FLOATS, RL_FP32, 2, false},
    [RL_TENSOR_MASK] = {"mask", BIT(RL_BOOL), RL_BOOL, 2, true},
    [RL_TENSOR_WEIGHTS] = {"sample_weight", FLOATS, RL_FP32, 2, true},
    [RL_TENSOR_LENGTHS] = {"lengths", BIT(RL_INT32) | BIT(RL_INT64), RL_INT64, 1, true},
};

struct reading {
    const struct rl_document *document;
    struct rl_tensor_bytes bytes; /* those of the tensors that are yet to be read */
    struct rl_tensor *tensors;
    struct rl_error *error;
};

/* ---- Places ---------------------------------------------------------------------------------- */

enum rl_status rl_tensor_refuse(const struct rl_tensor *tensor, size_t index, const char *detail,
                                struct rl_error *error)
{
    char data[RL_POINTER_MAX], row[RL_POINTER_MAX], place[RL_POINTER_MAX];
    rl_pointer_key(data, tensor->pointer, "data");
    if (tensor->nested) {
        rl_pointer_index(row, data, index / tensor->dims[1]);
        rl_pointer_index(place, row, index % tensor->dims[1]);
    } else {
        rl_pointer_index(place, data, index);
    }
    return rl_fail(error, RL_INVALID, place, "%s: %s", tensor->name, detail);
}

/* ---- Shape and type -------------------------------------------------------------------------- */

static enum rl_status read_extent(const struct reading *reading, double extent, const char *pointer,
                                  size_t index, size_t *ret_extent)
{
    char place[RL_POINTER_MAX];
    if (extent >= 0 && extent < 0x1p53 && floor(extent) == extent) {
        *ret_extent = (size_t)extent;
        return RL_OK;
    }
    rl_pointer_index(place, pointer, index);
    return rl_fail(reading->error, RL_INVALID, place,
                   "a whole number of at least 0 was expected, found %.9g", extent);
}

static enum rl_status read_shape(const struct reading *reading, const json_t *value,
                                 const struct rl_tensor_row *row, const char *pointer,
                                 struct rl_tensor *tensor)
{
    const struct rl_array *const array = rl_array_of(&reading->document->extracted, value);
    if (!array || array->shape != RL_ARRAY_FLAT || array->has_null || array->has_bool)
        return rl_fail(reading->error, RL_INVALID, pointer, "a list of numbers was expected");
    if (array->count < 1 || array->count > row->rank)
        return rl_fail(reading->error, RL_INVALID, pointer,
                       "%s: %s was expected, found %zu dimensions", row->name,
                       row->rank > 1 ? "[items] or [lists, items]" : "[lists]", array->count);
    tensor->rank = array->count;
    tensor->dims[1] = 1;
    for (size_t i = 0; i < array->count; i++)
        if (read_extent(reading, array->values[i], pointer, i, &tensor->dims[i]) != RL_OK)
            return reading->error->status;
    /* As many doubles must have a size as well. */
    size_t bytes = 0;
    if (__builtin_mul_overflow(tensor->dims[0], tensor->dims[1], &tensor->count) ||
        __builtin_mul_overflow(tensor->count, sizeof(double), &bytes))
        return rl_fail(reading->error, RL_TOO_LARGE, pointer, "%s: too many elements", row->name);
    return RL_OK;
}

/* "FP16, BF16, FP32 or FP64" */
static const char *list_types(unsigned types, char text[128])
{
    size_t length = 0;
    text[0] = '\0';
    for (unsigned type = 0; type < RL_DATATYPES; type++) {
        if (!(types & BIT(type)))
            continue;
        types &= ~BIT(type);
        length += (size_t)snprintf(text + length, 128 - length, "%s%s",
                                   length == 0 ? ""
                                   : types     ? ", "
                                               : " or ",
                                   rl_datatype_name((enum rl_datatype)type));
    }
    return text;
}

static enum rl_status read_type(const struct reading *reading, const json_t *value,
                                const struct rl_tensor_row *row, const char *pointer,
                                struct rl_tensor *tensor)
{
    char types[128];
    const char *word = "";
    list_types(row->types, types);
    if (rl_read_word(value, pointer, types, &word, reading->error) != RL_OK)
        return reading->error->status;
    if (rl_datatype_find(word, &tensor->type) && (row->types & BIT(tensor->type)))
        return RL_OK;
    return rl_fail(reading->error, RL_INVALID, pointer, "%s: %s was expected, found \"%s\"",
                   row->name, types, rl_excerpt(word, strlen(word)).text);
}

/* ---- Elements in binary ---------------------------------------------------------------------- */

/* Takes the tensor's bytes off the front of what is left. */
static enum rl_status take_bytes(struct reading *reading, const json_t *size, const char *pointer,
                                 struct rl_tensor *tensor)
{
    const size_t expected = tensor->count * rl_datatype_size(tensor->type);
    const size_t left = (size_t)(reading->bytes.end - reading->bytes.at);
    double found = 0;
    if (rl_read_number(size, pointer, &found, reading->error) != RL_OK)
        return reading->error->status;
    if (found != (double)expected)
        return rl_fail(reading->error, RL_INVALID, pointer,
                       "%s: its shape takes %zu bytes of %s, found %.17g", tensor->name, expected,
                       rl_datatype_name(tensor->type), found);
    if (expected > left)
        return rl_fail(reading->error, RL_INVALID, pointer,
                       "%s: the body ends %zu bytes short of the tensor's end", tensor->name,
                       expected - left);
    tensor->bytes = reading->bytes.at;
    reading->bytes.at += expected;
    return RL_OK;
}

/* ---- Elements in JSON ------------------------------------------------------------------------ */

/* What is wrong with a number as an element of this type; NULL: nothing. Gives its value, as FP32
 * has it, too. */
static const char *check_number(enum rl_datatype type, double *value)
{
    double least, most;
    if (rl_datatype_range(type, &least, &most))
        return floor(*value) != *value           ? "a whole number was expected"
               : *value < least || *value > most ? "beyond the range of its datatype"
                                                 : NULL;
    if (type == RL_FP32)
        *value = (double)(float)*value;
    return isinf(*value) ? "beyond the range of FP32" : NULL;
}

/* The same for any element: null is not-a-number, true and false are those of BOOL. */
static const char *check_element(enum rl_datatype type, double *value)
{
    uint64_t bits;
    const bool whole = type != RL_FP32 && type != RL_FP64;
    memcpy(&bits, value, sizeof(bits));
    if (bits == RL_BITS_NULL) {
        *value = (double)NAN;
        return whole ? "a whole number was expected, found null" : NULL;
    }
    if (bits == RL_BITS_TRUE || bits == RL_BITS_FALSE) {
        *value = bits == RL_BITS_TRUE;
        return type == RL_BOOL ? NULL : "a number was expected, found true or false";
    }
    return check_number(type, value);
}

static enum rl_status check_rows(const struct reading *reading, const struct rl_array *array,
                                 const char *pointer, const struct rl_tensor *tensor)
{
    char place[RL_POINTER_MAX];
    if (tensor->rank == 1 || array->rows != tensor->dims[0])
        return rl_fail(reading->error, RL_INVALID, pointer,
                       "%s: data has %zu lists, which is not its shape", tensor->name, array->rows);
    for (size_t i = 0; i < array->rows; i++) {
        const size_t found = array->offsets[i + 1] - array->offsets[i];
        if (found == tensor->dims[1])
            continue;
        rl_pointer_index(place, pointer, i);
        return rl_fail(reading->error, RL_INVALID, place,
                       "%s: its shape has %zu items in a list, found %zu", tensor->name,
                       tensor->dims[1], found);
    }
    return RL_OK;
}

static enum rl_status find_data(const struct reading *reading, const json_t *value,
                                const char *pointer, const struct rl_tensor *tensor,
                                const struct rl_array **ret_array)
{
    const struct rl_array *const array = rl_array_of(&reading->document->extracted, value);
    if (tensor->type == RL_FP16 || tensor->type == RL_BF16)
        return rl_fail(reading->error, RL_INVALID, pointer, "%s: %s has no form in JSON but binary",
                       tensor->name, rl_datatype_name(tensor->type));
    if (!array || array->shape == RL_ARRAY_IRREGULAR)
        return rl_fail(reading->error, RL_INVALID, pointer,
                       "%s: a list of numbers, flat or as its shape says, was expected",
                       tensor->name);
    if (array->shape == RL_ARRAY_ROWS && check_rows(reading, array, pointer, tensor) != RL_OK)
        return reading->error->status;
    if (array->count != tensor->count)
        return rl_fail(reading->error, RL_INVALID, pointer,
                       "%s: its shape has %zu elements, data has %zu", tensor->name, tensor->count,
                       array->count);
    *ret_array = array;
    return RL_OK;
}

static enum rl_status take_data(const struct reading *reading, const json_t *value,
                                const char *pointer, struct rl_tensor *tensor)
{
    const struct rl_array *array = NULL;
    if (find_data(reading, value, pointer, tensor, &array) != RL_OK)
        return reading->error->status;
    tensor->nested = array->shape == RL_ARRAY_ROWS;
    for (size_t i = 0; i < array->count; i++) {
        const char *const wrong = check_element(tensor->type, &array->values[i]);
        if (wrong)
            return rl_tensor_refuse(tensor, i, wrong, reading->error);
    }
    tensor->json = true;
    tensor->type = RL_FP64;
    tensor->bytes = (const char *)array->values;
    return RL_OK;
}

/* ---- Inputs ---------------------------------------------------------------------------------- */

/* Fails at the first member of an object whose name is not among `known`, which ends with NULL. */
static enum rl_status check_keys(const struct reading *reading, const json_t *object,
                                 const char *pointer, const char *const *known)
{
    char place[RL_POINTER_MAX];
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        size_t i = 0;
        while (known[i] && strcmp(known[i], key) != 0)
            i++;
        if (known[i])
            continue;
        rl_pointer_key(place, pointer, key);
        return rl_fail(reading->error, RL_INVALID, place,
                       "no member of this object, whose are %s%s", known[0], known[1] ? ", …" : "");
    }
    return RL_OK;
}

/* The elements, wherever they are. */
static enum rl_status take_elements(struct reading *reading, const json_t *input,
                                    struct rl_tensor *tensor)
{
    static const char *const known[] = {"binary_data_size", NULL};
    const json_t *const parameters = json_object_get(input, "parameters");
    const json_t *const size = json_object_get(parameters, "binary_data_size");
    const json_t *const data = json_object_get(input, "data");
    char pointer[RL_POINTER_MAX], place[RL_POINTER_MAX];
    rl_pointer_key(pointer, tensor->pointer, "parameters");
    if (parameters && !json_is_object(parameters))
        return rl_refuse_kind(reading->error, pointer, "an object", parameters);
    if (check_keys(reading, parameters, pointer, known) != RL_OK)
        return reading->error->status;
    if (!size == !data)
        return rl_fail(reading->error, RL_INVALID, tensor->pointer,
                       "%s: either data or the parameter binary_data_size was expected",
                       tensor->name);
    rl_pointer_key(place, size ? pointer : tensor->pointer, size ? "binary_data_size" : "data");
    return size ? take_bytes(reading, size, place, tensor)
                : take_data(reading, data, place, tensor);
}

/* The tensor that an input describes, not read before. */
static enum rl_status find_tensor(const struct reading *reading, const json_t *input,
                                  const char *pointer, enum rl_tensor_name *ret_name)
{
    const json_t *const name = json_object_get(input, "name");
    char place[RL_POINTER_MAX];
    const char *word = "";
    rl_pointer_key(place, pointer, "name");
    if (!name)
        return rl_fail(reading->error, RL_INVALID, place, "the name is missing");
    if (rl_read_word(name, place, INPUT_NAMES, &word, reading->error) != RL_OK)
        return reading->error->status;
    for (int i = 0; i < RL_TENSORS; i++) {
        if (strcmp(rl_tensor_rows[i].name, word) != 0)
            continue;
        if (reading->tensors[i].sent)
            return rl_fail(reading->error, RL_INVALID, place, "a second %s", word);
        *ret_name = (enum rl_tensor_name)i;
        return RL_OK;
    }
    return rl_fail(reading->error, RL_INVALID, place, INPUT_NAMES " was expected, found \"%s\"",
                   rl_excerpt(word, strlen(word)).text);
}

static enum rl_status read_input(struct reading *reading, const json_t *input, const char *pointer)
{
    static const char *const known[] = {"name", "shape", "datatype", "parameters", "data", NULL};
    enum rl_tensor_name name = RL_TENSOR_LABELS;
    char place[RL_POINTER_MAX];
    if (!json_is_object(input))
        return rl_refuse_kind(reading->error, pointer, "an object", input);
    if (check_keys(reading, input, pointer, known) != RL_OK ||
        find_tensor(reading, input, pointer, &name) != RL_OK)
        return reading->error->status;
    const struct rl_tensor_row *const row = &rl_tensor_rows[name];
    struct rl_tensor *const tensor = &reading->tensors[name];
    tensor->sent = true;
    tensor->name = row->name;
    snprintf(tensor->pointer, sizeof(tensor->pointer), "%s", pointer);
    rl_pointer_key(place, pointer, "shape");
    const json_t *const shape = json_object_get(input, "shape");
    if (!shape)
        return rl_fail(reading->error, RL_INVALID, place, "%s: the shape is missing", row->name);
    if (read_shape(reading, shape, row, place, tensor) != RL_OK)
        return reading->error->status;
    rl_pointer_key(place, pointer, "datatype");
    const json_t *const type = json_object_get(input, "datatype");
    if (!type)
        return rl_fail(reading->error, RL_INVALID, place, "%s: the datatype is missing", row->name);
    if (read_type(reading, type, row, place, tensor) != RL_OK)
        return reading->error->status;
    return take_elements(reading, input, tensor);
}

enum rl_status rl_tensors_read(const struct rl_document *document, struct rl_tensor_bytes bytes,
                               struct rl_tensor ret_tensors[RL_TENSORS], struct rl_error *error)
{
    struct rl_tensor tensors[RL_TENSORS] = {0};
    struct reading reading = {document, bytes, tensors, error};
    const json_t *const inputs = json_object_get(document->root, "inputs");
    char pointer[RL_POINTER_MAX];
    size_t count = 0;
    if (!inputs)
        return rl_fail(error, RL_INVALID, "/inputs", "the inputs are missing");
    if (rl_document_list(&document->extracted, inputs, "/inputs", "an object", &count, error))
        return error->status;
    for (size_t i = 0; i < count; i++) {
        rl_pointer_index(pointer, "/inputs", i);
        if (read_input(&reading, json_array_get(inputs, i), pointer) != RL_OK)
            return error->status;
    }
    if (reading.bytes.at < bytes.end)
        return rl_fail(error, RL_INVALID, "/inputs", "%zu bytes follow the last tensor",
                       (size_t)(reading.bytes.end - reading.bytes.at));
    memcpy(ret_tensors, tensors, sizeof(tensors));
    return RL_OK;
}
