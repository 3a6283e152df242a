/*
 * test_extract.c: the strict pass over a body: what it accepts and refuses, the positions of
 * errors, and the arrays and the remaining text, which together equal what jansson reads.
 */
#include "server/formats/document/extract.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/property/random.h"
#include "tests/unit/trials.h"
#include "tests/lib/unittest.h"

enum { DEPTH = 32, FAST_TRIALS = 20000 };

/* ---- Extracting a text -------------------------------------------------------------------------
 * */

struct outcome {
    struct rl_arena arena;
    struct rl_extracted extracted;
    struct rl_error error;
    enum rl_status status;
    char *body; /* its own block: a sanitizer sees beyond it */
};

static void extract_bytes(struct outcome *outcome, const char *text, size_t length, size_t depth)
{
    memset(outcome, 0, sizeof(*outcome));
    rl_arena_init(&outcome->arena, (size_t)1 << 30);
    outcome->body = malloc(length > 0 ? length : 1);
    memcpy(outcome->body, text, length);
    outcome->status = rl_extract(outcome->body, length, depth, NULL, 0, &outcome->arena,
                                 &outcome->extracted, &outcome->error);
}

static void extract(struct outcome *outcome, const char *text)
{
    extract_bytes(outcome, text, strlen(text), DEPTH);
}

static void release(struct outcome *outcome)
{
    rl_arena_release(&outcome->arena);
    free(outcome->body);
}

static void check_rest(const char *text, const char *expected)
{
    struct outcome outcome;
    extract(&outcome, text);
    ck_assert_msg(outcome.status == RL_OK, "%s: %s", text, outcome.error.detail);
    ck_assert_msg(outcome.extracted.length == strlen(expected) &&
                      memcmp(outcome.extracted.text, expected, strlen(expected)) == 0,
                  "%s: %.*s", text, (int)outcome.extracted.length, outcome.extracted.text);
    release(&outcome);
}

START_TEST(numeric_arrays_give_way_to_references)
{
    check_rest("{}", "{}");
    check_rest("{\"a\":[1,2],\"b\":[[3],[]]}", "{\"a\":[0],\"b\":[1]}");
    check_rest(" { \"a\" : [ 1 , 2 ] , \"b\" : true } ", " { \"a\" : [0] , \"b\" : true } ");
    check_rest("{\"a\":[],\"b\":[null,true,false]}", "{\"a\":[0],\"b\":[1]}");
    check_rest("{\"a\":\"[1]\",\"b\":[7]}", "{\"a\":\"[1]\",\"b\":[0]}");
    check_rest("{\"a\":[[[[1]]],2]}", "{\"a\":[0]}");
    check_rest("{\"a\":1,\"b\":-2.5e3,\"c\":null}", "{\"a\":1,\"b\":-2.5e3,\"c\":null}");
}
END_TEST

START_TEST(arrays_with_texts_keep_their_numeric_parts_out)
{
    check_rest("{\"a\":[\"x\"]}", "{\"a\":[\"x\"]}");
    check_rest("{\"a\":[1,2,\"x\",3]}", "{\"a\":[1,2,\"x\",3]}");
    check_rest("{\"a\":[[1],[2],\"x\",[3,4]]}", "{\"a\":[[0],[1],\"x\",[2]]}");
    check_rest("{\"a\":[[1],[[2],[3],{}],[4]]}", "{\"a\":[[0],[[1],[2],{}],[3]]}");
    check_rest("{\"a\":[{\"b\":[1]},{\"b\":[2]}]}", "{\"a\":[{\"b\":[0]},{\"b\":[1]}]}");
    check_rest("{\"a\":[[[[\"x\"]]],[[[5]]]]}", "{\"a\":[[[[\"x\"]]],[0]]}");
    check_rest("{\"a\":[5,[\"x\",[1]],6],\"b\":[7]}", "{\"a\":[5,[\"x\",[0]],6],\"b\":[1]}");
}
END_TEST

/* jansson's whole numbers have 64 bits; longer ones become real, in the same place. */
START_TEST(long_whole_numbers_become_real)
{
    check_rest("{\"a\":123456789012345678}", "{\"a\":123456789012345678}");
    check_rest("{\"a\":-123456789012345678}", "{\"a\":-123456789012345678}");
    check_rest("{\"a\":1234567890123456789}", "{\"a\":12345678901234568e2}");
    check_rest("{\"a\":-99999999999999999999}", "{\"a\":-10000000000000000e4 }");
    check_rest("{\"a\":100000000000000000000000000000}", "{\"a\":99999999999999991e12          }");
    check_rest("{\"a\":1234567890123456789.5}", "{\"a\":1234567890123456789.5}");
}
END_TEST

/* ---- Columns ----------------------------------------------------------------------------------
 */

static const struct rl_array *only_array(struct outcome *outcome, const char *text)
{
    extract(outcome, text);
    ck_assert_msg(outcome->status == RL_OK, "%s: %s", text, outcome->error.detail);
    ck_assert_uint_eq(outcome->extracted.count, 1);
    return outcome->extracted.arrays;
}

START_TEST(lists_and_rows)
{
    struct outcome outcome;
    const struct rl_array *array = only_array(&outcome, "{\"a\":[1,-2.5,3e2]}");
    ck_assert_int_eq(array->shape, RL_ARRAY_FLAT);
    ck_assert_uint_eq(array->count, 3);
    ck_assert_double_eq(array->values[1], -2.5);
    ck_assert_uint_eq(array->begin, 5);
    ck_assert_uint_eq(array->end, 17);
    release(&outcome);
    array = only_array(&outcome, "{\"a\":[[1,2],[],[3]]}");
    ck_assert_int_eq(array->shape, RL_ARRAY_ROWS);
    ck_assert_uint_eq(array->count, 3);
    ck_assert_uint_eq(array->rows, 3);
    const size_t offsets[] = {0, 2, 2, 3};
    ck_assert_mem_eq(array->offsets, offsets, sizeof(offsets));
    release(&outcome);
    array = only_array(&outcome, "{\"a\":[]}");
    ck_assert_int_eq(array->shape, RL_ARRAY_FLAT);
    ck_assert_uint_eq(array->count, 0);
    release(&outcome);
    array = only_array(&outcome, "{\"a\":[[]]}");
    ck_assert_int_eq(array->shape, RL_ARRAY_ROWS);
    ck_assert_uint_eq(array->rows, 1);
    release(&outcome);
}
END_TEST

START_TEST(words_have_bits_of_their_own)
{
    static const uint64_t expected[] = {RL_BITS_NULL, RL_BITS_TRUE, RL_BITS_FALSE};
    struct outcome outcome;
    const struct rl_array *array = only_array(&outcome, "{\"a\":[null,true,false]}");
    ck_assert_mem_eq(array->values, expected, sizeof(expected));
    ck_assert(array->has_null && array->has_bool);
    release(&outcome);
    array = only_array(&outcome, "{\"a\":[[1,null]]}");
    ck_assert(array->has_null && !array->has_bool);
    release(&outcome);
    array = only_array(&outcome, "{\"b\":\"\",\"a\":[1,2]}");
    ck_assert(!array->has_null && !array->has_bool);
    release(&outcome);
}
END_TEST

static void check_misfit(const char *text, size_t row, size_t item, bool inner,
                         const char *expected, const char *found)
{
    struct outcome outcome;
    const struct rl_array *const array = only_array(&outcome, text);
    ck_assert_int_eq(array->shape, RL_ARRAY_IRREGULAR);
    ck_assert_msg(
        array->misfit.row == row && array->misfit.item == item && array->misfit.inner == inner,
        "%s: %zu %zu %d", text, array->misfit.row, array->misfit.item, array->misfit.inner);
    ck_assert_str_eq(array->misfit.expected, expected);
    ck_assert_str_eq(array->misfit.found, found);
    release(&outcome);
}

START_TEST(irregular_arrays_say_where)
{
    check_misfit("{\"a\":[1,[2]]}", 1, 0, false, "a number", "a list");
    check_misfit("{\"a\":[[1],2]}", 1, 0, false, "a list", "a number");
    check_misfit("{\"a\":[[1],[2,3],null]}", 2, 0, false, "a list", "null");
    check_misfit("{\"a\":[[1],true,[[2]]]}", 1, 0, false, "a list", "true");
    check_misfit("{\"a\":[[1],[2,3,[4]]]}", 1, 2, true, "a number", "a list");
    check_misfit("{\"a\":[[[]]]}", 0, 0, true, "a number", "a list");
    check_misfit("{\"a\":[null,[1]]}", 1, 0, false, "a number", "a list");
    check_misfit("{\"a\":[[],[],[0,0,[]]]}", 2, 2, true, "a number", "a list");
}
END_TEST

/* ---- Refusing ---------------------------------------------------------------------------------
 */

static void check_refused(const char *text, size_t length, size_t line, size_t column,
                          size_t offset, const char *part)
{
    struct outcome outcome;
    extract_bytes(&outcome, text, length, DEPTH);
    ck_assert_msg(outcome.status == RL_SYNTAX, "%s: status %d", text, outcome.status);
    ck_assert_int_eq(outcome.error.status, RL_SYNTAX);
    ck_assert_msg(outcome.error.line == line && outcome.error.column == column &&
                      outcome.error.offset == offset,
                  "%s: line %zu, column %zu, offset %zu", text, outcome.error.line,
                  outcome.error.column, outcome.error.offset);
    ck_assert_msg(strstr(outcome.error.detail, part) != NULL, "%s: %s", text, outcome.error.detail);
    release(&outcome);
}

static const struct {
    const char *text;
    size_t line, column, offset;
    const char *part; /* of the detail */
} refused[] = {
    {"", 1, 1, 0, "empty"},
    {" \n ", 2, 2, 3, "empty"},
    {"\xef\xbb\xbf{}", 1, 1, 0, "byte order mark"},
    {"\xff\xfe{", 1, 1, 0, "UTF-16"},
    {"[1]", 1, 1, 0, "a JSON object was expected, found '['"},
    {"5", 1, 1, 0, "a JSON object"},
    {"\"x\"", 1, 1, 0, "a JSON object"},
    {"null", 1, 1, 0, "a JSON object"},
    {"{", 1, 2, 1, "the text ends"},
    {"{\"a\"", 1, 5, 4, "the text ends"},
    {"{\"a\":", 1, 6, 5, "the text ends"},
    {"{\"a\":[1", 1, 8, 7, "the text ends"},
    {"{\"a\":[1,", 1, 9, 8, "the text ends"},
    {"{\"a\":\"x", 1, 8, 7, "ends within a string"},
    {"{\"a\":\"x\\", 1, 9, 8, "ends within a string"},
    {"{\"a\":tru", 1, 6, 5, "a value was expected"},
    {"{}x", 1, 3, 2, "more text"},
    {"{} {}", 1, 4, 3, "more text"},
    {"{}\n\n ]", 3, 2, 5, "more text"},
    {"{\"a\":1,}", 1, 8, 7, "a key in double quotes was expected, found '}'"},
    {"{\"a\":[1,]}", 1, 9, 8, "a value was expected, found ']'"},
    {"{\"a\":[,1]}", 1, 7, 6, "found ','"},
    {"{\"a\":[1 2]}", 1, 9, 8, "a comma or ] was expected, found '2'"},
    {"{\"a\":[[1][2]]}", 1, 10, 9, "a comma or ]"},
    {"{\"a\":1 \"b\":2}", 1, 8, 7, "a comma or }"},
    {"{\"a\" 1}", 1, 6, 5, "a colon"},
    {"{a:1}", 1, 2, 1, "a key in double quotes"},
    {"{1:1}", 1, 2, 1, "a key in double quotes"},
    {"{'a':1}", 1, 2, 1, "double quotes"},
    {"{\"a\":'x'}", 1, 6, 5, "double quotes"},
    {"{\"a\":/* */1}", 1, 6, 5, "comments"},
    {"{\"a\":1}//", 1, 8, 7, "more text"},
    {"{\"a\":[1}", 1, 8, 7, "a comma or ]"},
    {"{\"a\":1]", 1, 7, 6, "a comma or }"},
    {"{\"a\":NaN}", 1, 6, 5, "NaN is not a JSON value"},
    {"{\"a\":[1,Infinity]}", 1, 9, 8, "Infinity is not a JSON value"},
    {"{\"a\":[1,-Infinity]}", 1, 9, 8, "-Infinity is not a JSON value"},
    {"{\"a\":[None]}", 1, 7, 6, "None is not a JSON value"},
    {"{\"a\":True}", 1, 6, 5, "True is not a JSON value"},
    {"{\"a\":nul}", 1, 6, 5, "a value was expected, found 'n'"},
    {"{\"a\":nullx}", 1, 10, 9, "a comma or }"},
    {"{\"a\":[01]}", 1, 7, 6, "leading zeros"},
    {"{\"a\":[-01]}", 1, 7, 6, "leading zeros"},
    {"{\"a\":[1.]}", 1, 9, 8, "a digit was expected, found ']'"},
    {"{\"a\":[1.e5]}", 1, 9, 8, "a digit"},
    {"{\"a\":[.5]}", 1, 7, 6, "begins with a digit"},
    {"{\"a\":[+1]}", 1, 7, 6, "begins with a digit"},
    {"{\"a\":[-]}", 1, 8, 7, "a digit"},
    {"{\"a\":[1e]}", 1, 9, 8, "a digit"},
    {"{\"a\":[1e+]}", 1, 10, 9, "a digit"},
    {"{\"a\":[0x10]}", 1, 8, 7, "found 'x'"},
    {"{\"a\":[1e999]}", 1, 7, 6, "beyond the range of double"},
    {"{\"a\":[1,2,-1e999]}", 1, 11, 10, "beyond the range of double"},
    {"{\"a\":\"\x01\"}", 1, 7, 6, "control character"},
    {"{\"a\":\"\n\"}", 1, 7, 6, "control character"},
    {"{\"a\":\"\\x\"}", 1, 7, 6, "not a JSON escape"},
    {"{\"a\":\"\\u12g4\"}", 1, 7, 6, "four hexadecimal"},
    {"{\"a\":\"\\ud800\"}", 1, 7, 6, "high surrogate without"},
    {"{\"a\":\"\\ud800\\u0041\"}", 1, 7, 6, "high surrogate without"},
    {"{\"a\":\"\\udc00\"}", 1, 7, 6, "low surrogate without"},
    {"{\"\\u0000\":1}", 1, 3, 2, "U+0000"},
    {"{\"a\":\"\xff\"}", 1, 7, 6, "UTF-8"},
    {"{\"a\":\"\xc0\x80\"}", 1, 7, 6, "UTF-8"},
    {"{\"a\":\"\xe0\x80\x80\"}", 1, 7, 6, "UTF-8"},
    {"{\"a\":\"\xed\xa0\x80\"}", 1, 7, 6, "UTF-8"},
    {"{\"a\":\"\xf4\x90\x80\x80\"}", 1, 7, 6, "UTF-8"},
    {"{\"a\":\"\xf8\x88\x80\x80\x80\"}", 1, 7, 6, "UTF-8"},
    {"{\"a\":\"\xe2\x82\"}", 1, 7, 6, "UTF-8"},
    {"{\"\xc3\xa9\":\n\"\xc3\xa9\xc3\xa9\", x}", 2, 7, 15, "a key in double quotes"},
    {"{\"a\":\xc3\xa9}", 1, 6, 5, "found the byte 0xc3"},
    {"{\"a\":\f1}", 1, 6, 5, "found the byte 0x0c"},
    {"{\"a\":[1,\n2,\n  x]}", 3, 3, 14, "found 'x'"},
};

START_TEST(bad_text_is_refused_where_it_is_bad)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        check_refused(refused[i].text, strlen(refused[i].text), refused[i].line, refused[i].column,
                      refused[i].offset, refused[i].part);
}
END_TEST

/* The same faults in the middle of long rows, where the fast loop reads. */
START_TEST(bad_text_is_refused_within_long_rows_too)
{
    char text[4096];
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        const char *const fault = strstr(refused[i].text, ":[");
        const size_t rest = fault ? refused[i].offset - (size_t)(fault + 2 - refused[i].text) : 0;
        if (!fault || refused[i].line > 1 ||
            refused[i].offset < (size_t)(fault + 2 - refused[i].text))
            continue;
        for (int rows = 0; rows < 2; rows++) {
            size_t length = (size_t)sprintf(text, "{\"a\":[%s", rows ? "[1],[2],[" : "");
            for (int n = 0; n < 100; n++)
                length += (size_t)sprintf(text + length, "%.*f%s", n % 17, 1.5 * n - 60,
                                          rows && n % 10 == 9 ? "],[" : ",");
            const size_t place = length + rest;
            length += (size_t)sprintf(text + length, "%s", fault + 2);
            check_refused(text, length, 1, place + 1, place, refused[i].part);
        }
    }
}
END_TEST

START_TEST(nul_bytes_are_refused)
{
    check_refused("{\"a\":[1\0,2]}", 12, 1, 8, 7, "NUL byte");
    check_refused("{\"a\":\"x\0y\"}", 11, 1, 8, 7, "NUL byte");
    check_refused("{\"a\":true\0}", 11, 1, 10, 9, "NUL byte");
    check_refused("{\"a\"\0:1}", 8, 1, 5, 4, "NUL byte");
    check_refused("{}\0", 3, 1, 3, 2, "more text");
    check_refused("\0", 1, 1, 1, 0, "NUL byte");
}
END_TEST

START_TEST(nesting_has_two_bounds)
{
    enum { LEVELS = 100000 };
    struct outcome outcome;
    char *const text = malloc(LEVELS + 64);
    size_t length = (size_t)sprintf(text, "{\"a\":");
    memset(text + length, '[', LEVELS);
    check_refused(text, length + LEVELS, 1, length + 1024, length + 1023, "deeper than 1024");
    check_refused(text + length, LEVELS, 1, 1, 0, "a JSON object");
    for (size_t depth = 4; depth <= 40; depth += 4) {
        length = (size_t)sprintf(text, "{\"a\":");
        for (size_t i = 1; i < depth; i++)
            text[length++] = '[';
        for (size_t i = 1; i < depth; i++)
            text[length++] = ']';
        text[length++] = '}';
        extract_bytes(&outcome, text, length, 20);
        ck_assert_int_eq(outcome.status, depth <= 20 ? RL_OK : RL_TOO_LARGE);
        if (depth > 20)
            ck_assert_ptr_nonnull(strstr(outcome.error.detail, "max-depth (20 levels)"));
        release(&outcome);
    }
    free(text);
}
END_TEST

START_TEST(columns_and_memory_have_bounds)
{
    struct outcome outcome;
    struct rl_arena arena;
    struct rl_extracted extracted;
    struct rl_error error;
    char *const text = malloc(1 << 20);
    size_t length = (size_t)sprintf(text, "{\"a\":[\"\"");
    for (int i = 0; i < RL_ARRAYS_MAX; i++)
        length += (size_t)sprintf(text + length, ",[%d]", i);
    length += (size_t)sprintf(text + length, "]}");
    extract_bytes(&outcome, text, length, DEPTH);
    ck_assert_int_eq(outcome.status, RL_OK);
    ck_assert_uint_eq(outcome.extracted.count, RL_ARRAYS_MAX);
    ck_assert_double_eq(outcome.extracted.arrays[RL_ARRAYS_MAX - 1].values[0], RL_ARRAYS_MAX - 1);
    release(&outcome);
    length += (size_t)sprintf(text + length - 2, ",[]]}") - 2;
    extract_bytes(&outcome, text, length, DEPTH);
    ck_assert_int_eq(outcome.status, RL_TOO_LARGE);
    release(&outcome);
    length = (size_t)sprintf(text, "{\"a\":[0");
    for (int i = 0; i < 2000; i++)
        length += (size_t)sprintf(text + length, ",0");
    length += (size_t)sprintf(text + length, "]}");
    rl_arena_init(&arena, 10000);
    ck_assert_int_eq(rl_extract(text, length, DEPTH, NULL, 0, &arena, &extracted, &error),
                     RL_TOO_LARGE);
    ck_assert_ptr_nonnull(strstr(error.detail, "max-request-memory"));
    rl_arena_release(&arena);
    free(text);
}
END_TEST

/* Every array turns out to be mixed at its very end: the time stays that of two passes. */
START_TEST(mixed_arrays_take_linear_time)
{
    enum { ROWS = 300000 };
    struct outcome outcome;
    char *const text = malloc((size_t)ROWS * 8 + 64);
    size_t length = (size_t)sprintf(text, "{\"a\":[[[");
    for (int i = 0; i < ROWS; i++)
        length += (size_t)sprintf(text + length, "%d,", i % 100);
    length += (size_t)sprintf(text + length, "\"x\"],\"x\"],\"x\"]}");
    extract_bytes(&outcome, text, length, DEPTH);
    ck_assert_int_eq(outcome.status, RL_OK);
    ck_assert_uint_eq(outcome.extracted.count, 0);
    ck_assert_ptr_eq(outcome.extracted.text, outcome.body);
    release(&outcome);
    free(text);
}
END_TEST

START_TEST(positions_of_the_rest_lead_back)
{
    static const char text[] = "{\"a\":[1,2,3],\"b\":[\"x\",[4]],\"c\":5}";
    struct outcome outcome;
    extract(&outcome, text);
    ck_assert_int_eq(outcome.status, RL_OK);
    for (const char *key = "abc"; *key; key++) {
        const char quoted[] = {'"', *key, '"', 0};
        char rest[128];
        snprintf(rest, sizeof(rest), "%.*s", (int)outcome.extracted.length, outcome.extracted.text);
        const size_t position = (size_t)(strstr(rest, quoted) - rest);
        ck_assert_uint_eq(rl_extracted_origin(&outcome.extracted, position),
                          (size_t)(strstr(text, quoted) - text));
    }
    release(&outcome);
}
END_TEST

/* ---- Against jansson --------------------------------------------------------------------------
 */

static char *put(char *out, const char *text)
{
    return out + sprintf(out, "%s", text);
}

static char *put_blanks(struct random *random, char *out)
{
    if (random_below(random, 4) == 0)
        for (size_t n = random_below(random, 12); n > 0; n--)
            *out++ = " \t\n\r"[random_below(random, 4)];
    return out;
}

static char *put_number(struct random *random, char *out)
{
    switch (random_below(random, 6)) {
    case 0:
        return out + sprintf(out, "%d", (int)random_below(random, 200) - 100);
    case 1:
        return out +
               sprintf(out, "%.*e", (int)random_below(random, 20), random_uniform(random, -1, 1));
    case 2:
        return out + sprintf(out, "%.17g", random_uniform(random, -1e6, 1e6));
    default:
        return out + sprintf(out, "%.*f", (int)random_below(random, 12),
                             random_uniform(random, -100, 100));
    }
}

/* A list as labels mostly are: numbers of one digit, now and then another, evenly set. */
static char *put_grades(struct random *random, char *out)
{
    static const char *const separators[] = {",", ", ", ",  ", " ,", ",\n    "};
    const char *const separator = separators[random_below(random, 5)];
    const size_t count = random_below(random, 80), share = 1 + random_below(random, 60);
    out = put(out, "[");
    for (size_t i = 0; i < count; i++) {
        out = put(out, i ? separator : "");
        if (random_below(random, share))
            *out++ = (char)('0' + random_below(random, 10));
        else
            out = put_number(random, out);
    }
    return put(out, "]");
}

static char *put_scalar(struct random *random, char *out, unsigned text_share)
{
    static const char *const texts[] = {
        "\"\"", "\"[1,2]\"", "\"a\\\"b\\\\\"", "\"\xc3\xa9\\ud83d\\ude00\"", "\"}]\"", "{}"};
    if (text_share && random_below(random, text_share) == 0)
        return put(out, texts[random_below(random, sizeof(texts) / sizeof(texts[0]))]);
    switch (random_below(random, 12)) {
    case 0:
        return put(out, "null");
    case 1:
        return put(out, "true");
    case 2:
        return put(out, "false");
    default:
        return put_number(random, out);
    }
}

/* A value, with texts and objects among the numbers as often as text_share says (0: never). */
static char *put_value(struct random *random, char *out, unsigned depth, unsigned text_share)
{
    out = put_blanks(random, out);
    const size_t kind = depth ? random_below(random, 7) : 5;
    if (kind == 6) {
        out = put_grades(random, out);
    } else if (kind < 4) {
        const size_t count = random_below(random, 2) ? random_below(random, 4)
                                                     : random_below(random, depth > 2 ? 4 : 30);
        *out++ = '[';
        for (size_t i = 0; i < count; i++) {
            out = put(out, i ? "," : "");
            out = random_below(random, 3) ? put_value(random, out, depth - 1, text_share)
                                          : put_scalar(random, put_blanks(random, out), text_share);
        }
        out = put(put_blanks(random, out), "]");
    } else if (kind == 4 && text_share) {
        *out++ = '{';
        const size_t count = random_below(random, 3);
        for (size_t i = 0; i < count; i++) {
            out += sprintf(out, "%s\"k%zu\":", i ? "," : "", i);
            out = put_value(random, out, depth - 1, text_share);
        }
        out = put(out, "}");
    } else {
        out = put_scalar(random, out, text_share);
    }
    return put_blanks(random, out);
}

static size_t put_body(struct random *random, char *out)
{
    char *end = put_blanks(random, out);
    *end++ = '{';
    for (size_t i = 0, count = random_below(random, 5); i < count; i++) {
        end += sprintf(end, "%s\"m%zu\":", i ? "," : "", i);
        end = put_value(random, end, (unsigned)random_below(random, 5),
                        random_below(random, 2) ? (unsigned)random_below(random, 20) : 0);
    }
    end = put(put_blanks(random, end), "}");
    end = put_blanks(random, end);
    return (size_t)(end - out);
}

static bool is_pure(const json_t *value)
{
    size_t i;
    const json_t *element;
    if (json_is_object(value) || json_is_string(value))
        return false;
    json_array_foreach((json_t *)value, i, element) if (!is_pure(element)) return false;
    return true;
}

static void check_scalar(const json_t *expected, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    if (json_is_null(expected))
        ck_assert_uint_eq(bits, RL_BITS_NULL);
    else if (json_is_boolean(expected))
        ck_assert_uint_eq(bits, json_is_true(expected) ? RL_BITS_TRUE : RL_BITS_FALSE);
    else
        ck_assert_double_eq(value, json_number_value(expected));
}

static bool is_list(const json_t *array)
{
    size_t i;
    const json_t *element;
    json_array_foreach((json_t *)array, i, element) if (json_is_array(element)) return false;
    return true;
}

static bool is_rows(const json_t *array)
{
    size_t i;
    const json_t *element;
    json_array_foreach((json_t *)array, i,
                       element) if (!json_is_array(element) || !is_list(element)) return false;
    return json_array_size(array) > 0;
}

static void check_values(const json_t *list, const double *values)
{
    size_t i;
    const json_t *element;
    json_array_foreach((json_t *)list, i, element) check_scalar(element, values[i]);
}

static void check_array(const json_t *sent, const struct rl_array *array)
{
    ck_assert(is_pure(sent));
    if (is_list(sent)) {
        ck_assert_int_eq(array->shape, RL_ARRAY_FLAT);
        ck_assert_uint_eq(array->count, json_array_size(sent));
        check_values(sent, array->values);
    } else if (is_rows(sent)) {
        ck_assert_int_eq(array->shape, RL_ARRAY_ROWS);
        ck_assert_uint_eq(array->rows, json_array_size(sent));
        ck_assert_uint_eq(array->offsets[0], 0);
        ck_assert_uint_eq(array->offsets[array->rows], array->count);
        for (size_t row = 0; row < array->rows; row++) {
            const json_t *const list = json_array_get(sent, row);
            ck_assert_uint_eq(array->offsets[row + 1] - array->offsets[row], json_array_size(list));
            check_values(list, array->values + array->offsets[row]);
        }
    } else {
        ck_assert_int_eq(array->shape, RL_ARRAY_IRREGULAR);
        const json_t *const row = json_array_get(sent, array->misfit.row);
        const json_t *const odd =
            array->misfit.inner ? json_array_get(row, array->misfit.item) : row;
        ck_assert_str_eq(array->misfit.found, json_is_array(odd)   ? "a list"
                                              : json_is_null(odd)  ? "null"
                                              : json_is_true(odd)  ? "true"
                                              : json_is_false(odd) ? "false"
                                                                   : "a number");
    }
}

/* The same value, where `rest` may hold references. */
static void check_same(const json_t *whole, const json_t *rest,
                       const struct rl_extracted *extracted)
{
    size_t i;
    const char *key;
    const json_t *element;
    json_t *member;
    if (json_is_array(whole) && is_pure(whole)) {
        ck_assert(json_is_array(rest) && json_array_size(rest) == 1);
        const json_int_t index = json_integer_value(json_array_get(rest, 0));
        ck_assert_uint_lt((size_t)index, extracted->count);
        check_array(whole, &extracted->arrays[index]);
    } else if (json_is_array(whole)) {
        ck_assert_uint_eq(json_array_size(whole), json_array_size(rest));
        json_array_foreach((json_t *)whole, i, element)
            check_same(element, json_array_get(rest, i), extracted);
    } else if (json_is_object(whole)) {
        ck_assert_uint_eq(json_object_size(whole), json_object_size(rest));
        json_object_foreach((json_t *)whole, key, member)
            check_same(member, json_object_get(rest, key), extracted);
    } else {
        ck_assert(json_equal(whole, rest));
    }
}

START_TEST(lifted_and_rest_are_what_jansson_reads)
{
    static char text[1 << 20];
    struct random random = random_init(random_seed());
    const uint64_t trials = trials_or(FAST_TRIALS);
    size_t arrays = 0;
    for (uint64_t i = 0; i < trials; i++) {
        struct outcome outcome;
        const size_t length = put_body(&random, text);
        json_t *const whole = json_loadb(text, length, 0, NULL);
        ck_assert_ptr_nonnull(whole);
        extract_bytes(&outcome, text, length, DEPTH);
        ck_assert_msg(outcome.status == RL_OK, "%.*s: %s", (int)length, text, outcome.error.detail);
        json_t *const rest = json_loadb(outcome.extracted.text, outcome.extracted.length, 0, NULL);
        ck_assert_msg(rest != NULL, "%.*s", (int)outcome.extracted.length, outcome.extracted.text);
        check_same(whole, rest, &outcome.extracted);
        arrays += outcome.extracted.count;
        json_decref(rest);
        json_decref(whole);
        release(&outcome);
    }
    printf("lift: %" PRIu64 " random bodies, %zu arrays\n", trials, arrays);
    ck_assert_uint_gt(arrays, trials / 2);
}
END_TEST

/* A byte changed, dropped or doubled: both take it, or both refuse it. */
static size_t mutate(struct random *random, char *text, size_t length)
{
    static const char bytes[] = "[]{},:\"\\0123456789.eE+- \nntfalseurx\x01\xc3";
    const size_t at = random_below(random, length);
    switch (random_below(random, 4)) {
    case 0:
        text[at] = bytes[random_below(random, sizeof(bytes) - 1)];
        return length;
    case 1:
        memmove(text + at, text + at + 1, length - at - 1);
        return length - 1;
    case 2:
        memmove(text + at + 1, text + at, length - at);
        text[at] = bytes[random_below(random, sizeof(bytes) - 1)];
        return length + 1;
    default:
        return at;
    }
}

/* ---- In segments --------------------------------------------------------------------------------
 */

static void check_same_array(const struct rl_array *a, const struct rl_array *b)
{
    ck_assert_int_eq(a->shape, b->shape);
    ck_assert(a->has_null == b->has_null && a->has_bool == b->has_bool);
    ck_assert_uint_eq(a->count, b->count);
    ck_assert(a->count == 0 || memcmp(a->values, b->values, a->count * sizeof(double)) == 0);
    ck_assert_uint_eq(a->rows, b->rows);
    if (a->shape == RL_ARRAY_ROWS)
        ck_assert_mem_eq(a->offsets, b->offsets, (a->rows + 1) * sizeof(size_t));
    ck_assert_uint_eq(a->misfit.row, b->misfit.row);
    ck_assert_uint_eq(a->misfit.item, b->misfit.item);
    ck_assert(a->misfit.inner == b->misfit.inner && a->misfit.found == b->misfit.found);
    ck_assert(a->begin == b->begin && a->end == b->end && a->mark == b->mark);
}

/* Extracts the text in segments of this size; the result must be the same as in one. */
static void check_pieces(const char *text, size_t length, struct rl_team *team, size_t segment)
{
    struct outcome one, many;
    extract_bytes(&one, text, length, DEPTH);
    memset(&many, 0, sizeof(many));
    rl_arena_init(&many.arena, (size_t)1 << 30);
    many.body = malloc(length);
    memcpy(many.body, text, length);
    many.status = rl_extract(many.body, length, DEPTH, team, segment, &many.arena, &many.extracted,
                             &many.error);
    ck_assert_int_eq(one.status, many.status);
    ck_assert_str_eq(one.error.detail, many.error.detail);
    ck_assert_uint_eq(one.error.offset, many.error.offset);
    ck_assert_uint_eq(one.error.line, many.error.line);
    ck_assert_uint_eq(one.error.column, many.error.column);
    ck_assert_uint_eq(one.extracted.length, many.extracted.length);
    ck_assert(one.extracted.length == 0 ||
              memcmp(one.extracted.text, many.extracted.text, one.extracted.length) == 0);
    ck_assert_uint_eq(one.extracted.count, many.extracted.count);
    for (size_t i = 0; i < one.extracted.count; i++)
        check_same_array(&one.extracted.arrays[i], &many.extracted.arrays[i]);
    release(&one);
    release(&many);
}

/* Two batches and a list, of rows as they come, perhaps with something in them that is not a
 * number; long enough for many segments. */
static size_t put_large(struct random *random, char *out, size_t numbers)
{
    static const char *const separators[] = {",", ", ", " , ", ",\n    ", ",\n              "};
    static const char *const odd[] = {"null", "true", "\"x\"", "[1]", "[]", "{}", "1e5", "1e999"};
    const char *const separator = separators[random_below(random, 5)];
    const size_t oddity = random_below(random, 4) ? SIZE_MAX : random_below(random, numbers);
    const size_t row = 1 + random_below(random, 40);
    const bool list = random_below(random, 4) == 0, grades = random_below(random, 3) == 0;
    char *end = out + sprintf(out, "{\"a\": %s", list ? "[" : "[[");
    for (size_t i = 0; i < numbers; i++) {
        if (i > 0)
            end = put(end, !list && i % row == 0 ? "]" : "");
        if (i > 0)
            end = put(end, separator);
        if (!list && i > 0 && i % row == 0)
            end = put(end, random_below(random, 50) ? "[" : "[],[");
        if (i == oddity)
            end = put(end, odd[random_below(random, 8)]);
        else if (grades && random_below(random, 100))
            *end++ = (char)('0' + random_below(random, 10));
        else
            end = put_number(random, end);
    }
    end = put(end, list ? "]" : "]]");
    end += sprintf(end, ", \"b\": [[\"t\", [1,2,3]], 12345678901234567890123]%s", separator);
    end += sprintf(end, "\"c\": [[1");
    for (size_t i = 0; i < numbers / 4; i++)
        end += sprintf(end, "%s%zu", i % 3 ? "," : "],[", i);
    return (size_t)(put(end, "]]}") - out);
}

START_TEST(pieces_give_what_one_gives)
{
    static char text[1 << 20];
    struct random random = random_init(random_seed());
    const uint64_t trials = trials_or(FAST_TRIALS / 4);
    for (uint64_t i = 0; i < trials; i++) {
        size_t length = i % 4 ? put_body(&random, text)
                              : put_large(&random, text, 1 + random_below(&random, 400));
        if (i % 3 == 0)
            length = mutate(&random, text, length);
        if (length > 0)
            check_pieces(text, length, NULL, 1 + random_below(&random, i % 2 ? 20 : 300));
    }
}
END_TEST

START_TEST(pieces_on_a_team_give_what_one_gives)
{
    static char text[1 << 20];
    struct random random = random_init(random_seed());
    struct rl_team *team;
    struct rl_error error;
    ck_assert_int_eq(rl_team_create(3, &team, &error), RL_OK);
    for (int i = 0; i < 300; i++) {
        size_t length = put_large(&random, text, 1 + random_below(&random, 20000));
        if (i % 3 == 0)
            length = mutate(&random, text, length);
        check_pieces(text, length, team, 50 + random_below(&random, 5000));
    }
    /* Large enough that even the counting is shared. */
    enum { NUMBERS = 1500000 }; /* of 2 bytes at least */
    char *const large = malloc((size_t)NUMBERS * 64);
    const size_t length = put_large(&random, large, NUMBERS);
    ck_assert_uint_gt(length, 4 << 20);
    check_pieces(large, length, team, 64 << 10);
    free(large);
    rl_team_free(team);
}
END_TEST

START_TEST(broken_bodies_are_refused_as_jansson_refuses_them)
{
    static char text[1 << 20];
    struct random random = random_init(random_seed());
    const uint64_t trials = trials_or(FAST_TRIALS);
    uint64_t refusals = 0;
    for (uint64_t i = 0; i < trials; i++) {
        struct outcome outcome;
        size_t length = put_body(&random, text);
        for (size_t n = 1 + random_below(&random, 2); n > 0 && length > 0; n--)
            length = mutate(&random, text, length);
        json_t *const whole = json_loadb(text, length, JSON_ALLOW_NUL, NULL);
        const bool taken = json_is_object(whole);
        extract_bytes(&outcome, text, length, DEPTH);
        ck_assert_msg((outcome.status == RL_OK) == taken, "%.*s: %s", (int)length, text,
                      taken ? outcome.error.detail : "taken");
        if (!taken)
            ck_assert_uint_le(outcome.error.offset, length);
        refusals += !taken;
        json_decref(whole);
        release(&outcome);
    }
    ck_assert_uint_gt(refusals, trials / 4);
    ck_assert_uint_lt(refusals, trials);
}
END_TEST
