/*
 * ratio.h: the mean over lists as a ratio of sums, and how sure it is.
 *
 * List l adds a[l] to the numerator and b[l] to the divisor of R = sum a / sum b. The lists are the
 * sample. The standard error is that of the linearised ratio (Cochran, Sampling Techniques, 6.4):
 *
 *     sqrt(n / (n - 1) * sum (a_l - R b_l)^2) / |sum b|
 *
 * With equal b it is the usual standard error of a mean.
 */
#ifndef RL_RATIO_H
#define RL_RATIO_H

#include <stddef.h>

struct rl_ratio {
    const double *a, *b; /* [lists], finite */
    size_t lists;
    double scale; /* the result is R times this: 1, unless the divisor is not a sum over lists
                     (reduction sum, a scalar weight) */
};

/* scale * sum a / sum b, in index order; 0 where the divisor is 0. */
double rl_ratio_value(const struct rl_ratio *ratio);

/* NaN for fewer than two lists, or where the divisor is 0. */
double rl_ratio_standard_error(const struct rl_ratio *ratio);

#endif
