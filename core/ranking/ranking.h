/*
 * ranking.h: the ranking metrics, of one list, and combined over the lists.
 *
 * An item counts when it is valid and its weight is > 0; what else a metric means is its
 * definition's (struct rl_definition). Keras-RS's, as it evaluates one batch: items rank in
 * descending order of score, ties in input order; gains are 2^y - 1, discounts 1 / log2(1 + rank),
 * binary relevance is y >= 1.
 *
 * The metrics here need only the ranks of positive items (listranks.h), which is quick; tiered.h
 * has all of them under any definition.
 *
 * Sums over the relevance of a list are added in input order, those over its ranks in rank order.
 */
#ifndef RL_RANKING_H
#define RL_RANKING_H

#include "core/base/runner.h"
#include "core/base/scratch.h"
#include "core/ranking/gains.h"
#include "core/ranking/listranks.h"

/*
 * The result of one list. First (rl_ranking_list) `value` is the metric of the list alone and
 * `weight` is unset where it is averaged; then (rl_ranking_combine) both are as in struct
 * rl_list_result.
 */
struct rl_ranking {
    double value, weight;
    double weighted_relevance; /* sum of weight * relevance */
    double relevance;          /* sum of relevance: gains (gains.h), else 1 or 0 */
    bool counts;               /* some item counts, and the list is not left out */
    bool averaged;             /* it weighs as much as the other lists do on average */
};

/* eval->k, or 0 where the metric takes none. */
size_t rl_eval_k(const struct rl_eval *eval);

/* Whether the ranks of positive items do not suffice. The same for all lists. */
bool rl_ranking_needs_tiers(const struct rl_eval *eval);

/* Adds what this metric needs of a list's ranks. */
void rl_ranking_add_needs(const struct rl_eval *eval, struct rl_rank_needs *needs);

/* Bytes of room that rl_ranking_list takes for a list of `items`. */
size_t rl_ranking_room(size_t items);

/*
 * list: with the ranks that rl_ranking_add_needs asks for. Not finite where labels are so large
 * that gains overflow. Returns RL_INVALID where a label is not a grade of the table of gains,
 * else RL_OK.
 */
enum rl_status rl_ranking_list(const struct rl_eval *eval, const struct rl_listranks *list,
                               struct rl_runner *runner, struct rl_room room,
                               struct rl_ranking *ret);

/* Gives a list without a relevant item its value, and a list its own weight. defined: the metric is
 * (without a relevant item it never is). weight: of the list as sent. */
void rl_ranking_finish(const struct rl_eval *eval, bool defined, double weight,
                       struct rl_ranking *list);

/* The mean over lists: *ret_sum of value * weight over *ret_weight_sum. lists: [count], finished in
 * place. Returns the value of the batch; 0 when no weight is left. Not finite as above. */
double rl_ranking_combine(enum rl_measure_id metric, struct rl_ranking *lists, size_t count,
                          double *ret_sum, double *ret_weight_sum);

#endif
