/*
 * test_lex.c: strings of JSON byte by byte, blanks, and the counting of marks.
 */
#include "server/formats/document/lex.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/property/random.h"
#include "tests/lib/unittest.h"

/* Scans a copy that ends where the text ends, so that a sanitizer sees a byte read too many. */
static ptrdiff_t scan(const char *text, size_t length, bool key, struct rl_fault *ret_fault)
{
    char *const copy = malloc(length);
    memcpy(copy, text, length);
    const char *const stop = rl_lex_string(copy, copy + length, key, ret_fault);
    const ptrdiff_t result = stop ? stop - copy : -1 - (ret_fault->at - copy);
    free(copy);
    return result;
}

/* Every sequence of up to four bytes that could be a character: what jansson takes, and no more. */
START_TEST(characters_are_those_of_utf8)
{
    static const unsigned char leads[] = {0x1f, 0x20, 0x7f, 0x80, 0xbf, 0xc0, 0xc1, 0xc2,
                                          0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0,
                                          0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xff};
    static const unsigned char others[] = {0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0};
    enum { OTHERS = sizeof(others) };
    for (size_t lead = 0; lead < sizeof(leads); lead++) {
        for (size_t rest = 0; rest < (size_t)OTHERS * OTHERS * OTHERS; rest++) {
            for (size_t length = 1; length <= 4; length++) {
                struct rl_fault fault;
                char text[8] = {'"', (char)leads[lead], (char)others[rest % OTHERS],
                                (char)others[rest / OTHERS % OTHERS],
                                (char)others[rest / OTHERS / OTHERS]};
                text[1 + length] = '"';
                json_t *const value = json_loadb(text, length + 2, JSON_DECODE_ANY, NULL);
                const ptrdiff_t stop = scan(text, length + 2, false, &fault);
                ck_assert_msg((stop == (ptrdiff_t)length + 2) == (value != NULL),
                              "%02x %02x %02x %02x, %zu bytes: %td", leads[lead],
                              (unsigned char)text[2], (unsigned char)text[3],
                              (unsigned char)text[4], length, stop);
                json_decref(value);
            }
        }
    }
}
END_TEST

START_TEST(faults_are_where_they_are)
{
    static const struct {
        const char *text;
        bool key;
        ptrdiff_t result; /* length, or -1 - the byte at fault */
        const char *why;
    } cases[] = {
        {"\"\"", true, 2, NULL},
        {"\"abc\"x", true, 5, NULL},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", true, 18, NULL},
        {"\"\\u0041\\ud83d\\ude00\"", true, 20, NULL},
        {"\"\\u0000\"", false, 8, NULL},
        {"\"\\u0000\"", true, -2, "U+0000"},
        {"\"ab", false, -4, "ends within"},
        {"\"a\\", false, -4, "ends within"},
        {"\"\\u12\"", false, -2, "four hexadecimal"},
        {"\"\\ud83d\"", false, -2, "high surrogate"},
        {"\"\\ud83d\\ud83d\"", false, -2, "high surrogate"},
        {"\"\\ud83d\\n\"", false, -2, "high surrogate"},
        {"\"x\\udc00\"", false, -3, "low surrogate"},
        {"\"\\a\"", false, -2, "not a JSON escape"},
        {"\"a\tb\"", false, -3, "control character"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rl_fault fault = {NULL, ""};
        const ptrdiff_t result = scan(cases[i].text, strlen(cases[i].text), cases[i].key, &fault);
        ck_assert_msg(result == cases[i].result, "%s: %td", cases[i].text, result);
        ck_assert(!cases[i].why || strstr(fault.why, cases[i].why));
    }
}
END_TEST

START_TEST(blanks_are_four)
{
    char text[256];
    for (int c = 0; c < 256; c++) {
        text[0] = (char)c;
        const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        ck_assert_int_eq(rl_skip_blanks(text, text + 1) - text, blank);
    }
}
END_TEST

START_TEST(marks_are_counted)
{
    struct random random = random_init(random_seed());
    for (int i = 0; i < 2000; i++) {
        const size_t length = random_below(&random, 300);
        struct rl_marks expected = {0, 0};
        char *const text = malloc(length > 0 ? length : 1);
        for (size_t j = 0; j < length; j++) {
            text[j] = ",[]0 \xac\xdb"[random_below(&random, 7)];
            expected.commas += text[j] == ',';
            expected.brackets += text[j] == '[';
        }
        const struct rl_marks marks = rl_count_marks(text, length);
        ck_assert_uint_eq(marks.commas, expected.commas);
        ck_assert_uint_eq(marks.brackets, expected.brackets);
        free(text);
    }
}
END_TEST
