/*
 * infer.c: reads infer requests.
 */
#include "server/formats/oip/infer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/formats/asked/asked.h"
#include "server/formats/asked/querycheck.h"
#include "server/formats/document/members.h"
#include "server/formats/oip/tensorbatch.h"

struct infer {
    const struct rl_input *input;
    struct rl_document document;
    struct rl_tensor_bytes bytes; /* after the header */
    struct rl_tensor tensors[RL_TENSORS];
    bool binary; /* what outputs are that do not say */
    struct rl_query query;
    struct rl_infer own;
    struct rl_error *error;
};

const char *rl_infer_model(const struct rl_target *target)
{
    return target->evaluate ? "evaluate" : target->measure->name;
}

/* ---- The header ------------------------------------------------------------------------------ */

/* Whether a media type, without its parameters, is this one. */
static bool is_type(const char *text, const char *type)
{
    const size_t length = strlen(type);
    return strncasecmp(text, type, length) == 0 && strchr("; \t", text[length]);
}

bool rl_infer_reads(const struct rl_headers *headers)
{
    const char *const type = headers->content_type;
    return !type || is_type(type, "application/octet-stream") || rl_headers_json(headers);
}

/* What the field says is checked when the body is read. */
size_t rl_infer_aligned(const struct rl_headers *headers)
{
    const char *const text = headers->inference_length;
    return text ? strtoul(text, NULL, 10) : 0;
}

/* The header's length: that of the body where the field was not sent. */
static enum rl_status find_length(const struct rl_input *input, size_t *ret_length,
                                  struct rl_error *error)
{
    const char *const text = input->headers ? input->headers->inference_length : NULL;
    size_t length = 0, digits = 0;
    if (!text) {
        *ret_length = input->length;
        return RL_OK;
    }
    for (; text[digits] >= '0' && text[digits] <= '9' && length <= input->length; digits++)
        length = 10 * length + (size_t)(text[digits] - '0');
    if (digits > 0 && text[digits] == '\0' && length <= input->length) {
        *ret_length = length;
        return RL_OK;
    }
    return rl_fail(error, RL_SYNTAX, "",
                   "Inference-Header-Content-Length: a number of bytes up to the body's, %zu, was "
                   "expected, found \"%s\"",
                   input->length, rl_excerpt(text, strlen(text)).text);
}

static enum rl_status read_document(struct infer *infer)
{
    const struct rl_input *const input = infer->input;
    size_t length = 0;
    if (find_length(input, &length, infer->error) != RL_OK)
        return infer->error->status;
    infer->bytes = (struct rl_tensor_bytes){input->body + length, input->body + input->length};
    return rl_document_read(input->body, length, input->limits, input->team, input->arena,
                            &infer->document, infer->error);
}

/* ---- Members --------------------------------------------------------------------------------- */

static enum rl_status check_keys(const struct infer *infer)
{
    static const char *const known[] = {"id", "model_name", "parameters", "inputs", "outputs"};
    char pointer[RL_POINTER_MAX];
    const char *key;
    json_t *value;
    json_object_foreach(infer->document.root, key, value)
    {
        size_t i = 0;
        while (i < sizeof(known) / sizeof(*known) && strcmp(known[i], key) != 0)
            i++;
        if (i < sizeof(known) / sizeof(*known))
            continue;
        rl_pointer_key(pointer, "", key);
        return rl_fail(infer->error, RL_INVALID, pointer,
                       "no member of this object, which may have id, parameters, inputs and "
                       "outputs");
    }
    return RL_OK;
}

static enum rl_status read_names(struct infer *infer)
{
    const json_t *const id = json_object_get(infer->document.root, "id");
    const json_t *const model = json_object_get(infer->document.root, "model_name");
    const char *const name = rl_infer_model(infer->input->target), *found = name;
    if (id && rl_read_name(id, "/id", infer->input->arena, &infer->own.id, infer->error) != RL_OK)
        return infer->error->status;
    if (model && rl_read_word(model, "/model_name", name, &found, infer->error) != RL_OK)
        return infer->error->status;
    if (strcmp(found, name) == 0)
        return RL_OK;
    return rl_fail(infer->error, RL_INVALID, "/model_name",
                   "%s, as the path says, was expected, found \"%s\"", name,
                   rl_excerpt(found, strlen(found)).text);
}

/* Takes binary_data_output out of the parameters: all others say what is asked of the batch. */
static enum rl_status take_binary(struct infer *infer, json_t *parameters)
{
    static const char key[] = "binary_data_output";
    const json_t *const value = json_object_get(parameters, key);
    if (!value)
        return RL_OK;
    if (!json_is_boolean(value))
        return rl_refuse_kind(infer->error, "/parameters/binary_data_output", "true or false",
                              value);
    infer->binary = json_is_true(value);
    json_object_del(parameters, key);
    return RL_OK;
}

/* Lists that came as their JSON text. */
static enum rl_status unpack_lists(struct infer *infer, json_t *parameters)
{
    static const char *const lists[] = {"losses", "metrics", "gain", "discount"};
    char pointer[RL_POINTER_MAX];
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        rl_pointer_key(pointer, "/parameters", lists[i]);
        if (rl_document_unpack(&infer->document, parameters, lists[i], pointer,
                               infer->input->limits, infer->input->arena, infer->error) != RL_OK)
            return infer->error->status;
    }
    return RL_OK;
}

/* Fills the query but for its batch. */
static enum rl_status read_parameters(struct infer *infer, struct rl_asked *ret_asked)
{
    json_t *const parameters = json_object_get(infer->document.root, "parameters");
    if (parameters && !json_is_object(parameters))
        return rl_refuse_kind(infer->error, "/parameters", "an object", parameters);
    if (take_binary(infer, parameters) != RL_OK || unpack_lists(infer, parameters) != RL_OK)
        return infer->error->status;
    const struct rl_asking asking = {
        .object = parameters,
        .pointer = "/parameters",
        .tensors = true,
        .extracted = &infer->document.extracted,
        .target = infer->input->target,
        .limits = infer->input->limits,
        .arena = infer->input->arena,
    };
    return rl_asked_read(&asking, &infer->query, ret_asked, infer->error);
}

/* ---- The batch ------------------------------------------------------------------------------- */

/* One weight for everything is a parameter, others are a tensor. */
static enum rl_status take_weight(struct infer *infer, const json_t *weight)
{
    struct rl_batch *const batch = &infer->query.batch;
    const char *const pointer = "/parameters/sample_weight";
    double number = 0;
    if (!weight || json_is_null(weight))
        return RL_OK;
    if (rl_read_number(weight, pointer, &number, infer->error) != RL_OK)
        return infer->error->status;
    if (infer->tensors[RL_TENSOR_WEIGHTS].sent)
        return rl_fail(infer->error, RL_INVALID, pointer, "sample_weight is an input as well");
    if (batch->dtype == RL_FLOAT32 && __builtin_isinf((float)number))
        return rl_fail(infer->error, RL_INVALID, pointer,
                       "beyond the range of float32; dtype float64 has more");
    batch->weight_kind = RL_WEIGHT_SCALAR;
    batch->weight = batch->dtype == RL_FLOAT32 ? (double)(float)number : number;
    return RL_OK;
}

static enum rl_status check_batch(struct infer *infer)
{
    char labels[RL_POINTER_MAX];
    rl_pointer_key(labels, infer->tensors[RL_TENSOR_LABELS].pointer, "data");
    const struct rl_places places = {.labels = labels,
                                     .weights = infer->tensors[RL_TENSOR_WEIGHTS].pointer,
                                     .asked = "/parameters",
                                     .by_list = infer->tensors[RL_TENSOR_LABELS].nested};
    return rl_query_check(&infer->query, &places, infer->error);
}

static enum rl_status take_batch(struct infer *infer, const struct rl_asked *asked)
{
    const struct rl_tensorbatch how = {
        .dtype = asked->dtype,
        .unretrieved = rl_query_counts_unretrieved(&infer->query),
        .limits = infer->input->limits,
        .arena = infer->input->arena,
    };
    const struct rl_tensor *const scores = &infer->tensors[RL_TENSOR_SCORES];
    if (rl_tensors_read(&infer->document, infer->bytes, infer->tensors, infer->error) != RL_OK ||
        rl_tensorbatch_make(&how, infer->tensors, &infer->query, infer->error) != RL_OK ||
        take_weight(infer, asked->weights) != RL_OK || check_batch(infer) != RL_OK)
        return infer->error->status;
    infer->own.rank = scores->rank;
    memcpy(infer->own.dims, scores->dims, sizeof(scores->dims));
    return RL_OK;
}

/* ---- Whole ----------------------------------------------------------------------------------- */

static enum rl_status read_all(struct infer *infer)
{
    struct rl_asked asked = {0};
    struct rl_arena *const arena = infer->input->arena;
    if (check_keys(infer) != RL_OK || read_names(infer) != RL_OK ||
        read_parameters(infer, &asked) != RL_OK || take_batch(infer, &asked) != RL_OK ||
        rl_outputs_read(&infer->document, infer->binary, &infer->query, arena, &infer->own.outputs,
                        &infer->own.count, infer->error) != RL_OK)
        return infer->error->status;
    struct rl_infer *const own = rl_arena_alloc(arena, sizeof(*own));
    if (!own)
        return rl_fail(infer->error, RL_NOMEM, "", "no memory for the request");
    *own = infer->own;
    infer->query.own = own;
    return RL_OK;
}

enum rl_status rl_infer_read(const struct rl_input *input, struct rl_query *ret_query,
                             struct rl_error *error)
{
    struct infer infer = {.input = input, .query = {.target = *input->target}, .error = error};
    if (read_document(&infer) != RL_OK)
        return error->status;
    const enum rl_status status = read_all(&infer);
    rl_document_release(&infer.document);
    if (status == RL_OK)
        *ret_query = infer.query;
    return status;
}
