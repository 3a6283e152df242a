/*
 * powers.h: powers of ten to 128 bits, shared by the number reader and the number writer.
 */
#ifndef RL_POWERS_H
#define RL_POWERS_H

#include <stdint.h>

enum { RL_POWER_FIRST = -342, RL_POWER_LAST = 324, RL_POWER_EXACT = 55 };

/*
 * 10^k = (high * 2^64 + low + r) * 2^(rl_power_exponent(k) - 127), 0 <= r < 1; high has its top bit
 * set. r is 0 for 0 <= k <= RL_POWER_EXACT.
 */
struct rl_power {
    uint64_t high, low;
};

/* The row of k is rl_powers[k - RL_POWER_FIRST]. Static, read only. */
extern const struct rl_power rl_powers[RL_POWER_LAST - RL_POWER_FIRST + 1];

static inline struct rl_power rl_power(int k)
{
    return rl_powers[k - RL_POWER_FIRST];
}

/* floor(log2(10^k)), for |k| <= 1233: 1741647 / 2^19 is log2(10) to 7 digits. */
static inline int rl_power_exponent(int k)
{
    return (k * 1741647) >> 19;
}

#endif
