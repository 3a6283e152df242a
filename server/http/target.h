/*
 * target.h: what a URL that takes a batch asks for.
 */
#ifndef RL_TARGET_H
#define RL_TARGET_H

#include "core/rankloss.h"

/* One measure, or many of one batch. */
struct rl_target {
    bool evaluate;                    /* POST /v1/evaluate */
    const struct rl_measure *measure; /* otherwise this one; NULL where no batch is taken */
};

#endif
