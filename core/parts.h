/*
 * parts.h: the memory that parts of a batch (groups, systems; struct rl_result) take, and what they
 * cost. analysis.h computes them.
 */
#ifndef RL_PARTS_H
#define RL_PARTS_H

#include "core/base/scratch.h"
#include "core/rankloss.h"

/* At least 1. */
size_t rl_parts_systems(const struct rl_batch *batch);

/* Whether an evaluation asks for parts. */
bool rl_parts_needed(const struct rl_batch *batch, const struct rl_eval *eval);

/* Takes the memory of an evaluation's parts, if it asks for any. False when memory is short. */
bool rl_parts_take(const struct rl_batch *batch, const struct rl_eval *eval, struct rl_arena *arena,
                   struct rl_result *result);

/* Takes the memory that rl_analyse works with; *ret_room is untouched if no evaluation needs it. */
bool rl_parts_take_room(const struct rl_batch *batch, const struct rl_eval *evals, size_t count,
                        struct rl_arena *arena, struct rl_room *ret_room);

/* Estimated nanoseconds of one thread for the parts of an evaluation; 0 without. */
double rl_parts_cost(const struct rl_batch *batch, const struct rl_eval *eval);

#endif
