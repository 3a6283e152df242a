/*
 * test_schedule.c: every list is taken up once, the longest first.
 */
#include "core/schedule.h"

#include <string.h>

#include "tests/property/random.h"
#include "tests/lib/unittest.h"

enum { WORKS = 4, LISTS = 3000 };

static size_t offsets[WORKS][LISTS + 1];
static uint32_t orders[WORKS][LISTS];
static uint8_t taken[WORKS][LISTS];
static struct rl_batch batches[WORKS];
static struct rl_work_state states[WORKS];
static struct rl_work works[WORKS], *pointers[WORKS];

/* Lengths from 0 to a few that are alone. */
static void fill_work(struct random *random, size_t w, size_t lists)
{
    batches[w] = (struct rl_batch){.lists = lists, .offsets = offsets[w]};
    states[w] = (struct rl_work_state){
        .needs_wide = true, .item_cost = 5, .pair_cost = 0.1, .sweep_cost = 10, .order = orders[w]};
    works[w] = (struct rl_work){.batch = &batches[w], .state = &states[w]};
    pointers[w] = &works[w];
    for (size_t list = 0; list < lists; list++) {
        const double length = exp(random_uniform(random, 0, list % 500 ? 6 : 11));
        offsets[w][list + 1] = offsets[w][list] + (size_t)length - 1;
    }
}

/* Marks the lists of a chunk; returns the longest. */
static size_t take_chunk(const struct rl_schedule *schedule, size_t chunk)
{
    size_t begin, end, longest = 0;
    struct rl_work *const work = rl_schedule_chunk(schedule, chunk, &begin, &end);
    const size_t w = (size_t)(work - works);
    ck_assert_uint_lt(begin, end);
    for (size_t i = begin; i < end; i++) {
        size_t list = orders[w][i], items = rl_list_items(&batches[w], list);
        ck_assert_uint_eq(taken[w][list], 0);
        taken[w][list] = 1;
        longest = items > longest ? items : longest;
    }
    return longest;
}

static void check_schedule(const struct rl_schedule *schedule, size_t count)
{
    size_t last = SIZE_MAX;
    memset(taken, 0, sizeof(taken));
    for (size_t chunk = 0; chunk < schedule->chunks; chunk++) {
        const size_t longest = take_chunk(schedule, chunk);
        ck_assert_uint_le(longest / 2, last); /* within a power of two */
        last = longest;
    }
    for (size_t w = 0; w < count; w++)
        for (size_t list = 0; list < batches[w].lists; list++)
            ck_assert_int_eq(taken[w][list], !rl_is_alone(&batches[w], list));
}

START_TEST(every_list_is_taken_once_and_long_ones_first)
{
    struct random random = random_init(random_seed());
    struct rl_schedule schedule;
    rl_schedule_init(&schedule);
    for (int round = 0; round < 30; round++) {
        const size_t count = 1 + random_below(&random, WORKS);
        for (size_t w = 0; w < count; w++)
            fill_work(&random, w, 1 + random_below(&random, LISTS));
        ck_assert(rl_schedule_fill(&schedule, pointers, count));
        check_schedule(&schedule, count);
    }
    rl_schedule_release(&schedule);
}
END_TEST

START_TEST(short_lists_go_many_at_a_time)
{
    struct rl_schedule schedule;
    batches[0] = (struct rl_batch){.lists = LISTS, .offsets = offsets[0]};
    states[0] = (struct rl_work_state){.needs_wide = true, .item_cost = 5, .order = orders[0]};
    works[0] = (struct rl_work){.batch = &batches[0], .state = &states[0]};
    pointers[0] = &works[0];
    for (size_t list = 0; list <= LISTS; list++)
        offsets[0][list] = list;
    rl_schedule_init(&schedule);
    ck_assert(rl_schedule_fill(&schedule, pointers, 1));
    ck_assert_uint_lt(schedule.chunks, LISTS / 20);
    ck_assert_uint_gt(schedule.chunks, 1);
    check_schedule(&schedule, 1);
    rl_schedule_release(&schedule);
}
END_TEST

void test_before_all(void)
{
    random_seed();
}
