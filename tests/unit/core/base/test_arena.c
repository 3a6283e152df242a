/*
 * test_arena.c: blocks are aligned, apart, writable, and stop at the limit.
 */
#include "core/rankloss.h"

#include <string.h>

#include "tests/lib/unittest.h"

START_TEST(blocks_are_aligned_and_keep_what_is_written)
{
    enum { BLOCKS = 2000 };
    static unsigned char *blocks[BLOCKS];
    struct rl_arena arena;
    rl_arena_init(&arena, SIZE_MAX);
    for (size_t i = 0; i < BLOCKS; i++) {
        const size_t size = i * i % 9001;
        blocks[i] = rl_arena_alloc(&arena, size);
        ck_assert_ptr_nonnull(blocks[i]);
        ck_assert_uint_eq((uintptr_t)blocks[i] % 64, 0);
        memset(blocks[i], (int)(i % 251), size);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t kept = 0, size = i * i % 9001;
        for (size_t byte = 0; byte < size; byte++)
            kept += blocks[i][byte] == i % 251;
        ck_assert_uint_eq(kept, size);
    }
    rl_arena_release(&arena);
}
END_TEST

START_TEST(limit_is_kept_to_the_byte)
{
    struct rl_arena arena;
    rl_arena_init(&arena, 1000);
    ck_assert_ptr_null(rl_arena_alloc(&arena, 1001));
    ck_assert_ptr_nonnull(rl_arena_alloc(&arena, 900));
    ck_assert_ptr_null(rl_arena_alloc(&arena, 101));
    ck_assert_ptr_nonnull(rl_arena_alloc(&arena, 40));
    ck_assert_uint_le(arena.used, 1000);
    rl_arena_release(&arena);
}
END_TEST

START_TEST(limit_holds_over_many_small_blocks)
{
    struct rl_arena arena;
    size_t given = 0;
    rl_arena_init(&arena, 100000);
    while (rl_arena_alloc(&arena, 64))
        given += 64;
    ck_assert_uint_eq(given, 100000 / 64 * 64);
    rl_arena_release(&arena);
}
END_TEST

START_TEST(large_block_leaves_the_room_of_the_shared_chunk_in_use)
{
    struct rl_arena arena;
    rl_arena_init(&arena, SIZE_MAX);
    char *const first = rl_arena_alloc(&arena, 64);
    char *const large = rl_arena_alloc(&arena, 64 << 20);
    char *const second = rl_arena_alloc(&arena, 64);
    ck_assert_ptr_nonnull(large);
#ifdef __SANITIZE_ADDRESS__
    ck_assert_ptr_ne(second, first);
#else
    ck_assert_ptr_eq(second, first + 64);
#endif
    ck_assert(second + 64 <= large || second >= large + (64 << 20));
    rl_arena_release(&arena);
}
END_TEST

START_TEST(empty_block_is_a_pointer)
{
    struct rl_arena arena;
    rl_arena_init(&arena, 64);
    ck_assert_ptr_nonnull(rl_arena_alloc(&arena, 0));
    ck_assert_ptr_nonnull(rl_arena_alloc(&arena, 64));
    ck_assert_ptr_nonnull(rl_arena_alloc(&arena, 0));
    rl_arena_release(&arena);
}
END_TEST

START_TEST(overflow_is_refused)
{
    struct rl_arena arena;
    rl_arena_init(&arena, SIZE_MAX);
    ck_assert_ptr_null(rl_arena_array(&arena, SIZE_MAX / 2, 4));
    ck_assert_ptr_null(rl_arena_array(&arena, 1, SIZE_MAX));
    ck_assert_ptr_null(rl_arena_alloc(&arena, SIZE_MAX - 8));
    ck_assert_ptr_null(rl_arena_alloc(&arena, (size_t)PTRDIFF_MAX + 1));
    ck_assert_ptr_nonnull(rl_arena_array(&arena, 10, 8));
    rl_arena_release(&arena);
}
END_TEST

START_TEST(released_arena_can_be_used_again)
{
    struct rl_arena arena;
    rl_arena_init(&arena, 4096);
    for (int round = 0; round < 3; round++) {
        ck_assert_ptr_nonnull(rl_arena_alloc(&arena, 4096));
        ck_assert_ptr_null(rl_arena_alloc(&arena, 1));
        rl_arena_release(&arena);
        ck_assert_uint_eq(arena.used, 0);
    }
}
END_TEST
