/*
 * series_avx512.c: the kernels of series_body.h for AVX-512.
 */
#if defined(__x86_64__)

#define RL_SERIES_KERNELS rl_series_avx512
#include "core/fields/series_body.h"

#endif
