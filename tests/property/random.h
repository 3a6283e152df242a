/*
 * random.h: the random numbers of tests: seeded, printed, repeatable.
 *
 * SEED=N in the environment repeats a run; else the clock chooses. The generator is splitmix64.
 */
#ifndef RL_TESTS_RANDOM_H
#define RL_TESTS_RANDOM_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct random {
    uint64_t state;
};

/* The seed of this run; printed the first time. */
static inline uint64_t random_seed(void)
{
    static uint64_t seed;
    const char *const text = getenv("SEED");
    if (seed)
        return seed;
    seed = text ? strtoull(text, NULL, 10) : (uint64_t)time(NULL);
    seed += !seed;
    printf("seed %llu (SEED=%llu repeats this run)\n", (unsigned long long)seed,
           (unsigned long long)seed);
    fflush(stdout);
    return seed;
}

static inline struct random random_init(uint64_t seed)
{
    return (struct random){.state = seed * 0x9e3779b97f4a7c15u};
}

static inline uint64_t random_next(struct random *random)
{
    random->state += 0x9e3779b97f4a7c15u;
    uint64_t mixed = (random->state ^ (random->state >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
}

/* 0 … bound - 1. */
static inline size_t random_below(struct random *random, size_t bound)
{
    return (size_t)(random_next(random) % bound);
}

static inline double random_uniform(struct random *random, double low, double high)
{
    return low + (high - low) * ((double)(random_next(random) >> 11) * 0x1p-53);
}

static inline double random_normal(struct random *random)
{
    const double radius = sqrt(-2 * log(random_uniform(random, 0x1p-60, 1)));
    return radius * cos(6.283185307179586 * random_uniform(random, 0, 1));
}

static inline void random_shuffle(struct random *random, size_t *order, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = random_below(random, i), kept = order[i - 1];
        order[i - 1] = order[j];
        order[j] = kept;
    }
}

#endif
