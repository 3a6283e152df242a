/*
 * cascade.c: expected_reciprocal_rank of items of equal score.
 *
 * The search goes on past a set of items with the product of q = 1 - chance. Let on[c] be the mean
 * of that product over all sets of c of the items, and end[c] the mean of the product over a set
 * times the chance of an item outside of it. Both follow from those of one item less, as weighted
 * means, which lose no digits. met[c] is the probability that c of the items with a chance are
 * among the first j; the next one ends the search with probability
 *
 *     sum over c of met[c] (count - c) / (size - j) end[c]
 *
 * on[c] <= (mean q)^c, so that what comes after some c no longer counts.
 */
#include "core/ranking/cascade.h"

#include <math.h>

#include "core/base/blocks.h"
#include "core/base/elementary.h"

/* What is left out is below this part of the result. */
static const double NEGLIGIBLE = 0x1p-60;

/* Positions between two looks at whether the rest still counts. */
enum { LOOK = 64 };

struct cascade {
    const double *chances;
    size_t count, size, first, within;
    size_t depth;           /* of on, end and met */
    double *on, *end, *met; /* [depth + 1] */
    const struct rl_runner *runner;
};

size_t rl_cascade_room(size_t count)
{
    return 3 * rl_room_bytes(count + 1, sizeof(double));
}

/* on[c] / mean chance is negligible from this c on. */
static size_t depth_of(const struct cascade *cascade)
{
    const double mean = rl_sum(cascade->chances, cascade->count) / (double)cascade->count;
    const double all = (double)cascade->count, per_item = -rl_log(1 - mean);
    const double depth = per_item > 0 ? -rl_log(NEGLIGIBLE * mean) / per_item : all;
    return depth < all ? (size_t)depth + 1 : cascade->count;
}

/* Takes the n-th item in, n from 1. */
static void add_item(const struct cascade *cascade, size_t n)
{
    const double chance = cascade->chances[n - 1], q = 1 - chance, all = (double)n;
    const size_t most = n < cascade->depth ? n : cascade->depth;
    double *on = cascade->on, *end = cascade->end;
    if (most == n)
        on[n] = end[n] = 0;
    for (size_t c = most; c > 0; c--) {
        const double of = (double)c;
        end[c] = ((all - of - 1) * end[c] + of * q * end[c - 1] + chance * on[c]) / all;
        on[c] = ((all - of) * on[c] + of * q * on[c - 1]) / all;
    }
    end[0] = ((all - 1) * end[0] + chance * on[0]) / all;
}

static void fill_sets(const struct cascade *cascade)
{
    cascade->on[0] = 1;
    cascade->end[0] = 0;
    for (size_t n = 1; n <= cascade->count && !rl_runner_stopped(cascade->runner); n++)
        add_item(cascade, n);
}

static double dot(const double *a, const double *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

/* From the first j items to one more; `left` of all are left before. */
static void meet_item(const struct cascade *cascade, size_t j)
{
    const double left = (double)(cascade->size - j), count = (double)cascade->count;
    const double others = left - count; /* without a chance, if none of the others was met */
    double *met = cascade->met;
    const size_t most = j + 1 < cascade->depth ? j + 1 : cascade->depth;
    if (most == j + 1)
        met[most] = 0;
    for (size_t c = most; c > 0; c--)
        met[c] = (met[c] * (others + (double)c) + met[c - 1] * (count - (double)c + 1)) / left;
    met[0] = met[0] * others / left;
}

static double sum_positions(const struct cascade *cascade)
{
    double sum = 0;
    cascade->met[0] = 1;
    for (size_t j = 0; j < cascade->within && !rl_runner_stopped(cascade->runner); j++) {
        const size_t sets = (j < cascade->depth ? j : cascade->depth) + 1;
        const double rank = (double)(cascade->first + j + 1);
        sum += dot(cascade->met, cascade->end, sets) / (double)(cascade->size - j) / rank;
        if (j % LOOK == LOOK - 1 && dot(cascade->met, cascade->on, sets) < NEGLIGIBLE * sum * rank)
            break;
        meet_item(cascade, j);
    }
    return sum;
}

double rl_cascade(const double *chances, size_t count, size_t size, size_t first, size_t within,
                  const struct rl_runner *runner, struct rl_room room)
{
    struct cascade cascade = {.chances = chances,
                              .count = count,
                              .size = size,
                              .first = first,
                              .within = within,
                              .runner = runner};
    if (count == 0)
        return 0;
    cascade.depth = depth_of(&cascade);
    cascade.on = rl_room_take(&room, count + 1, sizeof(double));
    cascade.end = rl_room_take(&room, count + 1, sizeof(double));
    cascade.met = rl_room_take(&room, count + 1, sizeof(double));
    fill_sets(&cascade);
    for (size_t c = 0; c <= cascade.depth; c++)
        cascade.end[c] *= (double)(count - c);
    return sum_positions(&cascade);
}
