/*
 * descent.c: fields of long lists in O(n log n), by halving the grades.
 */
#include "core/fields/descent.h"

#include <string.h>

#include "core/base/cut.h"
#include "core/fields/kernels.h"
#include "core/fields/margin.h"
#include "core/fields/series.h"
#include "core/fields/tile.h"

/* Items up to which a node is finished pair by pair: 512 would be a little faster with AVX-512, 128
 * without AVX2 (make bench-kernels prints it). */
enum { LEAF = 256 };

/* Halvings of 2^32 grades, and one more. */
enum { DEPTH = 33 };

struct node {
    size_t begin, end;
    size_t low, high; /* grades low … high - 1 */
    int at;           /* which of `sorted` holds it */
};

/* A node being split at a grade. */
struct split {
    struct node node;
    size_t middle;      /* the first grade of the upper half */
    size_t sources;     /* items of the lower half */
    size_t first_piece; /* of a long node, among all of its level */
};

/* The state of a descent. */
struct run {
    struct rl_descent *descent;
    struct rl_series_field series;
    struct rl_runner *runner;
    /* The long nodes of the current level, and, of each of their pieces: */
    struct split *splits;
    size_t split_count, piece_count;
    uint32_t *owners; /* its node */
    size_t *starts;   /* the sources of its node that lie before it */
    struct rl_ramp *ramps;
    struct rl_series *above, *below;
    /* Nodes of the next level, and those of at most one piece, which all levels leave for the end.
     */
    struct node *next, *small;
    size_t next_count, small_count;
};

/* Long nodes of a level do not overlap, and each is longer than a piece. */
static size_t most_long(size_t n)
{
    return n / RL_CUT;
}

static size_t most_pieces(size_t n)
{
    return rl_cut_count(n) + most_long(n);
}

/* Each long node leaves at most two. */
static size_t most_small(size_t n)
{
    return 2 * DEPTH * most_long(n) + 1;
}

size_t rl_descent_room(size_t n)
{
    const size_t pieces = most_pieces(n);
    return rl_room_bytes(most_long(n), sizeof(struct split)) +
           rl_room_bytes(pieces, sizeof(uint32_t)) + rl_room_bytes(pieces, sizeof(size_t)) +
           rl_room_bytes(pieces, sizeof(struct rl_ramp)) +
           2 * rl_room_bytes(pieces, sizeof(struct rl_series)) +
           rl_room_bytes(most_long(n), sizeof(struct node)) +
           rl_room_bytes(most_small(n), sizeof(struct node));
}

static bool is_whole(const struct node *node)
{
    return node->high - node->low < 2; /* one grade: no pairs */
}

static struct split split_of(const struct node *node)
{
    return (struct split){.node = *node, .middle = (node->low + node->high) / 2};
}

static struct node lower_half(const struct split *split)
{
    const struct node *const node = &split->node;
    const size_t end = node->begin + split->sources;
    return (struct node){node->begin, end, node->low, split->middle, !node->at};
}

static struct node upper_half(const struct split *split)
{
    const struct node *const node = &split->node;
    const size_t begin = node->begin + split->sources;
    return (struct node){begin, node->end, split->middle, node->high, !node->at};
}

/* ---- Splitting ------------------------------------------------------------------------------- */

static const struct rl_sorted *sorted_after(const struct run *run, const struct split *split)
{
    return &run->descent->sorted[!split->node.at];
}

static size_t count_sources(const struct run *run, const struct split *split, size_t begin,
                            size_t end)
{
    const uint32_t *const grades = run->descent->sorted[split->node.at].grades;
    size_t count = 0;
    for (size_t i = begin; i < end; i++)
        count += grades[i] < split->middle;
    return count;
}

static void copy_item(const struct rl_sorted *from, size_t i, const struct rl_sorted *to, size_t j)
{
    to->scores[j] = from->scores[i];
    to->grades[j] = from->grades[i];
    to->places[j] = from->places[i];
    if (from->masses)
        to->masses[j] = from->masses[i];
    if (from->origins) {
        to->origins[j] = from->origins[i];
        to->falls[j] = from->falls[i];
    }
}

/* Moves items, in order, to where the sources and the targets among them begin. */
static void move_items(const struct run *run, const struct split *split, size_t begin, size_t end,
                       size_t source, size_t target)
{
    const struct rl_sorted *const from = &run->descent->sorted[split->node.at];
    const struct rl_sorted *const to = sorted_after(run, split);
    for (size_t i = begin; i < end; i++) {
        const size_t is_source = from->grades[i] < split->middle;
        copy_item(from, i, to, is_source ? source : target);
        source += is_source;
        target += !is_source;
    }
}

/* ---- A short node, by one thread ------------------------------------------------------------- */

static void sweep_whole(const struct run *run, const struct split *split)
{
    const struct rl_descent *const descent = run->descent;
    const struct rl_sorted *const sorted = sorted_after(run, split);
    const size_t middle = split->node.begin + split->sources;
    struct rl_span span = {split->node.begin, middle, middle, split->node.end};
    struct rl_margin_pieces none = {0};
    if (!rl_descent_has_series(descent->kind)) {
        rl_margin_sweep(descent->kind, descent->temperature, sorted, &span, &none, descent->sums);
        return;
    }
    struct rl_series start = rl_series_empty();
    const struct rl_series_kernels *const kernels = rl_kernels_series();
    kernels->sweep_above(&run->series, sorted, &span, &start, descent->sums);
    kernels->sweep_below(&run->series, sorted, &span, &start, descent->sums);
}

/* The columns of a tile, on the stack. */
struct leaf {
    double below[LEAF + RL_TILE_PAD], scores[LEAF + RL_TILE_PAD], masses[LEAF + RL_TILE_PAD];
    double rise[LEAF + RL_TILE_PAD], fall[LEAF + RL_TILE_PAD], spare[LEAF + RL_TILE_PAD];
    double sums[LEAF + RL_TILE_PAD];
    uint32_t starts[LEAF + 1], order[LEAF];
};

/* Sorts the node's items by grade: order[p] is the item at place p. */
static void sort_leaf(const struct rl_sorted *sorted, const struct node *node, struct leaf *leaf)
{
    const size_t grades = node->high - node->low;
    uint32_t place = 0;
    memset(leaf->starts, 0, (grades + 1) * sizeof(leaf->starts[0]));
    for (size_t i = node->begin; i < node->end; i++)
        leaf->starts[sorted->grades[i] - node->low]++;
    for (size_t g = 0; g < grades; g++) {
        const uint32_t count = leaf->starts[g];
        for (uint32_t p = place; p < place + count; p++)
            leaf->below[p] = place;
        leaf->starts[g] = place;
        place += count;
    }
    for (size_t i = node->begin; i < node->end; i++)
        leaf->order[leaf->starts[sorted->grades[i] - node->low]++] = (uint32_t)i;
}

/* The items of the lowest grade. */
static size_t without_sources(const struct leaf *leaf, size_t n)
{
    size_t first = 0;
    while (first < n && leaf->below[first] == 0)
        first++;
    return first;
}

static void run_leaf(const struct rl_descent *descent, const struct node *node)
{
    const struct rl_sorted *const sorted = &descent->sorted[node->at];
    const size_t n = node->end - node->begin;
    double highest = sorted->scores[node->begin], lowest = sorted->scores[node->end - 1];
    struct leaf leaf;
    sort_leaf(sorted, node, &leaf);
    struct rl_tile tile = {
        .n = n,
        .first = without_sources(&leaf, n),
        .temperature = descent->temperature,
        .centre = highest / 2 + lowest / 2,
        .below = leaf.below,
        .scores = leaf.scores,
        .masses = leaf.masses,
        .rise = leaf.rise,
        .fall = leaf.fall,
        .spare = leaf.spare,
        .sums = leaf.sums,
    };
    for (size_t p = 0; p < n; p++) {
        leaf.scores[p] = sorted->scores[leaf.order[p]];
        leaf.masses[p] = rl_mass(sorted, leaf.order[p]);
    }
    rl_tile_pad(leaf.below, leaf.scores, n, tile.centre);
    rl_kernels_tile()[descent->kind](&tile);
    for (size_t p = tile.first; p < n; p++)
        descent->sums[sorted->places[leaf.order[p]]] += leaf.sums[p];
}

static bool is_leaf(const struct rl_descent *descent, const struct node *node)
{
    const double *const scores = descent->sorted[node->at].scores;
    const double range = scores[node->begin] - scores[node->end - 1];
    return node->end - node->begin <= LEAF &&
           (!rl_descent_has_series(descent->kind) || range <= RL_TILE_RANGE * descent->temperature);
}

/* A node and all below it. Recursion is DEPTH deep at most. */
static void run_short(struct run *run, struct node node)
{
    if (is_whole(&node))
        return;
    if (is_leaf(run->descent, &node)) {
        run_leaf(run->descent, &node);
        return;
    }
    struct split split = split_of(&node);
    split.sources = count_sources(run, &split, node.begin, node.end);
    move_items(run, &split, node.begin, node.end, node.begin, node.begin + split.sources);
    sweep_whole(run, &split);
    run_short(run, lower_half(&split));
    run_short(run, upper_half(&split));
}

static void run_small(void *context, size_t index)
{
    struct run *const run = context;
    run_short(run, run->small[index]);
}

/* ---- The long nodes of a level, piece by piece ----------------------------------------------- */

/* A piece of a long node. */
struct piece {
    struct split *split;
    size_t index;      /* among all of the level */
    size_t begin, end; /* its items, before the split */
    size_t before;     /* items of the node before them */
};

static struct piece piece_of(const struct run *run, size_t index)
{
    struct split *const split = &run->splits[run->owners[index]];
    size_t of_node = index - split->first_piece, length = split->node.end - split->node.begin;
    return (struct piece){
        .split = split,
        .index = index,
        .begin = split->node.begin + rl_cut_begin(of_node),
        .end = split->node.begin + rl_cut_end(of_node, length),
        .before = rl_cut_begin(of_node),
    };
}

static void count_piece(void *context, size_t index)
{
    struct run *const run = context;
    const struct piece piece = piece_of(run, index);
    run->starts[index] = count_sources(run, piece.split, piece.begin, piece.end);
}

/* Turns the counts of the pieces into the sources before each, within each node. */
static void place_pieces(struct run *run)
{
    for (size_t index = 0; index < run->piece_count; index++) {
        struct split *const split = &run->splits[run->owners[index]];
        const size_t count = run->starts[index];
        run->starts[index] = split->sources;
        split->sources += count;
    }
}

/* Where the sources and targets of a piece are after the split. */
static struct rl_span span_of(const struct run *run, const struct piece *piece)
{
    const struct split *const split = piece->split;
    size_t begin = split->node.begin, middle = begin + split->sources;
    size_t start = run->starts[piece->index], length = piece->end - piece->begin;
    const bool is_last = piece->end == split->node.end;
    const size_t next = is_last ? split->sources : run->starts[piece->index + 1];
    return (struct rl_span){
        .sources = begin + start,
        .sources_end = begin + next,
        .targets = middle + piece->before - start,
        .targets_end = middle + piece->before + length - next,
    };
}

static void move_piece(void *context, size_t index)
{
    struct run *const run = context;
    struct piece piece = piece_of(run, index);
    const struct rl_span span = span_of(run, &piece);
    const struct rl_sorted *const sorted = sorted_after(run, piece.split);
    move_items(run, piece.split, piece.begin, piece.end, span.sources, span.targets);
    if (!rl_descent_has_series(run->descent->kind)) {
        run->ramps[index] = rl_margin_piece(sorted, span.sources, span.sources_end);
        return;
    }
    const struct rl_series_kernels *const kernels = rl_kernels_series();
    kernels->sum_above(&run->series, sorted, span.sources, span.sources_end, &run->above[index]);
    kernels->sum_below(&run->series, sorted, span.sources, span.sources_end, &run->below[index]);
}

/* Turns the sums of each piece into the sums of the node's pieces before it, on either side. */
static void carry_series(struct run *run)
{
    struct rl_series carried = rl_series_empty();
    for (size_t index = 0; index < run->piece_count; index++) {
        struct rl_series own = run->above[index];
        if (index == run->splits[run->owners[index]].first_piece)
            carried = rl_series_empty();
        run->above[index] = carried;
        rl_series_join(&run->series, &carried, &own);
    }
    for (size_t index = run->piece_count; index-- > 0;) {
        struct rl_series own = run->below[index];
        if (index + 1 == run->piece_count || run->owners[index] != run->owners[index + 1])
            carried = rl_series_empty();
        run->below[index] = carried;
        rl_series_join(&run->series, &carried, &own);
    }
}

/* Any source of the node may reach into the margin of the piece's targets. */
static void sweep_margin(const struct run *run, const struct piece *piece, struct rl_span span)
{
    const struct rl_descent *const descent = run->descent;
    const struct split *const split = piece->split;
    const size_t first = split->first_piece;
    struct rl_margin_pieces pieces = {
        .count = rl_cut_count(split->node.end - split->node.begin),
        .starts = run->starts + first,
        .ramps = run->ramps + first,
    };
    span.sources = split->node.begin;
    span.sources_end = split->node.begin + split->sources;
    rl_margin_sweep(descent->kind, descent->temperature, sorted_after(run, split), &span, &pieces,
                    descent->sums);
}

static void sweep_piece(void *context, size_t index)
{
    struct run *const run = context;
    struct piece piece = piece_of(run, index);
    struct rl_span span = span_of(run, &piece);
    const struct rl_sorted *const sorted = sorted_after(run, piece.split);
    if (!rl_descent_has_series(run->descent->kind)) {
        sweep_margin(run, &piece, span);
        return;
    }
    const struct rl_series_kernels *const kernels = rl_kernels_series();
    double *const sums = run->descent->sums;
    kernels->sweep_above(&run->series, sorted, &span, &run->above[index], sums);
    kernels->sweep_below(&run->series, sorted, &span, &run->below[index], sums);
}

/* ---- All pairs ------------------------------------------------------------------------------- */

/* The sources of a piece are its own items, which are its targets too. */
static struct rl_span own_span(const struct run *run, size_t piece)
{
    size_t begin = rl_cut_begin(piece), end = rl_cut_end(piece, run->descent->n);
    return (struct rl_span){begin, end, begin, end};
}

static void sum_own(void *context, size_t piece)
{
    struct run *const run = context;
    const struct rl_span span = own_span(run, piece);
    const struct rl_sorted *const sorted = &run->descent->sorted[0];
    const struct rl_series_kernels *const kernels = rl_kernels_series();
    kernels->sum_above(&run->series, sorted, span.sources, span.sources_end, &run->above[piece]);
    kernels->sum_below(&run->series, sorted, span.sources, span.sources_end, &run->below[piece]);
}

static void sweep_own(void *context, size_t piece)
{
    struct run *const run = context;
    const struct rl_span span = own_span(run, piece);
    const struct rl_sorted *const sorted = &run->descent->sorted[0];
    const struct rl_series_kernels *const kernels = rl_kernels_series();
    double *const sums = run->descent->sums;
    kernels->sweep_above(&run->series, sorted, &span, &run->above[piece], sums);
    kernels->sweep_below(&run->series, sorted, &span, &run->below[piece], sums);
}

/* The whole list is one node that is not split. */
static void run_all_pairs(struct run *run)
{
    struct split whole = {.node = {.end = run->descent->n}};
    run->splits = &whole;
    run->piece_count = rl_cut_count(run->descent->n);
    for (size_t piece = 0; piece < run->piece_count; piece++)
        run->owners[piece] = 0;
    if (!rl_runner_until_stopped(run->runner, run->piece_count, sum_own, run))
        return;
    carry_series(run);
    rl_runner_until_stopped(run->runner, run->piece_count, sweep_own, run);
}

/* ---- Level by level -------------------------------------------------------------------------- */

static void add_node(struct run *run, struct node node)
{
    if (is_whole(&node))
        return;
    if (node.end - node.begin > RL_CUT)
        run->next[run->next_count++] = node;
    else
        run->small[run->small_count++] = node;
}

/* Makes the nodes found last the current level. */
static void start_level(struct run *run)
{
    run->split_count = run->piece_count = 0;
    for (size_t i = 0; i < run->next_count; i++) {
        struct split split = split_of(&run->next[i]);
        split.first_piece = run->piece_count;
        for (size_t p = 0; p < rl_cut_count(split.node.end - split.node.begin); p++)
            run->owners[run->piece_count++] = (uint32_t)run->split_count;
        run->splits[run->split_count++] = split;
    }
    run->next_count = 0;
}

static void run_level(struct run *run)
{
    struct rl_runner *const runner = run->runner;
    start_level(run);
    if (!rl_runner_until_stopped(runner, run->piece_count, count_piece, run))
        return;
    place_pieces(run);
    if (!rl_runner_until_stopped(runner, run->piece_count, move_piece, run))
        return;
    if (rl_descent_has_series(run->descent->kind))
        carry_series(run);
    rl_runner_until_stopped(runner, run->piece_count, sweep_piece, run);
    for (size_t i = 0; i < run->split_count; i++) {
        add_node(run, lower_half(&run->splits[i]));
        add_node(run, upper_half(&run->splits[i]));
    }
}

void rl_descent_run(struct rl_descent *descent, struct rl_runner *runner, struct rl_room room)
{
    size_t n = descent->n, pieces = most_pieces(n);
    struct run run = {
        .descent = descent,
        .runner = runner,
        .splits = rl_room_take(&room, most_long(n), sizeof(*run.splits)),
        .owners = rl_room_take(&room, pieces, sizeof(*run.owners)),
        .starts = rl_room_take(&room, pieces, sizeof(*run.starts)),
        .ramps = rl_room_take(&room, pieces, sizeof(*run.ramps)),
        .above = rl_room_take(&room, pieces, sizeof(*run.above)),
        .below = rl_room_take(&room, pieces, sizeof(*run.below)),
        .next = rl_room_take(&room, most_long(n), sizeof(*run.next)),
        .small = rl_room_take(&room, most_small(n), sizeof(*run.small)),
    };
    if (rl_descent_has_series(descent->kind))
        run.series = rl_series_field(descent->kind, descent->temperature);
    if (descent->all_pairs) {
        run_all_pairs(&run);
        return;
    }
    add_node(&run, (struct node){0, n, 0, descent->grades, 0});
    while (run.next_count && !rl_runner_stopped(runner))
        run_level(&run);
    rl_runner_until_stopped(runner, run.small_count, run_small, &run);
}
