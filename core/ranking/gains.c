/*
 * gains.c: gains of labels and discounts of ranks under a definition.
 */
#include "core/ranking/gains.h"

#include <math.h>

#include "core/base/blocks.h"
#include "core/base/elementary.h"

/* Discounts of the first ranks, and gains of the labels that are grades: most lists need no others.
 * Written by rl_gains_init alone. */
static double log2_discounts[RL_DISCOUNTS], exponential_gains[RL_GRADES], linear_gains[RL_GRADES];

/* Of a rank that counts from 0. */
static double log2_discount(size_t rank)
{
    return 1 / rl_log2(2 + (double)rank);
}

void rl_gains_init(void)
{
    for (size_t i = 0; i < RL_DISCOUNTS; i++)
        log2_discounts[i] = log2_discount(i);
    for (size_t grade = 0; grade < RL_GRADES; grade++) {
        exponential_gains[grade] = rl_exp2((double)grade) - 1;
        linear_gains[grade] = (double)grade;
    }
}

const struct rl_definition *rl_eval_definition(const struct rl_eval *eval)
{
    return eval->definition ? eval->definition : rl_definition_get(RL_KERAS);
}

/* ---- Gains ----------------------------------------------------------------------------------- */

struct rl_gains rl_gains_of(const struct rl_eval *eval)
{
    const struct rl_definition *const definition = rl_eval_definition(eval);
    if (eval->measure->id == RL_EXPECTED_RECIPROCAL_RANK)
        return (struct rl_gains){.kind = RL_GAINS_CHANCE, .max_grade = definition->max_grade};
    switch (definition->gain) {
    case RL_GAIN_LINEAR:
        return (struct rl_gains){RL_GAINS_LINEAR, linear_gains, RL_GRADES, 0};
    case RL_GAIN_TABLE:
        return (struct rl_gains){RL_GAINS_TABLE, definition->gains, definition->gain_count, 0};
    case RL_GAIN_EXPONENTIAL:
        break;
    }
    return (struct rl_gains){RL_GAINS_EXPONENTIAL, exponential_gains, RL_GRADES, 0};
}

double rl_gain(const struct rl_gains *gains, double label)
{
    switch (gains->kind) {
    case RL_GAINS_LINEAR:
        return label;
    case RL_GAINS_TABLE:
        return label < (double)gains->grades && label == (double)(size_t)label
                   ? gains->of_grades[(size_t)label]
                   : NAN;
    case RL_GAINS_CHANCE:
        return rl_exp2((label < gains->max_grade ? label : gains->max_grade) - gains->max_grade) -
               rl_exp2(-gains->max_grade);
    case RL_GAINS_EXPONENTIAL:
        break;
    }
    return rl_exp2(label) - 1;
}

void rl_gains_fill(const struct rl_gains *gains, const double *labels, size_t count, bool grades,
                   double *ret_gains)
{
    if (grades && gains->grades >= RL_GRADES)
        for (size_t i = 0; i < count; i++)
            ret_gains[i] = gains->of_grades[(uint32_t)(int32_t)labels[i]];
    else if (gains->kind == RL_GAINS_EXPONENTIAL)
        for (size_t i = 0; i < count; i++)
            ret_gains[i] = rl_exp2(labels[i]) - 1;
    else
        for (size_t i = 0; i < count; i++)
            ret_gains[i] = rl_gain(gains, labels[i]);
}

/* ---- Discounts ------------------------------------------------------------------------------- */

/* Of a rank that counts from 0. */
static double discount_of(const struct rl_definition *definition, size_t rank)
{
    switch (definition->discount) {
    case RL_DISCOUNT_LOG2:
        return rank < RL_DISCOUNTS ? log2_discounts[rank] : log2_discount(rank);
    case RL_DISCOUNT_RECIPROCAL:
        return 1 / (double)(rank + 1);
    case RL_DISCOUNT_TABLE:
        return rank < definition->discount_count ? definition->discounts[rank] : 0;
    case RL_DISCOUNT_NONE:
        break;
    }
    return 1;
}

void rl_discounts_fill(const struct rl_definition *definition, size_t count, double *ret_discounts)
{
    for (size_t rank = 0; rank < count; rank++)
        ret_discounts[rank] = discount_of(definition, rank);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* By the logarithm, as in Keras-RS: with as few roundings as possible. */
static double discounted_by_log2(const double *gains, const uint32_t *ranks, size_t count)
{
    double sum = 0, block[RL_BLOCK];
    size_t i = 0;
    if (ranks)
        for (; i < count && ranks[i] < RL_DISCOUNTS; i++)
            sum += gains[i] * log2_discounts[ranks[i]];
    else
        for (; i < count && i < RL_DISCOUNTS; i++)
            sum += gains[i] * log2_discounts[i];
    while (i < count) {
        const size_t length = smaller(count - i, RL_BLOCK);
        for (size_t b = 0; b < length; b++)
            block[b] = log2_discount(ranks ? ranks[i + b] : i + b);
        for (size_t b = 0; b < length; b++)
            sum += gains[i + b] * block[b];
        i += length;
    }
    return sum;
}

double rl_discounted(const struct rl_definition *definition, const double *gains,
                     const uint32_t *ranks, size_t count)
{
    double sum = 0;
    if (definition->discount == RL_DISCOUNT_LOG2)
        return discounted_by_log2(gains, ranks, count);
    for (size_t i = 0; i < count; i++)
        sum += gains[i] * discount_of(definition, ranks ? ranks[i] : i);
    return sum;
}
