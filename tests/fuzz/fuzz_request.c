/*
 * fuzz_request.c: any bytes as a body through the whole path: decode, compute, encode.
 *
 * Checks three things: the reply is JSON that jansson reads, with finite numbers only; sums of
 * short lists are those of the plain reference; and computing on this thread gives the same text as
 * computing on a team.
 *
 * The first byte chooses what the URL asks for.
 */
#include "server/formats/json/decode.h"
#include "server/formats/json/encode.h"

#include <jansson.h>
#include <math.h>

#include "core/reference.h"
#include "tests/fuzz/fuzzbody.h"

enum { LONGEST_COMPARED = 48 };

static const struct rl_limits limits = {.max_lists = 2000,
                                        .max_items = 20000,
                                        .max_depth = 32,
                                        .max_top_k = 100,
                                        .max_evaluations = 8,
                                        .max_json_memory = 1 << 24};

static struct rl_team *team;
static struct rl_scratch scratch;

static double weight_at(const struct rl_batch *batch, size_t list, size_t item)
{
    switch (batch->weight_kind) {
    case RL_WEIGHT_NONE:
        return 1;
    case RL_WEIGHT_SCALAR:
        return batch->weight;
    case RL_WEIGHT_LIST:
        return fuzz_value(batch, batch->weights, list);
    default:
        return fuzz_value(batch, batch->weights, item);
    }
}

/* One short list as the reference takes it. */
struct copy {
    double labels[LONGEST_COMPARED], scores[LONGEST_COMPARED], weights[LONGEST_COMPARED];
    uint8_t mask[LONGEST_COMPARED];
    struct rl_reference_list list;
};

static void copy_list(const struct rl_batch *batch, size_t list, struct copy *copy)
{
    const size_t first = batch->offsets[list], items = batch->offsets[list + 1] - first;
    for (size_t i = 0; i < items; i++) {
        copy->labels[i] = fuzz_value(batch, batch->labels, first + i);
        copy->scores[i] = fuzz_value(batch, batch->scores, first + i);
        copy->weights[i] = weight_at(batch, list, first + i);
        copy->mask[i] = batch->mask ? batch->mask[first + i] : 1;
    }
    copy->list = (struct rl_reference_list){
        .items = items, .labels = copy->labels, .scores = copy->scores, .mask = copy->mask};
}

/* The list's sum, and the sum of the absolute values that went into it. */
static long double reference_sum(const struct rl_eval *eval, const struct copy *copy, double weight,
                                 long double *ret_size)
{
    long double losses[LONGEST_COMPARED], sum = 0, size = 0;
    const enum rl_measure_id id = eval->measure->id;
    rl_reference_losses(id, &copy->list, eval->temperature, losses);
    const bool by_list = eval->measure->value_per_list;
    const size_t values = by_list ? 1 : copy->list.items;
    for (size_t i = 0; i < values; i++) {
        const long double one = losses[i] * (by_list ? weight : copy->weights[i]);
        sum += one;
        size += fabsl(one);
    }
    *ret_size = size;
    return sum;
}

/* The magnitude that cancels inside the losses: the largest scaled difference, labels and scores.
 * */
static long double noise(const struct rl_eval *eval, const struct copy *copy)
{
    double largest = 0;
    for (size_t i = 0; i < copy->list.items; i++)
        if (rl_reference_valid(&copy->list, i))
            largest = fmax(largest, fmax(fabs(copy->scores[i]), copy->labels[i]));
    const long double scaled = largest / eval->temperature;
    const bool square = eval->measure->id == RL_PAIRWISE_MEAN_SQUARED_ERROR;
    return square ? (long double)largest * largest : scaled;
}

static void compare_list(const struct rl_batch *batch, const struct rl_eval *eval, size_t list,
                         const struct rl_list_result *result)
{
    struct copy copy;
    long double size;
    copy_list(batch, list, &copy);
    const long double want =
        reference_sum(eval, &copy, weight_at(batch, list, batch->offsets[list]), &size);
    REQUIRE(result->pairs == rl_reference_pairs(eval->measure->id, &copy.list));
    double heaviest = 0;
    for (size_t i = 0; i < copy.list.items; i++)
        heaviest = fmax(heaviest, fabs(copy.weights[i]));
    const long double pairs = (long double)copy.list.items * (long double)copy.list.items;
    const long double near = 1e-5L * size + 1e-6L * noise(eval, &copy) * heaviest * pairs + 1e-12L;
    REQUIRE(fabsl(want - result->sum) <= near || !isfinite((double)want));
}

static void compare(const struct rl_query *query, const struct rl_result *results)
{
    const struct rl_batch *const batch = &query->batch;
    for (size_t e = 0; e < query->count; e++) {
        if (query->evals[e].measure->kind != RL_LOSS || !results[e].lists)
            continue;
        for (size_t l = 0; l < batch->lists; l++) {
            const size_t items = batch->offsets[l + 1] - batch->offsets[l];
            if (items > 0 && items <= LONGEST_COMPARED)
                compare_list(batch, &query->evals[e], l, &results[e].lists[l]);
        }
    }
}

/* Computes and encodes; the text is the caller's. Empty when the result is not finite. */
static struct rl_text answer(const struct rl_query *query, struct rl_arena *arena, bool on_team)
{
    struct rl_output output = {0};
    struct rl_work work;
    struct rl_error error;
    struct rl_work *works[] = {&work};
    REQUIRE(rl_work_init(&work, &query->batch, query->evals, query->count, arena, &error) == RL_OK);
    if (on_team)
        rl_compute(team, works, 1);
    else
        rl_compute_inline(&scratch, &work);
    REQUIRE(work.status == RL_OK || work.status == RL_NOT_FINITE);
    if (work.status == RL_OK) {
        REQUIRE(rl_json_write(query, work.results, NULL, &output) == RL_OK);
        compare(query, work.results);
    }
    return output.text;
}

static void check_json(const struct rl_text *text)
{
    json_error_t why;
    json_t *const root = json_loadb(text->data, text->length, JSON_REJECT_DUPLICATES, &why);
    REQUIRE(json_is_object(root));
    json_decref(root);
}

static void run(const struct rl_query *query, struct rl_arena *arena)
{
    struct rl_text alone = answer(query, arena, false), together = answer(query, arena, true);
    REQUIRE(alone.length == together.length);
    if (alone.length > 0) {
        REQUIRE(memcmp(alone.data, together.data, alone.length) == 0);
        check_json(&alone);
    }
    rl_text_release(&alone);
    rl_text_release(&together);
}

static void set_up(void)
{
    struct rl_error error;
    REQUIRE(rl_init(NULL, &error) == RL_OK);
    REQUIRE(rl_team_create(2, &team, &error) == RL_OK);
    rl_scratch_init(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rl_arena arena;
    struct rl_query query;
    struct rl_error error = {0};
    if (!team)
        set_up();
    if (size == 0)
        return 0;
    const struct rl_target target = fuzz_target(data[0]);
    const size_t skip = fuzz_skip(data[0]), length = size - skip;
    char *const body = fuzz_copy(data + skip, length);
    rl_arena_init(&arena, 1 << 28);
    const struct rl_input input = {
        .body = body, .length = length, .target = &target, .limits = &limits, .arena = &arena};
    if (rl_json_read(&input, &query, &error) == RL_OK) {
        for (size_t e = 0; e < query.count; e++)
            query.evals[e].include |= RL_PER_LIST;
        run(&query, &arena);
    }
    rl_arena_release(&arena);
    free(body);
    return 0;
}
