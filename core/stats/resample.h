/*
 * resample.h: resampling of lists: the bootstrap, and the randomization test.
 *
 * Random numbers come from a counter: number j of resample r is a hash of (seed, r, j), the output
 * function of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
 * 2014). So resamples can be drawn in any order and on any thread, with the same result.
 */
#ifndef RL_RESAMPLE_H
#define RL_RESAMPLE_H

#include <stdint.h>

#include "core/base/runner.h"
#include "core/stats/ratio.h"

/* Lists up to which the randomization test looks at every assignment of signs. */
enum { RL_EXACT_LISTS = 10 };

/* Fills ret_values[resamples] with the ratio of as many lists, drawn with replacement (Efron,
 * "Bootstrap methods", 1979). lists >= 1. Work is cut by numbers alone. */
void rl_bootstrap(const struct rl_ratio *ratio, uint64_t seed, size_t resamples,
                  struct rl_runner *runner, double *ret_values);

/* Numbers that rl_randomization_test needs room for. */
size_t rl_randomization_room(size_t resamples);

/*
 * Two-sided p value of the hypothesis that each difference is as likely to be negative as positive:
 * the share of assignments of signs for which |sum of differences| is at least the observed one.
 * With at most RL_EXACT_LISTS differences other than 0 all assignments are enumerated; else
 * `resamples` random ones are, and the observed one counts as one more (Phipson and Smyth, 2010).
 * room: [rl_randomization_room(resamples)].
 */
double rl_randomization_test(const double *differences, size_t lists, uint64_t seed,
                             size_t resamples, struct rl_runner *runner, uint64_t *room);

#endif
