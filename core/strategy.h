/*
 * strategy.h: how each loss and metric of the catalogue is computed, and what that costs.
 */
#ifndef RL_STRATEGY_H
#define RL_STRATEGY_H

#include "core/fields/fieldkind.h"
#include "core/rankloss.h"

enum rl_method {
    RL_METHOD_NONE,    /* the row is missing */
    RL_METHOD_FIELD,   /* pairs with label_i > label_j, a function of their score difference */
    RL_METHOD_SQUARED, /* all pairs, by moments */
    RL_METHOD_LISTMLE, /* in the order of the labels */
    RL_METHOD_SOFTMAX, /* in input order */
    RL_METHOD_APPROX,  /* smooth ranks: a field of all pairs */
    RL_METHOD_RANKING, /* a metric, in the order of the scores */
    RL_METHODS
};

/*
 * Costs are nanoseconds of one thread: per item, per pair, and per item and halving of the grades,
 * where a list takes the pairs or the sweeps, whichever cost less; of RL_METHOD_APPROX for n * n
 * pairs, or per item alone. The item_cost of a metric counts only the items whose ranks it uses;
 * finding those is rl_listranks_cost. An item costs rare_cost more where no table has its gain or
 * its discount. The numbers lie between those of AVX2 and AVX-512 (make bench-kernels prints times
 * beside estimates).
 */
struct rl_strategy {
    enum rl_method method;
    /* For RL_METHOD_FIELD: the loss of a pair, and its derivative, negated. */
    enum rl_field_kind loss, slope;
    double item_cost, pair_cost, sweep_cost, rare_cost;
};

/* Never NULL. Any thread. */
const struct rl_strategy *rl_strategy_of(enum rl_measure_id id);

#endif
