/*
 * kernels.h: the one choice of kernels, made by rl_init.
 */
#ifndef RL_KERNELS_H
#define RL_KERNELS_H

#include "core/fields/series.h"
#include "core/fields/tile.h"

rl_tile_fn *const *rl_kernels_tile(void); /* [RL_FIELD_KINDS] */
const struct rl_series_kernels *rl_kernels_series(void);

#endif
