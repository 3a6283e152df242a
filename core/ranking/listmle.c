/*
 * listmle.c: chooses the kernel of list_mle.
 */
#include "core/ranking/listmle.h"

#include "core/base/blocks.h"
#include "core/base/cpu.h"

static rl_listmle_fn *const of_isa[RL_ISAS] = {
    [RL_ISA_BASELINE] = rl_listmle_baseline,
#if defined(__x86_64__)
    [RL_ISA_AVX2] = rl_listmle_avx2,
    [RL_ISA_AVX512] = rl_listmle_avx512,
#endif
};

size_t rl_listmle_scratch(size_t n)
{
    return 2 * n + rl_block_count(n) * RL_LISTMLE_SUMS;
}

double rl_listmle(const double *scores, size_t n, double temperature, struct rl_runner *runner,
                  double *scratch, double *ret_gradient)
{
    return of_isa[rl_isa_chosen()](scores, n, temperature, runner, scratch, ret_gradient);
}
