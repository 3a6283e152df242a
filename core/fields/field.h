/*
 * field.h: sums over the pairs of one list, the core of the pairwise losses and their gradients.
 *
 * Every item is a *source* of some mass and a *target*; a field gives each target
 *
 *   sums[t] = sum over sources s with label_t > label_s of mass[s] * f((score_t - score_s) / T)
 *
 * or, where `all_pairs` says so, over every other item s, whatever its label.
 *
 * A loss of an item is such a sum over masses of 1. Its gradient is two: the derivative of its own
 * loss, and, with labels and scores negated and masses of the sample weights, what it adds to the
 * losses of items above it.
 *
 * Short lists, and long ones of few pairs, go pair by pair (tile.h); others by sweeps along the
 * scores (descent.h).
 */
#ifndef RL_FIELD_H
#define RL_FIELD_H

#include "core/fields/fieldkind.h"
#include "core/lists/plan.h"

struct rl_field {
    enum rl_field_kind kind;
    double temperature;
    const double *masses; /* [m] by v, or NULL for all 1; always NULL for hinge and softplus */
    bool negated;         /* labels and scores change their sign */
    bool all_pairs;       /* labels do not matter; not for hinge and step */
};

/* Bytes of room for a list of `items`. */
size_t rl_field_room(size_t items);

/* plan: graded. ret_sums: [m] by v. Overflow gives infinities or NaN. Work is cut by m alone.
 * When the runner is stopped, the sums are not complete. */
void rl_field_sum(const struct rl_field *field, struct rl_plan *plan, struct rl_runner *runner,
                  struct rl_room room, double *ret_sums);

#endif
