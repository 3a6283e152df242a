/*
 * test_error.c: errors are filled, and their texts cut to size.
 */
#include "core/rankloss.h"

#include <string.h>

#include "tests/lib/unittest.h"

START_TEST(fail_fills_the_error_and_gives_the_status_back)
{
    struct rl_error error;
    memset(&error, 0x55, sizeof(error));
    ck_assert_int_eq(rl_fail(&error, RL_INVALID, "/y_pred/3", "%d of %s", 7, "what"), RL_INVALID);
    ck_assert_int_eq(error.status, RL_INVALID);
    ck_assert_str_eq(error.pointer, "/y_pred/3");
    ck_assert_str_eq(error.detail, "7 of what");
    ck_assert_uint_eq(error.line + error.column + error.offset, 0);
}
END_TEST

START_TEST(long_texts_are_cut)
{
    struct rl_error error;
    char text[1000];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    rl_fail(&error, RL_INVALID, text, "%s", text);
    ck_assert_uint_eq(strlen(error.pointer), RL_POINTER_MAX - 1);
    ck_assert_uint_eq(strlen(error.detail), RL_DETAIL_MAX - 1);
}
END_TEST

START_TEST(text_that_just_fits_stays_whole)
{
    struct rl_error error;
    char text[RL_DETAIL_MAX];
    memset(text, 'x', sizeof(text));
    memcpy(text + sizeof(text) - 3, "\xc3\xa9", 3);
    rl_fail(&error, RL_INVALID, "", "%s", text);
    ck_assert_str_eq(error.detail, text);
}
END_TEST
