/*
 * target.h: what to evaluate, as the URL of a request says.
 */
#ifndef RL_TARGET_H
#define RL_TARGET_H

#include "core/rankloss.h"

/* One measure, or several of one batch. */
struct rl_target {
    bool evaluate;                    /* POST /v1/evaluate */
    bool compare;                     /* POST /v1/compare: many measures of several systems */
    const struct rl_measure *measure; /* otherwise this one; NULL if the URL takes no batch */
};

#endif
