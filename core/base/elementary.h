/*
 * elementary.h: exp, log and related functions with the same bits on every machine.
 *
 * libm picks variants (with and without fused multiply-add) by CPU, so its last bit differs from
 * one machine to the next. These use additions, multiplications, divisions and bit moves alone,
 * each exactly rounded by IEEE 754, and must be compiled with -ffp-contract=off. There is no branch
 * on a value, so a loop over them vectorises; lanes give the bits that scalars give.
 *
 * Errors were measured against long double over the whole range
 * (tests/unit/core/base/test_elementary.c repeats it) and are given in units in the last place of
 * the result.
 */
#ifndef RL_ELEMENTARY_H
#define RL_ELEMENTARY_H

#include <stdint.h>
#include <string.h>

static inline double rl_from_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline uint64_t rl_to_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

/* 2^k for k in -1022 … 1023. */
static inline double rl_power_of_two(int64_t k)
{
    return rl_from_bits((uint64_t)(k + 1023) << 52);
}

/*
 * The whole number nearest to x (ties to even), for |x| < 2^31, and the same as an integer: adding
 * 1.5 * 2^52 leaves no room for a fraction and puts the number into the low bits.
 */
static inline double rl_nearest(double x, int64_t *ret_integer)
{
    const double shift = 0x1.8p52;
    const double shifted = x + shift;
    *ret_integer = (int64_t)(rl_to_bits(shifted) - rl_to_bits(shift));
    return shifted - shift;
}

/* e^(r + tail) - 1 for |r| <= 0.3466 and a tail below half an ulp of r: the Taylor series up to
 * r^13, whose rest is below 2^-57. */
static inline double rl_expm1_kernel(double r, double tail)
{
    double r2 = r * r, r4 = r2 * r2;
    const double a = 1.0 / 2 + r * (1.0 / 6);
    const double b = 1.0 / 24 + r * (1.0 / 120);
    const double c = 1.0 / 720 + r * (1.0 / 5040);
    const double d = 1.0 / 40320 + r * (1.0 / 362880);
    const double e = 1.0 / 3628800 + r * (1.0 / 39916800);
    const double f = 1.0 / 479001600 + r * (1.0 / 6227020800);
    const double low = a + r2 * b;
    const double high = (c + r2 * d) + r4 * (e + r2 * f);
    return r + (tail + r2 * (low + r4 * high));
}

/* value * 2^k for k in -1100 … 1100, in two steps so that each factor is a normal number. */
static inline double rl_scale(double value, int64_t k)
{
    const int64_t half = k >> 1;
    return value * rl_power_of_two(half) * rl_power_of_two(k - half);
}

/* e^x; 0 below about -745.13, infinity above about 709.78, NaN for NaN. Error < 1 ulp. */
static inline double rl_exp(double x)
{
    const double log2e = 0x1.71547652b82fep0;
    const double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
    int64_t k;
    double bounded = x < -746 ? -746 : x;
    bounded = bounded > 710 ? 710 : bounded;
    const double whole = rl_nearest(bounded * log2e, &k);
    const double high = bounded - whole * ln2_high;
    const double low = whole * ln2_low;
    const double r = high - low;
    const double tail = (high - r) - low;
    return rl_scale(1 + rl_expm1_kernel(r, tail), k);
}

/* 2^x, exact for whole x; 0 below -1075, infinity from 1024, NaN for NaN. Error < 1.25 ulp. */
static inline double rl_exp2(double x)
{
    const double ln2 = 0x1.62e42fefa39efp-1, ln2_rest = 0x1.abc9e3b39803fp-56;
    int64_t k;
    double bounded = x < -1080 ? -1080 : x;
    bounded = bounded > 1030 ? 1030 : bounded;
    const double fraction = bounded - rl_nearest(bounded, &k);
    const double r = fraction * ln2;
    return rl_scale(1 + rl_expm1_kernel(r, fraction * ln2_rest), k);
}

/*
 * Splits x > 0 into m * 2^k with m in [sqrt(1/2), sqrt(2)), and gives log(m) as *ret_f - *ret_rest
 * with f = m - 1: log(1 + f) = 2 atanh(s), s = f / (2 + f), by the series up to s^21, whose rest is
 * below 2^-58.
 */
static inline double rl_log_split(double x, double *ret_f, double *ret_rest)
{
    /* A denormal is made normal first; 54 comes off the exponent again. */
    const double scaled = x < 0x1p-1022 ? x * 0x1p54 : x;
    const double shift = x < 0x1p-1022 ? 54 : 0;
    const uint64_t bits = rl_to_bits(scaled);
    /* Counting from the bits of sqrt(1/2), the exponent field counts powers from there. */
    const uint64_t offset = bits - 0x3fe6a09e667f3bcdu;
    const double k = (double)(int32_t)((int64_t)offset >> 52) - shift;
    const double f = rl_from_bits(bits - (offset & 0xfff0000000000000u)) - 1;
    const double s = f / (2 + f);
    double z = s * s, z2 = z * z, z4 = z2 * z2;
    const double a = 2.0 / 3 + z * (2.0 / 5);
    const double b = 2.0 / 7 + z * (2.0 / 9);
    const double c = 2.0 / 11 + z * (2.0 / 13);
    const double d = 2.0 / 15 + z * (2.0 / 17);
    const double e = 2.0 / 19 + z * (2.0 / 21);
    const double series = z * ((a + z2 * b) + z4 * ((c + z2 * d) + z4 * e));
    const double half = 0.5 * f * f;
    *ret_f = f;
    *ret_rest = half - s * (half + series);
    return k;
}

/* The logarithm of what cannot be split: 0, negatives, infinity, NaN. */
static inline double rl_log_edges(double x, double regular)
{
    double result = x > 0x1.fffffffffffffp1023 ? x : regular;
    result = x == 0 ? -__builtin_inf() : result;
    return x >= 0 ? result : __builtin_nan("");
}

/* Natural logarithm; -infinity at 0, NaN below 0 and for NaN. Error < 1 ulp. */
static inline double rl_log(double x)
{
    const double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
    double f, rest;
    const double k = rl_log_split(x, &f, &rest);
    return rl_log_edges(x, k * ln2_high - ((rest - k * ln2_low) - f));
}

/* log(1 + x) for x >= 0, without losing a small x. Error < 2 ulp. */
static inline double rl_log1p(double x)
{
    const double sum = 1 + x;
    const double lost = x - (sum - 1);
    const double correction = x < 0x1p53 ? lost / sum : 0;
    return rl_log(sum) + correction;
}

/* Binary logarithm, exact at powers of two; edges as rl_log. Error < 2 ulp. */
static inline double rl_log2(double x)
{
    const double log2e = 0x1.71547652b82fep0, log2e_rest = 0x1.777d0ffda0d24p-56;
    double f, rest;
    const double k = rl_log_split(x, &f, &rest);
    const double log_m = f - rest;
    const double lost = (f - log_m) - rest;
    return rl_log_edges(x, k + (log_m * log2e + (log_m * log2e_rest + lost * log2e)));
}

#endif
