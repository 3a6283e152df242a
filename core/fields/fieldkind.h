/*
 * fieldkind.h: the functions of a pair's score difference that fields add up; see field.h.
 */
#ifndef RL_FIELDKIND_H
#define RL_FIELDKIND_H

#include <assert.h>

#include "core/base/elementary.h"
#include "core/base/twosum.h"

/* d is (score_i - score_j) / temperature. */
enum rl_field_kind {
    RL_FIELD_NONE,     /* not a field: for table rows that have none */
    RL_FIELD_HINGE,    /* max(0, 1 - d) */
    RL_FIELD_STEP,     /* 1 for d < 1, else 0: the hinge's derivative, negated */
    RL_FIELD_SOFTPLUS, /* log(1 + e^-d) */
    RL_FIELD_SIGMOID,  /* 1 / (1 + e^d): the softplus' derivative, negated */
    RL_FIELD_BUMP,     /* e^d / (1 + e^d)^2: the sigmoid's derivative, negated */
    RL_FIELD_KINDS
};

/* max(0, T - (score - other)) / T, with all digits next to the kink: the rounding error of the
 * difference is added back. */
static inline double rl_field_hinge(double score, double other, double temperature)
{
    double lost, difference = rl_difference(score, other, &lost);
    const double margin =
        (temperature - difference) - (lost == lost ? lost : 0); /* NaN: overflow */
    return margin > 0 ? margin / temperature : 0;
}

/* The function itself, of one pair. The kernels of a kind (tile_kernels.c, margin.h, series.h) add
 * it up; this is what top pairs report. Any scores; overflow gives infinities. */
static inline double rl_field_pair(enum rl_field_kind kind, double score, double other,
                                   double temperature)
{
    double d = (score - other) / temperature, u;
    switch (kind) {
    case RL_FIELD_HINGE:
        return rl_field_hinge(score, other, temperature);
    case RL_FIELD_STEP:
        return rl_field_hinge(score, other, temperature) > 0;
    case RL_FIELD_SOFTPLUS:
        return (d < 0 ? -d : 0) + rl_log1p(rl_exp(d < 0 ? d : -d));
    case RL_FIELD_SIGMOID:
        u = rl_exp(d < 0 ? d : -d);
        return (d < 0 ? 1 : u) / (1 + u);
    case RL_FIELD_BUMP:
        u = rl_exp(d < 0 ? d : -d);
        return u / ((1 + u) * (1 + u));
    case RL_FIELD_NONE:
    case RL_FIELD_KINDS:
        break;
    }
    assert(0 && "a kind of field");
    return 0;
}

#endif
