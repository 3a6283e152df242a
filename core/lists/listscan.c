/*
 * listscan.c: chooses the kernels of listscan.h.
 */
#include "core/lists/listscan.h"

#include "core/base/cpu.h"

static const struct rl_listscan *const of_isa[RL_ISAS] = {
    [RL_ISA_BASELINE] = rl_listscan_baseline,
#if defined(__x86_64__)
    [RL_ISA_AVX2] = rl_listscan_avx2,
    [RL_ISA_AVX512] = rl_listscan_avx512,
#endif
};

const struct rl_listscan *rl_listscan_kernels(enum rl_dtype dtype)
{
    return &of_isa[rl_isa_chosen()][dtype];
}
