/*
 * init.c: makes core ready for use.
 */
#include "core/fields/kernels.h"
#include "core/ranking/gains.h"

enum rl_status rl_init(const char *isa, struct rl_error *error)
{
    const enum rl_status status = rl_kernels_init(isa, error);
    if (status == RL_OK)
        rl_gains_init();
    return status;
}
