/*
 * ramp.h: the sum of mass * distance over a growing set of sources, seen from a descending score.
 *
 * Going down by `step` adds mass * step, so that large sums are never subtracted; what rounding
 * loses is carried along (Neumaier's summation), so that a million steps cost no digits.
 */
#ifndef RL_RAMP_H
#define RL_RAMP_H

#include "core/base/twosum.h"

/* A sum and what rounding lost of it. */
struct rl_total {
    double sum, lost;
};

static inline void rl_total_add(struct rl_total *total, double value)
{
    double lost;
    total->sum = rl_two_sum(total->sum, value, &lost);
    total->lost += lost;
}

static inline double rl_total_value(const struct rl_total *total)
{
    return total->sum + total->lost;
}

struct rl_ramp {
    double at;              /* the score it is seen from */
    struct rl_total mass;   /* of the sources */
    struct rl_total moment; /* sum of mass * (score - at + c), the caller's c */
};

/* Down to the score `to`. */
static inline void rl_ramp_move(struct rl_ramp *ramp, double to)
{
    const double mass = rl_total_value(&ramp->mass);
    if (mass != 0) /* 0 * infinity is not 0 */
        rl_total_add(&ramp->moment, mass * (ramp->at - to));
    ramp->at = to;
}

/* One more source, `distance` from `at` (c included). */
static inline void rl_ramp_enter(struct rl_ramp *ramp, double mass, double distance)
{
    rl_total_add(&ramp->mass, mass);
    rl_total_add(&ramp->moment, mass * distance);
}

/* Adds the sources of another ramp, which is seen from a score `distance` higher, or equal. */
static inline void rl_ramp_join(struct rl_ramp *ramp, const struct rl_ramp *other, double distance)
{
    const double mass = rl_total_value(&other->mass);
    rl_total_add(&ramp->mass, mass);
    rl_total_add(&ramp->moment, rl_total_value(&other->moment));
    rl_total_add(&ramp->moment, mass * distance);
}

#endif
