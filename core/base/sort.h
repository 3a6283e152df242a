/*
 * sort.h: stable sorting of items by a number.
 */
#ifndef RL_SORT_H
#define RL_SORT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/elementary.h"
#include "core/base/runner.h"
#include "core/base/scratch.h"

/* An item and the whole number that stands for its place in the order. */
struct rl_key {
    uint64_t key;
    uint32_t item;
};

/* Keys in the order of the values; not for NaN. -0.0 stands before 0.0. */
static inline uint64_t rl_key_ascending(double value)
{
    uint64_t bits = rl_to_bits(value);
    return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

static inline uint64_t rl_key_descending(double value)
{
    return ~rl_key_ascending(value);
}

/* The value that has the descending key. */
static inline double rl_key_value(uint64_t descending)
{
    uint64_t bits = ~descending;
    return rl_from_bits(bits >> 63 ? bits & ~((uint64_t)1 << 63) : ~bits);
}

/* Bytes of room that rl_sort takes for n keys, beside its two arrays. */
size_t rl_sort_room(size_t n);

/*
 * Sorts keys[n] by `key`; equal keys keep their order. spare: [n]. Returns where the sorted keys
 * stand, one of the two arrays. Work is cut by n alone. When the runner is stopped, the order is
 * not complete, but each key is still there once.
 */
struct rl_key *rl_sort(struct rl_key *keys, struct rl_key *spare, size_t n,
                       struct rl_runner *runner, struct rl_room room);

#endif
