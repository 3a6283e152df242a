/*
 * reduce.h: from what each list gave to the results of a request.
 */
#ifndef RL_REDUCE_H
#define RL_REDUCE_H

#include "core/work.h"

/* Once every list is computed: totals, values and per_list, in the order of the lists; then the
 * work's status. */
void rl_reduce(struct rl_work *work);

#endif
