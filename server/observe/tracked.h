/*
 * tracked.h: the last value of each measure under the request names that clients send.
 *
 * The first `limit` distinct names are kept; values under other names are only counted. Lock-free
 * except for a new name. Any thread, unless a function says otherwise.
 */
#ifndef RL_TRACKED_H
#define RL_TRACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/rankloss.h"

/* Call once, before other threads run; `limit` is track-names. False if memory is short. */
bool rl_tracked_init(size_t limit);
/* After every other thread has ended. */
void rl_tracked_release(void);

/* Records a value. The name is copied and cut at 128 bytes. */
void rl_tracked_add(enum rl_measure_id measure, const char *name, double value);

/* The record of one name and measure. */
struct rl_tracked {
    const char *name;
    enum rl_measure_id measure;
    double last, sum;
    uint64_t count;
};
/* Calls back for every name and measure with a value, in a stable order. */
void rl_tracked_read(void (*each)(void *context, const struct rl_tracked *value), void *context);
/* How many values were dropped because their name was not among the first `limit`. */
uint64_t rl_tracked_dropped(void);

#endif
