/*
 * cascade.c: expected_reciprocal_rank of items of equal score.
 *
 * The search continues past a set of items with the probability prod q, q = 1 - chance. Let on[c]
 * be the mean of that product over all sets of c of the items, and end[c] the mean of the product
 * over a set times the chance of an item outside of it. Both follow from those of one item less, as
 * weighted means, which lose no digits. met[c] is the probability that c of the items with a chance
 * are among the first j; the next one ends the search with probability
 *
 *     sum over c of met[c] (count - c) / (size - j) end[c]
 *
 * on[c] <= (mean q)^c, so the terms after some c are negligible.
 */
#include "core/ranking/cascade.h"

#include <math.h>

#include "core/base/blocks.h"
#include "core/base/elementary.h"

/* The terms left out add up to less than this part of the result. */
static const double NEGLIGIBLE = 0x1p-60;

/* Positions between two checks whether the rest is negligible. */
enum { LOOK = 64 };

struct cascade {
    const double *chances;
    size_t count, size, first, within;
    size_t depth;           /* of on, end and met */
    double *on, *end, *met; /* [depth + 1] */
    double *next, *after;   /* [depth + 1] the next values: of on or met; of end */
    const struct rl_runner *runner;
};

size_t rl_cascade_room(size_t count)
{
    return 5 * rl_room_bytes(count + 1, sizeof(double));
}

/* on[c] / mean chance is negligible from this c on. */
static size_t depth_of(const struct cascade *cascade)
{
    const double mean = rl_sum(cascade->chances, cascade->count) / (double)cascade->count;
    const double all = (double)cascade->count, per_item = -rl_log(1 - mean);
    const double depth = per_item > 0 ? -rl_log(NEGLIGIBLE * mean) / per_item : all;
    return depth < all ? (size_t)depth + 1 : cascade->count;
}

static void swap(double **a, double **b)
{
    double *const kept = *a;
    *a = *b;
    *b = kept;
}

/* on and end of n items from those of n - 1, for 1 … most; n and most are small enough for 32 bits,
 * which vectors convert. */
static void grow(double chance, uint32_t n, uint32_t most, const double *restrict on,
                 const double *restrict end, double *restrict ret_on, double *restrict ret_end)
{
    const double q = 1 - chance, share = 1 / (double)n;
    for (uint32_t c = 1; c <= most; c++) {
        const double of = (double)(int32_t)c, others = (double)(int32_t)(n - c);
        ret_end[c] = ((others - 1) * end[c] + of * q * end[c - 1] + chance * on[c]) * share;
        ret_on[c] = (others * on[c] + of * q * on[c - 1]) * share;
    }
    ret_end[0] = ((double)(n - 1) * end[0] + chance * on[0]) * share;
    ret_on[0] = 1;
}

static void fill_sets(struct cascade *cascade)
{
    cascade->on[0] = 1;
    cascade->end[0] = 0;
    for (size_t n = 1; n <= cascade->count && !rl_runner_stopped(cascade->runner); n++) {
        const size_t most = n < cascade->depth ? n : cascade->depth;
        if (most == n)
            cascade->on[n] = cascade->end[n] = 0;
        grow(cascade->chances[n - 1], (uint32_t)n, (uint32_t)most, cascade->on, cascade->end,
             cascade->next, cascade->after);
        swap(&cascade->on, &cascade->next);
        swap(&cascade->end, &cascade->after);
    }
}

static double dot(const double *a, const double *b, size_t count)
{
    double sum = 0, block[RL_BLOCK];
    for (size_t begin = 0; begin < count; begin += RL_BLOCK) {
        const size_t length = count - begin < RL_BLOCK ? count - begin : RL_BLOCK;
        for (size_t i = 0; i < length; i++)
            block[i] = a[begin + i] * b[begin + i];
        sum += rl_sum(block, length);
    }
    return sum;
}

/* met with one more item, for 1 … most. left: items before it; others: of these, those without a
 * chance if none of the others was met. */
static void meet(double left, double others, double count, uint32_t most,
                 const double *restrict met, double *restrict ret_met)
{
    const double share = 1 / left;
    for (uint32_t c = 1; c <= most; c++) {
        const double of = (double)(int32_t)c;
        ret_met[c] = (met[c] * (others + of) + met[c - 1] * (count - of + 1)) * share;
    }
    ret_met[0] = met[0] * others * share;
}

/* From the first j items to one more. */
static void meet_item(struct cascade *cascade, size_t j)
{
    const double left = (double)(cascade->size - j), count = (double)cascade->count;
    const size_t most = j + 1 < cascade->depth ? j + 1 : cascade->depth;
    if (most == j + 1)
        cascade->met[most] = 0;
    meet(left, left - count, count, (uint32_t)most, cascade->met, cascade->next);
    swap(&cascade->met, &cascade->next);
}

static double sum_positions(struct cascade *cascade)
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
    cascade.next = rl_room_take(&room, count + 1, sizeof(double));
    cascade.after = rl_room_take(&room, count + 1, sizeof(double));
    fill_sets(&cascade);
    for (size_t c = 0; c <= cascade.depth; c++)
        cascade.end[c] *= (double)(count - c);
    return sum_positions(&cascade);
}
