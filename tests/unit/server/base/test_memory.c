/*
 * test_memory.c: freed memory is kept under load and goes back to the kernel afterwards.
 */
#include "server/base/memory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/unittest.h"
#include "tests/unit/sanitized.h"

enum { SIZE = 64 << 10, MIB = 1 << 20, KEPT = 24 * MIB, MUCH = 64 * MIB };

static char *blocks[MUCH / SIZE];

static size_t resident(void)
{
    unsigned long pages = 0;
    FILE *const file = fopen("/proc/self/statm", "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%*u %lu", &pages), 1);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Takes *size bytes in pieces and frees all but the last of them. */
static void *spend(void *size)
{
    const size_t count = *(const size_t *)size / SIZE;
    for (size_t i = 0; i < count; i++) {
        blocks[i] = malloc(SIZE);
        ck_assert_ptr_nonnull(blocks[i]);
        memset(blocks[i], 1, SIZE);
    }
    for (size_t i = 0; i < count - 1; i++)
        free(blocks[i]);
    return blocks[count - 1];
}

static void *spend_on_a_thread(size_t size)
{
    pthread_t thread;
    void *rest = NULL;
    ck_assert_int_eq(pthread_create(&thread, NULL, spend, &size), 0);
    ck_assert_int_eq(pthread_join(thread, &rest), 0);
    return rest;
}

START_TEST(what_any_thread_freed_goes_back_after_a_quiet_second)
{
    struct rl_memory_watch watch = {0};
    if (SANITIZED)
        return; /* its allocator is another */
    rl_memory_init();
    const size_t before = resident();
    rl_memory_tend(&watch, 1000);
    for (uint64_t now = 10000; now < 50000; now += 20000) { /* the second time like the first */
        void *const rest = spend_on_a_thread(KEPT);
        ck_assert_uint_gt(resident(), before + 16 * MIB);
        rl_memory_tend(&watch, now);
        rl_memory_tend(&watch, now + 900);
        ck_assert_uint_gt(resident(), before + 16 * MIB);
        rl_memory_tend(&watch, now + 1100);
        ck_assert_uint_lt(resident(), before + 8 * MIB);
        free(rest);
        rl_memory_tend(&watch, now + 3000);
        rl_memory_tend(&watch, now + 5000);
    }
}
END_TEST

START_TEST(much_free_memory_goes_back_at_once)
{
    struct rl_memory_watch watch = {0};
    if (SANITIZED)
        return;
    rl_memory_init();
    const size_t before = resident();
    void *const rest = spend_on_a_thread(MUCH);
    rl_memory_tend(&watch, 10000);
    ck_assert_uint_lt(resident(), before + 8 * MIB);
    free(rest);
}
END_TEST
