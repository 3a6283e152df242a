/*
 * blocks.h: how a scan over one list is cut, and how its numbers are added up.
 *
 * Both depend on the length alone, so a result has the same bits on any number of threads and on
 * any instruction set.
 */
#ifndef RL_BLOCKS_H
#define RL_BLOCKS_H

#include <stddef.h>

/* Items of one block: 32 KiB a column, so that a block's few columns stay in the second cache. */
enum { RL_BLOCK = 4096, RL_LANES = 8 };

static inline size_t rl_block_count(size_t n)
{
    return (n + RL_BLOCK - 1) / RL_BLOCK;
}

static inline size_t rl_block_begin(size_t block)
{
    return block * RL_BLOCK;
}

static inline size_t rl_block_end(size_t block, size_t n)
{
    const size_t end = (block + 1) * RL_BLOCK;
    return end < n ? end : n;
}

/* The sum of values[0 … n - 1], over RL_LANES running sums that are then added in pairs. */
static inline double rl_sum(const double *values, size_t n)
{
    double lanes[RL_LANES] = {0};
    size_t i = 0;
    for (; i + RL_LANES <= n; i += RL_LANES)
        for (size_t lane = 0; lane < RL_LANES; lane++)
            lanes[lane] += values[i + lane];
    for (size_t lane = 0; i + lane < n; lane++)
        lanes[lane] += values[i + lane];
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) +
           ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

#endif
