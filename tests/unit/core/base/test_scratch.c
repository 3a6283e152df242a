/*
 * test_scratch.c: the room for one list's arrays.
 */
#include "core/base/scratch.h"

#include <stdint.h>
#include <string.h>

#include "tests/lib/unittest.h"

START_TEST(parts_are_aligned_and_do_not_overlap)
{
    struct rl_scratch scratch;
    struct rl_room room;
    rl_scratch_init(&scratch);
    const size_t bytes = rl_room_bytes(3, 8) + rl_room_bytes(0, 8) + rl_room_bytes(65, 1);
    ck_assert_uint_eq(bytes, 64 + 0 + 128);
    ck_assert(rl_scratch_reserve(&scratch, bytes, &room));
    char *a = rl_room_take(&room, 3, 8), *b = rl_room_take(&room, 0, 8);
    char *const c = rl_room_take(&room, 65, 1);
    ck_assert_uint_eq((uintptr_t)a % 64, 0);
    ck_assert_ptr_eq(b, a + 64);
    ck_assert_ptr_eq(c, a + 64);
    memset(a, 1, 64);
    memset(c, 2, 128);
    rl_scratch_release(&scratch);
}
END_TEST

START_TEST(memory_is_kept_while_it_suffices)
{
    struct rl_scratch scratch;
    struct rl_room room;
    rl_scratch_init(&scratch);
    ck_assert(rl_scratch_reserve(&scratch, 100000, &room));
    void *const base = scratch.base;
    ck_assert(rl_scratch_reserve(&scratch, 10, &room));
    ck_assert_ptr_eq(scratch.base, base);
    rl_scratch_trim(&scratch);
    ck_assert_ptr_eq(scratch.base, base);
    rl_scratch_release(&scratch);
    ck_assert_ptr_null(scratch.base);
}
END_TEST

START_TEST(large_memory_is_given_back)
{
    struct rl_scratch scratch;
    struct rl_room room;
    rl_scratch_init(&scratch);
    const size_t bytes = (size_t)40 << 20;
    ck_assert(rl_scratch_reserve(&scratch, bytes, &room));
    ck_assert_uint_ge((size_t)(room.end - room.next), bytes);
    memset(room.next, 1, bytes);
    rl_scratch_trim(&scratch);
    ck_assert_ptr_null(scratch.base);
    ck_assert_uint_eq(scratch.size, 0);
    ck_assert(rl_scratch_reserve(&scratch, 10, &room));
    rl_scratch_release(&scratch);
}
END_TEST

START_TEST(too_much_is_refused)
{
    struct rl_scratch scratch;
    struct rl_room room;
    rl_scratch_init(&scratch);
    ck_assert(!rl_scratch_reserve(&scratch, SIZE_MAX / 4, &room));
    ck_assert(rl_scratch_reserve(&scratch, 10, &room));
    rl_scratch_release(&scratch);
}
END_TEST
