/*
 * fuzz_oip.c: infer requests of the Open Inference Protocol.
 *
 * The first byte chooses among two kinds. Any bytes as a body, with any header length: what is
 * refused has an error with its place; what is taken keeps what the headers say, is answered, and
 * its batch written as JSON is read as the same batch by the reader of JSON. Or a well-formed
 * request with tensors of any type and with any bytes as their elements, beside JSON text of the
 * same numbers, which is made here from the elements by plain means: both readers accept or refuse
 * it, and read the same batch.
 */
#include "server/formats/oip/infer.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "server/formats/json/decode.h"
#include "server/formats/oip/answer.h"
#include "server/formats/oip/datatype.h"
#include "server/text/jsonwriter.h"
#include "tests/fuzz/fuzzbody.h"

static const struct rl_limits limits = {.max_lists = 2000,
                                        .max_items = 20000,
                                        .max_depth = 32,
                                        .max_top_k = 100,
                                        .max_evaluations = 8,
                                        .max_json_memory = 1 << 24};

/* ---- Reading --------------------------------------------------------------------------------- */

struct reading {
    struct rl_arena arena;
    struct rl_query query;
    struct rl_error error;
    enum rl_status status;
    char *body;
};

static void read_tensors(struct reading *reading, const char *body, size_t length,
                         const char *header_length, const struct rl_target *target)
{
    struct rl_headers headers;
    rl_headers_init(&headers, NULL);
    headers.inference_length = header_length;
    reading->error = (struct rl_error){0};
    reading->body = fuzz_copy((const uint8_t *)body, length);
    rl_arena_init(&reading->arena, 1 << 26);
    const struct rl_input input = {.body = reading->body,
                                   .length = length,
                                   .headers = &headers,
                                   .target = target,
                                   .limits = &limits,
                                   .arena = &reading->arena};
    reading->status = rl_infer_read(&input, &reading->query, &reading->error);
}

static void read_json(struct reading *reading, const struct rl_text *text,
                      const struct rl_target *target)
{
    REQUIRE(!text->failed);
    reading->error = (struct rl_error){0};
    reading->body = fuzz_copy((const uint8_t *)text->data, text->length);
    rl_arena_init(&reading->arena, 1 << 26);
    const struct rl_input input = {.body = reading->body,
                                   .length = text->length,
                                   .target = target,
                                   .limits = &limits,
                                   .arena = &reading->arena};
    reading->status = rl_json_read(&input, &reading->query, &reading->error);
}

static void release(struct reading *reading)
{
    rl_arena_release(&reading->arena);
    free(reading->body);
}

/* ---- Batches --------------------------------------------------------------------------------- */

static void compare_columns(const struct rl_batch *a, const void *of_a, const struct rl_batch *b,
                            const void *of_b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const double x = fuzz_value(a, of_a, i), y = fuzz_value(b, of_b, i);
        REQUIRE(memcmp(&x, &y, sizeof(x)) == 0 || (isnan(x) && isnan(y)));
    }
}

static void compare_batches(const struct rl_query *tensors, const struct rl_query *json)
{
    const struct rl_batch *const a = &tensors->batch, *const b = &json->batch;
    REQUIRE(tensors->batched == json->batched && a->dtype == b->dtype);
    REQUIRE(a->lists == b->lists && a->items == b->items);
    REQUIRE(memcmp(a->offsets, b->offsets, (a->lists + 1) * sizeof(*a->offsets)) == 0);
    REQUIRE(!a->mask == !b->mask && (!a->mask || memcmp(a->mask, b->mask, a->items) == 0));
    REQUIRE(a->weight_kind == b->weight_kind && a->weight == b->weight);
    compare_columns(a, a->labels, b, b->labels, a->items);
    compare_columns(a, a->scores, b, b->scores, a->items);
    if (a->weight_kind == RL_WEIGHT_LIST || a->weight_kind == RL_WEIGHT_ITEM)
        compare_columns(a, a->weights, b, b->weights,
                        a->weight_kind == RL_WEIGHT_LIST ? a->lists : a->items);
}

static void put_value(struct rl_text *text, const struct rl_batch *batch, const void *values,
                      size_t index)
{
    rl_put_or_null(text, NULL, fuzz_value(batch, values, index));
}

/* Items in their lists. */
static void put_items(struct rl_text *text, const char *key, const struct rl_query *query,
                      const void *values)
{
    const struct rl_batch *const batch = &query->batch;
    rl_put_array(text, key);
    for (size_t l = 0; l < batch->lists; l++) {
        if (query->batched)
            rl_put_array(text, NULL);
        for (size_t i = batch->offsets[l]; i < batch->offsets[l + 1]; i++) {
            if (values)
                put_value(text, batch, values, i);
            else
                rl_put_count(text, NULL, batch->mask[i]);
        }
        if (query->batched)
            rl_put_array_end(text);
    }
    rl_put_array_end(text);
}

static void put_weights(struct rl_text *text, const struct rl_query *query)
{
    const struct rl_batch *const batch = &query->batch;
    if (batch->weight_kind == RL_WEIGHT_SCALAR)
        rl_put_double(text, "sample_weight", batch->weight);
    else if (batch->weight_kind == RL_WEIGHT_ITEM)
        put_items(text, "sample_weight", query, batch->weights);
    if (batch->weight_kind != RL_WEIGHT_LIST)
        return;
    rl_put_array(text, "sample_weight");
    for (size_t l = 0; l < batch->lists; l++)
        put_value(text, batch, batch->weights, l);
    rl_put_array_end(text);
}

/* A batch as JSON of doubles, which rounding to the dtype leaves as they are. */
static void write_batch(const struct rl_query *query, struct rl_text *text)
{
    const struct rl_batch *const batch = &query->batch;
    rl_put_object(text, NULL);
    rl_put_string(text, "dtype", batch->dtype == RL_FLOAT32 ? "float32" : "float64");
    rl_put_object(text, "y_true");
    put_items(text, "labels", query, batch->labels);
    if (batch->mask)
        put_items(text, "mask", query, NULL);
    rl_put_object_end(text);
    put_items(text, "y_pred", query, batch->scores);
    put_weights(text, query);
    rl_put_object_end(text);
}

/* ---- Any bytes ------------------------------------------------------------------------------- */

static void check_answer(struct reading *reading)
{
    static struct rl_scratch scratch;
    struct rl_output output = {0};
    struct rl_work work;
    json_error_t why;
    const struct rl_query *const query = &reading->query;
    if (rl_work_init(&work, &query->batch, query->evals, query->count, &reading->arena,
                     &reading->error) != RL_OK)
        return;
    rl_compute_inline(&scratch, &work);
    if (work.status != RL_OK)
        return;
    REQUIRE(rl_answer_write(query, work.results, NULL, &output) == RL_OK);
    const size_t header = output.header ? output.header : output.text.length;
    json_t *const root = json_loadb(output.text.data, header, JSON_REJECT_DUPLICATES, &why);
    REQUIRE(json_is_object(root));
    size_t bytes = 0, i;
    json_t *one;
    json_array_foreach(json_object_get(root, "outputs"), i, one) bytes +=
        (size_t)json_integer_value(
            json_object_get(json_object_get(one, "parameters"), "binary_data_size"));
    REQUIRE(header + bytes == output.text.length);
    json_decref(root);
    rl_text_release(&output.text);
}

/* Whether an evaluation takes items without a score, which the JSON below does not say. */
static bool counts_unretrieved(const struct rl_query *query)
{
    for (size_t i = 0; i < query->count; i++)
        if (query->evals[i].definition &&
            query->evals[i].definition->unretrieved == RL_UNRETRIEVED_COUNT)
            return true;
    return false;
}

static void take_any(const uint8_t *data, size_t size, const struct rl_target *target)
{
    struct reading tensors, json;
    char length[16];
    const size_t header = size >= 2 ? (size_t)(data[0] | data[1] << 8) : 0;
    if (size < 2)
        return;
    snprintf(length, sizeof(length), "%zu", header % size); /* of what follows, or less */
    read_tensors(&tensors, (const char *)data + 2, size - 2, length, target);
    if (tensors.status != RL_OK) {
        REQUIRE(tensors.error.status == tensors.status && tensors.error.detail[0] != '\0');
        REQUIRE(tensors.error.pointer[0] == '\0' || tensors.error.pointer[0] == '/');
    } else if (!counts_unretrieved(&tensors.query)) {
        struct rl_text text = {0};
        const struct rl_target plain = {.measure = rl_measure_get(RL_DCG)};
        write_batch(&tensors.query, &text);
        read_json(&json, &text, &plain);
        REQUIRE(json.status == RL_OK);
        compare_batches(&tensors.query, &json.query);
        release(&json);
        rl_text_release(&text);
        check_answer(&tensors);
    }
    release(&tensors);
}

/* ---- Well-formed requests -------------------------------------------------------------------- */

/* Bytes of the input, zeros after its end. */
struct source {
    const uint8_t *at, *end;
};

static uint8_t take(struct source *source)
{
    return source->at < source->end ? *source->at++ : 0;
}

/* A request under construction in both forms. */
struct pair {
    struct rl_text header, bytes, json;
    size_t lists, width;
    bool one; /* one list of `lists` items */
};

/* The number that an element is, as decimal text; "null" for not-a-number, "" for infinity. */
static void element_text(enum rl_datatype type, const uint8_t *bytes, char text[64])
{
    uint64_t bits = 0;
    memcpy(&bits, bytes, rl_datatype_size(type));
    const unsigned shift = 64 - 8 * (unsigned)rl_datatype_size(type);
    const int64_t whole = (int64_t)(bits << shift) >> shift;
    double value = 0;
    float narrow;
    uint32_t low = (uint32_t)bits;
    switch (type) {
    case RL_INT8:
    case RL_INT16:
    case RL_INT32:
    case RL_INT64:
        snprintf(text, 64, "%" PRId64, whole);
        return;
    case RL_FP16:
        value = (low & 0x7c00u) == 0x7c00u ? (low & 0x3ffu ? (double)NAN : (double)INFINITY)
                : low & 0x7c00u ? ldexp((low & 0x3ffu) + 1024.0, (int)(low >> 10 & 31) - 25)
                                : ldexp(low & 0x3ffu, -24);
        value = low & 0x8000u ? -value : value;
        break;
    case RL_BF16:
        low <<= 16;
        memcpy(&narrow, &low, sizeof(narrow));
        value = (double)narrow;
        break;
    case RL_FP32:
        memcpy(&narrow, &low, sizeof(narrow));
        value = (double)narrow;
        break;
    case RL_FP64:
        memcpy(&value, &bits, sizeof(value));
        break;
    default:
        snprintf(text, 64, "%" PRIu64, bits);
        return;
    }
    if (isnan(value))
        snprintf(text, 64, "null");
    else if (isinf(value))
        text[0] = '\0';
    else
        snprintf(text, 64, "%.17g", value);
}

/* One tensor of the batch's shape, in both forms; `key` is its member in JSON. False where JSON has
 * no form for an element. */
static bool put_tensor(struct pair *pair, const char *name, const char *key, enum rl_datatype type,
                       struct source *source)
{
    const size_t items = pair->one ? pair->lists : pair->lists * pair->width;
    bool has_form = true;
    rl_put_object(&pair->header, NULL);
    rl_put_string(&pair->header, "name", name);
    rl_put_string(&pair->header, "datatype", rl_datatype_name(type));
    rl_put_array(&pair->header, "shape");
    rl_put_count(&pair->header, NULL, pair->lists);
    if (!pair->one)
        rl_put_count(&pair->header, NULL, pair->width);
    rl_put_array_end(&pair->header);
    rl_put_object(&pair->header, "parameters");
    rl_put_count(&pair->header, "binary_data_size", items * rl_datatype_size(type));
    rl_put_object_end(&pair->header);
    rl_put_object_end(&pair->header);
    rl_put_array(&pair->json, key);
    for (size_t i = 0; i < items; i++) {
        uint8_t element[8];
        char text[64];
        for (size_t byte = 0; byte < rl_datatype_size(type); byte++)
            element[byte] = type == RL_BOOL ? take(source) & 1 : take(source);
        rl_text_append(&pair->bytes, (const char *)element, rl_datatype_size(type));
        element_text(type, element, text);
        has_form &= text[0] != '\0';
        if (!pair->one && i % pair->width == 0)
            rl_put_array(&pair->json, NULL);
        else if (i > 0)
            rl_text_string(&pair->json, ",");
        rl_text_string(&pair->json, text);
        if (!pair->one && i % pair->width == pair->width - 1)
            rl_put_array_end(&pair->json);
    }
    rl_put_array_end(&pair->json);
    return has_form;
}

static enum rl_datatype float_type(struct source *source)
{
    return (enum rl_datatype)(RL_FP16 + take(source) % 4);
}

static bool put_batch(struct pair *pair, struct source *source)
{
    const unsigned how = take(source);
    const char *const dtype = how & 1 ? "float64" : "float32";
    pair->one = how & 2;
    pair->lists = 1 + how / 16;
    pair->width = 1 + take(source) % 8;
    rl_put_object(&pair->header, NULL);
    rl_put_object(&pair->header, "parameters");
    rl_put_string(&pair->header, "dtype", dtype);
    rl_put_object_end(&pair->header);
    rl_put_array(&pair->header, "inputs");
    rl_put_object(&pair->json, NULL);
    rl_put_string(&pair->json, "dtype", dtype);
    bool has_form = put_tensor(pair, "y_pred", "y_pred", float_type(source), source);
    if (how & 4)
        has_form &= put_tensor(pair, "sample_weight", "sample_weight", float_type(source), source);
    rl_put_object(&pair->json, "y_true");
    const enum rl_datatype labels = (enum rl_datatype)(take(source) % RL_DATATYPES);
    has_form &= put_tensor(pair, "y_true", "labels", labels, source);
    if (how & 8)
        put_tensor(pair, "mask", "mask", RL_BOOL, source);
    rl_put_object_end(&pair->json);
    rl_put_object_end(&pair->json);
    rl_put_array_end(&pair->header);
    rl_put_object_end(&pair->header);
    return has_form;
}

static void take_formed(const uint8_t *data, size_t size, const struct rl_target *target)
{
    struct source source = {data, data + size};
    struct pair pair = {0};
    struct reading tensors, json;
    char length[24];
    const bool has_form = put_batch(&pair, &source);
    snprintf(length, sizeof(length), "%zu", pair.header.length);
    rl_text_append(&pair.header, pair.bytes.data, pair.bytes.length);
    REQUIRE(!pair.header.failed && !pair.json.failed);
    read_tensors(&tensors, pair.header.data, pair.header.length, length, target);
    if (!has_form) {
        REQUIRE(tensors.status == RL_INVALID);
    } else {
        read_json(&json, &pair.json, target);
        REQUIRE(tensors.status == json.status);
        if (json.status == RL_OK)
            compare_batches(&tensors.query, &json.query);
        release(&json);
    }
    release(&tensors);
    rl_text_release(&pair.header);
    rl_text_release(&pair.bytes);
    rl_text_release(&pair.json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    struct rl_error error;
    if (!ready)
        REQUIRE(rl_init(NULL, &error) == RL_OK);
    ready = true;
    if (size == 0)
        return 0;
    if (data[0] & 1) {
        const struct rl_target target = fuzz_target((uint8_t)(data[0] / 2));
        take_any(data + 1, size - 1, &target);
    } else {
        const struct rl_target target = {
            .measure = rl_measure_get((enum rl_measure_id)(data[0] / 2 % RL_MEASURES))};
        take_formed(data + 1, size - 1, &target);
    }
    return 0;
}
