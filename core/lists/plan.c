/*
 * plan.c: one list made ready: its valid items, and their orders.
 */
#include "core/lists/plan.h"

#include <string.h>

#include "core/base/column.h"
#include "core/base/cut.h"
#include "core/base/sort.h"

/* Labels that are whole numbers below this, as grades mostly are, are sorted by counting. */
enum { SMALL_LABELS = 64 };

size_t rl_plan_room(size_t items)
{
    return 4 * rl_room_bytes(items, sizeof(uint32_t)) + rl_room_bytes(items + 1, sizeof(uint32_t)) +
           4 * rl_room_bytes(items, sizeof(double)) +
           rl_room_bytes(rl_cut_count(items), sizeof(size_t));
}

size_t rl_plan_scratch(size_t items)
{
    return 2 * rl_room_bytes(items, sizeof(struct rl_key)) + rl_sort_room(items);
}

/* ---- Valid items ----------------------------------------------------------------------------- */

struct gathering {
    struct rl_plan *plan;
    const struct rl_batch *batch;
    size_t first;   /* place of the list in the batch */
    size_t *starts; /* [pieces] valid items before each piece */
};

static inline bool is_valid(const struct rl_batch *batch, enum rl_dtype dtype, size_t i)
{
    return (!batch->mask || batch->mask[i]) && rl_column_get(batch->labels, dtype, i) >= 0;
}

static void count_valid(void *context, size_t piece)
{
    struct gathering *gathering = context;
    const struct rl_batch *batch = gathering->batch;
    size_t count = 0, first = gathering->first;
    for (size_t i = rl_cut_begin(piece); i < rl_cut_end(piece, gathering->plan->items); i++)
        count += is_valid(batch, batch->dtype, first + i);
    gathering->starts[piece] = count;
}

/* Gathers items begin … end - 1 of the list from v on; returns the v after them. */
static inline size_t gather(const struct gathering *gathering, enum rl_dtype dtype, size_t begin,
                            size_t end, size_t v)
{
    const struct rl_batch *batch = gathering->batch;
    struct rl_plan *plan = gathering->plan;
    for (size_t i = begin; i < end; i++) {
        size_t at = gathering->first + i;
        if (!is_valid(batch, dtype, at))
            continue;
        plan->index[v] = (uint32_t)i;
        plan->labels[v] = rl_column_get(batch->labels, dtype, at) + 0.0;
        plan->scores[v] = rl_column_get(batch->scores, dtype, at) + 0.0;
        v++;
    }
    return v;
}

static void gather_weights(const struct gathering *gathering, size_t begin, size_t end)
{
    const struct rl_batch *batch = gathering->batch;
    struct rl_plan *plan = gathering->plan;
    for (size_t v = begin; v < end; v++)
        plan->weights[v] =
            rl_column_get(batch->weights, batch->dtype, gathering->first + plan->index[v]);
}

static size_t gather_range(const struct gathering *gathering, size_t begin, size_t end, size_t v)
{
    size_t end_v = gathering->batch->dtype == RL_FLOAT32
                       ? gather(gathering, RL_FLOAT32, begin, end, v)
                       : gather(gathering, RL_FLOAT64, begin, end, v);
    if (gathering->plan->weights)
        gather_weights(gathering, v, end_v);
    return end_v;
}

static void gather_piece(void *context, size_t piece)
{
    struct gathering *gathering = context;
    gather_range(gathering, rl_cut_begin(piece), rl_cut_end(piece, gathering->plan->items),
                 gathering->starts[piece]);
}

static void gather_pieces(struct gathering *gathering, struct rl_runner *runner)
{
    size_t pieces = rl_cut_count(gathering->plan->items), sum = 0;
    runner->run(runner, pieces, count_valid, gathering);
    for (size_t piece = 0; piece < pieces; piece++) {
        size_t count = gathering->starts[piece];
        gathering->starts[piece] = sum;
        sum += count;
    }
    runner->run(runner, pieces, gather_piece, gathering);
    gathering->plan->count = sum;
}

static double uniform_weight(const struct rl_batch *batch, size_t list)
{
    if (batch->weight_kind == RL_WEIGHT_LIST)
        return rl_column_get(batch->weights, batch->dtype, list);
    return batch->weight_kind == RL_WEIGHT_SCALAR ? batch->weight : 1;
}

void rl_plan_init(struct rl_plan *plan, const struct rl_batch *batch, size_t list,
                  struct rl_runner *runner, struct rl_room *room)
{
    size_t first = batch->offsets[list], items = batch->offsets[list + 1] - first;
    struct gathering gathering = {plan, batch, first, NULL};
    *plan = (struct rl_plan){
        .items = items,
        .index = rl_room_take(room, items, sizeof(uint32_t)),
        .labels = rl_room_take(room, items, sizeof(double)),
        .scores = rl_room_take(room, items, sizeof(double)),
        .weight = uniform_weight(batch, list),
        .graded = rl_room_take(room, items, sizeof(uint32_t)),
        .starts = rl_room_take(room, items + 1, sizeof(uint32_t)),
        .grade_of = rl_room_take(room, items, sizeof(uint32_t)),
        .ranked = rl_room_take(room, items, sizeof(uint32_t)),
        .ranked_scores = rl_room_take(room, items, sizeof(double)),
    };
    if (batch->weight_kind == RL_WEIGHT_ITEM)
        plan->weights = rl_room_take(room, items, sizeof(double));
    if (items <= RL_CUT) {
        plan->count = gather_range(&gathering, 0, items, 0);
        return;
    }
    gathering.starts = rl_room_take(room, rl_cut_count(items), sizeof(size_t));
    gather_pieces(&gathering, runner);
}

/* ---- Orders ---------------------------------------------------------------------------------- */

/* Sorting by labels or by scores. */
struct ordering {
    struct rl_plan *plan;
    struct rl_key *keys;
    struct rl_key *sorted;
};

static void label_keys(void *context, size_t piece)
{
    struct ordering *ordering = context;
    const struct rl_plan *plan = ordering->plan;
    for (size_t v = rl_cut_begin(piece); v < rl_cut_end(piece, plan->count); v++)
        ordering->keys[v] = (struct rl_key){rl_key_ascending(plan->labels[v]), (uint32_t)v};
}

static void score_keys(void *context, size_t piece)
{
    struct ordering *ordering = context;
    const struct rl_plan *plan = ordering->plan;
    for (size_t v = rl_cut_begin(piece); v < rl_cut_end(piece, plan->count); v++)
        ordering->keys[v] = (struct rl_key){rl_key_descending(plan->scores[v]), (uint32_t)v};
}

static void keep_graded(void *context, size_t piece)
{
    struct ordering *ordering = context;
    for (size_t p = rl_cut_begin(piece); p < rl_cut_end(piece, ordering->plan->count); p++)
        ordering->plan->graded[p] = ordering->sorted[p].item;
}

static void keep_ranked(void *context, size_t piece)
{
    struct ordering *ordering = context;
    struct rl_plan *plan = ordering->plan;
    for (size_t r = rl_cut_begin(piece); r < rl_cut_end(piece, plan->count); r++) {
        plan->ranked[r] = ordering->sorted[r].item;
        plan->ranked_scores[r] = rl_key_value(ordering->sorted[r].key);
    }
}

static struct ordering sort_plan(struct rl_plan *plan, void (*make_keys)(void *, size_t),
                                 struct rl_runner *runner, struct rl_room room)
{
    size_t n = plan->count;
    struct ordering ordering = {plan, rl_room_take(&room, n, sizeof(struct rl_key)), NULL};
    struct rl_key *spare = rl_room_take(&room, n, sizeof(struct rl_key));
    runner->run(runner, rl_cut_count(n), make_keys, &ordering);
    ordering.sorted = rl_sort(ordering.keys, spare, n, runner, room);
    return ordering;
}

static inline uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

/*
 * Writes the labels as whole numbers, and a bound that none is above; false where one is not whole
 * or not small. A whole number added to 2^52 stands in its lowest bits. The compiler makes vectors
 * of this, which it does not of conversions and comparisons.
 */
static bool make_whole(const double *labels, size_t count, uint32_t *ret_whole, uint32_t *ret_bound)
{
    const double shift = 0x1p52;
    uint64_t any = 0, lost = 0;
    for (size_t v = 0; v < count; v++) {
        const double shifted = labels[v] + shift;
        const uint64_t whole = bits_of(shifted) ^ bits_of(shift);
        lost |= bits_of(shifted - shift) ^ bits_of(labels[v]);
        any |= whole;
        ret_whole[v] = (uint32_t)whole;
    }
    *ret_bound = (uint32_t)any;
    return lost == 0 && any < SMALL_LABELS;
}

/*
 * Where the next item of each label goes. Items are taken from several places of the list in turn:
 * most labels are the same few, and a count that was just written would have to be waited for. The
 * last stripe takes what is left.
 */
enum { STRIPES = 4 };
struct places {
    uint32_t of[SMALL_LABELS][STRIPES];
};

static void count_labels(const struct rl_plan *plan, const uint32_t *whole, uint32_t bound,
                         struct places *counts)
{
    const size_t length = plan->count / STRIPES;
    memset(counts, 0, (bound + 1) * sizeof(counts->of[0]));
    for (size_t i = 0; i < length; i++)
        for (size_t stripe = 0; stripe < STRIPES; stripe++)
            counts->of[whole[stripe * length + i]][stripe]++;
    for (size_t v = STRIPES * length; v < plan->count; v++)
        counts->of[whole[v]][STRIPES - 1]++;
}

/* Makes grades of the labels that occur, and places of counts. */
static void place_labels(struct rl_plan *plan, uint32_t bound, struct places *places)
{
    uint32_t place = 0;
    for (uint32_t label = 0; label <= bound; label++) {
        const uint32_t start = place;
        for (size_t stripe = 0; stripe < STRIPES; stripe++) {
            const uint32_t count = places->of[label][stripe];
            places->of[label][stripe] = place;
            place += count;
        }
        plan->starts[plan->grades] = start;
        plan->grades += place > start;
    }
}

static void put_items(const struct rl_plan *plan, const uint32_t *whole, struct places *places)
{
    const size_t length = plan->count / STRIPES;
    for (size_t i = 0; i < length; i++)
        for (size_t stripe = 0; stripe < STRIPES; stripe++) {
            const size_t v = stripe * length + i;
            plan->graded[places->of[whole[v]][stripe]++] = (uint32_t)v;
        }
    for (size_t v = STRIPES * length; v < plan->count; v++)
        plan->graded[places->of[whole[v]][STRIPES - 1]++] = (uint32_t)v;
}

static bool grade_by_counting(struct rl_plan *plan)
{
    uint32_t *whole = plan->grade_of, bound; /* not yet in use */
    struct places places;
    if (!make_whole(plan->labels, plan->count, whole, &bound))
        return false;
    count_labels(plan, whole, bound, &places);
    place_labels(plan, bound, &places);
    put_items(plan, whole, &places);
    return true;
}

static void grade_by_sorting(struct rl_plan *plan, struct rl_runner *runner, struct rl_room room)
{
    struct ordering ordering = sort_plan(plan, label_keys, runner, room);
    const struct rl_key *sorted = ordering.sorted;
    runner->run(runner, rl_cut_count(plan->count), keep_graded, &ordering);
    for (size_t p = 0; p < plan->count; p++)
        if (p == 0 || sorted[p].key != sorted[p - 1].key)
            plan->starts[plan->grades++] = (uint32_t)p;
}

void rl_plan_grade(struct rl_plan *plan, struct rl_runner *runner, struct rl_room room)
{
    if (plan->is_graded)
        return;
    plan->is_graded = true;
    if (!grade_by_counting(plan))
        grade_by_sorting(plan, runner, room);
    plan->starts[plan->grades] = (uint32_t)plan->count;
}

void rl_plan_grade_items(struct rl_plan *plan)
{
    if (plan->has_grades)
        return;
    plan->has_grades = true;
    for (size_t g = 0; g < plan->grades; g++)
        for (size_t p = plan->starts[g]; p < plan->starts[g + 1]; p++)
            plan->grade_of[plan->graded[p]] = (uint32_t)g;
}

void rl_plan_rank(struct rl_plan *plan, struct rl_runner *runner, struct rl_room room)
{
    if (plan->is_ranked)
        return;
    plan->is_ranked = true;
    struct ordering ordering = sort_plan(plan, score_keys, runner, room);
    runner->run(runner, rl_cut_count(plan->count), keep_ranked, &ordering);
}

uint64_t rl_plan_pairs(const struct rl_plan *plan)
{
    uint64_t pairs = 0;
    for (size_t g = 0; g < plan->grades; g++)
        pairs += (uint64_t)plan->starts[g] * (plan->starts[g + 1] - plan->starts[g]);
    return pairs;
}

void rl_plan_range(const struct rl_plan *plan, double *ret_lowest, double *ret_highest)
{
    double lowest = plan->scores[0], highest = lowest;
    for (size_t v = 1; v < plan->count; v++) {
        lowest = plan->scores[v] < lowest ? plan->scores[v] : lowest;
        highest = plan->scores[v] > highest ? plan->scores[v] : highest;
    }
    *ret_lowest = lowest;
    *ret_highest = highest;
}
