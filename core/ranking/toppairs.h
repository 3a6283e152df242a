/*
 * toppairs.h: the pairs of one list with the largest weighted loss, without forming all pairs.
 *
 * An item's loss with another only grows with the other's score (for the squared error: with the
 * distance of the other's y - s). So an item's worst partner is the best scored one of a lower
 * grade, and only the k items with the worst such pairs can be the first of one of the k worst
 * pairs; each of these has its k worst among the k best scored items of lower grades.
 */
#ifndef RL_TOPPAIRS_H
#define RL_TOPPAIRS_H

#include "core/lists/plan.h"

/* Pairs that a list of `items` can give when `top_k` are asked for. */
size_t rl_toppairs_bound(enum rl_measure_id loss, size_t items, size_t top_k);

/* Bytes of room for a list of `items`. */
size_t rl_toppairs_room(size_t items, size_t top_k);

/*
 * plan: graded. loss: a pairwise one. ret_pairs: [rl_toppairs_bound()], in the order that
 * rankloss.h gives for struct rl_result; i and j are places in the list. Returns how many there
 * are; their losses may be infinite. O(m + (m + k^2) log k) typically.
 */
size_t rl_toppairs(enum rl_measure_id loss, double temperature, const struct rl_plan *plan,
                   size_t top_k, struct rl_room room, struct rl_pair *ret_pairs);

#endif
