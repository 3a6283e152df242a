/*
 * spans.h: random sources and targets in the order that sweeps take them, for tests.
 */
#ifndef RL_TESTS_SPANS_H
#define RL_TESTS_SPANS_H

#include <stdlib.h>

#include "core/fields/sorted.h"
#include "core/base/elementary.h"
#include "core/fields/series.h"
#include "tests/property/random.h"
#include "tests/unit/fieldvalue.h"

enum { SPAN_MOST = 4000 };

/* Sources come first, then targets; each in descending order of score. */
struct span_items {
    double scores[SPAN_MOST], masses[SPAN_MOST], origins[SPAN_MOST], falls[SPAN_MOST];
    uint32_t places[SPAN_MOST];
    struct rl_sorted sorted;
    struct rl_span span;
    double temperature;
};

static inline int span_descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* Places and origins as field.c sets them: over sources and targets together. */
static inline void span_fill_places(struct span_items *own, size_t n)
{
    static double all[SPAN_MOST], origins[SPAN_MOST];
    for (size_t i = 0; i < n; i++)
        all[i] = own->scores[i];
    qsort(all, n, sizeof(all[0]), span_descending);
    for (size_t i = 0; i < n; i++)
        origins[i] = i && origins[i - 1] - all[i] <= RL_SERIES_REACH * own->temperature
                         ? origins[i - 1]
                         : all[i];
    for (size_t i = 0; i < n; i++) {
        size_t rank = 0;
        while (all[rank] != own->scores[i])
            rank++;
        own->places[i] = (uint32_t)rank;
        all[rank] = NAN; /* each place is taken once */
        own->origins[i] = origins[rank];
        own->falls[i] = rl_exp(-((origins[rank] - own->scores[i]) / own->temperature));
    }
}

static inline void span_fill(struct random *random, struct span_items *own, size_t sources,
                             size_t targets, double spread, double temperature)
{
    const size_t n = sources + targets;
    const double offset = random_below(random, 2) ? 1e6 : 0;
    *own = (struct span_items){.temperature = temperature, .span = {0, sources, sources, n}};
    for (size_t i = 0; i < n; i++) {
        own->scores[i] = offset + spread * random_normal(random);
        if (random_below(random, 5) == 0)
            own->scores[i] = own->scores[random_below(random, i + 1)];
        own->masses[i] = random_uniform(random, 0, 2);
    }
    qsort(own->scores, sources, sizeof(double), span_descending);
    qsort(own->scores + sources, targets, sizeof(double), span_descending);
    span_fill_places(own, n);
    own->sorted = (struct rl_sorted){
        .scores = own->scores,
        .places = own->places,
        .origins = own->origins,
        .falls = own->falls,
    };
}

/* The expected sum of target t. */
static inline long double span_expected(const struct span_items *own, enum rl_field_kind kind,
                                        size_t t)
{
    long double sum = 0;
    for (size_t s = own->span.sources; s < own->span.sources_end; s++) {
        const long double d = ((long double)own->scores[t] - own->scores[s]) / own->temperature;
        sum += field_value(kind, d) * rl_mass(&own->sorted, s);
    }
    return sum;
}

#endif
