/*
 * gains.h: gains of labels and discounts of ranks under a definition (struct rl_definition).
 */
#ifndef RL_GAINS_H
#define RL_GAINS_H

#include "core/lists/listscan.h"
#include "core/rankloss.h"

/* How the labels of an evaluation become gains: those of its definition, or for
 * expected_reciprocal_rank the chance that an item ends the search, (2^min(y, max_grade) - 1) /
 * 2^max_grade. */
struct rl_gains {
    enum { RL_GAINS_EXPONENTIAL, RL_GAINS_LINEAR, RL_GAINS_TABLE, RL_GAINS_CHANCE } kind;
    const double *of_grades; /* [grades] gains of the first whole labels */
    size_t grades;
    double max_grade;
};

/* Ranks whose discounts by log2 are in a table; others are computed each time. */
enum { RL_DISCOUNTS = 1024 };

/* Once, before other threads run (rl_init does): fills the tables of the first ranks and grades. */
void rl_gains_init(void);

/* The definition of an evaluation; Keras-RS's where it names none. */
const struct rl_definition *rl_eval_definition(const struct rl_eval *eval);

struct rl_gains rl_gains_of(const struct rl_eval *eval);

/* The gain of a label >= 0; NaN for one that is not a grade of the table. */
double rl_gain(const struct rl_gains *gains, double label);

/* The same for many labels. grades: whether each is a whole number below RL_GRADES. */
void rl_gains_fill(const struct rl_gains *gains, const double *labels, size_t count, bool grades,
                   double *ret_gains);

/* Discounts of the first `count` ranks. */
void rl_discounts_fill(const struct rl_definition *definition, size_t count, double *ret_discounts);

/* The sum of gain * discount. ranks: [count], ascending; NULL for 0 … count - 1. */
double rl_discounted(const struct rl_definition *definition, const double *gains,
                     const uint32_t *ranks, size_t count);

#endif
