/*
 * test_jsonmem.c: jansson has a budget where one is set, on the thread that set it, and nowhere
 * else.
 */
#include "server/formats/document/jsonmem.h"

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "tests/lib/unittest.h"

static const char text[] = "{\"a\":[1,2,3,{\"b\":\"cccccccccccccccccccccccccccccccccccc\"}]}";

static bool loads(void)
{
    json_t *const root = json_loadb(text, sizeof(text) - 1, 0, NULL);
    json_decref(root);
    return root != NULL;
}

/* The least budget that is enough; all below fail, all above do not. */
START_TEST(budget_is_a_threshold)
{
    size_t enough = 0;
    rl_jsonmem_install();
    for (size_t budget = 0; budget < 4000; budget += 8) {
        rl_jsonmem_begin(budget);
        const bool loaded = loads();
        const enum rl_jsonmem refused = rl_jsonmem_end();
        ck_assert_int_eq(refused, loaded ? RL_JSONMEM_OK : RL_JSONMEM_SPENT);
        if (loaded && enough == 0)
            enough = budget;
        ck_assert(loaded == (enough > 0));
    }
    ck_assert_uint_gt(enough, sizeof(text));
    ck_assert_uint_lt(enough, 4000);
}
END_TEST

START_TEST(without_a_budget_nothing_is_counted)
{
    rl_jsonmem_install();
    rl_jsonmem_begin(0);
    ck_assert_int_eq(rl_jsonmem_end(), RL_JSONMEM_OK);
    ck_assert(loads());
}
END_TEST

static void *load_elsewhere(void *ret_loaded)
{
    *(bool *)ret_loaded = loads();
    return NULL;
}

START_TEST(budget_is_the_threads_own)
{
    pthread_t thread;
    bool loaded = false;
    rl_jsonmem_install();
    rl_jsonmem_begin(0);
    ck_assert_int_eq(pthread_create(&thread, NULL, load_elsewhere, &loaded), 0);
    pthread_join(thread, NULL);
    ck_assert(loaded);
    ck_assert(!loads());
    ck_assert_int_eq(rl_jsonmem_end(), RL_JSONMEM_SPENT);
}
END_TEST

/* What was taken before jansson had our allocator can still be given back. */
START_TEST(older_memory_stays_valid)
{
    json_t *const root = json_loadb(text, sizeof(text) - 1, 0, NULL);
    ck_assert_ptr_nonnull(root);
    rl_jsonmem_install();
    json_decref(root);
    ck_assert(loads());
}
END_TEST
