/*
 * wideplan.h: a plan with all that losses may need of it.
 */
#ifndef RL_TESTS_WIDEPLAN_H
#define RL_TESTS_WIDEPLAN_H

#include "core/lists/plan.h"

static inline void wide_plan_init(struct rl_plan *plan, const struct rl_batch *batch, size_t list,
                                  struct rl_runner *runner, struct rl_room *room)
{
    rl_plan_gather(plan, batch, list, runner, room);
    rl_plan_widen_scores(plan, runner);
    rl_plan_widen_labels(plan, runner);
}

#endif
