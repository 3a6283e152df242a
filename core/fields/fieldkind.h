/*
 * fieldkind.h: the functions of a pair's score difference that fields add up; see field.h.
 */
#ifndef RL_FIELDKIND_H
#define RL_FIELDKIND_H

enum rl_field_kind {
    RL_FIELD_HINGE,    /* max(0, 1 - d) */
    RL_FIELD_STEP,     /* 1 for d < 1, else 0: the hinge's derivative, negated */
    RL_FIELD_SOFTPLUS, /* log(1 + e^-d) */
    RL_FIELD_SIGMOID,  /* 1 / (1 + e^d): the softplus' derivative, negated */
    RL_FIELD_BUMP,     /* e^d / (1 + e^d)^2: the sigmoid's derivative, negated */
    RL_FIELD_KINDS
};

#endif
