/*
 * ranking.h: the ranking metrics, of one list, and combined over the lists.
 *
 * As Keras-RS evaluates one batch: an item counts when it is valid and its weight is > 0; items
 * rank in descending order of score, ties in input order; gains are 2^y - 1, discounts 1 / log2(1 +
 * rank), binary relevance is y >= 1.
 *
 * Sums over the relevance of a list are added in input order, those over its ranks in rank order.
 */
#ifndef RL_RANKING_H
#define RL_RANKING_H

#include "core/base/runner.h"
#include "core/base/scratch.h"
#include "core/ranking/standing.h"

/* Once, before other threads run (rl_init does): fills the tables of the first discounts and of the
 * gains of grades. */
void rl_ranking_init(void);

/*
 * What one list gives. First (rl_ranking_list) `value` is the metric of the list alone and
 * `weight` is unset; then (rl_ranking_combine) both are as in struct rl_list_result.
 */
struct rl_ranking {
    double value, weight;
    double weighted_relevance; /* sum of weight * relevance */
    double relevance;          /* sum of relevance; gains for dcg and ndcg, else binary */
    bool counts;               /* some item counts */
};

/* Adds what this metric needs of a list's ranks. k: 0 for the whole list. */
void rl_ranking_add_needs(enum rl_measure_id metric, size_t k, struct rl_rank_needs *needs);

/* Bytes of room that rl_ranking_list takes for a list of `items`. */
size_t rl_ranking_room(size_t items);

/* list: with the ranks that rl_ranking_add_needs asks for. k: 0 for the whole list. Not finite
 * where labels are so large that gains overflow. */
void rl_ranking_list(enum rl_measure_id metric, size_t k, const struct rl_standing *list,
                     struct rl_runner *runner, struct rl_room room, struct rl_ranking *ret);

/* The mean over lists: *ret_sum of value * weight over *ret_weight_sum. lists: [count], finished in
 * place. Returns the value of the batch; 0 when no weight is left. Not finite as above. */
double rl_ranking_combine(enum rl_measure_id metric, struct rl_ranking *lists, size_t count,
                          double *ret_sum, double *ret_weight_sum);

#endif
