/*
 * numreader.c: reads any number; numreader.h describes the algorithm.
 */
#include "server/text/numreader.h"

#include <locale.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/text/powers.h"

enum {
    DIGITS_MAX = 19,   /* decimal digits that always fit into 64 bits */
    COPY_DIGITS = 800, /* more than the 768 that decide the rounding of any double */
    EXACT_POWER = 22,  /* 10^22 is the last power of ten that is a double */
    LARGE_POWER = 309, /* 10^309 is beyond every double */
    MANTISSA_BITS = 52,
    EXPONENT_BIAS = 1023,
    EXPONENT_MAX = 2047, /* of infinity */
};

#define INFINITY_BITS ((uint64_t)EXPONENT_MAX << MANTISSA_BITS)
#define UNSETTLED     UINT64_MAX

/* A parsed number: its digits lie in [first, last), with at most one point among them. */
struct parts {
    const char *first, *last;
    uint64_t digits;  /* all of them, modulo 2^64 */
    int64_t count;    /* how many, including leading zeros */
    int64_t fraction; /* how many of them after the point */
    int64_t exponent; /* as written after the e */
    bool negative;
};

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* Adds the digits from `text` on to *digits, modulo 2^64; returns one past them. */
static const char *take_digits(const char *text, const char *end, uint64_t *digits)
{
    while (end - text >= 8) {
        const uint64_t word = rl_load8(text);
        if (rl_nondigits8(word))
            break;
        *digits = *digits * 100000000 + rl_digits8(word ^ 0x3030303030303030);
        text += 8;
    }
    for (; text < end && is_digit(*text); text++)
        *digits = *digits * 10 + (uint64_t)(*text - '0');
    return text;
}

/* Each of the next three returns one past its part of the number, which it records, and moves
 * *ret_bad from NULL to the byte at fault where the grammar is broken. */

static const char *take_whole(const char *text, const char *end, struct parts *parts,
                              const char **ret_bad)
{
    parts->first = text;
    text = take_digits(text, end, &parts->digits);
    parts->count = text - parts->first;
    if (parts->count == 0)
        *ret_bad = text;
    else if (*parts->first == '0' && parts->count > 1)
        *ret_bad = parts->first + 1;
    return text;
}

static const char *take_fraction(const char *text, const char *end, struct parts *parts,
                                 const char **ret_bad)
{
    if (text == end || *text != '.')
        return text;
    const char *const stop = take_digits(text + 1, end, &parts->digits);
    parts->fraction = stop - (text + 1);
    parts->count += parts->fraction;
    if (parts->fraction == 0)
        *ret_bad = stop;
    return stop;
}

static const char *take_exponent(const char *text, const char *end, struct parts *parts,
                                 const char **ret_bad)
{
    if (text == end || (*text | 0x20) != 'e')
        return text;
    text++;
    const bool negative = text < end && *text == '-';
    if (text < end && (*text == '-' || *text == '+'))
        text++;
    if (text == end || !is_digit(*text))
        *ret_bad = text;
    for (; text < end && is_digit(*text); text++)
        if (parts->exponent < INT64_MAX / 100) /* far larger than any exponent that matters */
            parts->exponent = parts->exponent * 10 + (*text - '0');
    if (negative)
        parts->exponent = -parts->exponent;
    return text;
}

/* Returns one past the number, or NULL when it is malformed, *ret_bad being the byte at fault. */
static const char *take_apart(const char *text, const char *end, struct parts *parts,
                              const char **ret_bad)
{
    const char *bad = NULL;
    *parts = (struct parts){.negative = text < end && *text == '-'};
    text = take_whole(text + parts->negative, end, parts, &bad);
    if (!bad)
        text = take_fraction(text, end, parts, &bad);
    parts->last = text;
    if (!bad)
        text = take_exponent(text, end, parts, &bad);
    *ret_bad = bad;
    return bad ? NULL : text;
}

/*
 * The bits of the double nearest to digits * 10^power, or UNSETTLED if 128 bits of the power do not
 * decide it. Anything too large gives infinity.
 *
 * The power is truncated, so the product of 192 bits is too small by less than 2^64, and its first
 * 128 bits, high and low, are too small by less than 2.
 */
static uint64_t nearest_bits(uint64_t digits, int64_t power)
{
    if (digits == 0 || power < RL_POWER_FIRST)
        return 0;
    if (power >= LARGE_POWER)
        return INFINITY_BITS;
    const struct rl_power ten = rl_power((int)power);
    const int zeros = __builtin_clzll(digits);
    const unsigned __int128 upper = (unsigned __int128)(digits << zeros) * ten.high;
    const unsigned __int128 lower = (unsigned __int128)(digits << zeros) * ten.low;
    const unsigned __int128 product = upper + (uint64_t)(lower >> 64);
    const uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;
    const int top = (int)(high >> 63);
    const int exponent = rl_power_exponent((int)power) + 63 + top - zeros + EXPONENT_BIAS;
    if (exponent >= EXPONENT_MAX)
        return INFINITY_BITS;
    /* Keeps 53 bits and one more to round by; fewer for a denormal. */
    const int shift = 9 + top + (exponent > 0 ? 0 : 1 - exponent);
    if (shift > 63)
        return 0;
    const uint64_t mask = (1ull << shift) - 1;
    uint64_t kept = high >> shift;
    if ((high & mask) == mask && low >= UINT64_MAX - 1)
        return UNSETTLED;
    if ((high & mask) == 0 && low == 0 && (kept & 1)) { /* half way, as far as known */
        if (power < 0 || power > RL_POWER_EXACT)
            return UNSETTLED;
        if ((uint64_t)lower == 0 && (kept & 2) == 0)
            kept--; /* exactly half way: to even */
    }
    kept = (kept + 1) >> 1;
    return kept + ((uint64_t)(exponent > 0 ? exponent - 1 : 0) << MANTISSA_BITS);
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static locale_t c_locale;

static void create_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static double value_by_strtod(const char *text)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, create_c_locale);
    return c_locale ? strtod_l(text, NULL, c_locale) : strtod(text, NULL);
}

/* Copies the significant digits, at most COPY_DIGITS of them, followed by a 1 if there are more;
 * returns their count. The number is those digits times ten to *ret_exponent. */
static size_t copy_digits(const struct parts *parts, char *copy, int64_t *ret_exponent)
{
    size_t length = 0, left_out = 0;
    bool more = false;
    for (const char *p = parts->first; p < parts->last; p++) {
        if (*p == '.' || (length == 0 && *p == '0'))
            continue;
        if (length < COPY_DIGITS) {
            copy[length++] = *p;
        } else {
            left_out++;
            more |= *p != '0';
        }
    }
    *ret_exponent = parts->exponent - parts->fraction + (int64_t)left_out;
    if (more) {
        copy[length++] = '1';
        --*ret_exponent;
    }
    return length;
}

/* Any number: tries the first 19 digits and those plus one, which nearly always round to the same
 * double. */
static uint64_t long_bits(const struct parts *parts)
{
    char copy[COPY_DIGITS + 32] = "";
    int64_t exponent;
    uint64_t digits = 0;
    const size_t length = copy_digits(parts, copy, &exponent);
    const size_t taken = length < DIGITS_MAX ? length : DIGITS_MAX;
    take_digits(copy, copy + taken, &digits);
    const int64_t power = exponent + (int64_t)(length - taken);
    const uint64_t bits = nearest_bits(digits, power);
    if (bits != UNSETTLED && (taken == length || bits == nearest_bits(digits + 1, power)))
        return bits;
    snprintf(copy + length, sizeof(copy) - length, "e%lld", (long long)exponent);
    return bits_of(value_by_strtod(copy));
}

static uint64_t number_bits(const struct parts *parts)
{
    static const double tens[EXACT_POWER + 1] = {1,    1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (parts->count > DIGITS_MAX)
        return long_bits(parts);
    const int64_t power = parts->exponent - parts->fraction;
    if (parts->digits <= 1ull << 53 && power >= -EXACT_POWER && power <= EXACT_POWER) {
        const double value = (double)parts->digits;
        return bits_of(power < 0 ? value / tens[-power] : value * tens[power]);
    }
    const uint64_t bits = nearest_bits(parts->digits, power);
    return bits == UNSETTLED ? long_bits(parts) : bits;
}

enum rl_number_status rl_number_read(const char *text, const char *end, const char **ret_stop,
                                     double *ret_value)
{
    struct parts parts;
    const char *bad;
    const char *const stop = take_apart(text, end, &parts, &bad);
    *ret_stop = stop ? stop : bad;
    if (!stop)
        return RL_NUMBER_MALFORMED;
    uint64_t bits = number_bits(&parts);
    if (bits >= INFINITY_BITS)
        return RL_NUMBER_OVERFLOW;
    bits |= (uint64_t)parts.negative << 63;
    memcpy(ret_value, &bits, sizeof(bits));
    return RL_NUMBER_OK;
}
