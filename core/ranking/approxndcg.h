/*
 * approxndcg.h: NDCG of one list with smooth ranks, as a loss, in O(n log n).
 *
 * With T the temperature, over the n valid items:
 *   r_i  = 1 + sum over j != i of 1 / (1 + e^{(s_i - s_j) / T})
 *   loss = -sum_i (2^{y_i} - 1) / log2(1 + r_i) / M
 * where M is the same sum for the best ranking, whose ranks are 1 … n by descending label. The
 * ranks are a field of all pairs (field.h), and so is the gradient: with c_i = d loss / d r_i and
 * b(i, j) the slope of the sigmoid,
 *   d loss / d s_k = sum over j != k of (c_j - c_k) b(k, j) / T
 *
 * Source: ApproxNDCGLoss of TF-Ranking (losses_impl.py), where a list whose labels are all 0 has
 * weight 0, and so loss 0. Its default temperature is 0.1.
 */
#ifndef RL_APPROXNDCG_H
#define RL_APPROXNDCG_H

#include "core/lists/plan.h"

/* Bytes of room that rl_approxndcg takes for a list of `items`. */
size_t rl_approxndcg_room(size_t items);

/*
 * plan: widened and graded. ret_gradient: [m], unweighted, or NULL. Returns the loss, 0 where no
 * label is above 0; overflow gives infinity or NaN. Work is cut by m alone. When the runner is
 * stopped, neither is complete.
 */
double rl_approxndcg(struct rl_plan *plan, double temperature, struct rl_runner *runner,
                     struct rl_room room, double *ret_gradient);

#endif
