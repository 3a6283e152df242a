/*
 * arena.c: memory of one request, given back as a whole.
 *
 * Chunks form a list whose head is the one being filled. A block too large to share a chunk gets a
 * chunk of its own, linked after the head, so that the head's remaining room stays in use.
 */
#include "core/rankloss.h"

#include <stdlib.h>

/* gcc defines __SANITIZE_ADDRESS__, clang answers __has_feature. */
#if !defined(__SANITIZE_ADDRESS__) && defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

enum {
    ALIGNMENT = 64,
    FIRST_CHUNK = 16 * 1024,
    LAST_CHUNK = 1024 * 1024,
#ifdef __SANITIZE_ADDRESS__
    SHARED_PART = FIRST_CHUNK, /* every block its own chunk: the sanitizer sees where it ends */
#else
    SHARED_PART = 4, /* a block up to a fourth of the next chunk shares it with others */
#endif
};

struct rl_chunk {
    _Alignas(ALIGNMENT) struct rl_chunk *next;
    void *memory;      /* what malloc gave; the chunk is the first aligned place in it */
    size_t size, used; /* bytes after the header */
};

void rl_arena_init(struct rl_arena *arena, size_t limit)
{
    *arena = (struct rl_arena){.limit = limit};
}

/* What a chunk counts for in the pool. */
static size_t weight_of(size_t size)
{
    return sizeof(struct rl_chunk) + size;
}

/* Frees every chunk but `kept`. */
static void free_others(struct rl_arena *arena, const struct rl_chunk *kept)
{
    struct rl_chunk *chunk = arena->chunks;
    while (chunk) {
        struct rl_chunk *const next = chunk->next;
        if (chunk != kept) {
            rl_pool_give(arena->pool, weight_of(chunk->size));
            free(chunk->memory);
        }
        chunk = next;
    }
}

void rl_arena_release(struct rl_arena *arena)
{
    free_others(arena, NULL);
    arena->chunks = NULL;
    arena->used = 0;
    arena->starved = false;
}

void rl_arena_reset(struct rl_arena *arena)
{
    struct rl_chunk *kept = arena->chunks;
    while (kept && kept->size != FIRST_CHUNK)
        kept = kept->next;
    free_others(arena, kept);
    if (kept)
        *kept = (struct rl_chunk){.memory = kept->memory, .size = kept->size};
    arena->chunks = kept;
    arena->used = 0;
    arena->starved = false;
}

/* Allocates extra bytes to align the block. glibc's posix_memalign would not reuse the space of a
 * freed block of the same size. The sanitizer's reuses it and ends where the block ends. */
static char *take_memory(size_t size)
{
#ifdef __SANITIZE_ADDRESS__
    void *memory;
    return posix_memalign(&memory, ALIGNMENT, size) ? NULL : memory;
#else
    return size > SIZE_MAX - ALIGNMENT ? NULL : malloc(size + ALIGNMENT);
#endif
}

static struct rl_chunk *chunk_create(size_t size)
{
    if (size > SIZE_MAX - sizeof(struct rl_chunk))
        return NULL;
    char *const memory = take_memory(sizeof(struct rl_chunk) + size);
    if (!memory)
        return NULL;
    const size_t past = (uintptr_t)memory % ALIGNMENT;
    struct rl_chunk *chunk = (void *)(memory + (ALIGNMENT - past) % ALIGNMENT);
    *chunk = (struct rl_chunk){.memory = memory, .size = size};
    return chunk;
}

/* A chunk that counts in the pool. */
static struct rl_chunk *chunk_take(struct rl_arena *arena, size_t size)
{
    const bool small = size <= RL_POOL_SMALL && arena->used <= RL_POOL_SMALL - size;
    if (!rl_pool_take(arena->pool, weight_of(size), small)) {
        arena->starved = true;
        return NULL;
    }
    struct rl_chunk *const chunk = chunk_create(size);
    if (!chunk)
        rl_pool_give(arena->pool, weight_of(size));
    return chunk;
}

/* Chunks double with what the arena already holds, between the two bounds. */
static size_t next_chunk_size(const struct rl_arena *arena)
{
    if (arena->used <= FIRST_CHUNK)
        return FIRST_CHUNK;
    return arena->used < LAST_CHUNK ? arena->used / ALIGNMENT * ALIGNMENT : LAST_CHUNK;
}

/* A chunk with room for `size` bytes, linked into the arena; NULL when malloc refuses. */
static struct rl_chunk *chunk_with_room(struct rl_arena *arena, size_t size)
{
    struct rl_chunk *const head = arena->chunks;
    if (head && head->size - head->used >= size)
        return head;
    const size_t shared = next_chunk_size(arena);
    const bool own = size > shared / SHARED_PART;
    struct rl_chunk *const chunk = chunk_take(arena, own ? size : shared);
    if (!chunk)
        return NULL;
    struct rl_chunk **link = own && head ? &head->next : &arena->chunks;
    chunk->next = *link;
    *link = chunk;
    return chunk;
}

void *rl_arena_alloc(struct rl_arena *arena, size_t size)
{
    if (size > arena->limit - arena->used || size > PTRDIFF_MAX)
        return NULL;
    const size_t padded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct rl_chunk *const chunk = chunk_with_room(arena, size);
    if (!chunk)
        return NULL;
    char *const block = (char *)(chunk + 1) + chunk->used;
    size_t room = chunk->size - chunk->used;
    chunk->used += padded < room ? padded : room;
    room = arena->limit - arena->used;
    arena->used += padded < room ? padded : room;
    return block;
}

void *rl_arena_array(struct rl_arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    return rl_arena_alloc(arena, bytes);
}
