/*
 * field.c: sums over the pairs of one list.
 */
#include "core/fields/field.h"

#include <assert.h>
#include <string.h>

#include "core/base/cut.h"
#include "core/fields/descent.h"
#include "core/base/elementary.h"
#include "core/fields/kernels.h"

/*
 * Items up to which a list goes pair by pair. For five grades, sorting and sweeping becomes faster
 * at 750 (bump) to 1340 (step) items with AVX-512, and at 480 (bump) to 590 (hinge) with AVX2. One
 * length for all, because the choice may not depend on the CPU (docs/kernels.md, which
 * make bench-kernels writes).
 */
enum { SHORT = 640 };

/* Pairs for each item up to which a longer list goes pair by pair too: about what a short list of
 * SHORT items and five grades has. Pairs are not shared out to a team, so a list that has one for
 * itself is allowed fewer. */
enum { PAIRS_PER_ITEM = 256, PAIRS_PER_ITEM_ALONE = 16 };

/* The same as SHORT where every item is a source of every other one: more pairs, and one sweep each
 * way instead of one for each halving of the grades. Sweeps become faster at 150 items with AVX2
 * and at 285 with AVX-512 (make bench-kernels). */
enum { SHORT_OF_ALL = 200 };

enum { TILE_COLUMNS = 7 };

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t tile_room(size_t items)
{
    return TILE_COLUMNS * rl_room_bytes(items + RL_TILE_PAD, sizeof(double));
}

static size_t sorted_room(size_t items)
{
    return 4 * rl_room_bytes(items, sizeof(double)) + 2 * rl_room_bytes(items, sizeof(uint32_t));
}

size_t rl_field_room(size_t items)
{
    size_t swept =
        2 * sorted_room(items) + rl_room_bytes(items, sizeof(double)) + rl_descent_room(items);
    return larger(larger(tile_room(items), swept), rl_plan_scratch(items));
}

/* Neither way divides the hinge by the temperature: divisions are slow, and most temperatures are
 * 1. */
static void divide(const struct rl_field *field, double *sums, size_t n)
{
    const double divisor = field->temperature;
    if (field->kind != RL_FIELD_HINGE || divisor == 1)
        return;
    for (size_t p = 0; p < n; p++)
        sums[p] /= divisor;
}

/* ---- Pair by pair ---------------------------------------------------------------------------- */

/* Places that follow one another are copied this many at a time. */
enum { RUN = 8 };

static bool follow_one_another(const uint32_t *places)
{
    return places[RUN - 1] - places[0] == RUN - 1;
}

/* Copies values[places[0]], … to ret[0], … places: ascending. */
static void copy_ascending(const double *values, const uint32_t *places, size_t count, double *ret)
{
    size_t i = 0;
    for (; i + RUN <= count; i += RUN) {
        if (follow_one_another(places + i))
            memcpy(ret + i, values + places[i], RUN * sizeof(*ret));
        else
            for (size_t r = i; r < i + RUN; r++)
                ret[r] = values[places[r]];
    }
    for (; i < count; i++)
        ret[i] = values[places[i]];
}

/* The same backwards: to ret[count - 1], ret[count - 2], … */
static void copy_descending(const double *values, const uint32_t *places, size_t count, double sign,
                            double *ret)
{
    for (size_t i = 0; i < count; i++)
        ret[count - 1 - i] = sign * values[places[i]];
}

/* Items of one grade are adjacent, right after all items of lower label. */
static void fill_grade(const struct rl_field *field, const struct rl_plan *plan, size_t g,
                       struct rl_tile *tile, double *below, double *scores, double *masses)
{
    const size_t begin = plan->starts[g], count = plan->starts[g + 1] - begin;
    const size_t lower = field->negated ? plan->count - begin - count : begin;
    const uint32_t *const items = plan->graded + begin;
    if (lower == 0)
        tile->first = count;
    for (size_t place = lower; place < lower + count; place++)
        below[place] = (double)lower;
    if (field->negated)
        copy_descending(plan->scores, items, count, -1, scores + lower);
    else
        copy_ascending(plan->scores, items, count, scores + lower);
    if (field->masses && field->negated)
        copy_descending(field->masses, items, count, 1, masses + lower);
    else if (field->masses)
        copy_ascending(field->masses, items, count, masses + lower);
}

/* Items up to which a list is filled item by item: its grades are too few items for runs. */
enum { TINY = 32 };

/* fill_grade for each grade of a tiny list. */
static void fill_tiny(const struct rl_field *field, const struct rl_plan *plan,
                      struct rl_tile *tile, double *below, double *scores, double *masses)
{
    const bool negated = field->negated;
    const size_t n = plan->count, lowest = negated ? plan->grades - 1 : 0;
    tile->first = plan->starts[lowest + 1] - plan->starts[lowest];
    for (size_t g = 0; g < plan->grades; g++) {
        const double lower = (double)(negated ? n - plan->starts[g + 1] : plan->starts[g]);
        for (size_t p = plan->starts[g]; p < plan->starts[g + 1]; p++) {
            const size_t place = negated ? n - 1 - p : p;
            const double score = plan->scores[plan->graded[p]];
            below[place] = lower;
            scores[place] = negated ? -score : score;
            if (field->masses)
                masses[place] = field->masses[plan->graded[p]];
        }
    }
}

static void fill_tile(const struct rl_field *field, const struct rl_plan *plan,
                      struct rl_tile *tile, double *below, double *scores, double *masses)
{
    if (plan->count <= TINY)
        fill_tiny(field, plan, tile, below, scores, masses);
    for (size_t g = 0; g < plan->grades && plan->count > TINY; g++)
        fill_grade(field, plan, g, tile, below, scores, masses);
    if (!field->masses && rl_tile_has_masses(field->kind))
        for (size_t place = 0; place < plan->count; place++)
            masses[place] = 1;
    rl_tile_pad(below, scores, plan->count, tile->centre);
}

/* To the places of the items in the list. */
static void return_sums(const struct rl_field *field, const struct rl_plan *plan,
                        const struct rl_tile *tile, double *ret_sums)
{
    const size_t n = plan->count, with_sources = n - tile->first;
    memset(ret_sums, 0, n * sizeof(*ret_sums));
    if (field->negated)
        for (size_t p = 0; p < with_sources; p++)
            ret_sums[plan->graded[p]] = tile->sums[n - 1 - p];
    else
        for (size_t p = tile->first; p < n; p++)
            ret_sums[plan->graded[p]] = tile->sums[p];
}

static struct rl_tile take_tile(const struct rl_field *field, const struct rl_plan *plan,
                                double centre, struct rl_room room, double **ret_columns)
{
    double **const columns = ret_columns;
    for (size_t c = 0; c < TILE_COLUMNS; c++)
        columns[c] = rl_room_take(&room, plan->count + RL_TILE_PAD, sizeof(double));
    return (struct rl_tile){
        .n = plan->count,
        .temperature = field->temperature,
        .centre = field->negated ? -centre : centre,
        .below = columns[0],
        .scores = columns[1],
        .masses = columns[2],
        .rise = columns[3],
        .fall = columns[4],
        .spare = columns[5],
        .sums = columns[6],
    };
}

static void run_tile(const struct rl_field *field, const struct rl_tile *tile)
{
    rl_kernels_tile()[field->kind](tile);
    divide(field, tile->sums + tile->first, tile->n - tile->first);
}

static void sum_pairs(const struct rl_field *field, const struct rl_plan *plan, double centre,
                      struct rl_room room, double *ret_sums)
{
    double *columns[TILE_COLUMNS];
    struct rl_tile tile = take_tile(field, plan, centre, room, columns);
    fill_tile(field, plan, &tile, columns[0], columns[1], columns[2]);
    run_tile(field, &tile);
    return_sums(field, plan, &tile, ret_sums);
}

/* Items in input order, or, `backwards`, the other way round: each has those before it below. */
static void fill_in_order(const struct rl_field *field, const struct rl_plan *plan, bool backwards,
                          struct rl_tile *tile, double *below, double *scores, double *masses)
{
    const double sign = field->negated ? -1 : 1;
    for (size_t place = 0; place < plan->count; place++) {
        const size_t v = backwards ? plan->count - 1 - place : place;
        below[place] = (double)place;
        scores[place] = sign * plan->scores[v];
        masses[place] = field->masses ? field->masses[v] : 1;
    }
    tile->first = 1;
    rl_tile_pad(below, scores, plan->count, tile->centre);
}

/* The pairs of each item and those before it, then of each item and those after it. */
static void sum_all_pairs(const struct rl_field *field, const struct rl_plan *plan, double centre,
                          struct rl_room room, double *ret_sums)
{
    double *columns[TILE_COLUMNS];
    const size_t n = plan->count;
    struct rl_tile tile = take_tile(field, plan, centre, room, columns);
    fill_in_order(field, plan, false, &tile, columns[0], columns[1], columns[2]);
    run_tile(field, &tile);
    ret_sums[0] = 0;
    memcpy(ret_sums + 1, tile.sums + 1, (n - 1) * sizeof(double));
    fill_in_order(field, plan, true, &tile, columns[0], columns[1], columns[2]);
    run_tile(field, &tile);
    for (size_t v = 0; v + 1 < n; v++)
        ret_sums[v] += tile.sums[n - 1 - v];
}

/* ---- By sweeps ------------------------------------------------------------------------------- */

/* The items in descending order of (negated) score. */
struct sweeping {
    const struct rl_field *field;
    const struct rl_plan *plan;
    struct rl_descent descent;
    double *ret_sums;
};

static struct rl_sorted take_sorted(const struct rl_field *field, size_t n, struct rl_room *room)
{
    const bool series = rl_descent_has_series(field->kind);
    return (struct rl_sorted){
        .scores = rl_room_take(room, n, sizeof(double)),
        .grades = rl_room_take(room, n, sizeof(uint32_t)),
        .places = rl_room_take(room, n, sizeof(uint32_t)),
        .masses = field->masses ? rl_room_take(room, n, sizeof(double)) : NULL,
        .origins = series ? rl_room_take(room, n, sizeof(double)) : NULL,
        .falls = series ? rl_room_take(room, n, sizeof(double)) : NULL,
    };
}

/* The rank of the item at a place: negating turns the order round. */
static size_t rank_at(const struct sweeping *sweeping, size_t place)
{
    return sweeping->field->negated ? sweeping->plan->count - 1 - place : place;
}

static void fill_items(const struct sweeping *sweeping, size_t begin, size_t end)
{
    const struct rl_sorted *const sorted = &sweeping->descent.sorted[0];
    const struct rl_plan *const plan = sweeping->plan;
    const bool negated = sweeping->field->negated;
    const uint32_t top = (uint32_t)plan->grades - 1;
    for (size_t place = begin; place < end; place++) {
        const size_t rank = rank_at(sweeping, place);
        uint32_t v = plan->ranked[rank], grade = plan->grade_of[v];
        const double score = plan->ranked_scores[rank];
        sorted->scores[place] = negated ? -score : score;
        sorted->grades[place] = negated ? top - grade : grade;
        sorted->places[place] = (uint32_t)place;
        sweeping->descent.sums[place] = 0;
        if (sorted->masses)
            sorted->masses[place] = sweeping->field->masses[v];
    }
}

/* A score out of the last origin's reach becomes the next origin. */
static void fill_origins(const struct sweeping *sweeping, size_t begin, size_t end)
{
    const struct rl_sorted *const sorted = &sweeping->descent.sorted[0];
    double temperature = sweeping->field->temperature, origin = sorted->scores[begin];
    for (size_t place = begin; place < end; place++) {
        const double score = sorted->scores[place];
        if (origin - score > RL_SERIES_REACH * temperature)
            origin = score;
        sorted->origins[place] = origin;
    }
    for (size_t place = begin; place < end; place++)
        sorted->falls[place] =
            rl_exp(-((sorted->origins[place] - sorted->scores[place]) / temperature));
}

static void fill_piece(void *context, size_t piece)
{
    struct sweeping *const sweeping = context;
    size_t begin = rl_cut_begin(piece), end = rl_cut_end(piece, sweeping->plan->count);
    fill_items(sweeping, begin, end);
    if (sweeping->descent.sorted[0].origins)
        fill_origins(sweeping, begin, end);
}

static void return_piece(void *context, size_t piece)
{
    struct sweeping *const sweeping = context;
    size_t begin = rl_cut_begin(piece), end = rl_cut_end(piece, sweeping->plan->count);
    divide(sweeping->field, sweeping->descent.sums + begin, end - begin);
    for (size_t place = begin; place < end; place++) {
        const uint32_t v = sweeping->plan->ranked[rank_at(sweeping, place)];
        sweeping->ret_sums[v] = sweeping->descent.sums[place];
    }
}

static void sum_by_sweeps(const struct rl_field *field, struct rl_plan *plan,
                          struct rl_runner *runner, struct rl_room room, double *ret_sums)
{
    size_t n = plan->count, pieces = rl_cut_count(n);
    assert(!field->all_pairs || rl_descent_has_series(field->kind));
    rl_plan_grade_items(plan);
    rl_plan_rank(plan, runner, room);
    struct sweeping sweeping = {
        .field = field,
        .plan = plan,
        .descent = {.kind = field->kind,
                    .temperature = field->temperature,
                    .n = n,
                    .grades = plan->grades,
                    .all_pairs = field->all_pairs,
                    .sorted = {take_sorted(field, n, &room), take_sorted(field, n, &room)},
                    .sums = rl_room_take(&room, n, sizeof(double))},
        .ret_sums = ret_sums,
    };
    if (!rl_runner_until_stopped(runner, pieces, fill_piece, &sweeping))
        return;
    rl_descent_run(&sweeping.descent, runner, room);
    rl_runner_until_stopped(runner, pieces, return_piece, &sweeping);
}

static bool has_few_pairs(const struct rl_field *field, const struct rl_plan *plan)
{
    if (field->all_pairs)
        return plan->count <= SHORT_OF_ALL;
    const size_t most = plan->count > RL_CUT_ALONE ? PAIRS_PER_ITEM_ALONE : PAIRS_PER_ITEM;
    return plan->count <= SHORT || rl_plan_pairs(plan) <= (uint64_t)most * plan->count;
}

/* Whether the list goes pair by pair, and if so the middle of its scores. */
static bool is_short(const struct rl_field *field, const struct rl_plan *plan, double *ret_centre)
{
    double lowest = 0, highest = 0;
    if (!has_few_pairs(field, plan))
        return false;
    if (rl_descent_has_series(field->kind))
        rl_plan_range(plan, &lowest, &highest);
    *ret_centre = highest / 2 + lowest / 2;
    return highest - lowest <= RL_TILE_RANGE * field->temperature;
}

void rl_field_sum(const struct rl_field *field, struct rl_plan *plan, struct rl_runner *runner,
                  struct rl_room room, double *ret_sums)
{
    double centre;
    if (plan->count == 0)
        return;
    if (!is_short(field, plan, &centre))
        sum_by_sweeps(field, plan, runner, room, ret_sums);
    else if (field->all_pairs)
        sum_all_pairs(field, plan, centre, room, ret_sums);
    else
        sum_pairs(field, plan, centre, room, ret_sums);
}
