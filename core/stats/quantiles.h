/*
 * quantiles.h: quantiles by linear interpolation, and Holm's correction.
 */
#ifndef RL_QUANTILES_H
#define RL_QUANTILES_H

#include <stddef.h>

#include "core/base/runner.h"
#include "core/base/scratch.h"

/* Bytes of room that rl_order_ascending takes. */
size_t rl_order_ascending_room(size_t n);

/* Sorts values[n], none NaN, in place. */
void rl_order_ascending(double *values, size_t n, struct rl_runner *runner, struct rl_room room);

/* The quantile at `q`, 0 to 1, of values[n] in ascending order, n >= 1: numpy's default method,
 * "linear" (definition 7 of Hyndman and Fan, 1996). */
double rl_quantile(const double *ascending, size_t n, double q);

/*
 * Holm, "A simple sequentially rejective multiple test procedure" (1979): p[n] becomes the adjusted
 * values, in the same order. A NaN marks a missing test: it stays NaN and is not counted. O(n^2).
 */
void rl_holm(const double *p, size_t n, double *ret_adjusted);

#endif
