/*
 * memory.h: what malloc does with freed memory.
 *
 * Freed memory is kept for the next large request, which saves page faults, and in one heap for all
 * threads: memory that one thread frees serves any other, so the process never holds much more than
 * its requests did at their peak. It goes back to the kernel once the heap has not changed for a
 * second, and whenever much of it is free.
 */
#ifndef RL_MEMORY_H
#define RL_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RL_MEMORY_FREE_MAX = 32 << 20 }; /* bytes that may stay free under load */

/* Once, before any other thread is started. */
void rl_memory_init(void);

/* realloc for a block of `old` bytes, of which the first `used` are kept. realloc itself would copy
 * them while it holds the lock of the heap, so that every other thread waits. */
void *rl_memory_resize(void *block, size_t old, size_t used, size_t size);

/* The state of the heap at the last call; all 0 at first. */
struct rl_memory_watch {
    size_t used, free; /* bytes, when last looked at */
    uint64_t changed_ms, trimmed_ms;
    bool resident; /* it has changed since the last trim */
};
/* Call several times a second, from one thread. `now_ms` is rl_clock_coarse_ms(). */
void rl_memory_tend(struct rl_memory_watch *watch, uint64_t now_ms);

#endif
