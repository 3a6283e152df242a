/*
 * tile_avx512.c: the kernels of tile_body.h for AVX-512.
 */
#if defined(__x86_64__)

#define RL_TILE_TABLE rl_tile_avx512
#include "core/fields/tile_body.h"

#endif
