/*
 * ratio.c: the mean over lists as a ratio of sums, and how sure it is.
 */
#include "core/stats/ratio.h"

#include <math.h>

#include "core/base/blocks.h"

double rl_ratio_value(const struct rl_ratio *ratio)
{
    double a = rl_sum(ratio->a, ratio->lists), b = rl_sum(ratio->b, ratio->lists);
    return b != 0 ? ratio->scale * (a / b) : 0;
}

double rl_ratio_standard_error(const struct rl_ratio *ratio)
{
    double n = (double)ratio->lists, squares = 0;
    double a = rl_sum(ratio->a, ratio->lists), b = rl_sum(ratio->b, ratio->lists);
    if (ratio->lists < 2 || b == 0)
        return NAN;
    const double r = a / b;
    for (size_t l = 0; l < ratio->lists; l++) {
        const double rest = ratio->a[l] - r * ratio->b[l];
        squares += rest * rest;
    }
    return fabs(ratio->scale / b) * sqrt(n / (n - 1) * squares);
}
