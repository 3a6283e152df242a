/*
 * perlist.h: everything a request asks of one list.
 */
#ifndef RL_PERLIST_H
#define RL_PERLIST_H

#include "core/base/runner.h"
#include "core/work.h"

/* What all lists of a work share; comes before rl_perlist_compute. */
void rl_perlist_begin(struct rl_work *work);

/* Bytes of scratch that a list of `items` takes. Never less for more items. */
size_t rl_perlist_room(const struct rl_work_state *state, size_t items);

/*
 * Computes every evaluation of the work for one list. Writes the list's places in the results and
 * the state; its outcome is RL_OK, RL_NOT_FINITE, RL_INVALID for a label that is not a grade of a
 * table of gains, RL_NOMEM, or the status that the work was stopped with. Different lists may be
 * computed at the same time, each with its own scratch. The result does not depend on the runner.
 */
void rl_perlist_compute(struct rl_work *work, size_t list, struct rl_scratch *scratch,
                        struct rl_runner *runner);

#endif
