/*
 * fuzzbody.h: inputs that are request bodies: what the URL asks for, and the values of a batch.
 */
#ifndef RL_TESTS_FUZZBODY_H
#define RL_TESTS_FUZZBODY_H

#include "core/rankloss.h"
#include "server/formats/json/decode.h"
#include "tests/fuzz/fuzzer.h"

/* The first byte chooses a measure, or evaluate. A body that begins with its brace chooses too. */
static inline struct rl_target fuzz_target(uint8_t byte)
{
    const unsigned choice = byte % (RL_MEASURES + 1u);
    if (choice == RL_MEASURES)
        return (struct rl_target){.evaluate = true};
    return (struct rl_target){.measure = rl_measure_get((enum rl_measure_id)choice)};
}

/* How many bytes come before the body: the byte that chose, unless the body begins with it. */
static inline size_t fuzz_skip(uint8_t byte)
{
    return byte == '{' ? 0 : 1;
}

static inline double fuzz_value(const struct rl_batch *batch, const void *values, size_t index)
{
    return batch->dtype == RL_FLOAT32 ? (double)((const float *)values)[index]
                                      : ((const double *)values)[index];
}

#endif
