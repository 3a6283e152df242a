/*
 * moments.h: pairwise mean squared error of one list in O(n).
 *
 * With e = label - score, m items and any centre c, the sum over j != i of (e_i - e_j)^2 is
 *   loss_i = m (e_i - c)^2 - 2 (e_i - c) D + Q,   D = sum_j (e_j - c),   Q = sum_j (e_j - c)^2.
 * c is the mean as far as rounding allows, so that D nearly vanishes and nothing cancels. e is
 * taken relative to the first item with every rounding error carried along: offsets that the
 * items share cost no digits.
 */
#ifndef RL_MOMENTS_H
#define RL_MOMENTS_H

#include "core/base/runner.h"

/* Doubles of scratch that rl_moments needs for n items. */
size_t rl_moments_scratch(size_t n);

/*
 * labels, scores: [n], the valid items of one list, finite. weights: [n], or NULL for all 1; they
 * enter the gradient alone. scratch: [rl_moments_scratch(n)].
 * ret_losses: [n], unweighted. ret_gradient: [n], d(sum_i weights[i] * loss_i) / d(score_k), or
 * NULL. Overflow gives infinities or NaN. Outputs may not overlap inputs. Work is cut by n alone.
 * When the runner is stopped, the outputs are not complete.
 */
void rl_moments(const double *labels, const double *scores, const double *weights, size_t n,
                struct rl_runner *runner, double *scratch, double *ret_losses,
                double *ret_gradient);

#endif
