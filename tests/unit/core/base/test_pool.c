/*
 * test_pool.c: a bound on what several owners hold together.
 */
#include "core/rankloss.h"

#include <pthread.h>

#include "tests/lib/unittest.h"

START_TEST(the_last_eighth_is_left_to_small_owners)
{
    struct rl_pool pool;
    rl_pool_init(&pool, 800);
    ck_assert_uint_eq(rl_pool_most(&pool), 700);
    ck_assert(!rl_pool_take(&pool, 701, false));
    ck_assert(rl_pool_take(&pool, 700, false));
    ck_assert(!rl_pool_take(&pool, 1, false));
    ck_assert(!rl_pool_take(&pool, 101, true));
    ck_assert(rl_pool_take(&pool, 100, true));
    ck_assert_uint_eq(rl_pool_used(&pool), 800);
    ck_assert(!rl_pool_take(&pool, 1, true));
    ck_assert(!rl_pool_take(&pool, SIZE_MAX, true));
    ck_assert(!rl_pool_take(&pool, 1, false)); /* small owners hold more than the others may */
    rl_pool_give(&pool, 800);
    ck_assert_uint_eq(rl_pool_used(&pool), 0);
}
END_TEST

START_TEST(no_pool_has_no_bound)
{
    ck_assert(rl_pool_take(NULL, SIZE_MAX, false));
    rl_pool_give(NULL, SIZE_MAX);
    ck_assert_uint_eq(rl_pool_used(NULL), 0);
}
END_TEST

START_TEST(an_arena_counts_its_chunks)
{
    struct rl_pool pool;
    struct rl_arena arena, other;
    rl_pool_init(&pool, 10 << 20);
    rl_arena_init(&arena, SIZE_MAX);
    rl_arena_init(&other, SIZE_MAX);
    arena.pool = other.pool = &pool;
    ck_assert_ptr_nonnull(rl_arena_alloc(&arena, 8 << 20));
    ck_assert_uint_ge(rl_pool_used(&pool), 8 << 20);
    ck_assert_ptr_null(rl_arena_alloc(&other, 2 << 20));
    ck_assert(other.starved && !arena.starved);
    ck_assert_ptr_nonnull(rl_arena_alloc(&other, 100000)); /* small: the last eighth serves it */
    rl_arena_reset(&arena);
    ck_assert_uint_lt(rl_pool_used(&pool), 1 << 20);
    ck_assert_ptr_nonnull(rl_arena_alloc(&other, 2 << 20));
    rl_arena_release(&other);
    ck_assert(!other.starved);
    rl_arena_release(&arena);
    ck_assert_uint_eq(rl_pool_used(&pool), 0);
}
END_TEST

static void *trade(void *argument)
{
    struct rl_pool *const pool = argument;
    size_t wrong = 0;
    for (int i = 0; i < 200000; i++) {
        if (!rl_pool_take(pool, 30, false))
            continue;
        wrong += rl_pool_used(pool) > 70;
        rl_pool_give(pool, 30);
    }
    return (void *)wrong;
}

START_TEST(threads_together_stay_within_it)
{
    enum { THREADS = 4 };
    struct rl_pool pool;
    pthread_t threads[THREADS];
    rl_pool_init(&pool, 80);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, trade, &pool), 0);
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
        ck_assert_ptr_null(wrong);
    }
    ck_assert_uint_eq(rl_pool_used(&pool), 0);
}
END_TEST
