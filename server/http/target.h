/*
 * target.h: what a URL that takes a batch asks for.
 */
#ifndef RL_TARGET_H
#define RL_TARGET_H

#include "core/rankloss.h"

/* One measure, or many of one batch. */
struct rl_target {
    bool evaluate;                    /* POST /v1/evaluate */
    bool compare;                     /* POST /v1/compare: many measures of several systems */
    const struct rl_measure *measure; /* otherwise this one; NULL where no batch is taken */
};

#endif
