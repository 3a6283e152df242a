/*
 * emit.h: from what was computed for the valid items of a list to the columns of the results.
 */
#ifndef RL_EMIT_H
#define RL_EMIT_H

#include "core/lists/plan.h"

/* Where the list's results go. */
struct rl_emission {
    const struct rl_plan *plan;
    struct rl_runner *runner;
    enum rl_dtype dtype;
    size_t first;   /* place of the list's first item in `column` */
    double divisor; /* of the gradient; 0 makes it 0 */
    void *column;   /* of the dtype, or NULL for none; invalid items get 0 */
};

/* Bytes of room for a list of `items`. */
size_t rl_emit_room(size_t items);

/* losses: [m], multiplied by the weights in place. Returns whether all that was written, and the
 * sum, are finite numbers of the dtype. */
bool rl_emit_losses(const struct rl_emission *emission, struct rl_room room, double *losses,
                    double *ret_sum);

/* gradient: [m], of the weighted sum; divided by the divisor in place. */
bool rl_emit_gradient(const struct rl_emission *emission, struct rl_room room, double *gradient);

#endif
