/*
 * toppairs.c: the pairs of one list with the largest weighted loss, without forming all pairs.
 */
#include "core/fields/toppairs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/lists/order.h"

/* Where an item's partners are looked for; each side gives them worst pair first. */
enum side {
    BY_SCORE, /* lower grades, by score */
    ABOVE,    /* squared error: errors above the item's, the highest first */
    BELOW,    /* squared error: errors below the item's, the lowest first */
    SIDES
};

/* The worst pair of an item that has not been returned yet. i and j are v. */
struct entry {
    struct rl_pair pair;
    enum side side;
    uint32_t at; /* place of j in the side's order */
};

/* A binary heap of entries. The worst pair is at the root, or, where the heap keeps the k worst of
 * many, the least bad. */
struct heap {
    struct entry *entries; /* from 1 on */
    size_t count;
    bool least_first;
};

/* The items that can be partners in one of the k worst pairs, the worst partner first. */
struct order {
    uint32_t *items;
    size_t count;
};

struct search {
    const struct rl_pair_loss *loss;
    const struct rl_plan *plan;
    struct order orders[SIDES];
    double *errors;   /* [m] y - s, less that of the first item; squared error */
    uint32_t *lowest; /* [2 * leaves] a tree of the lowest grades along orders[BY_SCORE] */
    size_t leaves;    /* a power of two, at least the length of that order */
};

static size_t lesser(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t rl_toppairs_bound(bool squared, size_t items, size_t top_k)
{
    const uint64_t pairs = (uint64_t)items * (items ? items - 1 : 0);
    return pairs / (squared ? 1 : 2) < top_k ? (size_t)pairs / (squared ? 1 : 2) : top_k;
}

static size_t leaves_of(size_t items)
{
    size_t leaves = 1;
    while (leaves < items)
        leaves *= 2;
    return leaves;
}

/* Each item has at most two entries. */
static size_t entries_of(size_t items, size_t top_k)
{
    return 2 * lesser(items, top_k) + 2;
}

size_t rl_toppairs_room(size_t items, size_t top_k)
{
    return rl_room_bytes(entries_of(items, top_k), sizeof(struct entry)) + rl_order_room(items) +
           2 * rl_room_bytes(items, sizeof(double)) + rl_room_bytes(items, sizeof(uint8_t)) +
           4 * rl_room_bytes(items, sizeof(uint32_t)) +
           rl_room_bytes(2 * leaves_of(items), sizeof(uint32_t));
}

/* ---- One pair -------------------------------------------------------------------------------- */

static double difference_of(const struct search *search, uint32_t i, uint32_t j)
{
    return search->plan->scores[i] - search->plan->scores[j];
}

static double loss_of(const struct search *search, uint32_t i, uint32_t j)
{
    const struct rl_plan *const plan = search->plan;
    const double error = (plan->labels[i] - plan->labels[j]) - difference_of(search, i, j);
    if (search->loss->squared)
        return error * error;
    return rl_field_pair(search->loss->kind, plan->scores[i], plan->scores[j],
                         search->loss->temperature);
}

/* Whether pair a comes before pair b. */
static bool is_worse(const struct search *search, const struct rl_pair *a, const struct rl_pair *b)
{
    if (a->loss != b->loss)
        return a->loss > b->loss;
    const double a_difference = difference_of(search, a->i, a->j);
    const double b_difference = difference_of(search, b->i, b->j);
    if (a_difference != b_difference)
        return a_difference < b_difference;
    return a->i != b->i ? a->i < b->i : a->j < b->j;
}

/* ---- The heap -------------------------------------------------------------------------------- */

/* Whether a belongs nearer to the root than b. */
static bool is_first(const struct search *search, const struct heap *heap, const struct entry *a,
                     const struct entry *b)
{
    return heap->least_first ? is_worse(search, &b->pair, &a->pair)
                             : is_worse(search, &a->pair, &b->pair);
}

/* Puts the entry where the one at place `at` was, and below it what the order demands. */
static void sift_down(const struct search *search, struct heap *heap, size_t at, struct entry entry)
{
    for (size_t child; (child = 2 * at) <= heap->count; at = child) {
        struct entry *entries = heap->entries;
        if (child < heap->count && is_first(search, heap, &entries[child + 1], &entries[child]))
            child++;
        if (!is_first(search, heap, &entries[child], &entry))
            break;
        entries[at] = entries[child];
    }
    heap->entries[at] = entry;
}

static void make_heap(const struct search *search, struct heap *heap)
{
    for (size_t at = heap->count / 2; at > 0; at--)
        sift_down(search, heap, at, heap->entries[at]);
}

/* Keeps the entry if it is among the k worst. */
static void keep(const struct search *search, struct heap *heap, size_t k, struct entry entry)
{
    if (heap->count < k) {
        heap->entries[++heap->count] = entry;
        if (heap->count == k)
            make_heap(search, heap);
    } else if (is_first(search, heap, &heap->entries[1], &entry)) {
        sift_down(search, heap, 1, entry);
    }
}

/* ---- Partners -------------------------------------------------------------------------------- */

/* The first place from `from` on, along the scores, with a grade below `grade`; SIZE_MAX if there
 * is none. */
static size_t next_lower(const struct search *search, size_t from, uint32_t grade)
{
    const uint32_t *const lowest = search->lowest;
    size_t at = search->leaves + from;
    if (from >= search->orders[BY_SCORE].count)
        return SIZE_MAX;
    while (lowest[at] >= grade) {
        while (at & 1)
            at /= 2;
        if (at == 0)
            return SIZE_MAX;
        at++;
    }
    while (at < search->leaves)
        at = 2 * at + (lowest[2 * at] >= grade);
    return at - search->leaves;
}

/* The place of the item's next partner on a side, from `from` on; SIZE_MAX if there is none. */
static size_t next_partner(const struct search *search, enum side side, uint32_t item, size_t from)
{
    const struct order *const order = &search->orders[side];
    const double *const errors = search->errors;
    if (side == BY_SCORE)
        return next_lower(search, from, search->plan->grade_of[item]);
    if (from >= order->count)
        return SIZE_MAX;
    const double error = errors[order->items[from]];
    const bool is_partner = side == ABOVE ? error > errors[item] : error < errors[item];
    return is_partner ? from : SIZE_MAX;
}

/* Fills *ret_entry with the item's worst pair on a side from place `from` on; false without one
 * whose weighted loss is above 0. */
static bool next_entry(const struct search *search, enum side side, uint32_t item, size_t from,
                       struct entry *ret_entry)
{
    const size_t at = next_partner(search, side, item, from);
    if (at == SIZE_MAX)
        return false;
    const uint32_t partner = search->orders[side].items[at];
    const double loss = rl_plan_weight(search->plan, item) * loss_of(search, item, partner);
    *ret_entry = (struct entry){{item, partner, loss}, side, (uint32_t)at};
    return loss > 0;
}

/* ---- Who can be a partner -------------------------------------------------------------------- */

/* Partners are chosen by this number: the larger, the worse the pair. */
static double badness_of(const struct search *search, enum side side, uint32_t item)
{
    if (side == BY_SCORE)
        return search->plan->scores[item];
    return side == ABOVE ? search->errors[item] : -search->errors[item];
}

/*
 * Marks the items that were among the k worst partners of all up to them. By score these are
 * taken in ascending order of grade, so each of the k worst below any grade is marked. Returns how
 * many are marked.
 */
static size_t mark_partners(const struct search *search, enum side side, size_t k,
                            struct heap *heap, uint8_t *ret_marks)
{
    const struct rl_plan *const plan = search->plan;
    size_t marked = 0;
    heap->count = 0;
    for (size_t p = 0; p < plan->count; p++) {
        const uint32_t v = side == BY_SCORE ? plan->graded[p] : (uint32_t)p;
        const struct entry entry = {.pair = {v, v, badness_of(search, side, v)}};
        ret_marks[v] = heap->count < k || entry.pair.loss >= heap->entries[1].pair.loss;
        marked += ret_marks[v];
        if (ret_marks[v])
            keep(search, heap, k, entry);
    }
    return marked;
}

/* Orders items[count] by a number of each, descending and stable. */
static void order_items(uint32_t *items, const double *numbers, size_t count,
                        struct rl_runner *runner, struct rl_room room)
{
    uint32_t *const places = rl_room_take(&room, count, sizeof(*places));
    uint32_t *const unordered = rl_room_take(&room, count, sizeof(*unordered));
    memcpy(unordered, items, count * sizeof(*items));
    rl_order(RL_FLOAT64, numbers, count, RL_DESCENDING, runner, room, places, NULL);
    for (size_t r = 0; r < count; r++)
        items[r] = unordered[places[r]];
}

/* An error that overflowed may not be a number: it comes last, and its list fails. */
static double number_of(double badness)
{
    return badness == badness ? badness : -HUGE_VAL;
}

/* The partners of a side: by score, descending and stable; for an error's side then by error. */
static void order_partners(struct search *search, enum side side, size_t k, struct heap *heap,
                           struct rl_runner *runner, struct rl_room *room)
{
    const struct rl_plan *const plan = search->plan;
    struct order *const order = &search->orders[side];
    order->items = rl_room_take(room, plan->count, sizeof(uint32_t));
    struct rl_room spare = *room;
    uint8_t *const marks = rl_room_take(&spare, plan->count, sizeof(*marks));
    order->count = mark_partners(search, side, k, heap, marks);
    double *const numbers = rl_room_take(&spare, order->count, sizeof(*numbers));
    for (size_t v = 0, r = 0; v < plan->count; v++)
        if (marks[v]) {
            order->items[r] = (uint32_t)v;
            numbers[r++] = plan->scores[v];
        }
    order_items(order->items, numbers, order->count, runner, spare);
    if (side == BY_SCORE)
        return;
    for (size_t r = 0; r < order->count; r++)
        numbers[r] = number_of(badness_of(search, side, order->items[r]));
    order_items(order->items, numbers, order->count, runner, spare);
}

static void fill_tree(struct search *search, struct rl_room *room)
{
    const struct order *const order = &search->orders[BY_SCORE];
    const size_t leaves = leaves_of(order->count);
    uint32_t *const lowest = rl_room_take(room, 2 * leaves, sizeof(*lowest));
    for (size_t r = 0; r < leaves; r++)
        lowest[leaves + r] =
            r < order->count ? search->plan->grade_of[order->items[r]] : UINT32_MAX;
    for (size_t at = leaves - 1; at > 0; at--)
        lowest[at] = lowest[2 * at] < lowest[2 * at + 1] ? lowest[2 * at] : lowest[2 * at + 1];
    search->leaves = leaves;
    search->lowest = lowest;
}

static void fill_errors(struct search *search, struct rl_room *room)
{
    const struct rl_plan *const plan = search->plan;
    search->errors = rl_room_take(room, plan->count, sizeof(double));
    for (size_t v = 0; v < plan->count; v++)
        search->errors[v] =
            (plan->labels[v] - plan->labels[0]) - (plan->scores[v] - plan->scores[0]);
}

/* ---- Both ------------------------------------------------------------------------------------ */

/* The k worst of the pairs of each item and side with its worst partner. */
static void keep_firsts(const struct search *search, size_t k, struct heap *heap)
{
    const enum side first = search->loss->squared ? ABOVE : BY_SCORE;
    const enum side last = search->loss->squared ? BELOW : BY_SCORE;
    struct entry entry;
    for (uint32_t v = 0; v < search->plan->count; v++)
        for (enum side side = first; side <= last; side++)
            if (rl_plan_weight(search->plan, v) > 0 && next_entry(search, side, v, 0, &entry))
                keep(search, heap, k, entry);
}

/* Returns up to k pairs, worst first. */
static size_t merge(const struct search *search, size_t k, struct heap *heap,
                    struct rl_pair *ret_pairs)
{
    size_t count = 0;
    while (count < k && heap->count > 0) {
        struct entry entry = heap->entries[1];
        ret_pairs[count++] = entry.pair;
        if (!next_entry(search, entry.side, entry.pair.i, entry.at + (size_t)1, &entry))
            entry = heap->entries[heap->count--];
        if (heap->count)
            sift_down(search, heap, 1, entry);
    }
    return count;
}

static int in_order(const void *a, const void *b, void *search)
{
    return is_worse(search, b, a) - is_worse(search, a, b);
}

/* Where a kernel's rounding lets a loss rise although the difference grows, an item's pairs are
 * merged out of order. */
static void put_in_order(struct search *search, struct rl_pair *pairs, size_t count)
{
    size_t r = 1;
    while (r < count && !is_worse(search, &pairs[r], &pairs[r - 1]))
        r++;
    if (r < count)
        qsort_r(pairs, count, sizeof(*pairs), in_order, search);
    for (r = 0; r < count; r++) {
        pairs[r].i = (uint32_t)rl_plan_item(search->plan, pairs[r].i);
        pairs[r].j = (uint32_t)rl_plan_item(search->plan, pairs[r].j);
    }
}

size_t rl_toppairs(const struct rl_pair_loss *loss, struct rl_plan *plan, size_t top_k,
                   struct rl_runner *runner, struct rl_room room, struct rl_pair *ret_pairs)
{
    const size_t k = rl_toppairs_bound(loss->squared, plan->count, top_k);
    struct search search = {.loss = loss, .plan = plan};
    struct heap heap = {.least_first = true};
    if (k == 0)
        return 0;
    const size_t most = lesser(k, plan->count);
    heap.entries = rl_room_take(&room, entries_of(plan->count, k), sizeof(struct entry));
    if (loss->squared) {
        fill_errors(&search, &room);
        order_partners(&search, ABOVE, most, &heap, runner, &room);
        order_partners(&search, BELOW, most, &heap, runner, &room);
    } else {
        rl_plan_grade_items(plan);
        order_partners(&search, BY_SCORE, most, &heap, runner, &room);
        fill_tree(&search, &room);
    }
    if (rl_runner_stopped(runner))
        return 0;
    heap.count = 0;
    keep_firsts(&search, k, &heap);
    heap.least_first = false;
    make_heap(&search, &heap);
    const size_t count = merge(&search, k, &heap, ret_pairs);
    put_in_order(&search, ret_pairs, count);
    return count;
}
