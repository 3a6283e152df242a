/*
 * emit.c: from what was computed for the valid items of a list to the columns of the results.
 *
 * Each piece (cut.h) by itself, then the sums of the pieces in order, so that a result does not
 * depend on which thread runs which piece.
 */
#include "core/lists/emit.h"

#include <math.h>

#include "core/base/blocks.h"
#include "core/base/column.h"
#include "core/base/cut.h"

/* What one piece found. */
struct found {
    double sum;
    bool finite;
};

struct emitting {
    const struct rl_emission *emission;
    double *values; /* [m] losses or gradient */
    struct found *found;
};

size_t rl_emit_room(size_t items)
{
    return rl_room_bytes(rl_cut_count(items) + 1, sizeof(struct found));
}

/* A list without valid items still has a piece, which clears its column. */
static size_t pieces_of(const struct rl_emission *emission)
{
    const size_t pieces = rl_cut_count(emission->plan->count);
    return pieces ? pieces : 1;
}

/* Writes the values of a piece. */
static inline bool write_all(const struct emitting *emitting, enum rl_dtype dtype, size_t begin,
                             size_t end)
{
    const struct rl_emission *const emission = emitting->emission;
    int infinite = 0;
    for (size_t v = begin; v < end; v++) {
        const double value = rl_round(emitting->values[v], dtype);
        rl_column_set(emission->column, dtype, emission->first + v, value);
        infinite |= !(fabs(value) < INFINITY);
    }
    return !infinite;
}

/* The same, and 0 at the invalid items before each and after the last. */
static inline bool write_valid(const struct emitting *emitting, enum rl_dtype dtype, size_t begin,
                               size_t end)
{
    const struct rl_emission *const emission = emitting->emission;
    const struct rl_plan *const plan = emission->plan;
    size_t item = begin ? plan->index[begin - 1] + (size_t)1 : 0;
    bool finite = true;
    for (size_t v = begin; v < end; v++, item++) {
        const double value = rl_round(emitting->values[v], dtype);
        for (; item < plan->index[v]; item++)
            rl_column_set(emission->column, dtype, emission->first + item, 0);
        rl_column_set(emission->column, dtype, emission->first + item, value);
        finite &= isfinite(value) != 0;
    }
    for (; end == plan->count && item < plan->items; item++)
        rl_column_set(emission->column, dtype, emission->first + item, 0);
    return finite;
}

static inline bool write_as(const struct emitting *emitting, enum rl_dtype dtype, size_t begin,
                            size_t end)
{
    return emitting->emission->plan->all_valid ? write_all(emitting, dtype, begin, end)
                                               : write_valid(emitting, dtype, begin, end);
}

static bool write_piece(const struct emitting *emitting, size_t begin, size_t end)
{
    if (!emitting->emission->column)
        return true;
    return emitting->emission->dtype == RL_FLOAT32 ? write_as(emitting, RL_FLOAT32, begin, end)
                                                   : write_as(emitting, RL_FLOAT64, begin, end);
}

static void losses_piece(void *context, size_t piece)
{
    struct emitting *const emitting = context;
    const struct rl_plan *const plan = emitting->emission->plan;
    size_t begin = rl_cut_begin(piece), end = rl_cut_end(piece, plan->count);
    if (plan->weights)
        for (size_t v = begin; v < end; v++)
            emitting->values[v] *= plan->weights[v];
    else if (plan->weight != 1)
        for (size_t v = begin; v < end; v++)
            emitting->values[v] *= plan->weight;
    const double sum = rl_sum(emitting->values + begin, end - begin);
    emitting->found[piece] = (struct found){sum, write_piece(emitting, begin, end)};
}

static void gradient_piece(void *context, size_t piece)
{
    struct emitting *const emitting = context;
    const double divisor = emitting->emission->divisor;
    size_t begin = rl_cut_begin(piece), end = rl_cut_end(piece, emitting->emission->plan->count);
    for (size_t v = begin; v < end; v++)
        emitting->values[v] = divisor != 0 ? emitting->values[v] / divisor : 0;
    emitting->found[piece] = (struct found){0, write_piece(emitting, begin, end)};
}

static struct found run_pieces(struct emitting *emitting, void (*body)(void *, size_t))
{
    const struct rl_emission *const emission = emitting->emission;
    struct found all = {0, true};
    const size_t pieces = pieces_of(emission);
    emission->runner->run(emission->runner, pieces, body, emitting);
    for (size_t piece = 0; piece < pieces; piece++) {
        all.sum += emitting->found[piece].sum;
        all.finite &= emitting->found[piece].finite;
    }
    return all;
}

static struct found *take_found(const struct rl_emission *emission, struct rl_room *room)
{
    return rl_room_take(room, pieces_of(emission), sizeof(struct found));
}

bool rl_emit_losses(const struct rl_emission *emission, struct rl_room room, double *losses,
                    double *ret_sum)
{
    struct emitting emitting = {emission, losses, take_found(emission, &room)};
    const struct found all = run_pieces(&emitting, losses_piece);
    *ret_sum = all.sum;
    return all.finite && isfinite(all.sum);
}

bool rl_emit_gradient(const struct rl_emission *emission, struct rl_room room, double *gradient)
{
    struct emitting emitting = {emission, gradient, take_found(emission, &room)};
    return run_pieces(&emitting, gradient_piece).finite;
}
