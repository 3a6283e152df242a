/*
 * toppairs.h: the pairs of one list with the largest weighted loss, without forming all pairs.
 *
 * An item's loss with another grows with the other's score (for the squared error: with the
 * distance of the other's y - s). So an item's worst partner is the best scored item of a lower
 * grade, and only the k items with the worst such pairs can be the first of one of the k worst
 * pairs. From there on the pairs are merged: the worst pair of all is taken, and its first item
 * goes on to its next partner, k times.
 */
#ifndef RL_TOPPAIRS_H
#define RL_TOPPAIRS_H

#include "core/fields/fieldkind.h"
#include "core/lists/plan.h"

/* Which pairs count, and the loss of each. */
struct rl_pair_loss {
    bool squared;            /* ((y_i - y_j) - (s_i - s_j))^2 over all i != j; `kind` is not read */
    enum rl_field_kind kind; /* of the score difference, over y_i > y_j; falls as that grows */
    double temperature;
};

/* Pairs that a list of `items` can give when `top_k` are asked for. */
size_t rl_toppairs_bound(bool squared, size_t items, size_t top_k);

/* Bytes of room for a list of `items`. */
size_t rl_toppairs_room(size_t items, size_t top_k);

/*
 * plan: graded. ret_pairs: [rl_toppairs_bound()], in the order that rankloss.h gives for struct
 * rl_result; i and j are places in the list. Returns how many there are; their losses may be
 * infinite. O(m log k + k log k), O(m) for scores in random order and k far below m. When the
 * runner is stopped, the pairs are not complete.
 */
size_t rl_toppairs(const struct rl_pair_loss *loss, struct rl_plan *plan, size_t top_k,
                   struct rl_runner *runner, struct rl_room room, struct rl_pair *ret_pairs);

#endif
