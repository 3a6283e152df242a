/*
 * fuzz_decode.c: any bytes as a body. The decoder accepts and refuses what jansson does, except for
 * what the contract refuses on purpose; what it returns is as its headers say.
 *
 * The first byte chooses what the URL asks for.
 */
#include "server/formats/json/decode.h"

#include <jansson.h>
#include <math.h>

#include "tests/fuzz/fuzzbody.h"

static const struct rl_limits limits = {.max_lists = 100000,
                                        .max_items = 1000000,
                                        .max_depth = 40,
                                        .max_top_k = 100,
                                        .max_evaluations = 20,
                                        .max_json_memory = 1 << 26};

static void check_weights(const struct rl_batch *batch)
{
    const size_t count = batch->weight_kind == RL_WEIGHT_LIST   ? batch->lists
                         : batch->weight_kind == RL_WEIGHT_ITEM ? batch->items
                                                                : 0;
    REQUIRE(isfinite(batch->weight));
    for (size_t i = 0; i < count; i++)
        REQUIRE(isfinite(fuzz_value(batch, batch->weights, i)));
}

static bool is_valid(const struct rl_batch *batch, size_t i)
{
    return (!batch->mask || batch->mask[i]) && fuzz_value(batch, batch->labels, i) >= 0;
}

static void check_batch(const struct rl_batch *batch, bool unretrieved)
{
    REQUIRE(batch->lists >= 1 && batch->offsets[0] == 0);
    REQUIRE(batch->offsets[batch->lists] == batch->items);
    for (size_t l = 0; l < batch->lists; l++)
        REQUIRE(batch->offsets[l] <= batch->offsets[l + 1]);
    for (size_t i = 0; i < batch->items; i++) {
        REQUIRE(!isinf(fuzz_value(batch, batch->labels, i)));
        REQUIRE(!isinf(fuzz_value(batch, batch->scores, i)));
        REQUIRE(!isnan(fuzz_value(batch, batch->scores, i)) || unretrieved || !is_valid(batch, i));
        REQUIRE(!batch->mask || batch->mask[i] <= 1);
    }
    check_weights(batch);
}

static void check_table(const double *table, size_t count)
{
    REQUIRE(count <= 1000);
    for (size_t i = 0; i < count; i++)
        REQUIRE(isfinite(table[i]) && table[i] >= 0);
}

/* Returns whether it counts items that were not retrieved. */
static bool check_definition(const struct rl_definition *definition)
{
    if (!definition)
        return false;
    check_table(definition->gains, definition->gain_count);
    check_table(definition->discounts, definition->discount_count);
    REQUIRE((definition->gain == RL_GAIN_TABLE) == (definition->gain_count > 0));
    REQUIRE((definition->discount == RL_DISCOUNT_TABLE) == (definition->discount_count > 0));
    REQUIRE(definition->relevant_from > 0 && isfinite(definition->relevant_from));
    REQUIRE(definition->max_grade > 0 && isfinite(definition->max_grade));
    REQUIRE(definition->persistence > 0 && definition->persistence < 1);
    return definition->unretrieved == RL_UNRETRIEVED_COUNT;
}

static void check_query(const struct rl_query *query)
{
    bool unretrieved = true;
    REQUIRE(query->count >= 1);
    for (size_t i = 0; i < query->count; i++)
        unretrieved &= check_definition(query->evals[i].definition);
    check_batch(&query->batch, unretrieved);
    for (size_t i = 0; i < query->count; i++) {
        REQUIRE(query->evals[i].temperature > 0 && isfinite(query->evals[i].temperature));
        REQUIRE(query->evals[i].top_k >= 1 && query->evals[i].top_k <= limits.max_top_k);
        REQUIRE(strlen(query->names[i]) <= 128);
        REQUIRE(!query->evals[i].measure->value_per_list ||
                query->batch.weight_kind != RL_WEIGHT_ITEM);
    }
    REQUIRE(query->batched || query->batch.lists == 1);
}

/* Whether a text goes into JSON as it is. */
static void check_utf8(const char *text)
{
    json_t *const string = json_string(text);
    REQUIRE(string != NULL);
    json_decref(string);
}

static void check_error(const struct rl_error *error, enum rl_status status, size_t length)
{
    REQUIRE(error->status == status);
    REQUIRE(status == RL_SYNTAX || status == RL_INVALID || status == RL_TOO_LARGE);
    REQUIRE(error->pointer[0] == '\0' || error->pointer[0] == '/');
    REQUIRE(error->detail[0] != '\0');
    REQUIRE((status == RL_SYNTAX) == (error->line >= 1));
    REQUIRE(error->offset <= length);
    check_utf8(error->pointer);
    check_utf8(error->detail);
}

/* Compares with jansson where the two should agree. */
static void compare(const char *body, size_t length, enum rl_status status,
                    const struct rl_error *error)
{
    json_error_t why;
    if (memchr(body, '\0', length)) { /* jansson lets some pass */
        REQUIRE(status == RL_SYNTAX || status == RL_TOO_LARGE);
        return;
    }
    if (status == RL_TOO_LARGE || strstr(error->detail, "nested deeper"))
        return;
    json_t *const root = json_loadb(body, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    if (json_is_object(root))
        REQUIRE(status != RL_SYNTAX);
    else if (root || json_error_code(&why) != json_error_numeric_overflow)
        REQUIRE(status == RL_SYNTAX);
    /* else a whole number beyond 64 bits, or a real one beyond double: jansson does not say which
     * */
    json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rl_arena arena;
    struct rl_query query;
    struct rl_error error = {0};
    if (size == 0)
        return 0;
    const struct rl_target target = fuzz_target(data[0]);
    const size_t skip = fuzz_skip(data[0]), length = size - skip;
    char *const body = fuzz_copy(data + skip, length);
    rl_arena_init(&arena, 1 << 28);
    const struct rl_input input = {
        .body = body, .length = length, .target = &target, .limits = &limits, .arena = &arena};
    const enum rl_status status = rl_json_read(&input, &query, &error);
    if (status == RL_OK)
        check_query(&query);
    else
        check_error(&error, status, length);
    compare((const char *)data + skip, length, status, &error);
    rl_arena_release(&arena);
    free(body);
    return 0;
}
