/*
 * trials.h: how many trials a test of random numbers makes: TRIALS in the environment, or a number
 * that takes a few seconds (`make prove-numbers` asks for 20 million).
 */
#ifndef RL_TRIALS_H
#define RL_TRIALS_H

#include <inttypes.h>
#include <stdlib.h>

static inline uint64_t trials_or(uint64_t otherwise)
{
    const char *const text = getenv("TRIALS");
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

#endif
