/*
 * test_members.c: readers of single values: what they take, and where errors point.
 */
#include "server/formats/document/members.h"

#include <string.h>

#include "server/text/utf8.h"
#include "tests/lib/unittest.h"

static struct rl_error error;

static json_t *parse(const char *text)
{
    json_t *const value = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    ck_assert_msg(value != NULL, "%s", text);
    return value;
}

static void check_kind(const char *text, const char *kind)
{
    json_t *const value = parse(text);
    ck_assert_str_eq(rl_json_kind(value), kind);
    ck_assert_int_eq(rl_refuse_kind(&error, "/a", "a word", value), RL_INVALID);
    ck_assert_str_eq(error.pointer, "/a");
    ck_assert_int_eq(strncmp(error.detail, "a word was expected, found ", 27), 0);
    ck_assert_str_eq(error.detail + 27, kind);
    json_decref(value);
}

START_TEST(a_refusal_names_what_was_found)
{
    check_kind("{}", "an object");
    check_kind("[]", "a list");
    check_kind("\"\"", "a string");
    check_kind("1", "a number");
    check_kind("1.5", "a number");
    check_kind("true", "true");
    check_kind("false", "false");
    check_kind("null", "null");
}
END_TEST

START_TEST(pointers_escape_keys)
{
    char pointer[RL_POINTER_MAX];
    rl_pointer_key(pointer, "", "a/b~c");
    ck_assert_str_eq(pointer, "/a~1b~0c");
    rl_pointer_key(pointer, "/systems", "");
    ck_assert_str_eq(pointer, "/systems/");
    rl_pointer_index(pointer, "/losses", 12);
    ck_assert_str_eq(pointer, "/losses/12");
}
END_TEST

/* However long the key is: it ends within the buffer, after a whole character. */
START_TEST(long_keys_are_cut_between_characters)
{
    char pointer[RL_POINTER_MAX], key[2 * RL_POINTER_MAX];
    for (size_t before = 0; before < 4; before++) {
        memset(key, 'a', before);
        for (size_t i = before; i + 3 < sizeof(key); i += 3)
            memcpy(key + i, "\xe2\x82\xac", 4); /* the euro sign */
        rl_pointer_key(pointer, "/x", key);
        const size_t length = strnlen(pointer, RL_POINTER_MAX);
        ck_assert_uint_lt(length, RL_POINTER_MAX);
        ck_assert_uint_gt(length, RL_POINTER_MAX - 6);
        ck_assert_uint_eq((length - 3 - before) % 3, 0);
    }
}
END_TEST

START_TEST(excerpts_are_short_and_clean)
{
    char text[100];
    memset(text, 'x', sizeof(text));
    ck_assert_str_eq(rl_excerpt("a\nb", 3).text, "a?b");
    ck_assert_str_eq(rl_excerpt(text, 48).text + 40, "xxxxxxxx");
    ck_assert_str_eq(rl_excerpt(text, 49).text + 40, "xxxxxxxx…");
    memcpy(text + 46, "\xe2\x82\xac", 3); /* would be cut in the middle */
    ck_assert_str_eq(rl_excerpt(text, 60).text + 40, "xxxxxx…");
}
END_TEST

START_TEST(numbers_are_not_booleans)
{
    double number = 7;
    json_t *const good = parse("-2.5"), *const bad = parse("true");
    ck_assert_int_eq(rl_read_number(bad, "/t", &number, &error), RL_INVALID);
    ck_assert_double_eq(number, 7);
    ck_assert_int_eq(rl_read_number(good, "/t", &number, &error), RL_OK);
    ck_assert_double_eq(number, -2.5);
    json_decref(good);
    json_decref(bad);
}
END_TEST

static void check_count(const char *text, size_t want, const char *words)
{
    size_t count = 7;
    json_t *const value = parse(text);
    const enum rl_status status = rl_read_count(value, "/k", 1000, "max-k", &count, &error);
    ck_assert_int_eq(status, words ? RL_INVALID : RL_OK);
    ck_assert_uint_eq(count, words ? 7 : want);
    ck_assert_msg(!words || strstr(error.detail, words), "%s: %s", text, error.detail);
    json_decref(value);
}

START_TEST(counts_are_whole_and_bounded)
{
    static const char whole[] = "a whole number of at least 1 was expected", most[] = "(max-k)";
    check_count("1", 1, NULL);
    check_count("5.0", 5, NULL);
    check_count("1000", 1000, NULL);
    check_count("1001", 0, most);
    check_count("1e300", 0, most);
    check_count("9007199254740993", 0, most);
    check_count("0", 0, whole);
    check_count("-3", 0, whole);
    check_count("2.5", 0, whole);
    check_count("\"3\"", 0, "a number was expected, found a string");
}
END_TEST

START_TEST(words_have_no_nul)
{
    const char *word = "before";
    json_t *const good = parse("\"ndcg\""), *const bad = parse("\"a\\u0000b\"");
    ck_assert_int_eq(rl_read_word(bad, "/n", "a name", &word, &error), RL_INVALID);
    ck_assert_ptr_nonnull(strstr(error.detail, "U+0000"));
    ck_assert_str_eq(word, "before");
    ck_assert_int_eq(rl_read_word(good, "/n", "a name", &word, &error), RL_OK);
    ck_assert_str_eq(word, "ndcg");
    json_decref(good);
    json_decref(bad);
}
END_TEST

static enum rl_status read_name(const char *text, const char **ret_name)
{
    static struct rl_arena arena;
    rl_arena_release(&arena);
    rl_arena_init(&arena, 1 << 16);
    json_t *const value = parse(text);
    const enum rl_status status = rl_read_name(value, "/name", &arena, ret_name, &error);
    json_decref(value); /* the name is a copy */
    return status;
}

START_TEST(names_are_copied_and_have_no_control_characters)
{
    const char *name = "before";
    char longest[RL_NAME_MAX_BYTES + 4];
    memset(longest, 'n', sizeof(longest));
    longest[0] = longest[RL_NAME_MAX_BYTES + 1] = '"';
    longest[RL_NAME_MAX_BYTES + 2] = '\0';
    ck_assert_int_eq(read_name(longest, &name), RL_OK);
    ck_assert_uint_eq(strlen(name), RL_NAME_MAX_BYTES);
    longest[RL_NAME_MAX_BYTES + 1] = 'n';
    longest[RL_NAME_MAX_BYTES + 2] = '"';
    longest[RL_NAME_MAX_BYTES + 3] = '\0';
    ck_assert_int_eq(read_name(longest, &name), RL_INVALID);
    ck_assert_int_eq(read_name("\"caf\xc3\xa9 \xc2\xa0\"", &name), RL_OK);
    ck_assert_str_eq(name, "caf\xc3\xa9 \xc2\xa0");
    static const char *const bad[] = {"\"a\\nb\"", "\"\\u0000\"", "\"\\u007f\"", "\"\\u0085\"",
                                      "3"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(read_name(bad[i], &name), RL_INVALID);
}
END_TEST

START_TEST(a_name_without_memory_is_told)
{
    struct rl_arena none;
    const char *name = "before";
    json_t *const value = parse("\"n\"");
    rl_arena_init(&none, 0);
    ck_assert_int_eq(rl_read_name(value, "/name", &none, &name, &error), RL_NOMEM);
    ck_assert_str_eq(name, "before");
    json_decref(value);
}
END_TEST
