/*
 * tiered.h: every ranking metric of one list, under any definition, from its tiers.
 *
 * With RL_TIES_AVERAGE a value is its exact expectation over all orders of the items of each tier.
 * Of a tier of m items with r relevant ones, at the ranks b + 1 … b + m: each rank holds each item
 * with probability 1 / m, so sums over ranks take the mean of the tier; the first relevant item is
 * its j-th with probability r / (m - j + 1) of there being none before; and given a relevant item
 * at j, (r - 1) (j - 1) / (m - 1) others are expected before it. Sums run over the ranks of a list
 * once. Only expected_reciprocal_rank takes more (cascade.h).
 */
#ifndef RL_TIERED_H
#define RL_TIERED_H

#include "core/ranking/ranking.h"
#include "core/ranking/tiers.h"

/* Bytes of room that rl_tiered_list takes for a list of `items`. */
size_t rl_tiered_room(size_t items);

/* Estimated nanoseconds of one thread for each item of a list, with its tiers. */
double rl_tiered_cost(const struct rl_eval *eval);

/* As rl_ranking_list. tiers: of the evaluation's key. */
enum rl_status rl_tiered_list(const struct rl_eval *eval, const struct rl_tiers *tiers,
                              struct rl_runner *runner, struct rl_room room,
                              struct rl_ranking *ret);

#endif
