/*
 * softmax.h: the softmax loss of one list in O(n).
 *
 * With z_i = s_i / T over the n valid items and Y the sum of their labels:
 *   loss = -sum_i y_i log(e^{z_i} / sum_k e^{z_k})
 *   d loss / d s_k = (Y e^{z_k} / sum_i e^{z_i} - y_k) / T
 *
 * Source: SoftmaxLoss of TF-Ranking (losses_impl.py), which divides the labels of a list by Y and
 * then weights the list with Y. A list whose labels are all 0 has loss 0 in both.
 */
#ifndef RL_SOFTMAX_H
#define RL_SOFTMAX_H

#include "core/base/runner.h"

/* Doubles of scratch that rl_softmax needs for n items. */
size_t rl_softmax_scratch(size_t n);

/*
 * labels, scores: [n], of the valid items; labels >= 0, all finite. scratch:
 * [rl_softmax_scratch(n)]. ret_gradient: [n], unweighted, or NULL. Returns the loss, 0 for n == 0;
 * overflow gives infinity or NaN. Work is cut by n alone.
 */
double rl_softmax(const double *labels, const double *scores, size_t n, double temperature,
                  struct rl_runner *runner, double *scratch, double *ret_gradient);

#endif
