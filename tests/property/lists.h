/*
 * lists.h: random labels and scores, of every kind that is hard for some algorithm.
 */
#ifndef RL_TESTS_LISTS_H
#define RL_TESTS_LISTS_H

#include <stdbool.h>

#include "tests/property/random.h"

enum label_style {
    LABELS_GRADES,   /* 0 … 4 */
    LABELS_BINARY,   /* mostly 0, as clicks are */
    LABELS_EQUAL,    /* one grade */
    LABELS_DISTINCT, /* a number of its own for each item */
    LABELS_MANY,     /* some dozens of fractional grades */
    LABELS_HOLES,    /* grades, and items that are negative or not labelled */
    LABEL_STYLES
};

enum score_style {
    SCORES_NORMAL,  /* around 0 */
    SCORES_OFFSET,  /* 1e6 and a spread of 1e-6 … 1e6 */
    SCORES_SPREAD,  /* spread of 1e-6 … 1e6 */
    SCORES_TIED,    /* one value */
    SCORES_LATTICE, /* a few multiples of one step: ties, and hinge's kink hit exactly */
    SCORES_MIXED,   /* magnitudes of many orders side by side */
    SCORES_GRADED,  /* close to the labels, as from a good model */
    SCORE_STYLES
};

static inline double random_label(struct random *random, enum label_style style, double common)
{
    switch (style) {
    case LABELS_GRADES:
        return (double)random_below(random, 5);
    case LABELS_BINARY:
        return random_below(random, 8) == 0;
    case LABELS_EQUAL:
        return common;
    case LABELS_DISTINCT:
        return random_uniform(random, 0, 5);
    case LABELS_MANY:
        return (double)random_below(random, 40) / 8;
    default:
        switch (random_below(random, 6)) {
        case 0:
            return -1 - (double)random_below(random, 3);
        case 1:
            return NAN;
        default:
            return (double)random_below(random, 4);
        }
    }
}

static inline void random_labels(struct random *random, enum label_style style, size_t n,
                                 double *ret_labels)
{
    const double common = (double)random_below(random, 4);
    for (size_t i = 0; i < n; i++)
        ret_labels[i] = random_label(random, style, common);
}

static inline double random_score(struct random *random, enum score_style style, double spread,
                                  double label)
{
    switch (style) {
    case SCORES_NORMAL:
        return 2 * random_normal(random);
    case SCORES_OFFSET:
        return 1e6 + spread * random_normal(random);
    case SCORES_SPREAD:
        return spread * random_normal(random);
    case SCORES_TIED:
        return spread;
    case SCORES_LATTICE:
        return 0.25 * (double)random_below(random, 24) - 3;
    case SCORES_MIXED:
        return random_normal(random) * pow(10, random_uniform(random, -6, 6));
    default:
        return (label >= 0 ? label : 0) * 3 + random_normal(random);
    }
}

static inline void random_scores(struct random *random, enum score_style style, size_t n,
                                 const double *labels, double *ret_scores)
{
    const double spread = pow(10, random_uniform(random, -6, 6));
    for (size_t i = 0; i < n; i++)
        ret_scores[i] = random_score(random, style, spread, labels[i]);
}

#endif
