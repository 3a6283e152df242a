/*
 * kernels.h: the kernels chosen for this CPU.
 */
#ifndef RL_KERNELS_H
#define RL_KERNELS_H

#include "core/fields/series.h"
#include "core/fields/tile.h"
#include "core/rankloss.h"

/* Once, before any other thread runs; see rl_init. Until then: the baseline's. */
enum rl_status rl_kernels_init(const char *isa, struct rl_error *error);

rl_tile_fn *const *rl_kernels_tile(void); /* [RL_FIELD_KINDS] */
const struct rl_series_kernels *rl_kernels_series(void);

#endif
