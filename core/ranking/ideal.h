/*
 * ideal.h: the gain of the best possible ranking of a list.
 */
#ifndef RL_IDEAL_H
#define RL_IDEAL_H

#include "core/base/runner.h"
#include "core/base/scratch.h"

/* Bytes of room that rl_ideal_gain takes for `count` gains. */
size_t rl_ideal_room(size_t count);

/* The sum of gain * discount over the ranks below the cut, the largest gains first. gains: [count],
 * without NaN, in any order; overwritten. */
double rl_ideal_gain(const struct rl_definition *definition, double *gains, size_t count,
                     size_t cut, struct rl_runner *runner, struct rl_room room);

#endif
