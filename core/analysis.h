/*
 * analysis.h: what the lists of a computed work say beyond their mean: results of groups and
 * systems, how sure they are, and whether systems differ.
 */
#ifndef RL_ANALYSIS_H
#define RL_ANALYSIS_H

#include "core/base/runner.h"
#include "core/work.h"

/* After rl_reduce, if the work's status is RL_OK: fills parts and comparisons. */
void rl_analyse(struct rl_work *work, struct rl_runner *runner);

#endif
