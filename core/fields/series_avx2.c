/*
 * series_avx2.c: the kernels of series_body.h for AVX2.
 */
#if defined(__x86_64__)

#define RL_SERIES_KERNELS rl_series_avx2
#include "core/fields/series_body.h"

#endif
