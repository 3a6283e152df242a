/*
 * twosum.h: additions together with their rounding errors (Knuth's two-sum), for doubles and for
 * vectors of doubles. Exact unless the result overflows; then the error is NaN.
 *
 * Compile with -ffp-contract=off and without -ffast-math.
 */
#ifndef RL_TWOSUM_H
#define RL_TWOSUM_H

/* The rounding error of `difference`, which is a - b: a - b == difference + the result. A macro, *
 * because it serves doubles and vectors of any width. Arguments are evaluated more than once. */
#define RL_LOST_OF_DIFFERENCE(a, b, difference)                                                    \
    (((a) - ((difference) + ((a) - (difference)))) + (((a) - (difference)) - (b)))

/* a - b rounded; *ret_lost is the rounding error. */
static inline double rl_difference(double a, double b, double *ret_lost)
{
    const double difference = a - b;
    *ret_lost = RL_LOST_OF_DIFFERENCE(a, b, difference);
    return difference;
}

/* a + b rounded; *ret_lost is the rounding error. */
static inline double rl_two_sum(double a, double b, double *ret_lost)
{
    return rl_difference(a, -b, ret_lost);
}

#endif
