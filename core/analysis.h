/*
 * analysis.h: what the lists of a computed work say beyond their mean: results of groups and
 * systems, how sure they are, and whether systems differ.
 */
#ifndef RL_ANALYSIS_H
#define RL_ANALYSIS_H

#include "core/base/runner.h"
#include "core/work.h"

/* Whether an evaluation asks for parts (struct rl_result). */
bool rl_analysis_needed(const struct rl_batch *batch, const struct rl_eval *eval);

/* Takes the memory of an evaluation's parts. False when there is none. */
bool rl_analysis_take(const struct rl_batch *batch, const struct rl_eval *eval,
                      struct rl_arena *arena, struct rl_result *result);

/* Takes the memory that rl_analyse works with, once all evaluations are known. */
bool rl_analysis_take_room(const struct rl_batch *batch, const struct rl_eval *evals, size_t count,
                           struct rl_arena *arena, struct rl_work_state *state);

/* Estimated nanoseconds of one thread for the parts of an evaluation; 0 without. */
double rl_analysis_cost(const struct rl_batch *batch, const struct rl_eval *eval);

/* After rl_reduce, if the work's status is RL_OK: fills parts and comparisons. */
void rl_analyse(struct rl_work *work, struct rl_runner *runner);

#endif
