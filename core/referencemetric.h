/*
 * referencemetric.h: every metric of one list under any definition, straight from its formula.
 *
 * Plain, O(n^2) for each order of the items, in long double. Fast code is tested against this; the
 * daemon never calls it. Formulas: the catalogue's.
 */
#ifndef RL_REFERENCEMETRIC_H
#define RL_REFERENCEMETRIC_H

#include "core/reference.h"

/* A metric of one list and what its weight among the lists is made of. */
struct rl_reference_metric {
    long double value;
    long double weighted_relevance; /* sum of weight * relevance */
    long double relevance;          /* sum of relevance */
    bool counts;                    /* some item counts, and the list is not left out */
    bool undefined;                 /* without_relevant gave the value, or left the list out */
    bool invalid;                   /* some label is not a grade of the table of gains */
};

/*
 * eval: measure, k and definition are read. weights: [items], NULL for all 1; an item with weight
 * <= 0 counts as masked. With ties RL_TIES_AVERAGE the value is the mean over all orders of the
 * tied items, one after the other: only for lists with few of them.
 */
void rl_reference_metric(const struct rl_eval *eval, const struct rl_reference_list *list,
                         const double *weights, struct rl_reference_metric *ret);

/* The number of orders that RL_TIES_AVERAGE takes the mean of. */
double rl_reference_orders(const struct rl_eval *eval, const struct rl_reference_list *list,
                           const double *weights);

#endif
