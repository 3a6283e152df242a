/*
 * tracked.h: the last value of each measure under the names that clients give, for Prometheus.
 *
 * The first `limit` distinct names are kept; values under others are only counted. Lock free except
 * when a new name comes in. Any thread, unless a function says otherwise.
 */
#ifndef RL_TRACKED_H
#define RL_TRACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/rankloss.h"

/* Once, before other threads run; `limit` is track-names. False when there is no memory. */
bool rl_tracked_init(size_t limit);
/* After every other thread has ended. */
void rl_tracked_release(void);

/* The name is copied, and cut at 128 bytes. */
void rl_tracked_add(enum rl_measure_id measure, const char *name, double value);

/* What is kept of one name and measure. */
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
