/*
 * sort.h: stable sorting by 32-bit numbers.
 */
#ifndef RL_SORT_H
#define RL_SORT_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/runner.h"
#include "core/base/scratch.h"

/* A key: the number to sort by in the upper half, its payload in the lower. */
static inline uint64_t rl_key(uint32_t number, uint32_t payload)
{
    return (uint64_t)number << 32 | payload;
}

static inline uint32_t rl_key_number(uint64_t key)
{
    return (uint32_t)(key >> 32);
}

static inline uint32_t rl_key_payload(uint64_t key)
{
    return (uint32_t)key;
}

/* Bytes of room that rl_sort takes for n keys, beside its two arrays. */
size_t rl_sort_room(size_t n);

/*
 * Sorts keys[n] by their numbers; equal numbers keep their order. spare: [n]. Returns the array
 * that holds the sorted keys, one of the two. Work is cut by n alone. When the runner is stopped,
 * the order is not complete, but each key is still there once.
 */
uint64_t *rl_sort(uint64_t *keys, uint64_t *spare, size_t n, struct rl_runner *runner,
                  struct rl_room room);

#endif
