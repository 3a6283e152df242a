/*
 * test_numreader.c: the number reader gives strtod's bits, on random and adversarial texts, and
 * takes exactly the grammar of RFC 8259.
 */
#include "server/text/numreader.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "tests/property/random.h"
#include "tests/unit/trials.h"
#include "tests/lib/unittest.h"

enum { TEXT_MAX = 1200, BEFORE = 32, AFTER = 64, FAST_TRIALS = 200000 };

/* A number's text with room around it, as in the middle of a body. */
struct sample {
    char room[BEFORE + TEXT_MAX + AFTER];
    char *text; /* in room, NUL terminated */
    size_t length;
};

static void begin_sample(struct sample *sample)
{
    sample->text = sample->room + BEFORE;
    memset(sample->room, ',', BEFORE);
}

static void end_sample(struct sample *sample)
{
    sample->length = strlen(sample->text);
    ck_assert_uint_lt(sample->length, TEXT_MAX);
    memset(sample->text + sample->length + 1, ',', AFTER - 1);
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

/* Reads with both readers and with strtod; all must agree. */
static void compare(const struct sample *sample)
{
    const char *end = sample->text + sample->length, *stop = NULL;
    char *expected_stop;
    double value = 0, expected = strtod(sample->text, &expected_stop);
    const enum rl_number_status status = rl_number_read(sample->text, end, &stop, &value);
    ck_assert_msg(expected_stop == end && stop == end, "%s: stopped early", sample->text);
    if (isinf(expected)) {
        ck_assert_msg(status == RL_NUMBER_OVERFLOW, "%s: status %d", sample->text, status);
        return;
    }
    ck_assert_msg(status == RL_NUMBER_OK, "%s: status %d", sample->text, status);
    ck_assert_msg(bits_of(value) == bits_of(expected), "%s: %.17g, strtod %.17g", sample->text,
                  value, expected);
    stop = rl_number_try(sample->text, &value);
    if (stop == end)
        ck_assert_msg(bits_of(value) == bits_of(expected), "%s: short cut %.17g, strtod %.17g",
                      sample->text, value, expected);
    else
        ck_assert_msg(!stop || *stop == 'e' || *stop == 'E', "%s: short cut stopped early",
                      sample->text);
}

/* ---- Kinds of texts -------------------------------------------------------------------------- */

/* 0 … bound - 1 */
static unsigned below(struct random *random, unsigned bound)
{
    return (unsigned)random_below(random, bound);
}

static double random_finite(struct random *random)
{
    double value;
    do {
        const uint64_t bits = random_next(random);
        memcpy(&value, &bits, sizeof(value));
    } while (!isfinite(value));
    return value;
}

/* What batches hold: a sign, few digits, a point. */
static void write_common(struct random *random, char *out)
{
    const unsigned digits = 1 + below(random, 12);
    const double unit = (double)(random_next(random) >> 11) * 0x1p-53;
    const double scale = pow(10, below(random, 6));
    sprintf(out, "%.*f", (int)digits, (below(random, 2) ? -unit : unit) * scale);
}

static void write_any_bits(struct random *random, char *out)
{
    sprintf(out, "%.*e", 14 + (int)below(random, 5), random_finite(random));
}

static void write_shortened(struct random *random, char *out)
{
    sprintf(out, "%.*g", 1 + (int)below(random, 25), random_finite(random));
}

static void write_denormal(struct random *random, char *out)
{
    const uint64_t bits = random_next(random) >> (11 + below(random, 53));
    double value;
    memcpy(&value, &bits, sizeof(value));
    sprintf(out, "%.*e", (int)below(random, 30), value);
}

/* Adds one to the last digit or subtracts one: a neighbouring text. */
static void nudge(struct random *random, char *digits, size_t count)
{
    char *const last = digits + count - 1;
    if (below(random, 2) && *last < '9')
        ++*last;
    else if (*last > '0')
        --*last;
}

/* Digits of the middle between two doubles, exactly, cut somewhere, or with more digits appended. A
 * long * double holds that middle. */
static void write_halfway(struct random *random, char *out)
{
    double low = fabs(random_finite(random));
    if (below(random, 4) == 0)
        low = ldexp((double)(random_next(random) >> 11), (int)below(random, 120) - 60);
    const double high = nextafter(low, INFINITY);
    if (isinf(high)) {
        strcpy(out, "1");
        return;
    }
    const long double middle = ((long double)low + high) / 2;
    int places = (int)below(random, 3) ? 17 + (int)below(random, 30) : 770;
    if (below(random, 8) == 0)
        places = 17 + (int)below(random, 780);
    char text[TEXT_MAX];
    sprintf(text, "%.*Le", places, middle);
    char *const mark = strchr(text, 'e');
    if (below(random, 3))
        nudge(random, text, (size_t)(mark - text));
    sprintf(out, "%.*s%s%s", (int)(mark - text), text, below(random, 3) ? "" : "0000001", mark);
}

static void write_digits(struct random *random, char *out, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        out[i] = (char)('0' + below(random, 10));
    if (out[0] == '0')
        out[0] = '7';
    out[count] = '\0';
}

static void write_long(struct random *random, char *out)
{
    const unsigned few = 1 + below(random, 25), many = 17 + below(random, 784);
    const unsigned whole = below(random, 16) ? few : many;
    write_digits(random, out, whole);
    if (below(random, 2)) {
        strcat(out, ".");
        write_digits(random, out + strlen(out), 1 + below(random, 25));
    }
    if (below(random, 2))
        sprintf(out + strlen(out), "%c%s%u", below(random, 2) ? 'e' : 'E',
                (const char *[]){"", "+", "-"}[below(random, 3)],
                below(random, below(random, 4) ? 345 : 99999));
}

/* Zeros before and after the digits, and exponents that compensate for them. */
static void write_zeros(struct random *random, char *out)
{
    const unsigned zeros = below(random, 400);
    char digits[32];
    write_digits(random, digits, 1 + below(random, 20));
    if (below(random, 2))
        sprintf(out, "0.%0*d%se%u", (int)zeros + 1, 0, digits, below(random, 700));
    else
        sprintf(out, "%s%0*de-%u", digits, (int)zeros + 1, 0, below(random, 740));
}

static void write_power(struct random *random, char *out)
{
    const int exponent = (int)below(random, 2098) - 1074;
    const double value = ldexp(1, exponent);
    if (below(random, 2))
        sprintf(out, "1e%d", (int)below(random, 660) - 345);
    else
        sprintf(out, "%.*e", (int)below(random, 770), value);
}

/* Whole numbers around those that 53, 63 and 64 bits hold. */
static void write_whole(struct random *random, char *out)
{
    const unsigned shift = below(random, 12);
    sprintf(out, "%" PRIu64 "%s", random_next(random) >> shift,
            (const char *[]){"", ".0", "e0", "00", ".5"}[below(random, 5)]);
}

/* The rounding of digits * 10^-n with a few digits falls into exact halves more often. */
static void write_small_power(struct random *random, char *out)
{
    const uint64_t odd = random_next(random) >> (10 + below(random, 3)) | 1;
    sprintf(out, "%" PRIu64 "e%d", odd, (int)below(random, 60) - 30);
}

static void (*const kinds[])(struct random *, char *) = {
    write_common, write_common, write_any_bits, write_shortened, write_denormal,   write_halfway,
    write_long,   write_zeros,  write_power,    write_whole,     write_small_power};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

START_TEST(reads_what_strtod_reads)
{
    static struct sample sample;
    struct random random = random_init(random_seed());
    const uint64_t trials = trials_or((uint64_t)test_share(FAST_TRIALS));
    begin_sample(&sample);
    for (uint64_t i = 0; i < trials; i++) {
        kinds[i % KINDS](&random, sample.text);
        end_sample(&sample);
        compare(&sample);
    }
    printf("numbers: %" PRIu64 " texts read as strtod reads them\n", trials);
}
END_TEST

START_TEST(reads_the_known_hard_ones)
{
    static const char *const texts[] = {
        "0",
        "-0",
        "-0.0",
        "0e0",
        "0e99999999999999999999",
        "0.000e-5",
        "1e-400",
        "-1e-400",
        "2.2250738585072011e-308",
        "2.2250738585072012e-308",
        "2.2250738585072014e-308",
        "4.9406564584124654e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "9007199254740992",
        "9007199254740993",
        "9007199254740994",
        "9007199254740995",
        "9007199254740993.00000000000000000000000000000000000000001",
        "8.5e22",
        "1e22",
        "1e23",
        "18446744073709551615",
        "18446744073709551616",
        "9999999999999999999",
        "99999999999999999999",
        "1e-342",
        "1e308",
        "1e309",
        "123456789012345678901234567890",
        "7205759403792793200001e-5",
        "6929495644600919.5",
        "3.2e-325",
        "0.5e-323",
        "4503599627370497.5",
        "4503599627370496.5",
        "1e-5",
        "12345678",
        "123456789",
        "0.000000000000001",
        "1.00000000000001",
        "12345678.123456",
        "-1.5E+1",
        "1e+0",
        "1E-0"};
    struct sample sample;
    begin_sample(&sample);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        strcpy(sample.text, texts[i]);
        end_sample(&sample);
        compare(&sample);
    }
}
END_TEST

/* Hundreds of thousands of digits: the value is right, and one pass suffices. */
START_TEST(reads_numbers_of_any_length)
{
    enum { DIGITS = 200000 };
    char *const text = malloc(DIGITS + 64);
    const char *stop;
    double value = 0;
    memset(text, '0', DIGITS);
    text[0] = '0', text[1] = '.';
    sprintf(text + DIGITS, "25e%d", DIGITS - 2);
    ck_assert_int_eq(rl_number_read(text, text + strlen(text), &stop, &value), RL_NUMBER_OK);
    ck_assert_double_eq(value, 0.25);
    memset(text, '9', DIGITS);
    sprintf(text + DIGITS, "e-%d", DIGITS);
    ck_assert_int_eq(rl_number_read(text, text + strlen(text), &stop, &value), RL_NUMBER_OK);
    ck_assert_double_eq(value, 1);
    free(text);
}
END_TEST

/* ---- Grammar --------------------------------------------------------------------------------- */

static size_t digits_at(const char *text)
{
    return strspn(text, "0123456789");
}

/* The grammar of RFC 8259 section 6, word by word: length of the number, or -1 - the byte at
 * fault. */
static int number_length(const char *text)
{
    size_t at = text[0] == '-';
    size_t digits = digits_at(text + at);
    if (digits == 0)
        return -1 - (int)at;
    if (text[at] == '0' && digits > 1)
        return -1 - (int)(at + 1);
    at += digits;
    if (text[at] == '.') {
        digits = digits_at(text + at + 1);
        at += 1 + digits;
        if (digits == 0)
            return -1 - (int)at;
    }
    if (text[at] != 'e' && text[at] != 'E')
        return (int)at;
    at++;
    at += text[at] == '+' || text[at] == '-';
    digits = digits_at(text + at);
    return digits == 0 ? -1 - (int)at : (int)(at + digits);
}

static void check_grammar(const char *text, size_t length)
{
    /* Its own block, so that a sanitizer sees a byte read too many. */
    char *const copy = malloc(length > 0 ? length : 1);
    const char *stop = NULL;
    double value;
    memcpy(copy, text, length);
    const int expected = number_length(text);
    const enum rl_number_status status = rl_number_read(copy, copy + length, &stop, &value);
    const int got = status == RL_NUMBER_MALFORMED ? -1 - (int)(stop - copy) : (int)(stop - copy);
    ck_assert_msg(got == expected, "\"%s\": %d, expected %d", text, got, expected);
    free(copy);
}

START_TEST(takes_the_grammar_and_nothing_else)
{
    static const char alphabet[] = "-+019.eE ";
    enum { LETTERS = sizeof(alphabet) - 1, LONGEST = 6 };
    char text[LONGEST + 1];
    for (size_t length = 0; length <= LONGEST; length++) {
        size_t words = 1;
        for (size_t i = 0; i < length; i++)
            words *= LETTERS;
        for (size_t word = 0; word < words; word++) {
            size_t rest = word;
            for (size_t i = 0; i < length; i++, rest /= LETTERS)
                text[i] = alphabet[rest % LETTERS];
            text[length] = '\0';
            check_grammar(text, length);
        }
    }
}
END_TEST

/* The fast path may decline, but accepts nothing that the reader refuses. */
START_TEST(short_cut_takes_numbers_only)
{
    static const char alphabet[] = "-0129.,ex]";
    struct random random = random_init(random_seed());
    struct sample sample;
    begin_sample(&sample);
    for (int i = 0; i < test_share(FAST_TRIALS); i++) {
        const unsigned length = 1 + below(&random, 20);
        for (unsigned j = 0; j < length; j++)
            sample.text[j] = alphabet[below(&random, sizeof(alphabet) - 1)];
        strcpy(sample.text + length, ",");
        end_sample(&sample);
        double value = 0, expected = 1;
        const char *stop = rl_number_try(sample.text, &value), *expected_stop;
        if (!stop || *stop == 'e')
            continue;
        ck_assert_int_eq(
            rl_number_read(sample.text, sample.text + sample.length, &expected_stop, &expected),
            RL_NUMBER_OK);
        ck_assert_ptr_eq(stop, expected_stop);
        ck_assert_msg(bits_of(value) == bits_of(expected), "%s", sample.text);
    }
}
END_TEST
