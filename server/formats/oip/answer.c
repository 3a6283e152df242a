/*
 * answer.c: writes replies to infer requests, and errors.
 */
#include "server/formats/oip/answer.h"

#include <assert.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "server/formats/asked/totals.h"
#include "server/formats/oip/infer.h"
#include "server/text/jsonwriter.h"
#include "server/text/numbers.h"

#define JSON_TYPE   "application/json"
#define BINARY_TYPE "application/octet-stream"

enum { NAME_ROOM = 64 };

struct answer {
    const struct rl_query *query;
    const struct rl_infer *infer;
    const struct rl_result *results;
    struct rl_text *text;
    const _Atomic int *stop; /* see struct rl_output */
};

/* An output with its values. */
struct values {
    enum rl_datatype type;
    size_t rank, dims[RL_TENSOR_RANK], count;
    const void *numbers; /* [count] of the dtype; NULL: a column of lists */
    double number;       /* the only one, where `numbers` points here */
    float narrow;
};

/* "loss", or "results.0.loss" of the model evaluate. */
static const char *name_in(const struct rl_query *query, size_t eval, const char *name,
                           char room[NAME_ROOM])
{
    if (!query->target.evaluate)
        return name;
    snprintf(room, NAME_ROOM, "results.%zu.%s", eval, name);
    return room;
}

/* ---- Values ---------------------------------------------------------------------------------- */

static void shape_of_items(const struct answer *answer, struct values *values)
{
    values->rank = answer->infer->rank;
    memcpy(values->dims, answer->infer->dims, sizeof(values->dims));
    values->count = answer->query->batch.items;
}

static void shape_of_lists(const struct answer *answer, struct values *values)
{
    values->rank = 1;
    values->dims[0] = values->count = answer->query->batch.lists;
}

/* The result: one number, or one for each item or list. */
static void find_result(const struct answer *answer, size_t eval, struct values *values)
{
    const struct rl_eval *const how = &answer->query->evals[eval];
    const struct rl_result *const result = &answer->results[eval];
    if (how->measure->kind == RL_LOSS && how->reduction == RL_NONE) {
        values->numbers = result->values;
        if (how->measure->value_per_list)
            shape_of_lists(answer, values);
        else
            shape_of_items(answer, values);
        return;
    }
    values->rank = values->dims[0] = values->count = 1;
    values->number = result->value;
    values->narrow = (float)result->value;
    values->numbers = values->type == RL_FP32 ? (const void *)&values->narrow : &values->number;
}

static void find_values(const struct answer *answer, const struct rl_wanted_output *output,
                        struct values *values)
{
    *values = (struct values){.type = rl_datatype_of(answer->query->batch.dtype)};
    switch (output->row->shape) {
    case RL_OUTPUT_VALUE:
        find_result(answer, output->eval, values);
        break;
    case RL_OUTPUT_ITEMS:
        values->numbers = answer->results[output->eval].gradient;
        shape_of_items(answer, values);
        break;
    case RL_OUTPUT_LISTS:
        values->type = output->row->whole ? RL_INT64 : RL_FP64;
        shape_of_lists(answer, values);
        break;
    }
}

static size_t bytes_of(const struct values *values)
{
    return values->count * rl_datatype_size(values->type);
}

/* A column of lists: a count or a number of each. */
static const void *member_of_list(const struct answer *answer,
                                  const struct rl_wanted_output *output, size_t list)
{
    const struct rl_list_result *const lists = answer->results[output->eval].lists;
    return (const char *)&lists[list] + output->row->offset;
}

static_assert(sizeof(size_t) == sizeof(uint64_t), "counts of lists are written as they lie");

static void put_column(const struct answer *answer, const struct rl_wanted_output *output,
                       size_t count)
{
    struct rl_text *const text = answer->text;
    for (size_t i = 0; i < count; i++) {
        uint64_t whole;
        double number;
        memcpy(&whole, member_of_list(answer, output, i), sizeof(whole));
        memcpy(&number, &whole, sizeof(number));
        if (output->row->whole)
            rl_put_count(text, NULL, whole);
        else
            rl_put_double(text, NULL, number);
    }
}

static void put_data(const struct answer *answer, const struct rl_wanted_output *output,
                     const struct values *values)
{
    struct rl_text *const text = answer->text;
    if (values->numbers) {
        rl_put_key(text, "data");
        rl_put_numbers(text, answer->query->batch.dtype, values->numbers, values->count);
        return;
    }
    rl_put_array(text, "data");
    put_column(answer, output, values->count);
    rl_put_array_end(text);
}

static void append_bytes(const struct answer *answer, const struct rl_wanted_output *output,
                         const struct values *values)
{
    struct rl_text *const text = answer->text;
    if (values->numbers) {
        rl_text_append(text, values->numbers, bytes_of(values));
        return;
    }
    for (size_t i = 0; i < values->count; i++)
        rl_text_append(text, member_of_list(answer, output, i), sizeof(uint64_t));
}

/* ---- The header ------------------------------------------------------------------------------ */

static void put_output(const struct answer *answer, const struct rl_wanted_output *output)
{
    struct rl_text *const text = answer->text;
    char room[NAME_ROOM];
    struct values values;
    find_values(answer, output, &values);
    rl_put_object(text, NULL);
    rl_put_string(text, "name", name_in(answer->query, output->eval, output->row->name, room));
    rl_put_string(text, "datatype", rl_datatype_name(values.type));
    rl_put_array(text, "shape");
    for (size_t i = 0; i < values.rank; i++)
        rl_put_count(text, NULL, values.dims[i]);
    rl_put_array_end(text);
    if (output->binary) {
        rl_put_object(text, "parameters");
        rl_put_count(text, "binary_data_size", bytes_of(&values));
        rl_put_object_end(text);
    } else {
        put_data(answer, output, &values);
    }
    rl_put_object_end(text);
}

/* The name and the totals of an evaluation. */
static void put_totals(const struct answer *answer, size_t eval)
{
    const struct rl_query *const query = answer->query;
    struct rl_text *const text = answer->text;
    struct rl_total totals[RL_TOTALS_MOST];
    char room[NAME_ROOM];
    const size_t count = rl_totals_list(query->evals[eval].measure->kind == RL_LOSS,
                                        &answer->results[eval].totals, totals);
    rl_put_string(text, name_in(query, eval, "name", room), query->names[eval]);
    for (size_t i = 0; i < count; i++) {
        const char *const name = name_in(query, eval, totals[i].name, room);
        if (totals[i].whole)
            rl_put_count(text, name, totals[i].count);
        else if (isfinite(totals[i].number))
            rl_put_double(text, name, totals[i].number);
    }
}

static void put_parameters(const struct answer *answer)
{
    const struct rl_query *const query = answer->query;
    const struct rl_totals *const totals = &answer->results[0].totals;
    struct rl_text *const text = answer->text;
    rl_put_object(text, "parameters");
    if (query->target.evaluate) {
        if (query->name)
            rl_put_string(text, "name", query->name);
        rl_put_count(text, "lists", totals->lists);
        rl_put_count(text, "items", totals->items);
        rl_put_count(text, "valid_items", totals->valid_items);
    }
    for (size_t eval = 0; eval < query->count; eval++)
        put_totals(answer, eval);
    rl_put_object_end(text);
}

static bool is_stopped(const struct answer *answer)
{
    return answer->stop && atomic_load_explicit(answer->stop, memory_order_relaxed);
}

static void put_header(const struct answer *answer)
{
    const struct rl_infer *const infer = answer->infer;
    struct rl_text *const text = answer->text;
    rl_put_object(text, NULL);
    rl_put_string(text, "model_name", rl_infer_model(&answer->query->target));
    rl_put_string(text, "model_version", "1");
    if (infer->id)
        rl_put_string(text, "id", infer->id);
    put_parameters(answer);
    rl_put_array(text, "outputs");
    for (size_t i = 0; i < infer->count && !is_stopped(answer); i++)
        put_output(answer, &infer->outputs[i]);
    rl_put_array_end(text);
    rl_put_object_end(text);
}

/* ---- Whole ----------------------------------------------------------------------------------- */

enum rl_status rl_answer_write(const struct rl_query *query, const struct rl_result *results,
                               struct rl_team *team, struct rl_output *output)
{
    const struct answer answer = {query, query->own, results, &output->text, output->stop};
    struct values values;
    bool binary = false;
    (void)team;
    put_header(&answer);
    const size_t header = output->text.length;
    for (size_t i = 0; i < answer.infer->count; i++) {
        const struct rl_wanted_output *const wanted = &answer.infer->outputs[i];
        if (!wanted->binary)
            continue;
        binary = true;
        find_values(&answer, wanted, &values);
        append_bytes(&answer, wanted, &values);
    }
    output->header = binary ? header : 0;
    output->type = binary ? BINARY_TYPE : JSON_TYPE;
    return output->text.failed ? RL_NOMEM : RL_OK;
}

/* One text, since clients of the protocol look for no more: the place, what is wrong there, and
 * where in the JSON text it is malformed. */
void rl_answer_write_error(const struct rl_error *error, const char *request_id,
                           struct rl_output *output)
{
    char whole[RL_POINTER_MAX + RL_DETAIL_MAX + 96];
    size_t length = 0;
    (void)request_id;
    output->type = JSON_TYPE;
    if (error->pointer[0] != '\0')
        length += (size_t)snprintf(whole, sizeof(whole), "%s: ", error->pointer);
    length += (size_t)snprintf(whole + length, sizeof(whole) - length, "%s", error->detail);
    if (error->status == RL_SYNTAX && error->line > 0)
        snprintf(whole + length, sizeof(whole) - length, " (line %zu, column %zu, offset %zu)",
                 error->line, error->column, error->offset);
    rl_put_object(&output->text, NULL);
    rl_put_string(&output->text, "error", whole);
    rl_put_object_end(&output->text);
}
