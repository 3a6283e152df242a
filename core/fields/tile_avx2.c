/*
 * tile_avx2.c: the kernels of tile_body.h for AVX2.
 */
#if defined(__x86_64__)

#define RL_TILE_TABLE rl_tile_avx2
#include "core/fields/tile_body.h"

#endif
