/*
 * order.h: the order of the items of a column.
 */
#ifndef RL_ORDER_H
#define RL_ORDER_H

#include "core/base/runner.h"
#include "core/base/scratch.h"

enum rl_direction { RL_ASCENDING, RL_DESCENDING };

/* Bytes of room that rl_order takes for n items. */
size_t rl_order_room(size_t n);

/*
 * Orders the places 0 … n - 1 of a column by value; equal values (-0.0 equals 0.0) keep the order
 * of their places. column: [n] of the dtype, without NaN. ret_places: [n]. ret_values: [n], the
 * values in this order, -0.0 as 0.0, or NULL. Work is cut by n alone.
 */
void rl_order(enum rl_dtype dtype, const void *column, size_t n, enum rl_direction direction,
              struct rl_runner *runner, struct rl_room room, uint32_t *ret_places,
              double *ret_values);

/*
 * The places of the `most` highest values in descending order, ties as above, without sorting the
 * rest. 0 < most <= n. ret_places: [most]. Returns false, with ret_places unspecified, if the
 * column rises so often that sorting is cheaper. room: rl_order_room(n).
 */
bool rl_order_top(enum rl_dtype dtype, const void *column, size_t n, size_t most,
                  struct rl_room room, uint32_t *ret_places);

#endif
