/*
 * listscan.h: kernels that answer one question in one pass over a column, compiled for each
 * instruction set.
 *
 * Every result is a whole number found by exact comparisons, so each instruction set gives the
 * same. Columns are float or double, as the batch holds them. Any thread.
 */
#ifndef RL_LISTSCAN_H
#define RL_LISTSCAN_H

#include <stddef.h>
#include <stdint.h>

#include "core/rankloss.h"

/* Labels that are whole numbers below this count as grades. */
enum { RL_GRADES = 64 };

struct rl_listscan {
    /* labels: [n], of any value. Returns a number below RL_GRADES, which no label exceeds, if all *
     * are whole numbers in 0 … RL_GRADES - 1, and then ret_grades[n] holds them. Otherwise returns
     * RL_GRADES or more, and ret_grades is unspecified. */
    uint32_t (*grades)(const void *labels, size_t n, uint8_t *ret_grades);
    /* scores: [n], finite, n < 2^31. targets: [count] places in the column, ascending. Counts for
     * each target the scores above its own, and the equal ones before it. */
    void (*ranks)(const void *scores, size_t n, const uint32_t *targets, size_t count,
                  uint32_t *ret_ranks);
    /* The first place from `from` on whose score is above `limit`, a value of the column's type;
     * n if there is none. */
    size_t (*above)(const void *scores, size_t from, size_t n, double limit);
};

/* The kernels of each instruction set, by dtype. */
enum { RL_LISTSCAN_TYPES = 2 };
extern const struct rl_listscan rl_listscan_baseline[RL_LISTSCAN_TYPES];
#if defined(__x86_64__)
extern const struct rl_listscan rl_listscan_avx2[RL_LISTSCAN_TYPES];
extern const struct rl_listscan rl_listscan_avx512[RL_LISTSCAN_TYPES];
#endif

/* Those of the chosen instruction set (cpu.h). */
const struct rl_listscan *rl_listscan_kernels(enum rl_dtype dtype);

#endif
