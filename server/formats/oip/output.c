/*
 * output.c: the table of outputs, and reading which of them are wanted.
 */
#include "server/formats/oip/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/formats/document/members.h"

#define OF_LIST(member, ...)                                                                       \
    .include = RL_PER_LIST, .shape = RL_OUTPUT_LISTS,                                              \
    .offset = offsetof(struct rl_list_result, member), __VA_ARGS__

/* The results come first. */
const struct rl_output_row rl_output_rows[RL_OUTPUT_ROWS] = {
    {.name = "loss", .of_losses = true},
    {.name = "metric", .of_metrics = true},
    {.name = "gradient", .of_losses = true, .include = RL_GRADIENT, .shape = RL_OUTPUT_ITEMS},
    {.name = "per_list.loss_sum", OF_LIST(sum, .of_losses = true)},
    {.name = "per_list.metric", OF_LIST(value, .of_metrics = true)},
    {.name = "per_list.weight", OF_LIST(weight, .of_metrics = true)},
    {.name = "per_list.items",
     OF_LIST(items, .of_losses = true, .of_metrics = true, .whole = true)},
    {.name = "per_list.valid_items",
     OF_LIST(valid_items, .of_losses = true, .of_metrics = true, .whole = true)},
    {.name = "per_list.pairs", OF_LIST(pairs, .of_losses = true, .whole = true)},
};

bool rl_output_is_of(const struct rl_output_row *row, enum rl_kind kind)
{
    return kind == RL_LOSS ? row->of_losses : row->of_metrics;
}

struct reading {
    const struct rl_document *document;
    struct rl_query *query;
    struct rl_wanted_output *outputs;
    size_t count;
    struct rl_error *error;
};

/* ---- Names ----------------------------------------------------------------------------------- */

static const struct rl_output_row *find_row(enum rl_kind kind, const char *name)
{
    for (size_t i = 0; i < RL_OUTPUT_ROWS; i++)
        if (rl_output_is_of(&rl_output_rows[i], kind) && strcmp(rl_output_rows[i].name, name) == 0)
            return &rl_output_rows[i];
    return NULL;
}

/* The evaluation that a name begins with, and what follows: "results.12.loss". NULL without. */
static const char *skip_place(const struct rl_query *query, const char *name, size_t *ret_eval)
{
    static const char prefix[] = "results.";
    char *end = NULL;
    if (!query->target.evaluate)
        return name;
    if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
        return NULL;
    const char *const digits = name + sizeof(prefix) - 1;
    const size_t length = strspn(digits, "0123456789");
    const unsigned long eval = strtoul(digits, &end, 10);
    if (length == 0 || (digits[0] == '0' && length > 1) || eval >= query->count || *end != '.')
        return NULL;
    *ret_eval = eval;
    return end + 1;
}

static enum rl_status refuse_name(const struct reading *reading, const char *name,
                                  const char *pointer)
{
    const struct rl_query *const query = reading->query;
    char known[RL_DETAIL_MAX] = "";
    for (size_t i = 0; i < RL_OUTPUT_ROWS; i++) {
        const size_t used = strlen(known);
        if (query->target.evaluate ||
            rl_output_is_of(&rl_output_rows[i], query->target.measure->kind))
            snprintf(known + used, sizeof(known) - used, "%s%s", used > 0 ? ", " : "",
                     rl_output_rows[i].name);
    }
    return rl_fail(reading->error, RL_INVALID, pointer, "no output is named \"%s\"; there %s %s",
                   rl_excerpt(name, strlen(name)).text,
                   query->target.evaluate ? "are, after results.0. and so on," : "are", known);
}

static enum rl_status find_output(const struct reading *reading, const char *name,
                                  const char *pointer, struct rl_wanted_output *output)
{
    const struct rl_query *const query = reading->query;
    size_t eval = 0;
    const char *const rest = skip_place(query, name, &eval);
    const struct rl_output_row *const row =
        rest ? find_row(query->evals[eval].measure->kind, rest) : NULL;
    if (!row)
        return refuse_name(reading, name, pointer);
    for (size_t i = 0; i < reading->count; i++)
        if (reading->outputs[i].row == row && reading->outputs[i].eval == eval)
            return rl_fail(reading->error, RL_INVALID, pointer, "\"%s\" was asked for before",
                           rl_excerpt(name, strlen(name)).text);
    output->row = row;
    output->eval = eval;
    return RL_OK;
}

/* ---- Outputs --------------------------------------------------------------------------------- */

/* The output's own wish for bytes, if it has one. */
static enum rl_status read_binary(const struct reading *reading, const json_t *parameters,
                                  const char *pointer, bool *binary)
{
    char place[RL_POINTER_MAX];
    const char *key;
    json_t *value;
    if (parameters && !json_is_object(parameters))
        return rl_refuse_kind(reading->error, pointer, "an object", parameters);
    json_object_foreach((json_t *)parameters, key, value)
    {
        rl_pointer_key(place, pointer, key);
        if (strcmp(key, "binary_data") != 0)
            return rl_fail(reading->error, RL_INVALID, place,
                           "no parameter of an output, which may have binary_data");
        if (!json_is_boolean(value))
            return rl_refuse_kind(reading->error, place, "true or false", value);
        *binary = json_is_true(value);
    }
    return RL_OK;
}

static enum rl_status read_output(struct reading *reading, const json_t *entry, const char *pointer,
                                  bool binary)
{
    struct rl_wanted_output output = {.binary = binary};
    char place[RL_POINTER_MAX];
    const char *key, *name = "";
    json_t *value;
    if (!json_is_object(entry))
        return rl_refuse_kind(reading->error, pointer, "an object", entry);
    json_object_foreach((json_t *)entry, key, value)
    {
        rl_pointer_key(place, pointer, key);
        if (strcmp(key, "name") != 0 && strcmp(key, "parameters") != 0)
            return rl_fail(reading->error, RL_INVALID, place,
                           "no member of an output, which may have name and parameters");
    }
    rl_pointer_key(place, pointer, "parameters");
    if (read_binary(reading, json_object_get(entry, "parameters"), place, &output.binary) != RL_OK)
        return reading->error->status;
    rl_pointer_key(place, pointer, "name");
    const json_t *const text = json_object_get(entry, "name");
    if (!text)
        return rl_fail(reading->error, RL_INVALID, place, "the name is missing");
    if (rl_read_word(text, place, "the name of an output", &name, reading->error) != RL_OK ||
        find_output(reading, name, place, &output) != RL_OK)
        return reading->error->status;
    reading->query->evals[output.eval].include |= output.row->include;
    reading->outputs[reading->count++] = output;
    return RL_OK;
}

/* The result of each evaluation. */
static void want_results(struct reading *reading, bool binary)
{
    const struct rl_query *const query = reading->query;
    for (size_t eval = 0; eval < query->count; eval++) {
        const bool loss = query->evals[eval].measure->kind == RL_LOSS;
        reading->outputs[reading->count++] =
            (struct rl_wanted_output){&rl_output_rows[loss ? 0 : 1], eval, binary};
    }
}

enum rl_status rl_outputs_read(const struct rl_document *document, bool binary,
                               struct rl_query *query, struct rl_arena *arena,
                               struct rl_wanted_output **ret_outputs, size_t *ret_count,
                               struct rl_error *error)
{
    struct reading reading = {.document = document, .query = query, .error = error};
    const json_t *const outputs = json_object_get(document->root, "outputs");
    const size_t most = query->count * RL_OUTPUT_ROWS; /* each once */
    char pointer[RL_POINTER_MAX];
    size_t count = 0;
    if (outputs && rl_document_list(&document->extracted, outputs, "/outputs", "an object", &count,
                                    error) != RL_OK)
        return error->status;
    reading.outputs = rl_arena_array(arena, most, sizeof(*reading.outputs));
    if (!reading.outputs)
        return rl_fail(error, RL_NOMEM, "", "no memory for the request");
    if (count == 0)
        want_results(&reading, binary);
    for (size_t i = 0; i < count; i++) {
        rl_pointer_index(pointer, "/outputs", i);
        if (read_output(&reading, json_array_get(outputs, i), pointer, binary) != RL_OK)
            return error->status;
    }
    *ret_outputs = reading.outputs;
    *ret_count = reading.count;
    return RL_OK;
}
