/*
 * kernels.c: chooses the kernels for this CPU.
 */
#include "core/fields/kernels.h"

#include <string.h>

#include "core/base/cpu.h"

static const struct kernels {
    rl_tile_fn *const *tile;
    const struct rl_series_kernels *series;
} of_isa[RL_ISAS] = {
    [RL_ISA_BASELINE] = {rl_tile_baseline, &rl_series_baseline},
#if defined(__x86_64__)
    [RL_ISA_AVX2] = {rl_tile_avx2, &rl_series_avx2},
    [RL_ISA_AVX512] = {rl_tile_avx512, &rl_series_avx512},
#endif
};

static enum rl_isa best_isa(void)
{
    enum rl_isa isa = RL_ISAS - 1;
    while (!rl_isa_available(isa))
        isa--;
    return isa;
}

static enum rl_status find_isa(const char *name, enum rl_isa *ret_isa, struct rl_error *error)
{
    for (enum rl_isa isa = 0; isa < RL_ISAS; isa++) {
        if (strcmp(name, rl_isa_text(isa)) != 0)
            continue;
        if (!rl_isa_available(isa))
            return rl_fail(error, RL_CONFIG, "", "this CPU or build has no %s", name);
        *ret_isa = isa;
        return RL_OK;
    }
    return rl_fail(error, RL_CONFIG, "",
                   "\"%s\" is not an instruction set: baseline, avx2 or avx512", name);
}

enum rl_status rl_kernels_init(const char *isa, struct rl_error *error)
{
    enum rl_isa found = best_isa();
    if (isa && find_isa(isa, &found, error) != RL_OK)
        return RL_CONFIG;
    rl_isa_choose(found);
    return RL_OK;
}

const char *rl_isa_name(void)
{
    return rl_isa_text(rl_isa_chosen());
}

rl_tile_fn *const *rl_kernels_tile(void)
{
    return of_isa[rl_isa_chosen()].tile;
}

const struct rl_series_kernels *rl_kernels_series(void)
{
    return of_isa[rl_isa_chosen()].series;
}
