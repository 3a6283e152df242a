/*
 * listmle.h: list_mle of one list in O(n), once its items are in order.
 *
 * With the n valid items sorted by label, descending and stable, z_i = (s_i - max s) / T and
 * S_i = sum_{k >= i} e^{z_k} + 1e-10:
 *   loss = sum_i (log S_i - z_i)
 *   d loss / d s_k = (e^{z_k} C_k - 1 + g_k) / T,   C_k = sum_{i <= k} 1 / S_i,
 * where g_k = 1e-10 C_n / (number of maxima) at each item that holds the maximum: the loss moves
 * with the maximum because of the 1e-10.
 */
#ifndef RL_LISTMLE_H
#define RL_LISTMLE_H

#include "core/base/runner.h"

/* Doubles of scratch that rl_listmle needs for n items. */
size_t rl_listmle_scratch(size_t n);

/*
 * scores: [n], finite, of the valid items in label-descending stable order. scratch:
 * [rl_listmle_scratch(n)]. ret_gradient: [n] in the same order, unweighted, or NULL. Returns the
 * loss, 0 for n == 0; overflow gives infinity. Work is cut by n alone.
 */
double rl_listmle(const double *scores, size_t n, double temperature, struct rl_runner *runner,
                  double *scratch, double *ret_gradient);

/* The same for each instruction set. */
typedef double rl_listmle_fn(const double *scores, size_t n, double temperature,
                             struct rl_runner *runner, double *scratch, double *ret_gradient);
enum { RL_LISTMLE_SUMS = 7 }; /* numbers that a block keeps in the scratch */
rl_listmle_fn rl_listmle_baseline;
#if defined(__x86_64__)
rl_listmle_fn rl_listmle_avx2, rl_listmle_avx512;
#endif

#endif
