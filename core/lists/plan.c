/*
 * plan.c: one list made ready: its valid items, and their orders.
 *
 * Most lists need no gathering: without a mask and with labels that are grades, one pass finds both
 * that every item is valid and the grades, and the batch's own columns serve.
 */
#include "core/lists/plan.h"

#include <string.h>

#include "core/base/column.h"
#include "core/base/cut.h"
#include "core/lists/order.h"
#include "core/lists/listscan.h"

size_t rl_plan_room(size_t items)
{
    return 4 * rl_room_bytes(items, sizeof(uint32_t)) + rl_room_bytes(items + 1, sizeof(uint32_t)) +
           6 * rl_room_bytes(items, sizeof(double)) + rl_room_bytes(items, sizeof(uint8_t)) +
           rl_room_bytes(rl_cut_count(items), sizeof(size_t));
}

size_t rl_plan_scratch(size_t items)
{
    return rl_order_room(items);
}

/* ---- Valid items ----------------------------------------------------------------------------- */

struct gathering {
    struct rl_plan *plan;
    const struct rl_batch *batch;
    size_t first;          /* place of the list in the batch */
    size_t *starts;        /* [pieces] valid items before each piece */
    void *labels, *scores; /* [items] of the dtype: copies, where some item is invalid */
    uint8_t *bytes;        /* [items] */
    /* Of all pieces. Relaxed: the runner's return orders them before they are read. */
    _Atomic uint32_t grade; /* as rl_listscan's grades gives it */
    _Atomic bool invalid;   /* some label is */
};

static const void *column_at(const void *column, enum rl_dtype dtype, size_t i)
{
    return (const char *)column + i * rl_dtype_size(dtype);
}

static void *place_in(void *column, enum rl_dtype dtype, size_t i)
{
    return (char *)column + i * rl_dtype_size(dtype);
}

static void read_grades(void *context, size_t piece)
{
    struct gathering *const gathering = context;
    const struct rl_plan *const plan = gathering->plan;
    const size_t begin = rl_cut_begin(piece), count = rl_cut_end(piece, plan->count) - begin;
    const uint32_t grade = rl_listscan_kernels(plan->dtype)
                               ->grades(column_at(plan->own_labels, plan->dtype, begin), count,
                                        gathering->bytes + begin);
    atomic_fetch_or_explicit(&gathering->grade, grade, memory_order_relaxed);
}

/* Grades of the valid items; false where their labels are not all small whole numbers. */
static bool find_grades(struct gathering *gathering, struct rl_runner *runner)
{
    struct rl_plan *const plan = gathering->plan;
    atomic_init(&gathering->grade, 0);
    runner->run(runner, rl_cut_count(plan->count), read_grades, gathering);
    const uint32_t grade = atomic_load_explicit(&gathering->grade, memory_order_relaxed);
    const bool small = grade < RL_GRADES;
    plan->bytes = small ? gathering->bytes : NULL;
    plan->highest_grade = grade;
    return small;
}

static inline bool any_invalid(const void *labels, enum rl_dtype dtype, size_t begin, size_t end)
{
    int invalid = 0;
    for (size_t i = begin; i < end; i++)
        invalid |= !(rl_column_get(labels, dtype, i) >= 0);
    return invalid;
}

static void look_for_invalid(void *context, size_t piece)
{
    struct gathering *const gathering = context;
    const struct rl_plan *const plan = gathering->plan;
    const size_t begin = rl_cut_begin(piece), end = rl_cut_end(piece, plan->count);
    if (plan->dtype == RL_FLOAT32 ? any_invalid(plan->own_labels, RL_FLOAT32, begin, end)
                                  : any_invalid(plan->own_labels, RL_FLOAT64, begin, end))
        atomic_store_explicit(&gathering->invalid, true, memory_order_relaxed);
}

/* Whether all items are valid; then the batch's columns are the plan's. */
static bool take_all(struct gathering *gathering, struct rl_runner *runner)
{
    const struct rl_batch *const batch = gathering->batch;
    struct rl_plan *const plan = gathering->plan;
    if (batch->mask)
        return false;
    plan->count = plan->items;
    plan->own_labels = column_at(batch->labels, plan->dtype, gathering->first);
    plan->own_scores = column_at(batch->scores, plan->dtype, gathering->first);
    if (find_grades(gathering, runner))
        return true;
    runner->run(runner, rl_cut_count(plan->count), look_for_invalid, gathering);
    return !atomic_load_explicit(&gathering->invalid, memory_order_relaxed);
}

static inline bool is_valid(const struct rl_batch *batch, enum rl_dtype dtype, size_t i)
{
    return (!batch->mask || batch->mask[i]) && rl_column_get(batch->labels, dtype, i) >= 0;
}

static void count_valid(void *context, size_t piece)
{
    struct gathering *const gathering = context;
    const struct rl_batch *const batch = gathering->batch;
    size_t count = 0, first = gathering->first;
    for (size_t i = rl_cut_begin(piece); i < rl_cut_end(piece, gathering->plan->items); i++)
        count += is_valid(batch, batch->dtype, first + i);
    gathering->starts[piece] = count;
}

/* Copies the valid ones of items begin … end - 1 to v and on. */
static inline void copy_valid(const struct gathering *gathering, enum rl_dtype dtype, size_t begin,
                              size_t end, size_t v)
{
    const struct rl_batch *const batch = gathering->batch;
    const size_t size = rl_dtype_size(dtype);
    for (size_t i = begin; i < end; i++) {
        const size_t at = gathering->first + i;
        if (!is_valid(batch, dtype, at))
            continue;
        gathering->plan->index[v] = (uint32_t)i;
        memcpy(place_in(gathering->labels, dtype, v), column_at(batch->labels, dtype, at), size);
        memcpy(place_in(gathering->scores, dtype, v), column_at(batch->scores, dtype, at), size);
        v++;
    }
}

static void copy_piece(void *context, size_t piece)
{
    struct gathering *const gathering = context;
    const size_t begin = rl_cut_begin(piece), end = rl_cut_end(piece, gathering->plan->items);
    if (gathering->plan->dtype == RL_FLOAT32)
        copy_valid(gathering, RL_FLOAT32, begin, end, gathering->starts[piece]);
    else
        copy_valid(gathering, RL_FLOAT64, begin, end, gathering->starts[piece]);
}

static void take_valid(struct gathering *gathering, struct rl_runner *runner, struct rl_room *room)
{
    struct rl_plan *const plan = gathering->plan;
    size_t pieces = rl_cut_count(plan->items), sum = 0;
    gathering->starts = rl_room_take(room, pieces, sizeof(size_t));
    gathering->labels = rl_room_take(room, plan->items, rl_dtype_size(plan->dtype));
    gathering->scores = rl_room_take(room, plan->items, rl_dtype_size(plan->dtype));
    runner->run(runner, pieces, count_valid, gathering);
    for (size_t piece = 0; piece < pieces; piece++) {
        const size_t count = gathering->starts[piece];
        gathering->starts[piece] = sum;
        sum += count;
    }
    runner->run(runner, pieces, copy_piece, gathering);
    plan->count = sum;
    plan->own_labels = gathering->labels;
    plan->own_scores = gathering->scores;
    find_grades(gathering, runner);
}

static void weights_piece(void *context, size_t piece)
{
    const struct gathering *const gathering = context;
    const struct rl_batch *const batch = gathering->batch;
    const struct rl_plan *const plan = gathering->plan;
    for (size_t v = rl_cut_begin(piece); v < rl_cut_end(piece, plan->count); v++) {
        const size_t i = gathering->first + rl_plan_item(plan, v);
        plan->weights[v] = rl_column_get(batch->weights, batch->dtype, i);
    }
}

static double uniform_weight(const struct rl_batch *batch, size_t list)
{
    if (batch->weight_kind == RL_WEIGHT_LIST)
        return rl_column_get(batch->weights, batch->dtype, list);
    return batch->weight_kind == RL_WEIGHT_SCALAR ? batch->weight : 1;
}

void rl_plan_gather(struct rl_plan *plan, const struct rl_batch *batch, size_t list,
                    struct rl_runner *runner, struct rl_room *room)
{
    size_t first = batch->offsets[list], items = batch->offsets[list + 1] - first;
    struct gathering gathering = {.plan = plan, .batch = batch, .first = first};
    gathering.bytes = rl_room_take(room, items, sizeof(uint8_t));
    *plan = (struct rl_plan){
        .items = items,
        .weight = uniform_weight(batch, list),
        .dtype = batch->dtype,
        .index = rl_room_take(room, items, sizeof(uint32_t)),
        .labels = rl_room_take(room, items, sizeof(double)),
        .scores = rl_room_take(room, items, sizeof(double)),
        .graded = rl_room_take(room, items, sizeof(uint32_t)),
        .starts = rl_room_take(room, items + 1, sizeof(uint32_t)),
        .grade_of = rl_room_take(room, items, sizeof(uint32_t)),
        .ranked = rl_room_take(room, items, sizeof(uint32_t)),
        .ranked_scores = rl_room_take(room, items, sizeof(double)),
    };
    plan->all_valid = take_all(&gathering, runner);
    if (!plan->all_valid)
        take_valid(&gathering, runner, room);
    if (batch->weight_kind != RL_WEIGHT_ITEM)
        return;
    plan->weights = rl_room_take(room, items, sizeof(double));
    runner->run(runner, rl_cut_count(plan->count), weights_piece, &gathering);
}

static inline void widen_as(const void *column, enum rl_dtype dtype, size_t begin, size_t end,
                            double *ret_values)
{
    for (size_t v = begin; v < end; v++)
        ret_values[v] = rl_column_get(column, dtype, v) + 0.0;
}

static void widen_piece(const struct rl_plan *plan, const void *column, size_t piece,
                        double *ret_values)
{
    const size_t begin = rl_cut_begin(piece), end = rl_cut_end(piece, plan->count);
    if (plan->dtype == RL_FLOAT32)
        widen_as(column, RL_FLOAT32, begin, end, ret_values);
    else
        widen_as(column, RL_FLOAT64, begin, end, ret_values);
}

static void scores_piece(void *context, size_t piece)
{
    const struct rl_plan *const plan = context;
    widen_piece(plan, plan->own_scores, piece, plan->scores);
}

static void labels_piece(void *context, size_t piece)
{
    const struct rl_plan *const plan = context;
    widen_piece(plan, plan->own_labels, piece, plan->labels);
}

void rl_plan_widen_scores(struct rl_plan *plan, struct rl_runner *runner)
{
    plan->is_wide = true;
    runner->run(runner, rl_cut_count(plan->count), scores_piece, plan);
}

void rl_plan_widen_labels(struct rl_plan *plan, struct rl_runner *runner)
{
    runner->run(runner, rl_cut_count(plan->count), labels_piece, plan);
}

/* ---- Grades ---------------------------------------------------------------------------------- */

/*
 * Where the next item of each label goes. Items are taken from several places of the list in turn:
 * most labels are the same few, and a count that was just written is slow to read. The last stripe
 * takes what is left.
 */
enum { STRIPES = 4 };
struct places {
    uint32_t of[RL_GRADES][STRIPES];
};

static void count_labels(const struct rl_plan *plan, struct places *counts)
{
    const size_t length = plan->count / STRIPES;
    memset(counts, 0, (plan->highest_grade + 1) * sizeof(counts->of[0]));
    for (size_t i = 0; i < length; i++)
        for (size_t stripe = 0; stripe < STRIPES; stripe++)
            counts->of[plan->bytes[stripe * length + i]][stripe]++;
    for (size_t v = STRIPES * length; v < plan->count; v++)
        counts->of[plan->bytes[v]][STRIPES - 1]++;
}

/* Makes grades of the labels that occur, and places of counts. */
static void place_labels(struct rl_plan *plan, struct places *places)
{
    uint32_t place = 0;
    for (uint32_t label = 0; label <= plan->highest_grade; label++) {
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

static void put_items(const struct rl_plan *plan, struct places *places)
{
    const size_t length = plan->count / STRIPES;
    for (size_t i = 0; i < length; i++)
        for (size_t stripe = 0; stripe < STRIPES; stripe++) {
            const size_t v = stripe * length + i;
            plan->graded[places->of[plan->bytes[v]][stripe]++] = (uint32_t)v;
        }
    for (size_t v = STRIPES * length; v < plan->count; v++)
        plan->graded[places->of[plan->bytes[v]][STRIPES - 1]++] = (uint32_t)v;
}

static void grade_by_counting(struct rl_plan *plan)
{
    struct places places;
    count_labels(plan, &places);
    place_labels(plan, &places);
    put_items(plan, &places);
}

/* Items in whose run of GRADE 0 nothing else occurs are taken at once. */
enum { RUN = 8, FEW_SHARE = 16 };

/* Items up to which stripes cost more than they save. */
enum { UNSTRIPED = 32 };

static bool run_of_zeros(const uint8_t *bytes)
{
    uint64_t run;
    memcpy(&run, bytes, sizeof(run));
    return run == 0;
}

/* Labels other than 0 where they are few, or all are: counts[1 …], and then counts[0]. False: they
 * are many. */
static bool count_few(const struct rl_plan *plan, uint32_t *counts)
{
    const size_t most = plan->count <= UNSTRIPED ? plan->count : plan->count / FEW_SHARE;
    size_t few = 0, v = 0;
    memset(counts, 0, (plan->highest_grade + 1) * sizeof(counts[0]));
    for (; v + RUN <= plan->count && few <= most; v += RUN) {
        if (run_of_zeros(plan->bytes + v))
            continue;
        for (size_t i = v; i < v + RUN; i++)
            counts[plan->bytes[i]]++;
        few += RUN - counts[0];
        counts[0] = 0;
    }
    for (; v < plan->count && few <= most; v++) {
        counts[plan->bytes[v]]++;
        few += plan->bytes[v] != 0;
    }
    counts[0] = (uint32_t)(plan->count - few);
    return few <= most;
}

static void put_few(const struct rl_plan *plan, uint32_t *places)
{
    size_t v = 0;
    for (; v + RUN <= plan->count; v += RUN) {
        uint32_t *const zeros = plan->graded + places[0];
        if (run_of_zeros(plan->bytes + v)) {
            for (size_t i = 0; i < RUN; i++)
                zeros[i] = (uint32_t)(v + i);
            places[0] += RUN;
            continue;
        }
        for (size_t i = v; i < v + RUN; i++)
            plan->graded[places[plan->bytes[i]]++] = (uint32_t)i;
    }
    for (; v < plan->count; v++)
        plan->graded[places[plan->bytes[v]]++] = (uint32_t)v;
}

/* The same where nearly all labels are 0, or all are few. */
static bool grade_few(struct rl_plan *plan)
{
    uint32_t places[RL_GRADES], place = 0;
    if (!count_few(plan, places))
        return false;
    for (uint32_t label = 0; label <= plan->highest_grade; label++) {
        const uint32_t count = places[label];
        places[label] = plan->starts[plan->grades] = place;
        place += count;
        plan->grades += count > 0;
    }
    put_few(plan, places);
    return true;
}

static void grade_by_sorting(struct rl_plan *plan, struct rl_runner *runner, struct rl_room room)
{
    double *labels = plan->ranked_scores; /* not yet in use */
    if (plan->is_ranked)
        labels = rl_room_take(&room, plan->count, sizeof(double));
    rl_order(plan->dtype, plan->own_labels, plan->count, RL_ASCENDING, runner, room, plan->graded,
             labels);
    for (size_t p = 0; p < plan->count; p++)
        if (p == 0 || labels[p] != labels[p - 1])
            plan->starts[plan->grades++] = (uint32_t)p;
}

void rl_plan_grade(struct rl_plan *plan, struct rl_runner *runner, struct rl_room room)
{
    if (plan->is_graded)
        return;
    plan->is_graded = true;
    if (!plan->bytes)
        grade_by_sorting(plan, runner, room);
    else if (!grade_few(plan))
        grade_by_counting(plan);
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

/* ---- Ranks and others ------------------------------------------------------------------------ */

void rl_plan_rank(struct rl_plan *plan, struct rl_runner *runner, struct rl_room room)
{
    if (plan->is_ranked)
        return;
    plan->is_ranked = true;
    rl_order(plan->dtype, plan->own_scores, plan->count, RL_DESCENDING, runner, room, plan->ranked,
             plan->is_wide ? plan->ranked_scores : NULL);
}

uint64_t rl_plan_pairs(const struct rl_plan *plan)
{
    uint64_t pairs = 0;
    for (size_t g = 0; g < plan->grades; g++)
        pairs += (uint64_t)plan->starts[g] * (plan->starts[g + 1] - plan->starts[g]);
    return pairs;
}

/* Several at a time: each comparison would have to wait for the one before. */
enum { RANGES = 8, MANY_SCORES = 4 * RANGES };

/* Widens the range by those scores that come in whole groups of RANGES; returns how many. */
static size_t range_of_groups(const double *scores, size_t count, double *lowest, double *highest)
{
    double low[RANGES], high[RANGES];
    size_t v = 0;
    for (size_t r = 0; r < RANGES; r++)
        low[r] = high[r] = scores[0];
    for (; v + RANGES <= count; v += RANGES)
        for (size_t r = 0; r < RANGES; r++) {
            low[r] = scores[v + r] < low[r] ? scores[v + r] : low[r];
            high[r] = scores[v + r] > high[r] ? scores[v + r] : high[r];
        }
    for (size_t r = 0; r < RANGES; r++) {
        *lowest = low[r] < *lowest ? low[r] : *lowest;
        *highest = high[r] > *highest ? high[r] : *highest;
    }
    return v;
}

void rl_plan_range(const struct rl_plan *plan, double *ret_lowest, double *ret_highest)
{
    const double *const scores = plan->scores;
    double lowest = scores[0], highest = scores[0];
    size_t v = 0;
    if (plan->count >= MANY_SCORES)
        v = range_of_groups(scores, plan->count, &lowest, &highest);
    for (; v < plan->count; v++) {
        lowest = scores[v] < lowest ? scores[v] : lowest;
        highest = scores[v] > highest ? scores[v] : highest;
    }
    *ret_lowest = lowest;
    *ret_highest = highest;
}
