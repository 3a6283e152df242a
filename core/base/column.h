/*
 * column.h: reading and writing the columns of a batch, float or double.
 */
#ifndef RL_COLUMN_H
#define RL_COLUMN_H

#include "core/rankloss.h"

static inline double rl_column_get(const void *column, enum rl_dtype dtype, size_t i)
{
    return dtype == RL_FLOAT64 ? ((const double *)column)[i] : (double)((const float *)column)[i];
}

static inline void rl_column_set(void *column, enum rl_dtype dtype, size_t i, double value)
{
    if (dtype == RL_FLOAT64)
        ((double *)column)[i] = value;
    else
        ((float *)column)[i] = (float)value;
}

static inline size_t rl_dtype_size(enum rl_dtype dtype)
{
    return dtype == RL_FLOAT64 ? sizeof(double) : sizeof(float);
}

/* A double rounded to the dtype; what float32 cannot hold becomes infinite. */
static inline double rl_round(double value, enum rl_dtype dtype)
{
    return dtype == RL_FLOAT32 ? (double)(float)value : value;
}

#endif
