/*
 * order.c: the order of the items of a column.
 *
 * A short column is ranked by counting. Else each item becomes a key: a whole number that sorts as
 * the value does, and the item's place. A double has 64 bits: doubles are sorted by the upper 32,
 * which nearly always differ, and then the rest is fixed by insertion.
 */
#include "core/lists/order.h"

#include "core/base/column.h"
#include "core/base/cut.h"
#include "core/base/elementary.h"
#include "core/base/sort.h"
#include "core/lists/listscan.h"

enum {
    /* Counting is faster up to here (make bench-kernels prints both). */
    COUNTED = 96,
    /* Moves per key that insertion may make to fix the order of doubles. */
    MOVES = 2,
    /* Entries into the top that any column is allowed. */
    TOP_SPARE = 8,
};

struct ordering {
    enum rl_dtype dtype;
    const void *column;
    size_t n;
    bool descending, lower; /* lower: by the lower half of doubles */
    uint64_t *keys, *spare, *sorted;
    uint32_t *ret_places;
    double *ret_values;
};

size_t rl_order_room(size_t n)
{
    return 2 * rl_room_bytes(n, sizeof(uint64_t)) + rl_sort_room(n);
}

/* ---- Numbers that sort as the values do ------------------------------------------------------ */

/* Of a float, or NaN excluded: sign and magnitude become one unsigned number. */
static inline uint32_t ascending32(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits ^ (bits >> 31 ? UINT32_MAX : (uint32_t)1 << 31);
}

static inline float value32(uint32_t ascending)
{
    uint32_t bits = ascending ^ (ascending >> 31 ? (uint32_t)1 << 31 : UINT32_MAX);
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline uint64_t ascending64(double value)
{
    const uint64_t bits = rl_to_bits(value);
    return bits ^ (bits >> 63 ? UINT64_MAX : (uint64_t)1 << 63);
}

static inline uint64_t number64(const struct ordering *ordering, size_t place)
{
    const uint64_t number = ascending64(((const double *)ordering->column)[place] + 0.0);
    return ordering->descending ? ~number : number;
}

static void make_keys(void *context, size_t piece)
{
    struct ordering *const ordering = context;
    const size_t begin = rl_cut_begin(piece), end = rl_cut_end(piece, ordering->n);
    if (ordering->dtype == RL_FLOAT32) {
        const float *const values = ordering->column;
        const uint32_t flip = ordering->descending ? UINT32_MAX : 0;
        for (size_t i = begin; i < end; i++)
            ordering->keys[i] = rl_key(ascending32(values[i] + 0.0f) ^ flip, (uint32_t)i);
        return;
    }
    for (size_t i = begin; i < end; i++)
        ordering->keys[i] = rl_key((uint32_t)(number64(ordering, i) >> 32), (uint32_t)i);
}

/* ---- Sorting --------------------------------------------------------------------------------- */

static void keep_sorted(void *context, size_t piece)
{
    const struct ordering *const ordering = context;
    const size_t begin = rl_cut_begin(piece), end = rl_cut_end(piece, ordering->n);
    for (size_t r = begin; r < end; r++)
        ordering->ret_places[r] = rl_key_payload(ordering->sorted[r]);
    if (!ordering->ret_values)
        return;
    if (ordering->dtype == RL_FLOAT32) {
        const uint32_t flip = ordering->descending ? UINT32_MAX : 0;
        for (size_t r = begin; r < end; r++)
            ordering->ret_values[r] = (double)value32(rl_key_number(ordering->sorted[r]) ^ flip);
        return;
    }
    for (size_t r = begin; r < end; r++)
        ordering->ret_values[r] = ((const double *)ordering->column)[ordering->ret_places[r]] + 0.0;
}

/* Inserts by the lower halves where the upper ones are equal. Gives up after MOVES * n moves. */
static bool settle(const struct ordering *ordering)
{
    uint64_t *const keys = ordering->sorted;
    size_t moves = MOVES * ordering->n;
    for (size_t i = 1; i < ordering->n; i++) {
        const uint64_t key = keys[i];
        if (rl_key_number(keys[i - 1]) != rl_key_number(key))
            continue;
        const uint64_t number = number64(ordering, rl_key_payload(key));
        size_t place = i;
        for (; place > 0 && number64(ordering, rl_key_payload(keys[place - 1])) > number; place--)
            keys[place] = keys[place - 1];
        keys[place] = key;
        if (i - place > moves)
            return false;
        moves -= i - place;
    }
    return true;
}

/* Numbers of the lower or upper half of doubles, for the places that the sorted keys have. */
static void renumber(void *context, size_t piece)
{
    const struct ordering *const ordering = context;
    for (size_t i = rl_cut_begin(piece); i < rl_cut_end(piece, ordering->n); i++) {
        const uint32_t place = rl_key_payload(ordering->sorted[i]);
        const uint64_t number = number64(ordering, place);
        ordering->sorted[i] = rl_key((uint32_t)(ordering->lower ? number : number >> 32), place);
    }
}

static void sort_keys(struct ordering *ordering, struct rl_runner *runner, struct rl_room room)
{
    uint64_t *from = ordering->sorted,
             *other = from == ordering->keys ? ordering->spare : ordering->keys;
    ordering->sorted = rl_sort(from, other, ordering->n, runner, room);
}

/* By the lower half, then by the upper one. */
static void sort_twice(struct ordering *ordering, struct rl_runner *runner, struct rl_room room)
{
    const size_t pieces = rl_cut_count(ordering->n);
    runner->run(runner, pieces, make_keys, ordering);
    ordering->sorted = ordering->keys;
    for (int half = 0; half < 2; half++) {
        ordering->lower = half == 0;
        runner->run(runner, pieces, renumber, ordering);
        sort_keys(ordering, runner, room);
    }
}

static void order_by_sorting(struct ordering *ordering, struct rl_runner *runner,
                             struct rl_room room)
{
    const size_t pieces = rl_cut_count(ordering->n);
    ordering->keys = rl_room_take(&room, ordering->n, sizeof(uint64_t));
    ordering->spare = rl_room_take(&room, ordering->n, sizeof(uint64_t));
    runner->run(runner, pieces, make_keys, ordering);
    ordering->sorted = ordering->keys;
    sort_keys(ordering, runner, room);
    if (ordering->dtype == RL_FLOAT64 && !settle(ordering))
        sort_twice(ordering, runner, room);
    runner->run(runner, pieces, keep_sorted, ordering);
}

/* ---- Counting -------------------------------------------------------------------------------- */

static void order_by_counting(const struct ordering *ordering)
{
    uint32_t places[COUNTED], ranks[COUNTED];
    const size_t n = ordering->n;
    for (size_t i = 0; i < n; i++)
        places[i] = (uint32_t)i;
    rl_listscan_kernels(ordering->dtype)->ranks(ordering->column, n, places, n, ranks);
    for (size_t i = 0; i < n; i++)
        ordering->ret_places[ranks[i]] = (uint32_t)i;
    for (size_t r = 0; r < n && ordering->ret_values; r++)
        ordering->ret_values[r] =
            rl_column_get(ordering->column, ordering->dtype, ordering->ret_places[r]) + 0.0;
}

void rl_order(enum rl_dtype dtype, const void *column, size_t n, enum rl_direction direction,
              struct rl_runner *runner, struct rl_room room, uint32_t *ret_places,
              double *ret_values)
{
    struct ordering ordering = {
        .dtype = dtype,
        .column = column,
        .n = n,
        .descending = direction == RL_DESCENDING,
        .ret_places = ret_places,
        .ret_values = ret_values,
    };
    if (n <= COUNTED && ordering.descending)
        order_by_counting(&ordering);
    else
        order_by_sorting(&ordering, runner, room);
}

/* ---- The top --------------------------------------------------------------------------------- */

/* The highest values so far, descending. */
struct top {
    double *values;
    uint32_t *places;
    size_t count, most;
};

/* Puts a value after all that are not lower; the last one falls out of a full top. */
static void top_insert(struct top *top, double value, size_t place)
{
    size_t at = top->count < top->most ? top->count++ : top->most - 1;
    for (; at > 0 && top->values[at - 1] < value; at--) {
        top->values[at] = top->values[at - 1];
        top->places[at] = top->places[at - 1];
    }
    top->values[at] = value;
    top->places[at] = (uint32_t)place;
}

/* In a random order `most` * ln(n / most) items enter a full top; half as many more may. */
static size_t entries_allowed(size_t n, size_t most)
{
    const size_t bits = 64 - (size_t)__builtin_clzll(n / most);
    return most * bits + TOP_SPARE;
}

bool rl_order_top(enum rl_dtype dtype, const void *column, size_t n, size_t most,
                  struct rl_room room, uint32_t *ret_places)
{
    const struct rl_listscan *const scan = rl_listscan_kernels(dtype);
    struct top top = {rl_room_take(&room, most, sizeof(double)), ret_places, 0, most};
    size_t i = 0, budget = entries_allowed(n, most);
    for (; i < most; i++)
        top_insert(&top, rl_column_get(column, dtype, i), i);
    while ((i = scan->above(column, i, n, top.values[most - 1])) < n) {
        if (budget-- == 0)
            return false;
        top_insert(&top, rl_column_get(column, dtype, i), i);
        i++;
    }
    return true;
}
