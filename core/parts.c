/*
 * parts.c: the memory that parts of a batch take, and what they cost.
 */
#include "core/parts.h"

#include "core/stats/quantiles.h"
#include "core/stats/resample.h"

/* ---- Memory ------------------------------------------------------------------------- */

size_t rl_parts_systems(const struct rl_batch *batch)
{
    return batch->systems > 1 ? batch->systems : 1;
}

bool rl_parts_needed(const struct rl_batch *batch, const struct rl_eval *eval)
{
    return batch->systems > 1 || batch->groups || eval->include & (RL_CONFIDENCE | RL_SUMMARY);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Lists of one part: all for the whole, any number up to all for a group. The worst of each part
 * come to no more than twice the lists. */
static struct rl_extreme *take_extremes(const struct rl_batch *batch, const struct rl_eval *eval,
                                        struct rl_arena *arena)
{
    const size_t lists = batch->lists / rl_parts_systems(batch);
    size_t per_part = smaller(eval->top_k, lists), parts = 1 + batch->group_count;
    return rl_arena_array(arena, smaller(per_part * parts, 2 * lists), sizeof(struct rl_extreme));
}

bool rl_parts_take(const struct rl_batch *batch, const struct rl_eval *eval, struct rl_arena *arena,
                   struct rl_result *result)
{
    size_t systems = rl_parts_systems(batch), parts = 1 + batch->group_count;
    if (!rl_parts_needed(batch, eval))
        return true;
    result->parts = rl_arena_array(arena, systems * parts, sizeof(*result->parts));
    if (!result->parts)
        return false;
    for (size_t s = 0; s < systems && eval->include & RL_SUMMARY; s++)
        if (!(result->parts[s * parts].summary.worst = take_extremes(batch, eval, arena)))
            return false;
    if (systems == 1)
        return true;
    result->comparisons = rl_arena_array(arena, systems * parts, sizeof(*result->comparisons));
    if (!result->comparisons)
        return false;
    for (size_t s = 0; s < systems; s++) {
        struct rl_comparison *const whole = &result->comparisons[s * parts];
        whole->most_better = take_extremes(batch, eval, arena);
        whole->most_worse = take_extremes(batch, eval, arena);
        if (!whole->most_better || !whole->most_worse)
            return false;
    }
    return true;
}

static size_t room_bytes(const struct rl_batch *batch, size_t resamples)
{
    size_t lists = batch->lists / rl_parts_systems(batch), systems = rl_parts_systems(batch);
    const size_t most = resamples > lists ? resamples : lists;
    return 7 * rl_room_bytes(lists, sizeof(double)) + 3 * rl_room_bytes(lists, sizeof(uint32_t)) +
           rl_room_bytes(batch->group_count + 2, sizeof(size_t)) +
           rl_room_bytes(most, sizeof(double)) +
           rl_room_bytes(rl_randomization_room(resamples), sizeof(uint64_t)) +
           2 * rl_room_bytes(systems, sizeof(double)) + rl_room_bytes(lists, sizeof(uint32_t)) +
           rl_order_ascending_room(most) + RL_ROOM_ALIGNMENT;
}

bool rl_parts_take_room(const struct rl_batch *batch, const struct rl_eval *evals, size_t count,
                        struct rl_arena *arena, struct rl_room *ret_room)
{
    bool needed = false;
    size_t resamples = 0;
    for (size_t i = 0; i < count; i++) {
        needed |= rl_parts_needed(batch, &evals[i]);
        if (evals[i].resamples > resamples)
            resamples = evals[i].resamples;
    }
    if (!needed)
        return true;
    const size_t bytes = room_bytes(batch, resamples);
    char *const memory = rl_arena_alloc(arena, bytes);
    *ret_room = (struct rl_room){memory, memory ? memory + bytes : NULL};
    return memory;
}

/* Nanoseconds for a drawn list, a flipped sign, a sorted number, and what else a list takes
 * (make bench-kernels). */
static const double DRAW_COST = 3.4, FLIP_COST = 1.4, ORDER_COST = 40, GATHER_COST = 60;

double rl_parts_cost(const struct rl_batch *batch, const struct rl_eval *eval)
{
    if (!rl_parts_needed(batch, eval))
        return 0;
    double systems = (double)rl_parts_systems(batch), lists = (double)batch->lists / systems;
    const double layers = batch->groups ? 2 : 1; /* the whole, and its groups */
    double parts = 1 + (double)batch->group_count, resamples = (double)eval->resamples;
    const double bootstraps = eval->include & RL_CONFIDENCE ? systems + (systems - 1) : 0;
    const double tests = eval->include & RL_CONFIDENCE ? systems - 1 : 0;
    return layers * lists *
               (GATHER_COST * (3 * systems) +
                resamples * (bootstraps * DRAW_COST + tests * FLIP_COST)) +
           parts * bootstraps * (ORDER_COST * resamples + 5000);
}
