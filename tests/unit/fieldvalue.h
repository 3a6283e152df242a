/*
 * fieldvalue.h: the functions that fields add up, straight from their formulas in long double.
 */
#ifndef RL_TESTS_FIELDVALUE_H
#define RL_TESTS_FIELDVALUE_H

#include <math.h>

#include "core/fields/fieldkind.h"

static inline long double field_value(enum rl_field_kind kind, long double d)
{
    const long double u = expl(-fabsl(d));
    switch (kind) {
    case RL_FIELD_HINGE:
        return d < 1 ? 1 - d : 0;
    case RL_FIELD_STEP:
        return d < 1;
    case RL_FIELD_SOFTPLUS:
        return (d < 0 ? -d : 0) + log1pl(u);
    case RL_FIELD_SIGMOID:
        return (d < 0 ? 1 : u) / (1 + u);
    default:
        return u / ((1 + u) * (1 + u));
    }
}

/* Masses are 1 for these. */
static inline int field_has_masses(enum rl_field_kind kind)
{
    return kind != RL_FIELD_HINGE && kind != RL_FIELD_SOFTPLUS;
}

static inline const char *field_name(enum rl_field_kind kind)
{
    static const char *const names[RL_FIELD_KINDS] = {"none",     "hinge",   "step",
                                                      "softplus", "sigmoid", "bump"};
    return names[kind];
}

#endif
