/*
 * cpu.c: which instruction sets this CPU has.
 */
#include "core/base/cpu.h"

static enum rl_isa chosen = RL_ISA_BASELINE;

enum rl_isa rl_isa_chosen(void)
{
    return chosen;
}

void rl_isa_choose(enum rl_isa isa)
{
    chosen = isa;
}

const char *rl_isa_text(enum rl_isa isa)
{
    static const char *const texts[RL_ISAS] = {"baseline", "avx2", "avx512"};
    return texts[isa];
}

bool rl_isa_available(enum rl_isa isa)
{
    switch (isa) {
    case RL_ISA_BASELINE:
        return true;
#if defined(__x86_64__)
    case RL_ISA_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case RL_ISA_AVX512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("fma");
#endif
    default:
        return false;
    }
}
