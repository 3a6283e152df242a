/*
 * schedule.c: in which order, and how many at a time, the lists of several works are computed.
 */
#include "core/schedule.h"

#include <stdlib.h>

#include "core/base/cut.h"

/* Lists are told apart by the power of two above their length. */
enum { CLASSES = 17 };
_Static_assert(RL_CUT_ALONE < 1 << (CLASSES - 1), "every list that is not alone has a class");

/* Nanoseconds that a chunk should take: far more than scheduling it, far less than a batch. */
static const double CHUNK_NANOSECONDS = 20000;

void rl_schedule_init(struct rl_schedule *schedule)
{
    *schedule = (struct rl_schedule){0};
}

void rl_schedule_release(struct rl_schedule *schedule)
{
    free(schedule->segments);
    rl_schedule_init(schedule);
}

static size_t class_of(size_t items)
{
    return items ? (size_t)(64 - __builtin_clzll(items)) : 0;
}

/* Sorts a work's lists by class; ret_starts: [CLASSES + 1] into the order. */
static void order_lists(struct rl_work *work, size_t *ret_starts)
{
    const struct rl_batch *const batch = work->batch;
    struct rl_work_state *const state = work->state;
    size_t next[CLASSES] = {0}, place = 0;
    for (size_t list = 0; list < batch->lists; list++)
        if (!rl_is_alone(batch, list))
            next[class_of(rl_list_items(batch, list))]++;
    for (size_t class = 0; class < CLASSES; class ++) {
        const size_t count = next[class];
        ret_starts[class] = next[class] = place;
        place += count;
    }
    ret_starts[CLASSES] = place;
    for (size_t list = 0; list < batch->lists; list++)
        if (!rl_is_alone(batch, list))
            state->order[next[class_of(rl_list_items(batch, list))]++] = (uint32_t)list;
}

static void add_segments(struct rl_schedule *schedule, struct rl_work *work)
{
    size_t starts[CLASSES + 1];
    order_lists(work, starts);
    for (size_t class = 0; class < CLASSES; class ++) {
        const double chunk = CHUNK_NANOSECONDS / rl_list_cost(work, ((size_t)1 << class) - 1);
        const struct rl_segment segment = {
            .work = work,
            .class = class,
            .begin = starts[class],
            .end = starts[class + 1],
            .chunk = chunk < 1 ? 1 : (size_t)chunk,
        };
        if (segment.begin < segment.end)
            schedule->segments[schedule->count++] = segment;
    }
}

static bool reserve(struct rl_schedule *schedule, size_t works)
{
    const size_t need = works * CLASSES;
    if (need <= schedule->capacity)
        return true;
    struct rl_segment *const segments = realloc(schedule->segments, need * sizeof(*segments));
    if (!segments)
        return false;
    schedule->segments = segments;
    schedule->capacity = need;
    return true;
}

static int longest_first(const void *a, const void *b)
{
    const struct rl_segment *left = a, *right = b;
    return (left->class < right->class) - (left->class > right->class);
}

bool rl_schedule_fill(struct rl_schedule *schedule, struct rl_work *const *works, size_t count)
{
    schedule->count = schedule->chunks = 0;
    if (!reserve(schedule, count))
        return false;
    for (size_t i = 0; i < count; i++)
        add_segments(schedule, works[i]);
    qsort(schedule->segments, schedule->count, sizeof(*schedule->segments), longest_first);
    for (size_t i = 0; i < schedule->count; i++) {
        struct rl_segment *const segment = &schedule->segments[i];
        segment->first = schedule->chunks;
        schedule->chunks += (segment->end - segment->begin + segment->chunk - 1) / segment->chunk;
    }
    return true;
}

struct rl_work *rl_schedule_chunk(const struct rl_schedule *schedule, size_t chunk,
                                  size_t *ret_begin, size_t *ret_end)
{
    size_t low = 0, high = schedule->count;
    while (high - low > 1) {
        const size_t middle = (low + high) / 2;
        if (schedule->segments[middle].first <= chunk)
            low = middle;
        else
            high = middle;
    }
    const struct rl_segment *const segment = &schedule->segments[low];
    const size_t begin = segment->begin + (chunk - segment->first) * segment->chunk;
    *ret_begin = begin;
    *ret_end = segment->end - begin < segment->chunk ? segment->end : begin + segment->chunk;
    return segment->work;
}
