/*
 * totals.h: the totals of a result under the names that replies give them.
 */
#ifndef RL_TOTALS_H
#define RL_TOTALS_H

#include "core/rankloss.h"

enum { RL_TOTALS_MOST = 16 };

struct rl_total {
    const char *name; /* static */
    bool whole;       /* `count` holds, else `number`, which is not finite where there is none */
    uint64_t count;
    double number;
};

/* Fills ret_totals in the order of replies; returns how many there are. */
size_t rl_totals_list(bool loss, const struct rl_totals *totals,
                      struct rl_total ret_totals[RL_TOTALS_MOST]);

#endif
