/*
 * ways.h: how each loss and metric of the catalogue is computed.
 */
#ifndef RL_WAYS_H
#define RL_WAYS_H

#include "core/fields/fieldkind.h"
#include "core/rankloss.h"

enum rl_shape {
    RL_SHAPE_FIELD,   /* pairs with label_i > label_j, a function of their score difference */
    RL_SHAPE_SQUARED, /* all pairs, by moments */
    RL_SHAPE_LISTMLE, /* in the order of the labels */
    RL_SHAPE_RANKING, /* a metric, in the order of the scores */
};

/*
 * Costs are nanoseconds of one thread for a list of n items: per item, and per n * n or n *
 * log2(n), whichever is less, as a list goes pair by pair or by sweeps. Between what AVX2 and
 * AVX-512 take (make bench-kernels prints times beside estimates).
 */
struct rl_way {
    enum rl_shape shape;
    /* For RL_SHAPE_FIELD: the loss of a pair, and its derivative, negated. */
    enum rl_field_kind loss, slope;
    double item_cost, pair_cost, sweep_cost;
};

/* Never NULL. Any thread. */
const struct rl_way *rl_way_of(enum rl_measure_id id);

#endif
