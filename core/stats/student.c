/*
 * student.c: Student's t distribution.
 */
#include "core/stats/student.h"

#include <math.h>

#include "core/base/elementary.h"

static const double ROOT_OF_PI = 1.7724538509055160273;

/*
 * Gamma(a + 1/2) / Gamma(a) for a > 0: by Gamma(x + 1) = x Gamma(x) up to a >= 20, and there by its
 * asymptotic series (DLMF 5.11.13), whose rest is below 1e-17.
 */
static double gamma_ratio(double a)
{
    double factor = 1;
    for (; a < 20; a++)
        factor *= a / (a + 0.5);
    double u = 1 / a, u2 = u * u;
    const double exponent =
        u * (-1.0 / 8 + u2 * (1.0 / 192 + u2 * (-1.0 / 640 + u2 * (17.0 / 14336))));
    return factor * sqrt(a) * rl_exp(exponent);
}

/* Keeps a divisor of the continued fraction away from 0. */
static double nonzero(double x)
{
    return fabs(x) < 1e-300 ? 1e-300 : x;
}

/* The continued fraction of I_x(a, b); converges fast for x < (a + 1) / (a + b + 2), in about
 * sqrt(max(a, b)) steps. */
static double beta_fraction(double a, double b, double x)
{
    enum { MOST_STEPS = 200000 };
    double c = 1, d = 1 / nonzero(1 - (a + b) * x / (a + 1)), fraction = d;
    for (int step = 1; step < MOST_STEPS; step++) {
        double m = step, change;
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / nonzero(1 + even * d);
        c = nonzero(1 + even / c);
        fraction *= c * d;
        d = 1 / nonzero(1 + odd * d);
        c = nonzero(1 + odd / c);
        change = c * d;
        fraction *= change;
        if (fabs(change - 1) < 5e-16)
            break;
    }
    return fraction;
}

double rl_student_two_sided(double t, double degrees)
{
    double a = degrees / 2, square = t * t / degrees;
    if (!(square > 0))
        return 1;
    if (!isfinite(square))
        return 0;
    double x = 1 / (1 + square), y = square / (1 + square);
    /* x^a y^(1/2) / B(a, 1/2) */
    const double front = rl_exp(-a * rl_log1p(square)) * sqrt(y) * gamma_ratio(a) / ROOT_OF_PI;
    if (x < (a + 1) / (a + 2.5))
        return front * beta_fraction(a, 0.5, x) / a;
    return 1 - front * beta_fraction(0.5, a, y) / 0.5;
}

/* The density, which is half the rate at which the two-sided probability falls. */
static double density(double t, double degrees)
{
    const double power = -(degrees + 1) / 2 * rl_log1p(t * t / degrees);
    return rl_exp(power) * gamma_ratio(degrees / 2) / (ROOT_OF_PI * sqrt(degrees));
}

/* Newton's method from 0. The probability is convex in t > 0, so t only rises until rounding stops
 * it. */
double rl_student_quantile(double p, double degrees)
{
    enum { MOST_STEPS = 1100 };
    double t = 0;
    for (int step = 0; step < MOST_STEPS; step++) {
        const double excess = rl_student_two_sided(t, degrees) - p;
        const double next = t + excess / (2 * density(t, degrees));
        if (!(next > t * (1 + 1e-15)))
            return next > 0 ? next : t;
        t = next;
    }
    return t;
}
