/*
 * tiers.h: the items of one list in the order that its metrics rank them, in tiers of equal score,
 * under any definition.
 *
 * listranks.h is quicker where the ranks of positive items suffice. Here every item is ordered, and
 * an item may count without a score (it was not retrieved) or without a label (struct
 * rl_definition). An item without either has no rank and no relevance.
 */
#ifndef RL_TIERS_H
#define RL_TIERS_H

#include "core/base/runner.h"
#include "core/base/scratch.h"

/* Evaluations with the same key share the tiers of a list. */
enum { RL_TIER_KEYS = 6 };
size_t rl_tiers_key(const struct rl_eval *eval); /* below RL_TIER_KEYS */

struct rl_tiers {
    size_t items; /* of the list */
    /* Items that count: not masked, of a weight > 0, and labelled or taken as not relevant. */
    size_t count;
    double weight;         /* as sent, of each where `weights` is NULL */
    const double *labels;  /* [count] in input order; 0 without a label */
    const double *weights; /* [count], or NULL */
    const uint8_t *judged; /* [count] 1 with a label; or NULL: all are */
    /* Items with a score, as places among those that count, by descending score. */
    size_t ranked;
    const uint32_t *order; /* [ranked] */
    /* Items of equal score: tier t has the ranks starts[t] … starts[t + 1] - 1. */
    size_t tiers;
    const uint32_t *starts; /* [tiers + 1] */
};

/* Bytes of room that tiers keep for a list of `items`, including what making them needs. */
size_t rl_tiers_room(size_t items);

/* Estimated nanoseconds of one thread to make the tiers of a list of `items`. */
double rl_tiers_cost(size_t key, size_t items);

/* The tiers' arrays come from *room. */
void rl_tiers_init(struct rl_tiers *tiers, const struct rl_batch *batch, size_t list, size_t key,
                   struct rl_runner *runner, struct rl_room *room);

#endif
