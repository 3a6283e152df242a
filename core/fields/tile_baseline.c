/*
 * tile_baseline.c: the kernels of tile_body.h for whatever the target always has.
 */
#define RL_TILE_TABLE rl_tile_baseline
#include "core/fields/tile_body.h"
