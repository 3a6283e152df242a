/*
 * test_jsonwriter.c: commas, strings of any bytes, and numbers of the JSON that replies consist of.
 */
#include "server/text/jsonwriter.h"

#include <math.h>
#include <string.h>

#include "tests/lib/unittest.h"

static void check_content(struct rl_text *text, const char *expected)
{
    ck_assert(!text->failed);
    ck_assert_uint_eq(text->length, strlen(expected));
    ck_assert_mem_eq(text->data, expected, text->length);
    rl_text_release(text);
}

static void check_string(const char *value, const char *expected)
{
    struct rl_text text;
    rl_text_init(&text);
    rl_put_string(&text, NULL, value);
    check_content(&text, expected);
}

START_TEST(members_and_elements_are_separated_by_commas)
{
    struct rl_text text;
    rl_text_init(&text);
    rl_put_object(&text, NULL);
    rl_put_array(&text, "a");
    rl_put_array(&text, NULL);
    rl_put_array_end(&text);
    rl_put_count(&text, NULL, 1);
    rl_put_object(&text, NULL);
    rl_put_object_end(&text);
    rl_put_string(&text, NULL, "{");
    rl_put_null(&text, NULL);
    rl_put_array_end(&text);
    rl_put_string(&text, "b\"", "[:");
    rl_put_key(&text, "c");
    rl_put_double(&text, NULL, 0.5);
    rl_put_object(&text, "d");
    rl_put_count(&text, "e", UINT64_MAX);
    rl_put_null(&text, "f");
    rl_put_object_end(&text);
    rl_put_object_end(&text);
    check_content(&text, "{\"a\":[[],1,{},\"{\",null],\"b\\\"\":\"[:\",\"c\":0.5,"
                         "\"d\":{\"e\":18446744073709551615,\"f\":null}}");
}
END_TEST

START_TEST(numbers_are_short)
{
    struct rl_text text;
    rl_text_init(&text);
    rl_put_array(&text, NULL);
    rl_put_number(&text, NULL, RL_FLOAT32, (double)0.1f);
    rl_put_number(&text, NULL, RL_FLOAT64, (double)0.1f);
    rl_put_or_null(&text, NULL, 3);
    rl_put_or_null(&text, NULL, NAN);
    rl_put_or_null(&text, NULL, -INFINITY);
    rl_put_array_end(&text);
    check_content(&text, "[0.1,0.10000000149011612,3,null,null]");
}
END_TEST

START_TEST(strings_are_escaped)
{
    check_string("", "\"\"");
    check_string("a\"b\\c\n\r\t\b\f\x01\x1f/\x7f\xc3\xa9\xf0\x9f\x98\x80",
                 "\"a\\\"b\\\\c\\n\\r\\t\\b\\f\\u0001\\u001F/\x7f\xc3\xa9\xf0\x9f\x98\x80\"");
}
END_TEST

START_TEST(bytes_that_are_not_utf_8_are_replaced)
{
    check_string("a\xffz", "\"a\xef\xbf\xbdz\"");
    check_string("\xff", "\"\xef\xbf\xbd\"");
    check_string("\xc3\"", "\"\xef\xbf\xbd\\\"\"");
    check_string("\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""); /* a surrogate */
    check_string("\xf0\x9fx", "\"\xef\xbf\xbd\xef\xbf\xbdx\"");
}
END_TEST

START_TEST(a_character_cut_off_at_the_end_is_left_out)
{
    check_string("ok\xc3", "\"ok\"");
    check_string("ok\xe2\x82", "\"ok\"");
    check_string("ok\xf0\x9f\x98", "\"ok\"");
}
END_TEST
