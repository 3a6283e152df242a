/*
 * test_parts.c: which memory the parts of a batch take, and what they cost.
 */
#include "core/parts.h"

#include "tests/lib/unittest.h"

enum { LISTS = 12 };

static const size_t offsets[LISTS + 1];
static const uint32_t groups[LISTS];
static struct rl_arena arena;

void test_before_each(void)
{
    rl_arena_init(&arena, SIZE_MAX);
}

void test_after_each(void)
{
    rl_arena_release(&arena);
}

static struct rl_batch batch_of(size_t systems, size_t group_count)
{
    return (struct rl_batch){.lists = LISTS,
                             .offsets = offsets,
                             .systems = systems,
                             .groups = group_count ? groups : NULL,
                             .group_count = group_count};
}

static struct rl_eval eval_with(unsigned include)
{
    return (struct rl_eval){.include = include, .top_k = 5, .resamples = 1000};
}

START_TEST(parts_are_for_those_who_ask)
{
    const struct rl_batch plain = batch_of(0, 0), systems = batch_of(2, 0),
                          grouped = batch_of(0, 3);
    const struct rl_eval none = eval_with(RL_PER_LIST), sure = eval_with(RL_CONFIDENCE),
                         summary = eval_with(RL_SUMMARY);
    struct rl_result result = {0};
    ck_assert_uint_eq(rl_parts_systems(&plain), 1);
    ck_assert_uint_eq(rl_parts_systems(&systems), 2);
    ck_assert(!rl_parts_needed(&plain, &none));
    ck_assert(rl_parts_needed(&plain, &sure));
    ck_assert(rl_parts_needed(&plain, &summary));
    ck_assert(rl_parts_needed(&systems, &none));
    ck_assert(rl_parts_needed(&grouped, &none));
    ck_assert(rl_parts_take(&plain, &none, &arena, &result));
    ck_assert_ptr_null(result.parts);
    ck_assert_uint_eq(arena.used, 0);
    ck_assert_double_eq(rl_parts_cost(&plain, &none), 0);
}
END_TEST

START_TEST(only_systems_are_compared)
{
    const struct rl_batch grouped = batch_of(0, 3), systems = batch_of(3, 2);
    const struct rl_eval eval = eval_with(RL_CONFIDENCE | RL_SUMMARY);
    struct rl_result of_groups = {0}, of_systems = {0};
    ck_assert(rl_parts_take(&grouped, &eval, &arena, &of_groups));
    ck_assert_ptr_nonnull(of_groups.parts);
    ck_assert_ptr_nonnull(of_groups.parts[0].summary.worst);
    ck_assert_ptr_null(of_groups.comparisons);
    ck_assert(rl_parts_take(&systems, &eval, &arena, &of_systems));
    for (size_t s = 0; s < 3; s++) {
        ck_assert_ptr_nonnull(of_systems.parts[s * 3].summary.worst);
        ck_assert_ptr_nonnull(of_systems.comparisons[s * 3].most_better);
        ck_assert_ptr_nonnull(of_systems.comparisons[s * 3].most_worse);
    }
}
END_TEST

/* With every limit from 0 up until all fits, each failure is told. */
START_TEST(short_memory_is_told)
{
    const struct rl_batch batch = batch_of(2, 2);
    const struct rl_eval eval = eval_with(RL_CONFIDENCE | RL_SUMMARY);
    size_t failures = 0;
    for (size_t limit = 0;; limit += 64) {
        struct rl_arena small;
        struct rl_result result = {0};
        struct rl_room room = {0};
        rl_arena_init(&small, limit);
        const bool taken = rl_parts_take(&batch, &eval, &small, &result);
        const bool roomy = taken && rl_parts_take_room(&batch, &eval, 1, &small, &room);
        ck_assert(!roomy || room.next < room.end);
        rl_arena_release(&small);
        if (roomy)
            break;
        failures++;
    }
    ck_assert_uint_gt(failures, 7); /* parts, two worsts, comparisons, four extremes, the room */
}
END_TEST

START_TEST(the_room_serves_the_largest_evaluation)
{
    const struct rl_batch batch = batch_of(0, 0);
    struct rl_eval evals[] = {eval_with(0), eval_with(RL_CONFIDENCE)};
    struct rl_room none = {0}, some = {0}, more = {0};
    ck_assert(rl_parts_take_room(&batch, evals, 1, &arena, &none));
    ck_assert_ptr_null(none.next);
    ck_assert(rl_parts_take_room(&batch, evals, 2, &arena, &some));
    evals[1].resamples = 10000;
    ck_assert(rl_parts_take_room(&batch, evals, 2, &arena, &more));
    ck_assert_int_ge(more.end - more.next, some.end - some.next + 9000 * (ptrdiff_t)sizeof(double));
}
END_TEST

START_TEST(cost_follows_what_is_drawn)
{
    const struct rl_batch one = batch_of(0, 0), two = batch_of(2, 0), four = batch_of(4, 0);
    const struct rl_eval summary = eval_with(RL_SUMMARY);
    struct rl_eval sure = eval_with(RL_CONFIDENCE);
    const double cost = rl_parts_cost(&one, &sure);
    ck_assert_double_gt(cost, 10 * rl_parts_cost(&one, &summary));
    /* As many lists in all: three bootstraps and one test of half of them, seven and three. */
    ck_assert_double_gt(rl_parts_cost(&two, &sure), 1.5 * cost);
    ck_assert_double_gt(rl_parts_cost(&four, &sure), rl_parts_cost(&two, &sure));
    sure.resamples *= 10;
    ck_assert_double_gt(rl_parts_cost(&one, &sure), 8 * cost);
    ck_assert_double_lt(rl_parts_cost(&one, &sure), 10 * cost);
}
END_TEST
