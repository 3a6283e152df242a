/*
 * test_utf8.c: every character is accepted, and nothing else.
 */
#include "server/text/utf8.h"

#include <stdint.h>
#include <string.h>

#include "tests/lib/unittest.h"

/* The character of a code, as RFC 3629 defines it. Returns its length. */
static size_t encode(uint32_t code, char *ret_bytes)
{
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    const size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, code >>= 6)
        ret_bytes[i] = (char)(0x80 | (code & 0x3f));
    ret_bytes[0] = (char)(leads[length] | code);
    return length;
}

START_TEST(every_code_but_surrogates_is_a_character)
{
    for (uint32_t code = 0; code < 0x110000; code++) {
        char bytes[4];
        const size_t length = encode(code, bytes);
        const int surrogate = code >= 0xd800 && code < 0xe000;
        ck_assert_uint_eq(rl_utf8_length(bytes, length), surrogate ? 0 : length);
        ck_assert_uint_eq(rl_utf8_length(bytes, length - 1), 0);
    }
}
END_TEST

/* As many sequences of each length are accepted as there are codes of that length. */
START_TEST(nothing_else_is_a_character)
{
    size_t found[5] = {0};
    for (uint32_t lead = 0; lead < 256; lead++) {
        for (uint32_t second = 0; second < 256; second++) {
            for (unsigned third = 0; third < 256; third += 0x40) {
                const char bytes[4] = {(char)lead, (char)second, (char)third, (char)0x80};
                found[rl_utf8_length(bytes, 4)]++;
            }
        }
    }
    ck_assert_uint_eq(found[1], 128 * 256 * 4);
    ck_assert_uint_eq(found[2], (0x800 - 0x80) * 4);
    ck_assert_uint_eq(found[3], (0x10000 - 0x800 - 0x800) / 64);
    ck_assert_uint_eq(found[4], (0x110000 - 0x10000) / 4096);
}
END_TEST

START_TEST(a_nul_ends_the_look)
{
    ck_assert_uint_eq(rl_utf8_length("\xe2", 4), 0);
    ck_assert_uint_eq(rl_utf8_length("\xe2\x82", 4), 0);
    ck_assert_uint_eq(rl_utf8_length("\xf0\x9f\x98", 4), 0);
    ck_assert_uint_eq(rl_utf8_length("", 0), 0);
}
END_TEST
