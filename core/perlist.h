/*
 * perlist.h: everything a request asks of one list.
 */
#ifndef RL_PERLIST_H
#define RL_PERLIST_H

#include "core/base/runner.h"
#include "core/work.h"

/*
 * Evaluates one list all the ways of the work and writes its places in the work's results and
 * state, `outcomes` included. Different lists may be evaluated at the same time, each with its own
 * scratch. The result does not depend on the runner.
 */
void rl_perlist_compute(struct rl_work *work, size_t list, struct rl_scratch *scratch,
                        struct rl_runner *runner);

#endif
