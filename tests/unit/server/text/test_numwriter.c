/*
 * test_numwriter.c: what the number writer writes reads back as the same value, is never longer
 * than printf's %.9g or %.17g, and is the shortest and closest decimal there is.
 *
 * EXHAUSTIVE=1 in the environment reads back every one of the 2^31 floats that are not negative.
 */
#include "server/text/numwriter.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "server/text/numreader.h"
#include "tests/property/random.h"
#include "tests/unit/trials.h"
#include "tests/lib/unittest.h"

enum { FAST_TRIALS = 60000, BRUTE_SHARE = 10 };

/* ---- Both types, by one set of checks ---------------------------------------------------------
 */

struct kind {
    int digits; /* that always suffice */
    char *(*write)(char *out, double value);
    double (*read)(const char *text);
    double (*random)(struct random *random);
    double (*above)(double value); /* the next value */
};

static char *write_float(char *out, double value)
{
    return rl_write_float(out, (float)value);
}

static double read_float(const char *text)
{
    return strtof(text, NULL);
}

static double read_double(const char *text)
{
    return strtod(text, NULL);
}

static double random_float(struct random *random)
{
    float value;
    do {
        const uint32_t bits = (uint32_t)(random_next(random) >> 32);
        memcpy(&value, &bits, sizeof(value));
    } while (!isfinite(value));
    return value;
}

static double random_double(struct random *random)
{
    double value;
    do {
        const uint64_t bits = random_next(random);
        memcpy(&value, &bits, sizeof(value));
    } while (!isfinite(value));
    return value;
}

static double above_float(double value)
{
    return nextafterf((float)value, INFINITY);
}

static double above_double(double value)
{
    return nextafter(value, INFINITY);
}

static const struct kind float_kind = {9, write_float, read_float, random_float, above_float};
static const struct kind double_kind = {17, rl_write_double, read_double, random_double,
                                        above_double};

static void write_text(const struct kind *kind, double value, char text[64])
{
    char *end = kind->write(text, value);
    ck_assert_int_le(end - text, kind->digits == 9 ? RL_FLOAT_TEXT : RL_DOUBLE_TEXT);
    *end = '\0';
}

/* Reads back, not longer than printf, a number of JSON, no point in a whole number. */
static void check_text(const struct kind *kind, double value, const char *text)
{
    char plain[64];
    const char *stop;
    double again = 0;
    snprintf(plain, sizeof(plain), "%.*g", kind->digits, value);
    ck_assert_msg(strlen(text) <= strlen(plain), "%s is longer than %s", text, plain);
    const double back = kind->read(text);
    ck_assert_msg(back == value && signbit(back) == signbit(value), "%s is not %s", text, plain);
    ck_assert_int_eq(rl_number_read(text, text + strlen(text), &stop, &again), RL_NUMBER_OK);
    ck_assert_ptr_eq(stop, text + strlen(text));
    const double twice = kind->digits == 9 ? (double)(float)again : again;
    ck_assert_msg(twice == value, "%s is not %s by way of double", text, plain);
    const char *const point = strchr(text, '.');
    ck_assert_msg(!point || (text[strcspn(text, "e") - 1] != '0'), "%s ends with a zero", text);
}

/* The digits of a text without point, sign, exponent and zeros at the ends. */
static size_t significant(const char *text, char digits[64])
{
    size_t count = 0;
    for (; *text && *text != 'e'; text++)
        if (*text >= '0' && *text <= '9' && (count > 0 || *text != '0'))
            digits[count++] = *text;
    while (count > 0 && digits[count - 1] == '0')
        count--;
    digits[count] = '\0';
    return count;
}

/*
 * The fewest digits that read back, tried one by one. Correctly rounded digits are the closest of
 * their length; where the interval is narrower below the value than above it (powers of two), the
 * next larger digits may read back where the closest do not.
 */
static size_t brute_force(const struct kind *kind, double value, char digits[64])
{
    char text[64];
    for (int precision = 0; precision < kind->digits; precision++) {
        snprintf(text, sizeof(text), "%.*e", precision, fabs(value));
        if (kind->read(text) == fabs(value))
            return significant(text, digits);
        if (text[precision + (precision > 0)] == '9')
            continue;
        text[precision + (precision > 0)]++;
        if (kind->read(text) == fabs(value))
            return significant(text, digits);
    }
    ck_abort_msg("%.17g: no digits read back", value);
}

static void check_shortest(const struct kind *kind, double value, const char *text)
{
    char ours[64], best[64];
    if (value == 0)
        return;
    significant(text, ours);
    brute_force(kind, value, best);
    ck_assert_msg(strcmp(ours, best) == 0, "%s: the shortest digits are %s", text, best);
}

static void check(const struct kind *kind, double value, bool brute)
{
    char text[64];
    write_text(kind, value, text);
    check_text(kind, value, text);
    if (brute)
        check_shortest(kind, value, text);
}

static void check_random(const struct kind *kind)
{
    struct random random = random_init(random_seed());
    const uint64_t trials = trials_or((uint64_t)test_share(FAST_TRIALS));
    for (uint64_t i = 0; i < trials; i++)
        check(kind, kind->random(&random), i % BRUTE_SHARE == 0);
    printf("%s: %" PRIu64 " random bit patterns, %" PRIu64 " of them by brute force\n",
           kind->digits == 9 ? "float" : "double", trials, trials / BRUTE_SHARE);
}

/* Values as losses and scores have them: few digits, small, around one, whole. */
static void check_ordinary(const struct kind *kind)
{
    struct random random = random_init(random_seed());
    for (int i = 0; i < test_share(FAST_TRIALS / 10); i++) {
        char text[64];
        snprintf(text, sizeof(text), "%.*g", 1 + (int)random_below(&random, 17),
                 random_uniform(&random, -1, 1) * pow(10, (double)random_below(&random, 40) - 20));
        check(kind, kind->read(text), true);
    }
    for (int i = 0; i < test_share(100000); i++)
        check(kind, i, false);
}

/* Powers of two and ten with both neighbours: the intervals that are narrower below are there. */
static void check_powers(const struct kind *kind)
{
    const int low = kind->digits == 9 ? -149 : -1074, high = kind->digits == 9 ? 127 : 1023;
    char text[32];
    for (int exponent = low; exponent <= high; exponent++) {
        const double value = ldexp(1, exponent);
        check(kind, value, true);
        check(kind, kind->above(value), true);
        check(kind, -kind->above(-value), true);
    }
    for (int exponent = -323; exponent <= 308; exponent++) {
        snprintf(text, sizeof(text), "1e%d", exponent);
        const double value = kind->read(text);
        if (isfinite(value) && value > 0) {
            check(kind, value, true);
            check(kind, kind->above(value), true);
            check(kind, -kind->above(-value), true);
        }
    }
}

START_TEST(floats_read_back_and_are_shortest)
{
    check_random(&float_kind);
    check_ordinary(&float_kind);
    check_powers(&float_kind);
}
END_TEST

START_TEST(doubles_read_back_and_are_shortest)
{
    check_random(&double_kind);
    check_ordinary(&double_kind);
    check_powers(&double_kind);
}
END_TEST

/* ---- Forms ----------------------------------------------------------------------------------- */

static const struct {
    double value;
    const char *as_float, *as_double;
} forms[] = {
    {0, "0", "0"},
    {-0.0, "-0", "-0"},
    {1, "1", "1"},
    {-3, "-3", "-3"},
    {0.1, "0.1", "0.1"},
    {0.5, "0.5", "0.5"},
    {100, "100", "100"},
    {1000000, "1000000", "1000000"},
    {16777216, "16777216", "16777216"},
    {123456784, "123456780", "123456784"},
    {1e8, "100000000", "100000000"},
    {1e9, "1e9", "1000000000"},
    {1e16, "1e16", "10000000000000000"},
    {1e17, "1e17", "1e17"},
    {0.0001, "0.0001", "0.0001"},
    {0.00012345, "0.00012345", "0.00012345"},
    {0.00001, "1e-5", "1e-5"},
    {1.5e-7, "1.5e-7", "1.5e-7"},
    {-2.5e10, "-2.5e10", "-25000000000"},
    {FLT_MAX, "3.4028235e38", "3.4028234663852886e38"},
    {FLT_MIN, "1.1754944e-38", "1.1754943508222875e-38"},
    {0x1p-149, "1e-45", "1.401298464324817e-45"},
    {9007199254740991, "9.007199e15", "9007199254740991"},
};

START_TEST(forms_are_plain_where_moderate)
{
    char text[64];
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        write_text(&float_kind, (float)forms[i].value, text);
        ck_assert_str_eq(text, forms[i].as_float);
        write_text(&double_kind, forms[i].value, text);
        ck_assert_str_eq(text, forms[i].as_double);
    }
    write_text(&double_kind, DBL_MAX, text);
    ck_assert_str_eq(text, "1.7976931348623157e308");
    write_text(&double_kind, 0x1p-1074, text);
    ck_assert_str_eq(text, "5e-324");
}
END_TEST

START_TEST(unsigned_numbers)
{
    struct random random = random_init(random_seed());
    char text[64], expected[64];
    for (int i = 0; i < test_share(100000); i++) {
        const uint64_t value = i < 1000 ? (uint64_t)i : random_next(&random) >> i % 64;
        *rl_write_unsigned(text, value) = '\0';
        snprintf(expected, sizeof(expected), "%" PRIu64, value);
        ck_assert_str_eq(text, expected);
    }
    *rl_write_unsigned(text, UINT64_MAX) = '\0';
    ck_assert_str_eq(text, "18446744073709551615");
}
END_TEST

/* Nothing is written outside of the room that a call may use. */
START_TEST(room_is_kept)
{
    struct random random = random_init(random_seed());
    for (int i = 0; i < test_share(100000); i++) {
        char *const room = malloc(RL_NUMBER_ROOM); /* its own block: a sanitizer sees beyond it */
        rl_write_double(room, random_double(&random));
        rl_write_float(room, (float)random_float(&random));
        free(room);
    }
}
END_TEST

START_TEST(every_float_reads_back)
{
    const char *const wanted = getenv("EXHAUSTIVE");
    if (!wanted || *wanted != '1')
        return;
    for (uint32_t bits = 0; bits < 0x7f800000; bits++) {
        char text[RL_NUMBER_ROOM];
        const char *stop;
        float value;
        double again = 0;
        memcpy(&value, &bits, sizeof(value));
        char *end = rl_write_float(text, value);
        const enum rl_number_status status = rl_number_read(text, end, &stop, &again);
        *end = '\0';
        ck_assert_msg(status == RL_NUMBER_OK && (float)again == value, "%s", text);
    }
    printf("float: all %u values from 0 up read back\n", 0x7f800000u);
}
END_TEST
