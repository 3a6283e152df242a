/*
 * numwriter.c: writes numbers; numwriter.h names the algorithm.
 *
 * A value is c * 2^q with integers c and q. The numbers that round to it lie between the midpoints
 * to its neighbours, (4c - 2) * 2^(q-2) and (4c + 2) * 2^(q-2); if c is a power of two, the lower
 * end is (4c - 1) * 2^(q-2). Both ends round to it if c is even. k is chosen so that 10^k just fits
 * into that interval, and everything is scaled by 4 * 10^-k. The lowest bit records whether any
 * bits were cut off ("round to odd"), so that comparisons of integers are exact.
 */
#include "server/text/numwriter.h"

#include <stdbool.h>
#include <string.h>

#include "server/text/powers.h"

/* digits * 10^exponent */
struct decimal {
    uint64_t digits;
    int exponent;
};

/* The three numbers above, scaled; an end that does not round to the value is already moved
 * inwards. */
struct interval {
    uint64_t lower, middle, upper;
};

/* floor(log10(2^q)), and floor(log10(3/4 * 2^q)), for |q| < 1100. */
static int floor_log10(int q, bool three_quarters)
{
    return (q * 1262611 - (three_quarters ? 524031 : 0)) >> 22;
}

/* The power of ten rounded up instead of down. */
static struct rl_power power_above(int k)
{
    struct rl_power power = rl_power(k);
    power.low += k < 0 || k > RL_POWER_EXACT;
    return power;
}

/*
 * The shortest decimal in the interval and, among those, the closest to its middle; k is the
 * exponent of its unit. Which candidate wins is unpredictable, so all are computed and none is
 * branched on.
 */
static inline struct decimal choose(struct interval scaled, int k)
{
    const uint64_t below = scaled.middle / 4, tens = below / 10, half = 4 * below + 2;
    const uint64_t tens_under = scaled.lower <= 40 * tens;
    const uint64_t tens_over = 40 * tens + 40 <= scaled.upper;
    const uint64_t under = scaled.lower <= 4 * below, over = 4 * below + 4 <= scaled.upper;
    const uint64_t nearer = (scaled.middle > half) | ((scaled.middle == half) & below);
    const uint64_t one_fits = under ^ over;
    const uint64_t longer = below + ((one_fits & over) | (~one_fits & nearer & 1));
    const uint64_t shorter = 10 * (tens + tens_over);
    const uint64_t choice = -((tens_under ^ tens_over) & (below >= 10)); /* all bits or none */
    return (struct decimal){(shorter & choice) | (longer & ~choice), k};
}

static uint64_t scale_double(struct rl_power power, uint64_t c)
{
    const unsigned __int128 low = (unsigned __int128)power.low * c;
    const unsigned __int128 all = (unsigned __int128)power.high * c + (uint64_t)(low >> 64);
    return (uint64_t)(all >> 64) | ((uint64_t)all > 1);
}

static struct decimal shortest_double(uint64_t c, int q, bool narrow_below)
{
    const int k = floor_log10(q, narrow_below);
    const int shift = q + rl_power_exponent(-k) + 1;
    const struct rl_power power = power_above(-k);
    const uint64_t odd = c & 1;
    const struct interval scaled = {
        .lower = scale_double(power, (4 * c - (narrow_below ? 1 : 2)) << shift) + odd,
        .middle = scale_double(power, (4 * c) << shift),
        .upper = scale_double(power, (4 * c + 2) << shift) - odd,
    };
    return choose(scaled, k);
}

static uint64_t scale_float(uint64_t power, uint64_t c)
{
    const unsigned __int128 all = (unsigned __int128)power * c;
    return (uint64_t)(all >> 64) | ((uint64_t)all >> 32 > 1);
}

static struct decimal shortest_float(uint64_t c, int q, bool narrow_below)
{
    const int k = floor_log10(q, narrow_below);
    const int shift = q + rl_power_exponent(-k) + 1;
    const struct rl_power power = rl_power(-k);
    /* 64 bits of the power, also rounded up, are enough here. */
    const uint64_t above = power.high + (power.low != 0 || -k < 0);
    const uint64_t odd = c & 1;
    const struct interval scaled = {
        .lower = scale_float(above, (4 * c - (narrow_below ? 1 : 2)) << shift) + odd,
        .middle = scale_float(above, (4 * c) << shift),
        .upper = scale_float(above, (4 * c + 2) << shift) - odd,
    };
    return choose(scaled, k);
}

/* 8 decimal digits as 8 bytes of 0 to 9, the first in the lowest byte. */
static uint64_t spread8(uint64_t value)
{
    uint64_t x = value / 10000 | value % 10000 << 32;
    const uint64_t hundreds = (x * 10486 >> 20) & 0x0000007f0000007f;
    x = hundreds | (x - hundreds * 100) << 16;
    const uint64_t tens = (x * 103 >> 10) & 0x000f000f000f000f;
    return tens | (x - tens * 10) << 8;
}

/*
 * How a number is laid out. Its digits lie between zeros. With enough leading zeros for the value's
 * fraction, every number is `count` digits with a point after `whole` of them.
 */
struct layout {
    int skip;     /* leading digits to leave out; negative: leading zeros to include */
    int count;    /* up to the last that is not 0; 0 or less for the value 0 */
    int whole;    /* at least 1 */
    int exponent; /* what follows the e; 0 for none */
};

enum { ZEROS = 4, FLOAT_DIGITS = 9, DOUBLE_DIGITS = 17 };

/* For `digits` digits, the last of them times ten to `unit`, with zeros at both ends. Exponents of
 * the first digit from -ZEROS to digits - 1 are plain. */
static struct layout lay_out(int digits, int unit, int leading, int trailing)
{
    const int exponent = unit + digits - 1 - leading;
    /* All bits or none: a branch on this would be unpredictable. */
    const int plain = -(exponent >= -ZEROS && exponent < digits), negative = -(exponent < 0);
    const int zeros = -exponent & negative & plain;
    return (struct layout){
        .skip = leading - zeros,
        .count = digits - leading - trailing + zeros,
        .whole = 1 + (exponent & ~negative & plain),
        .exponent = exponent & ~plain,
    };
}

/* Zero bytes before the first other byte of a word, at most 8. For leading zeros the last byte
 * counts as another one, so that 0 keeps a digit. */
static int leading_zeros(uint64_t word)
{
    return __builtin_ctzll(word | 1ull << 56) / 8;
}

static int trailing_zeros(uint64_t word)
{
    return word ? __builtin_clzll(word) / 8 : 8;
}

static char *write_exponent(char *out, int exponent)
{
    *out++ = 'e';
    if (exponent < 0)
        *out++ = '-';
    return rl_write_unsigned(out, (uint64_t)(exponent < 0 ? -exponent : exponent));
}

#define ASCII_ZEROS 0x3030303030303030u

static void store8(char *out, uint64_t word)
{
    memcpy(out, &word, sizeof(word));
}

/* The digits between zeros. Copies have a fixed length, however much of it is used. */
enum { COPY = 24 };
struct room {
    char text[ZEROS + 2 * DOUBLE_DIGITS + COPY];
};

static char *write_digits(char *out, const struct room *room, struct layout layout)
{
    const char *const text = room->text + ZEROS + layout.skip;
    memcpy(out, text, COPY);
    if (layout.count > layout.whole) {
        out[layout.whole] = '.';
        memcpy(out + layout.whole + 1, text + layout.whole, COPY);
        out += layout.count + 1;
    } else {
        out += layout.whole;
    }
    return layout.exponent ? write_exponent(out, layout.exponent) : out;
}

static char *write_float_decimal(char *out, struct decimal value)
{
    struct room room;
    const uint64_t top = value.digits / 100000000, low = spread8(value.digits % 100000000);
    const int leading = (1 + leading_zeros(low)) & -(top == 0);
    store8(room.text, ASCII_ZEROS);
    room.text[ZEROS] = (char)('0' + top);
    store8(room.text + ZEROS + 1, low + ASCII_ZEROS);
    store8(room.text + ZEROS + FLOAT_DIGITS, ASCII_ZEROS);
    return write_digits(out, &room,
                        lay_out(FLOAT_DIGITS, value.exponent, leading, trailing_zeros(low)));
}

static char *write_double_decimal(char *out, struct decimal value)
{
    struct room room;
    const uint64_t top = value.digits / 10000000000000000, rest = value.digits % 10000000000000000;
    const uint64_t high = spread8(rest / 100000000), low = spread8(rest % 100000000);
    int leading = (1 + leading_zeros(high)) & -(top == 0), trailing = trailing_zeros(low);
    if (!(top | high))
        leading = 9 + leading_zeros(low);
    if (!low)
        trailing += trailing_zeros(high);
    store8(room.text, ASCII_ZEROS);
    room.text[ZEROS] = (char)('0' + top);
    store8(room.text + ZEROS + 1, high + ASCII_ZEROS);
    store8(room.text + ZEROS + 9, low + ASCII_ZEROS);
    memset(room.text + ZEROS + DOUBLE_DIGITS, '0', DOUBLE_DIGITS);
    return write_digits(out, &room, lay_out(DOUBLE_DIGITS, value.exponent, leading, trailing));
}

/* Whole numbers below 2^53, and 0: their digits are those of c * 2^q. */
static bool is_whole(uint64_t c, int q)
{
    const uint64_t behind_point = (1ull << (-q & 63)) - 1;
    return (((unsigned)-q <= 52) & ((c & behind_point) == 0)) | (c == 0);
}

char *rl_write_double(char *out, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    const uint64_t fraction = bits & ((1ull << 52) - 1);
    const int biased = (int)(bits >> 52 & 0x7ff);
    struct decimal decimal;
    *out = '-';
    out += bits >> 63;
    const uint64_t c = biased ? fraction | 1ull << 52 : fraction;
    const int q = (biased ? biased : 1) - 1075;
    if (is_whole(c, q))
        decimal = (struct decimal){c >> (-q & 63), 0};
    else
        decimal = shortest_double(c, q, fraction == 0 && biased > 1);
    return write_double_decimal(out, decimal);
}

char *rl_write_float(char *out, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    const uint32_t fraction = bits & ((1u << 23) - 1);
    const int biased = (int)(bits >> 23 & 0xff);
    struct decimal decimal;
    *out = '-';
    out += bits >> 31;
    const uint64_t c = biased ? fraction | 1u << 23 : fraction;
    const int q = (biased ? biased : 1) - 150;
    if (is_whole(c, q))
        decimal = (struct decimal){c >> (-q & 63), 0};
    else
        decimal = shortest_float(c, q, fraction == 0 && biased > 1);
    return write_float_decimal(out, decimal);
}

char *rl_write_unsigned(char *out, uint64_t value)
{
    static const char pairs[200 + 1] = "00010203040506070809101112131415161718192021222324"
                                       "25262728293031323334353637383940414243444546474849"
                                       "50515253545556575859606162636465666768697071727374"
                                       "75767778798081828384858687888990919293949596979899";
    char text[RL_UNSIGNED_TEXT];
    char *first = text + sizeof(text);
    for (; value >= 100; value /= 100) {
        first -= 2;
        memcpy(first, pairs + 2 * (value % 100), 2);
    }
    if (value >= 10) {
        first -= 2;
        memcpy(first, pairs + 2 * value, 2);
    } else {
        *--first = (char)('0' + value);
    }
    const size_t length = (size_t)(text + sizeof(text) - first);
    memcpy(out, first, length);
    return out + length;
}
