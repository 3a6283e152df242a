/*
 * schedule.h: in which order, and how many at a time, the lists of several works are computed.
 *
 * The largest come first, so that no long list is left for the end. Short ones are scheduled in
 * chunks, so that scheduling does not cost more than computing.
 */
#ifndef RL_SCHEDULE_H
#define RL_SCHEDULE_H

#include "core/work.h"

/* Lists of one work and of about one length: order[begin] … order[end - 1] of the work's state. */
struct rl_segment {
    struct rl_work *work;
    size_t class; /* the power of two above their lengths */
    size_t begin, end;
    size_t chunk; /* lists per chunk */
    size_t first; /* number of its first chunk, over all segments */
};

struct rl_schedule {
    struct rl_segment *segments; /* longest lists first */
    size_t count, capacity;
    size_t chunks; /* in all */
};

void rl_schedule_init(struct rl_schedule *schedule);
void rl_schedule_release(struct rl_schedule *schedule);

/* Orders the lists of all works that are not RL_CUT_ALONE long. False when memory is short. */
bool rl_schedule_fill(struct rl_schedule *schedule, struct rl_work *const *works, size_t count);

/* The lists of a chunk: order[*ret_begin] … order[*ret_end - 1] of the work returned. */
struct rl_work *rl_schedule_chunk(const struct rl_schedule *schedule, size_t chunk,
                                  size_t *ret_begin, size_t *ret_end);

#endif
