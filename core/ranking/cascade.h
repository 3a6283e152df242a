/*
 * cascade.h: expected_reciprocal_rank of items of equal score: the mean over all their orders.
 */
#ifndef RL_CASCADE_H
#define RL_CASCADE_H

#include "core/base/runner.h"
#include "core/base/scratch.h"

/* Bytes of room that rl_cascade takes for `count` chances. */
size_t rl_cascade_room(size_t count);

/*
 * A search meets `size` items in random order, at the ranks first + 1, first + 2, …, of which it
 * looks at `within`. It ends at an item with that item's chance. chances: [count] those above 0, at
 * most 1. Returns the expected 1 / rank of its end, where it ends within.
 *
 * With few chances, or some that are not small, takes time in proportion to `within`; at most to
 * count * within.
 */
double rl_cascade(const double *chances, size_t count, size_t size, size_t first, size_t within,
                  const struct rl_runner *runner, struct rl_room room);

#endif
