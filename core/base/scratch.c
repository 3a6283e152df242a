/*
 * scratch.c: room for the arrays that one list needs while it is evaluated.
 *
 * Small scratch comes from malloc and is kept. Large scratch is mapped, in huge pages where the
 * kernel has them: touching 100 MB for the first time costs more in small pages than all the
 * arithmetic on it. Whoever owns it gives it back when it is no longer needed.
 */
#include "core/base/scratch.h"

#include <stdlib.h>
#include <sys/mman.h>

enum {
    SMALLEST = 64 * 1024,
    HUGE_PAGE = 2 * 1024 * 1024,
    /* From here on memory is mapped, and trimming gives it back. No list that is not split needs
     * as much. */
    LARGE = 4 * HUGE_PAGE,
};

void rl_scratch_init(struct rl_scratch *scratch)
{
    *scratch = (struct rl_scratch){0};
}

void rl_scratch_release(struct rl_scratch *scratch)
{
    if (scratch->size >= LARGE)
        munmap(scratch->base, scratch->size);
    else
        free(scratch->base);
    *scratch = (struct rl_scratch){0};
}

static size_t round_up(size_t size, size_t unit)
{
    return (size + unit - 1) / unit * unit;
}

static void *map_large(size_t size)
{
    void *const memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
#ifdef MADV_HUGEPAGE
    madvise(memory, size, MADV_HUGEPAGE); /* small pages do as well, only slower */
#endif
    return memory;
}

static void *take_small(size_t size)
{
    void *memory;
    return posix_memalign(&memory, RL_ROOM_ALIGNMENT, size) ? NULL : memory;
}

/* A larger size than asked for, so that slowly growing lists do not take new memory each time. */
static size_t size_for(size_t bytes)
{
    const size_t size = bytes < SMALLEST ? SMALLEST : bytes + bytes / 4;
    return size < LARGE ? size : round_up(size, HUGE_PAGE);
}

bool rl_scratch_reserve(struct rl_scratch *scratch, size_t bytes, struct rl_room *ret_room)
{
    if (!scratch->base || bytes > scratch->size) {
        const size_t size = size_for(bytes);
        rl_scratch_release(scratch);
        void *const memory = size < LARGE ? take_small(size) : map_large(size);
        if (!memory)
            return false;
        *scratch = (struct rl_scratch){.base = memory, .size = size};
    }
    *ret_room = (struct rl_room){scratch->base, (char *)scratch->base + scratch->size};
    return true;
}

void rl_scratch_trim(struct rl_scratch *scratch)
{
    if (scratch->size >= LARGE)
        rl_scratch_release(scratch);
}
