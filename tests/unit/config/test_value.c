/*
 * test_value.c: values of settings from text, within their bounds, and back.
 */
#include "config/value.h"

#include <string.h>

#include "tests/lib/unittest.h"

static const struct rl_setting size_row = {
    .type = RL_TYPE_SIZE, .name = "size", .min = 1, .max = (uint64_t)1 << 40};
static const struct rl_setting time_row = {
    .type = RL_TYPE_DURATION, .name = "time", .max = 3600000};
static const struct rl_setting count_row = {
    .type = RL_TYPE_INTEGER, .name = "count", .min = 2, .max = 10};
static const struct rl_setting bool_row = {.type = RL_TYPE_BOOL, .name = "bool"};
static const struct rl_setting choice_row = {
    .type = RL_TYPE_CHOICE, .name = "choice", .choices = "ab|abc|c"};
static const struct rl_setting list_row = {.type = RL_TYPE_LIST, .name = "list"};

struct number_case {
    const char *text;
    uint64_t number;
};

static void takes(const struct rl_setting *row, const struct number_case *cases, size_t count)
{
    struct rl_error error;
    for (size_t i = 0; i < count; i++) {
        struct rl_value value = {0};
        ck_assert_msg(rl_value_parse(row, cases[i].text, RL_SOURCE_FLAG, &value, &error) == RL_OK,
                      "'%s': %s", cases[i].text, error.detail);
        ck_assert_msg(value.number == cases[i].number, "'%s' is %llu", cases[i].text,
                      (unsigned long long)value.number);
    }
}

static void refuses(const struct rl_setting *row, const char *const *texts, size_t count)
{
    struct rl_error error;
    for (size_t i = 0; i < count; i++) {
        struct rl_value value = {0};
        ck_assert_msg(rl_value_parse(row, texts[i], RL_SOURCE_FLAG, &value, &error) == RL_CONFIG,
                      "'%s' was taken", texts[i]);
        ck_assert_ptr_null(value.words.items);
        ck_assert_ptr_nonnull(strstr(error.detail, row->name));
    }
}

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

START_TEST(sizes)
{
    static const struct number_case good[] = {
        {"1", 1}, {"4KiB", 4096}, {"64MiB", 67108864}, {"1024GiB", (uint64_t)1 << 40}, {"007", 7}};
    static const char *const bad[] = {"",
                                      "0",
                                      "-1",
                                      "1.5MiB",
                                      "1 MiB",
                                      "1mib",
                                      "1M",
                                      "MiB",
                                      "1KiBB",
                                      "1025GiB",
                                      "0x10",
                                      "1e3",
                                      " 1",
                                      "1 ",
                                      "99999999999999999999",
                                      "18446744073709551616KiB",
                                      "."};
    takes(&size_row, good, COUNT(good));
    refuses(&size_row, bad, COUNT(bad));
}
END_TEST

START_TEST(durations)
{
    static const struct number_case good[] = {{"0", 0},         {"2", 2000},    {"2.5", 2500},
                                              {"250ms", 250},   {"1.5s", 1500}, {"0.25m", 15000},
                                              {"60m", 3600000}, {"0.001", 1},   {"1.000", 1000}};
    static const char *const bad[] = {
        "",      "-1",   "1h", "61m",  "3600.001", "0.0001",
        "0.5ms", "1.",   ".5", "1..5", "1.5.5",    "inf",
        "nan",   "1e1s", "s",  "ms",   "1 s",      "0.00000000000000000000001"};
    takes(&time_row, good, COUNT(good));
    refuses(&time_row, bad, COUNT(bad));
}
END_TEST

START_TEST(integers)
{
    static const struct number_case good[] = {{"2", 2}, {"10", 10}};
    static const char *const bad[] = {"", "1", "11", "+3", "-3", "3.0", "3x", "3KiB", "three"};
    takes(&count_row, good, COUNT(good));
    refuses(&count_row, bad, COUNT(bad));
}
END_TEST

START_TEST(bools)
{
    static const struct number_case good[] = {{"true", 1}, {"false", 0}, {"yes", 1}, {"no", 0},
                                              {"on", 1},   {"off", 0},   {"1", 1},   {"0", 0}};
    static const char *const bad[] = {"", "True", "2", "y", "truee", " true"};
    takes(&bool_row, good, COUNT(good));
    refuses(&bool_row, bad, COUNT(bad));
}
END_TEST

START_TEST(choices)
{
    static const struct number_case good[] = {{"ab", 0}, {"abc", 1}, {"c", 2}};
    static const char *const bad[] = {"", "a", "abcd", "ab|abc", "AB", "c "};
    takes(&choice_row, good, COUNT(good));
    refuses(&choice_row, bad, COUNT(bad));
}
END_TEST

START_TEST(lists)
{
    static const char *const texts[] = {"a,b", " a , b ", "a,\tb"};
    static const char *const bad[] = {",", "a,", ",a", "a,,b", "a b", "a\n", "a,b\x01"};
    struct rl_error error;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct rl_value value = {0};
        ck_assert_int_eq(rl_value_parse(&list_row, texts[i], RL_SOURCE_FLAG, &value, &error), 0);
        ck_assert_uint_eq(value.words.count, 2);
        ck_assert_str_eq(value.words.items[0], "a");
        ck_assert_str_eq(value.words.items[1], "b");
        rl_words_release(&value.words);
    }
    struct rl_value empty = {0};
    ck_assert_int_eq(rl_value_parse(&list_row, "  ", RL_SOURCE_FLAG, &empty, &error), 0);
    ck_assert_uint_eq(empty.words.count, 0);
    refuses(&list_row, bad, COUNT(bad));
}
END_TEST

START_TEST(items_of_a_list)
{
    static const char first[] = "http://a", comma[] = "b,c", blank[] = "";
    const char *good[] = {first, first};
    const char *bad[][2] = {{first, comma}, {first, blank}};
    struct rl_error error;
    struct rl_value value = {0};
    ck_assert_int_eq(rl_value_parse_items(&list_row, &(struct rl_words){good, 2}, RL_SOURCE_FILE,
                                          &value, &error),
                     RL_OK);
    ck_assert_uint_eq(value.words.count, 2);
    ck_assert_ptr_ne(value.words.items[0], first);
    rl_words_release(&value.words);
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(rl_value_parse_items(&list_row, &(struct rl_words){bad[i], 2},
                                              RL_SOURCE_FILE, &value, &error),
                         RL_CONFIG);
    ck_assert_ptr_null(value.words.items);
}
END_TEST

START_TEST(numbers_are_written_in_the_largest_unit)
{
    static const struct {
        enum rl_setting_type type;
        uint64_t number;
        const char *text;
    } cases[] = {
        {RL_TYPE_SIZE, 0, "0"},
        {RL_TYPE_SIZE, 1023, "1023"},
        {RL_TYPE_SIZE, 65536, "64KiB"},
        {RL_TYPE_SIZE, (uint64_t)3 << 30, "3GiB"},
        {RL_TYPE_DURATION, 1500, "1500ms"},
        {RL_TYPE_DURATION, 2000, "2s"},
        {RL_TYPE_DURATION, 120000, "2m"},
        {RL_TYPE_INTEGER, 65536, "65536"},
    };
    char text[32];
    for (size_t i = 0; i < COUNT(cases); i++) {
        rl_value_format_number(cases[i].type, cases[i].number, text, sizeof(text));
        ck_assert_str_eq(text, cases[i].text);
    }
}
END_TEST

START_TEST(a_refusal_is_one_short_line)
{
    char hostile[5000];
    struct rl_error error;
    memset(hostile, '\n', sizeof(hostile) - 1);
    hostile[sizeof(hostile) - 1] = '\0';
    ck_assert_int_eq(rl_value_refuse(&count_row, hostile, RL_SOURCE_ENVIRONMENT, &error),
                     RL_CONFIG);
    ck_assert_ptr_null(strchr(error.detail, '\n'));
    ck_assert_uint_lt(strlen(error.detail), 200);
    rl_value_refuse(&count_row, "11", RL_SOURCE_ENVIRONMENT, &error);
    ck_assert_str_eq(error.detail,
                     "count: '11' from RANKLOSSD_COUNT (environment) is not a number from 2 to 10");
}
END_TEST
