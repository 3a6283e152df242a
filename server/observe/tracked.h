/*
 * tracked.h: the last value of each measure under the request names that clients send, and the last
 * difference of each system to its baseline.
 *
 * The first `limit` distinct names, and pairs of system and baseline, are kept; values under others
 * are only counted. Lock-free except for a new name. Any thread, unless a function says otherwise.
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

/* The same for a value whose confidence interval is known (else NaN), or, with a baseline, of the
 * difference of two systems. baseline: NULL, or copied and cut as the name is. */
void rl_tracked_add_sure(enum rl_measure_id measure, const char *name, const char *baseline,
                         double value, const double bounds[2]);

/* The record of one name and measure. */
struct rl_tracked {
    const char *name, *baseline; /* baseline: NULL if the value is not a difference */
    enum rl_measure_id measure;
    double last, sum;
    double bounds[2]; /* of the last value: low and high, or NaN */
    uint64_t count;
};
/* Calls back for every name and measure with a value, in a stable order. */
void rl_tracked_read(void (*each)(void *context, const struct rl_tracked *value), void *context);
/* How many values were dropped because their name was not among the first `limit`. */
uint64_t rl_tracked_dropped(void);

#endif
