/*
 * numreader.h: reads the numbers of JSON (RFC 8259), with the same bits as strtod.
 *
 * Two readers. rl_number_read takes any number, says what is wrong with a malformed one, and stays
 * within its bounds. rl_number_try is a fast path for the numbers that fill ranking batches: up to
 * 15 characters, no exponent, in the middle of a text. It is in this header so that numrun.c can
 * inline it.
 *
 * Algorithm. Up to 15 digits are an integer below 2^53, which is exact, and so is a power of ten up
 * to 10^22; one division then rounds once, correctly (W. D. Clinger, "How to read floating point
 * numbers accurately", 1990). Longer numbers take the product of up to 19 digits and a power of ten
 * of 128 bits, which nearly always decides the rounding (D. Lemire, "Number parsing at a gigabyte
 * per second", 2021); the rest go to strtod_l in the C locale.
 *
 * All functions may be called from any thread.
 */
#ifndef RL_NUMREADER_H
#define RL_NUMREADER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum rl_number_status {
    RL_NUMBER_OK,
    RL_NUMBER_MALFORMED, /* not the grammar of RFC 8259 */
    RL_NUMBER_OVERFLOW   /* beyond the range of double */
};

/*
 * Reads the number at `text`, looking at no byte from `end` on. *ret_stop is one past the number,
 * or, for a malformed one, the byte that broke the grammar (perhaps `end`). *ret_value is set only
 * with RL_NUMBER_OK; too small a number gives a denormal or zero, and -0 keeps its sign. What
 * follows the number is not checked, except that 01 is malformed.
 */
enum rl_number_status rl_number_read(const char *text, const char *end, const char **ret_stop,
                                     double *ret_value);

/* Bytes before and after `text` that rl_number_try may look at, whatever the number. */
enum { RL_NUMBER_BEFORE = 16, RL_NUMBER_AFTER = 40 };

/* What follows takes the lowest byte of a word for the first one of its text. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "ranklossd is for little-endian machines: x86-64 and aarch64");

/* 8 bytes of text as an integer whose lowest byte is the first. */
static inline uint64_t rl_load8(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof(word));
    return word;
}

/* Bit 7 of each byte that is not a digit; the others are 0. */
static inline uint64_t rl_nondigits8(uint64_t word)
{
    const uint64_t x = word ^ 0x3030303030303030;
    return (((x & 0x7f7f7f7f7f7f7f7f) + 0x7676767676767676) | x) & 0x8080808080808080;
}

/* The value of 8 digits, each a byte of 0 to 9, the first in the lowest byte. */
static inline uint64_t rl_digits8(uint64_t digits)
{
    digits = digits * 10 + (digits >> 8);
    digits = (digits & 0x00ff00ff00ff00ff) * (1 + (100ull << 16)) >> 16;
    return (digits & 0x0000ffff0000ffff) * (1 + (10000ull << 32)) >> 32;
}

#ifdef __SSE2__

/* Bit i is set where byte i of 16 is not a digit. */
static inline uint32_t rl_nondigits16(const char *text)
{
    const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)text);
    /* Moves '0'..'9' to the ten lowest signed values. */
    const __m128i moved = _mm_add_epi8(bytes, _mm_set1_epi8(128 - '0'));
    return (uint32_t)_mm_movemask_epi8(_mm_cmpgt_epi8(moved, _mm_set1_epi8(-128 + 9)));
}

/* The value of the last `count` (0 to 16) of the 16 digits that end at `stop`. */
static inline uint64_t rl_digits16(const char *stop, unsigned count)
{
    static const uint8_t window[32] = {[16] = 255, 255, 255, 255, 255, 255, 255, 255,
                                       255,        255, 255, 255, 255, 255, 255, 255};
    const __m128i mask = _mm_loadu_si128((const __m128i *)(const void *)(window + count));
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(stop - 16));
    x = _mm_and_si128(_mm_sub_epi8(x, _mm_set1_epi8('0')), mask);
    const __m128i tens = _mm_mullo_epi16(_mm_and_si128(x, _mm_set1_epi16(255)), _mm_set1_epi16(10));
    x = _mm_add_epi16(tens, _mm_srli_epi16(x, 8));
    x = _mm_madd_epi16(x, _mm_set1_epi32(100 + (1 << 16)));
    x = _mm_packs_epi32(x, x);
    x = _mm_madd_epi16(x, _mm_set1_epi32(10000 + (1 << 16)));
    const uint64_t halves = (uint64_t)_mm_cvtsi128_si64(x);
    return (halves & 0xffffffff) * 100000000 + (halves >> 32);
}

#else

static inline uint32_t rl_nondigits16(const char *text)
{
    const uint64_t low = rl_nondigits8(rl_load8(text)) >> 7;
    const uint64_t high = rl_nondigits8(rl_load8(text + 8)) >> 7;
    /* Gathers bits 0, 8, … 56 into the top byte. */
    const uint64_t gather = 0x0102040810204080;
    return (uint32_t)(low * gather >> 56 | high * gather >> 56 << 8);
}

static inline uint64_t rl_digits16(const char *stop, unsigned count)
{
    static const uint64_t masks[9] = {0,           ~0ull << 56, ~0ull << 48,
                                      ~0ull << 40, ~0ull << 32, ~0ull << 24,
                                      ~0ull << 16, ~0ull << 8,  ~0ull};
    const uint64_t zeros = 0x3030303030303030;
    const uint64_t low = (rl_load8(stop - 8) ^ zeros) & masks[count < 8 ? count : 8];
    const uint64_t high = (rl_load8(stop - 16) ^ zeros) & masks[count < 8 ? 0 : count - 8];
    return rl_digits8(high) * 100000000 + rl_digits8(low);
}

#endif

/*
 * Reads the number at `text` if it is a common one: an optional minus, 1 to 8 digits and an
 * optional fraction, at most 15 characters. Returns one past it, or NULL for any other text,
 * well-formed or not. Stops before an exponent: the caller must check that the next byte may follow
 * a number, and call rl_number_read if it may not.
 *
 * Reads bytes from text - RL_NUMBER_BEFORE to text + RL_NUMBER_AFTER.
 */
static inline const char *rl_number_try(const char *text, double *ret_value)
{
    static const double tens[16] = {1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    static const uint64_t scales[16] = {1,
                                        10,
                                        100,
                                        1000,
                                        10000,
                                        100000,
                                        1000000,
                                        10000000,
                                        100000000,
                                        1000000000,
                                        10000000000,
                                        100000000000,
                                        1000000000000,
                                        10000000000000,
                                        100000000000000,
                                        1000000000000000};
    /* Signs are unpredictable, so a branch would be slow; a xor applies the sign at the end. */
    uint32_t others = rl_nondigits16(text) | 1u << 16;
    const uint32_t negative = others & 1;
    others ^= negative;
    const unsigned whole = (unsigned)__builtin_ctz(others) - negative;
    const char *first = text + negative, *stop = first + whole;
    uint64_t digits = (unsigned char)(*first - '0'), bits;
    if (negative != (*text == '-'))
        return NULL;
    if (whole != 1) {
        if (whole == 0 || whole > 8 || *first == '0')
            return NULL;
        digits = rl_digits8((rl_load8(first) ^ 0x3030303030303030) << (64 - 8 * whole));
    }
    double value = (double)(int64_t)digits;
    if (*stop == '.') {
        const unsigned length = (unsigned)__builtin_ctz(others & (others - 1));
        const unsigned fraction = length - negative - whole - 1;
        if (fraction == 0 || length == 16)
            return NULL;
        stop = text + length;
        digits = digits * scales[fraction] + rl_digits16(stop, fraction);
        value = (double)(int64_t)digits / tens[fraction];
    }
    memcpy(&bits, &value, sizeof(bits));
    bits ^= (uint64_t)negative << 63;
    memcpy(ret_value, &bits, sizeof(bits));
    return stop;
}

#endif
