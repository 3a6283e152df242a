/*
 * definitions.h: random definitions of metrics.
 */
#ifndef RL_TESTS_DEFINITIONS_H
#define RL_TESTS_DEFINITIONS_H

#include "tests/property/samples.h"

enum { RANDOM_TABLE = 12 };

/* A definition and its tables. Not to be copied: it points into itself. */
struct any_definition {
    struct rl_definition definition;
    double gains[RANDOM_TABLE], discounts[RANDOM_TABLE];
};

static inline void random_table(struct random *random, double *ret_table, size_t *ret_count)
{
    *ret_count = 1 + random_below(random, RANDOM_TABLE);
    for (size_t i = 0; i < RANDOM_TABLE; i++)
        ret_table[i] = random_below(random, 3) ? random_uniform(random, 0, 4) : 0;
}

/* A table whose gains rise from 0, as most do. */
static inline void sort_out_table(struct any_definition *any)
{
    any->gains[0] = 0;
    for (size_t i = 1; i < RANDOM_TABLE; i++)
        any->gains[i] = any->gains[i - 1] + any->gains[i] / 2;
}

/* item_weights: whether the batch has a weight for each item. */
static inline void random_definition(struct random *random, bool item_weights,
                                     struct any_definition *ret)
{
    static const double from[] = {1, 1, 2, 0.5, 3.25};
    struct rl_definition *definition = &ret->definition;
    *definition = (struct rl_definition){
        .gain = (enum rl_gain)random_below(random, 3),
        .discount = (enum rl_discount)random_below(random, 4),
        .ties = (enum rl_ties)random_below(random, 4),
        .without_relevant = (enum rl_without_relevant)random_below(random, 3),
        .precision_over = (enum rl_precision_over)random_below(random, 2),
        .unretrieved = (enum rl_unretrieved)random_below(random, 2),
        .unlabelled = (enum rl_unlabelled)random_below(random, 2),
        .list_weights = item_weights ? RL_LIST_WEIGHTS_RELEVANCE
                                     : (enum rl_list_weights)random_below(random, 2),
        .relevant_from = from[random_below(random, 5)],
        .max_grade = (double)(1 + random_below(random, 6)),
        .persistence = random_uniform(random, 0.05, 0.99),
        .gains = ret->gains,
        .discounts = ret->discounts,
    };
    random_table(random, ret->gains, &definition->gain_count);
    random_table(random, ret->discounts, &definition->discount_count);
    if (random_below(random, 2))
        sort_out_table(ret);
}

/* Takes the scores of some labelled items away. */
static inline void sample_unretrieve(struct random *random, struct sample *sample)
{
    for (size_t i = 0; i < sample->batch.items; i++)
        if (sample_valid(sample, i) && random_below(random, 4) == 0)
            sample->scores[i] = NAN;
    sample_sync(sample);
}

/* Rounds labels down to whole numbers below `most`, so that a table of gains knows them. */
static inline void sample_grade(struct sample *sample, size_t most)
{
    for (size_t i = 0; i < sample->batch.items; i++)
        if (sample->labels[i] >= 0)
            sample->labels[i] = fmin(floor(sample->labels[i]), (double)(most - 1));
    sample_sync(sample);
}

#endif
