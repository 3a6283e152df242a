/*
 * encode.c: from results to the text of the reply.
 *
 * Long arrays of numbers are written straight into room reserved for the longest texts they could
 * have; all the rest goes through jsonwriter.h.
 */
#include "server/formats/json/encode.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "server/formats/asked/definitiontext.h"
#include "server/formats/json/encodeparts.h"
#include "server/http/problem.h"
#include "server/text/jsonwriter.h"
#include "server/text/numbers.h"
#include "server/text/numwriter.h"

/* A reply under construction. */
struct encoding {
    const struct rl_query *query;
    struct rl_text *text;
    struct rl_team *team;    /* NULL: the calling thread alone */
    const _Atomic int *stop; /* see struct rl_output */
};

static void add_dtype(struct rl_text *text, const struct rl_query *query)
{
    rl_put_string(text, "dtype", query->batch.dtype == RL_FLOAT32 ? "float32" : "float64");
}

/* ---- Arrays of numbers ----------------------------------------------------------------------- */

/* Empty lists from `*list` on, each followed by a comma. */
static char *write_empty_lists(char *out, const struct rl_batch *batch, size_t *list)
{
    for (; *list < batch->lists && batch->offsets[*list] == batch->offsets[*list + 1]; ++*list) {
        memcpy(out, "[],", 3);
        out += 3;
    }
    return out;
}

/* The list that holds an item. */
static size_t list_of(const struct rl_batch *batch, size_t item)
{
    size_t low = 0, high = batch->lists;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (batch->offsets[middle] <= item)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Items first … end - 1 in their lists, each item and list followed by a comma. The first list may
 * begin before `first` and the last may end after `end`; empty lists are written after the list
 * before them. */
static char *write_items(char *out, const struct rl_batch *batch, const void *values, size_t first,
                         size_t end)
{
    size_t list = 0;
    if (first == 0)
        out = write_empty_lists(out, batch, &list);
    else
        list = list_of(batch, first);
    while (first < end) {
        const size_t list_end = batch->offsets[list + 1];
        const size_t stop = end < list_end ? end : list_end;
        if (first == batch->offsets[list])
            *out++ = '[';
        out = rl_write_numbers(out, values, batch->dtype, first, stop);
        if (stop == list_end) {
            out[-1] = ']';
            *out++ = ',';
            list++;
            out = write_empty_lists(out, batch, &list);
        }
        first = stop;
    }
    return out;
}

/*
 * Many items are written in blocks, by several threads. Each block has a place of its own, wide
 * enough for the longest numbers; then all are moved together.
 */
enum { BLOCK = 4096 /* items */, SLACK = RL_NUMBER_ROOM + 16 };

struct blocks {
    const struct rl_batch *batch;
    const void *values;
    char *begin;
    char **stops; /* where each block's text ends */
};

/* How far from the beginning block `index` is placed: after all that the blocks before it can take,
 * a number with its comma for each item, brackets and a comma for each list. */
static size_t block_place(const struct rl_batch *batch, size_t index)
{
    const size_t first = index * BLOCK < batch->items ? index * BLOCK : batch->items;
    const size_t lists = first < batch->items ? list_of(batch, first) + 1 : batch->lists;
    return index == 0 ? 0 : first * rl_numbers_width(batch->dtype) + 3 * lists + index * SLACK;
}

static void write_block(void *context, size_t index)
{
    const struct blocks *const blocks = context;
    const struct rl_batch *const batch = blocks->batch;
    const size_t first = index * BLOCK;
    const size_t end = batch->items - first < BLOCK ? batch->items : first + BLOCK;
    char *const out = blocks->begin + block_place(batch, index);
    blocks->stops[index] = write_items(out, batch, blocks->values, first, end);
}

/* Returns where the text ends, or NULL when memory is short. */
static char *write_blocks(char *out, const struct rl_batch *batch, const void *values,
                          struct rl_team *team)
{
    const size_t count = (batch->items + BLOCK - 1) / BLOCK;
    struct blocks blocks = {
        .batch = batch, .values = values, .begin = out, .stops = calloc(count, sizeof(char *))};
    if (!blocks.stops)
        return NULL;
    rl_team_run(team, count, write_block, &blocks);
    out = blocks.stops[0];
    for (size_t i = 1; i < count; i++) {
        const char *const from = blocks.begin + block_place(batch, i);
        const size_t length = (size_t)(blocks.stops[i] - from);
        memmove(out, from, length);
        out += length;
    }
    free(blocks.stops);
    return out;
}

/* A number for each item, in the shape of y_pred. */
static void add_items(struct encoding *encoding, const void *values)
{
    const struct rl_batch *const batch = &encoding->query->batch;
    struct rl_text *const text = encoding->text;
    const size_t blocks = batch->items / BLOCK + 1;
    if (!rl_text_reserve(text, batch->items * rl_numbers_width(batch->dtype) + 3 * batch->lists +
                                   (blocks + 1) * SLACK))
        return;
    char *out = text->data + text->length;
    out[0] = '[';
    out += encoding->query->batched;
    if (encoding->team && blocks > 1)
        out = write_blocks(out, batch, values, encoding->team);
    else
        out = write_items(out, batch, values, 0, batch->items);
    text->failed |= !out;
    if (!out)
        return;
    out--; /* the last comma */
    if (encoding->query->batched)
        *out++ = ']';
    text->length = (size_t)(out - text->data);
}

/* ---- Members --------------------------------------------------------------------------------- */

static void add_loss(struct encoding *encoding, size_t index, const struct rl_result *result)
{
    const struct rl_query *const query = encoding->query;
    struct rl_text *const text = encoding->text;
    const struct rl_eval *const eval = &query->evals[index];
    const enum rl_dtype dtype = query->batch.dtype;
    rl_put_key(text, "loss");
    if (eval->reduction != RL_NONE)
        rl_put_number(text, NULL, dtype, result->value);
    else if (!eval->measure->value_per_list)
        add_items(encoding, result->values);
    else if (query->batched)
        rl_put_numbers(text, dtype, result->values, query->batch.lists);
    else
        rl_put_number(text, NULL, dtype,
                      dtype == RL_FLOAT32 ? *(const float *)result->values
                                          : *(const double *)result->values);
}

static void add_loss_settings(struct rl_text *text, const struct rl_query *query, size_t index)
{
    const struct rl_eval *const eval = &query->evals[index];
    rl_put_string(text, "name", query->names[index]);
    if (query->reduction_null[index]) {
        rl_put_null(text, "reduction");
    } else {
        rl_put_string(text, "reduction", rl_reduction_name(eval->reduction));
    }
    rl_put_double(text, "temperature", eval->temperature);
}

static void add_metric_settings(struct rl_text *text, const struct rl_query *query, size_t index)
{
    const struct rl_eval *const eval = &query->evals[index];
    rl_put_string(text, "name", query->names[index]);
    if (eval->k > 0) {
        rl_put_count(text, "k", eval->k);
    } else {
        rl_put_null(text, "k");
    }
    rl_put_definition(text, eval, query->batch.dtype);
}

static void add_per_list(struct rl_text *text, const struct rl_query *query, bool loss,
                         const struct rl_list_result *lists)
{
    rl_put_array(text, "per_list");
    for (size_t l = 0; l < query->batch.lists; l++) {
        rl_put_object(text, NULL);
        rl_put_list_id(text, query, l);
        rl_put_double(text, loss ? "loss_sum" : "metric", loss ? lists[l].sum : lists[l].value);
        if (!loss)
            rl_put_double(text, "weight", lists[l].weight);
        rl_put_count(text, "items", lists[l].items);
        rl_put_count(text, "valid_items", lists[l].valid_items);
        if (loss)
            rl_put_count(text, "pairs", lists[l].pairs);
        rl_put_object_end(text);
    }
    rl_put_array_end(text);
}

static void add_pairs(struct rl_text *text, const struct rl_pair *pairs, size_t count)
{
    rl_put_array(text, NULL);
    for (size_t p = 0; p < count; p++) {
        rl_put_object(text, NULL);
        rl_put_count(text, "i", pairs[p].i);
        rl_put_count(text, "j", pairs[p].j);
        rl_put_double(text, "loss", pairs[p].loss);
        rl_put_object_end(text);
    }
    rl_put_array_end(text);
}

static void add_top_pairs(struct rl_text *text, const struct rl_result *result, size_t lists)
{
    rl_put_array(text, "top_pairs");
    for (size_t l = 0; l < lists; l++) {
        add_pairs(text, result->top_pairs + result->top_offsets[l], result->top_counts[l]);
    }
    rl_put_array_end(text);
}

/* What `include` asked for. */
static void add_included(struct encoding *encoding, size_t index, const struct rl_result *result)
{
    const struct rl_query *const query = encoding->query;
    struct rl_text *const text = encoding->text;
    const struct rl_eval *const eval = &query->evals[index];
    const bool loss = eval->measure->kind == RL_LOSS;
    if (eval->include & RL_PER_LIST)
        add_per_list(text, query, loss, result->lists);
    if (eval->include & RL_GRADIENT) {
        rl_put_key(text, "gradient");
        add_items(encoding, result->gradient);
    }
    if (eval->include & RL_TOP_PAIRS)
        add_top_pairs(text, result, query->batch.lists);
}

/* ---- Replies --------------------------------------------------------------------------------- */

/* The members of one evaluation's object; with the dtype only if the object is the whole reply. */
static void add_evaluation(struct encoding *encoding, size_t index, const struct rl_result *result,
                           bool with_dtype)
{
    const struct rl_query *const query = encoding->query;
    struct rl_text *const text = encoding->text;
    const bool loss = query->evals[index].measure->kind == RL_LOSS;
    rl_put_object(text, NULL);
    if (loss) {
        add_loss(encoding, index, result);
        add_loss_settings(text, query, index);
    } else {
        rl_put_number(text, "metric", query->batch.dtype, result->value);
        add_metric_settings(text, query, index);
    }
    if (with_dtype)
        add_dtype(text, query);
    rl_put_totals(text, loss, &result->totals);
    add_included(encoding, index, result);
    rl_put_parts(text, query, index, result);
    rl_put_object_end(text);
}

/* Lists, items and valid items of the batch. */
static void add_counts(struct rl_text *text, const struct rl_totals *totals)
{
    rl_put_object(text, "totals");
    rl_put_count(text, "lists", totals->lists);
    rl_put_count(text, "items", totals->items);
    rl_put_count(text, "valid_items", totals->valid_items);
    rl_put_object_end(text);
}

/* A comparison: every evaluation of every system. */
static void add_comparison(struct rl_text *text, const struct rl_query *query,
                           const struct rl_result *results)
{
    rl_put_object(text, NULL);
    rl_put_array(text, "results");
    for (size_t i = 0; i < query->count; i++) {
        rl_put_object(text, NULL);
        if (query->evals[i].measure->kind == RL_LOSS)
            add_loss_settings(text, query, i);
        else
            add_metric_settings(text, query, i);
        rl_put_systems(text, query, i, &results[i]);
        rl_put_object_end(text);
    }
    rl_put_array_end(text);
    if (query->name)
        rl_put_string(text, "name", query->name);
    rl_put_string(text, "baseline", query->systems[query->batch.baseline]);
    rl_put_double(text, "level", query->level);
    rl_put_count(text, "resamples", query->resamples);
    rl_put_count(text, "seed", query->seed);
    add_dtype(text, query);
    add_counts(text, &results[0].parts[0].totals);
    rl_put_object_end(text);
}

static void add_evaluations(struct encoding *encoding, const struct rl_result *results)
{
    const struct rl_query *const query = encoding->query;
    struct rl_text *const text = encoding->text;
    rl_put_object(text, NULL);
    rl_put_array(text, "results");
    for (size_t i = 0; i < query->count; i++) {
        add_evaluation(encoding, i, &results[i], false);
        if (encoding->stop && atomic_load_explicit(encoding->stop, memory_order_relaxed))
            return;
    }
    rl_put_array_end(text);
    if (query->name)
        rl_put_string(text, "name", query->name);
    add_dtype(text, query);
    add_counts(text, &results[0].totals);
    rl_put_object_end(text);
}

enum rl_status rl_json_write(const struct rl_query *query, const struct rl_result *results,
                             struct rl_team *team, struct rl_output *output)
{
    struct encoding encoding = {query, &output->text, team, output->stop};
    output->type = RL_JSON_TYPE;
    if (query->target.compare)
        add_comparison(&output->text, query, results);
    else if (query->target.evaluate)
        add_evaluations(&encoding, results);
    else
        add_evaluation(&encoding, 0, results, true);
    return output->text.failed ? RL_NOMEM : RL_OK;
}

void rl_json_write_error(const struct rl_error *error, const char *request_id,
                         struct rl_output *output)
{
    output->type = RL_PROBLEM_TYPE;
    rl_problem_write(error, request_id, &output->text);
}
