/*
 * scratch.h: room for the arrays that one list needs while it is evaluated.
 *
 * The whole need is reserved at once, where it can fail; parts are then cut off and never given
 * back one by one. Each part's size is stated next to the code that uses it.
 */
#ifndef RL_SCRATCH_H
#define RL_SCRATCH_H

#include <assert.h>

#include "core/rankloss.h"

/* What is left of a reserved piece of memory. */
struct rl_room {
    char *next, *end;
};

enum { RL_ROOM_ALIGNMENT = 64 };

/* Bytes that rl_room_take takes for an array. */
static inline size_t rl_room_bytes(size_t count, size_t size)
{
    return (count * size + RL_ROOM_ALIGNMENT - 1) / RL_ROOM_ALIGNMENT * RL_ROOM_ALIGNMENT;
}

/* At least `bytes` of room, aligned; what was there is lost. False when memory is short. */
bool rl_scratch_reserve(struct rl_scratch *scratch, size_t bytes, struct rl_room *ret_room);

/* Gives memory back that only a very long list needed. */
void rl_scratch_trim(struct rl_scratch *scratch);

/* An array aligned to RL_ROOM_ALIGNMENT, not cleared. The room must suffice. */
static inline void *rl_room_take(struct rl_room *room, size_t count, size_t size)
{
    const size_t bytes = rl_room_bytes(count, size);
    char *const array = room->next;
    assert(bytes <= (size_t)(room->end - room->next) && "the need was computed beforehand");
    room->next += bytes;
    return array;
}

#endif
