/*
 * memory.c: settings of glibc's malloc, and when it is told to trim.
 */
#include "server/base/memory.h"

#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEPT_BLOCK = 32 << 20,    /* the largest value that glibc accepts */
    COPIED_BLOCK = 128 << 10, /* from here on to KEPT_BLOCK; larger ones are moved by the kernel */
    QUIET_MS = 1000,
};

/* Setting one of the thresholds stops glibc from adjusting both, so both are set. */
void rl_memory_init(void)
{
    (void)mallopt(M_ARENA_MAX, 1);
    (void)mallopt(M_MMAP_THRESHOLD, KEPT_BLOCK);
    (void)mallopt(M_TRIM_THRESHOLD, INT_MAX);
}

void *rl_memory_resize(void *block, size_t old, size_t used, size_t size)
{
    if (old < COPIED_BLOCK || old >= KEPT_BLOCK)
        return realloc(block, size);
    void *const copy = malloc(size);
    if (!copy)
        return NULL;
    memcpy(copy, block, used < size ? used : size);
    free(block);
    return copy;
}

/* Notes whether the heap has changed since the last look. */
static void look(struct rl_memory_watch *watch, uint64_t now_ms)
{
    const struct mallinfo2 heap = mallinfo2();
    if (heap.uordblks == watch->used && heap.fordblks == watch->free)
        return;
    watch->used = heap.uordblks;
    watch->free = heap.fordblks;
    watch->changed_ms = now_ms;
    watch->resident = true;
}

void rl_memory_tend(struct rl_memory_watch *watch, uint64_t now_ms)
{
    look(watch, now_ms);
    const bool quiet = now_ms - watch->changed_ms >= QUIET_MS;
    const bool much = watch->free > RL_MEMORY_FREE_MAX && now_ms - watch->trimmed_ms >= QUIET_MS;
    if (!watch->resident || !(quiet || much))
        return;
    malloc_trim(0);
    watch->trimmed_ms = now_ms;
    watch->resident = false;
}
