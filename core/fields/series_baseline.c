/*
 * series_baseline.c: the kernels of series_body.h for whatever the target always has.
 */
#define RL_SERIES_KERNELS rl_series_baseline
#include "core/fields/series_body.h"
