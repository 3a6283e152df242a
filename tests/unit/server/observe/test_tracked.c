/*
 * test_tracked.c: names keep their last value, up to the limit.
 */
#include "server/observe/tracked.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/unittest.h"

struct seen {
    unsigned entries;
    struct rl_tracked last;
};

static void remember(void *context, const struct rl_tracked *value)
{
    struct seen *const seen = context;
    seen->entries++;
    seen->last = *value;
}

START_TEST(names_keep_last_sum_and_count)
{
    struct seen seen = {0};
    ck_assert(rl_tracked_init(4));
    rl_tracked_add(RL_PAIRWISE_HINGE, "model", 2.5);
    rl_tracked_add(RL_PAIRWISE_HINGE, "model", -1);
    rl_tracked_read(remember, &seen);
    ck_assert_uint_eq(seen.entries, 1);
    ck_assert_str_eq(seen.last.name, "model");
    ck_assert_int_eq(seen.last.measure, RL_PAIRWISE_HINGE);
    ck_assert_double_eq(seen.last.last, -1);
    ck_assert_double_eq(seen.last.sum, 1.5);
    ck_assert_uint_eq(seen.last.count, 2);
    rl_tracked_add(RL_NDCG, "model", 1);
    seen.entries = 0;
    rl_tracked_read(remember, &seen);
    ck_assert_uint_eq(seen.entries, 2);
    rl_tracked_release();
}
END_TEST

START_LOOP_TEST(names_over_the_limit_are_dropped_and_counted, 5)
{
    struct seen seen = {0};
    char name[32];
    ck_assert(rl_tracked_init((size_t)_i));
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "name-%d", i);
        rl_tracked_add(RL_DCG, name, i);
        rl_tracked_add(RL_DCG, "name-0", i);
    }
    rl_tracked_read(remember, &seen);
    ck_assert_uint_eq(seen.entries, (unsigned)_i);
    if (_i > 0)
        ck_assert_uint_eq(rl_tracked_dropped(), (uint64_t)(1000 - _i));
    rl_tracked_release();
}
END_TEST

/* A system and its baseline are a name of their own, whichever way round. */
START_TEST(differences_are_kept_apart)
{
    struct seen seen = {0};
    ck_assert(rl_tracked_init(8));
    rl_tracked_add_sure(RL_NDCG, "a", "b", 0.25, (const double[]){-1, 2});
    rl_tracked_read(remember, &seen);
    ck_assert_str_eq(seen.last.name, "a");
    ck_assert_str_eq(seen.last.baseline, "b");
    ck_assert_double_eq(seen.last.bounds[0], -1);
    ck_assert_double_eq(seen.last.bounds[1], 2);
    rl_tracked_add_sure(RL_NDCG, "b", "a", -0.25, (const double[]){-2, 1});
    rl_tracked_add(RL_NDCG, "a", 1);
    rl_tracked_add_sure(RL_NDCG, "a", "", 1, (const double[]){0, 1});
    seen.entries = 0;
    rl_tracked_read(remember, &seen);
    ck_assert_uint_eq(seen.entries, 4);
    rl_tracked_release();
}
END_TEST

START_TEST(bounds_are_those_of_the_last_value)
{
    struct seen seen = {0};
    ck_assert(rl_tracked_init(1));
    rl_tracked_add_sure(RL_NDCG, "a", NULL, 0.5, (const double[]){0.25, 0.75});
    rl_tracked_add(RL_NDCG, "a", 1);
    rl_tracked_read(remember, &seen);
    ck_assert_ptr_null(seen.last.baseline);
    ck_assert(isnan(seen.last.bounds[0]) && isnan(seen.last.bounds[1]));
    ck_assert_double_eq(seen.last.sum, 1.5);
    rl_tracked_release();
}
END_TEST

START_TEST(long_names_are_cut)
{
    struct seen seen = {0};
    char name[1000];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    ck_assert(rl_tracked_init(1));
    rl_tracked_add(RL_DCG, name, 1);
    rl_tracked_add(RL_DCG, "", 2);
    rl_tracked_read(remember, &seen);
    ck_assert_uint_eq(strlen(seen.last.name), 128);
    ck_assert_uint_eq(rl_tracked_dropped(), 1);
    rl_tracked_release();
}
END_TEST
