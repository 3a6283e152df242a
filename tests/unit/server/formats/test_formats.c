/*
 * test_formats.c: which format a request and its reply are in.
 */
#include "server/formats/formats.h"

#include <string.h>

#include "tests/lib/unittest.h"

static const char *const paths[] = {
    "", "/", "/v1/losses/pairwise_hinge", "/livez", "/nowhere/x", "/v1/eva", "*"};

START_TEST(every_path_has_a_format_that_can_write_errors)
{
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        const struct rl_format *const format = rl_format_of_path(paths[i]);
        struct rl_output output = {0};
        struct rl_error error;
        rl_fail(&error, RL_INVALID, "/y_pred/1", "no such thing");
        format->write_error(&error, "an-id", &output);
        rl_text_append(&output.text, "", 1);
        ck_assert_str_eq(output.type, "application/problem+json");
        ck_assert_ptr_nonnull(strstr(output.text.data, "no such thing"));
        ck_assert_ptr_nonnull(strstr(output.text.data, "/y_pred/1"));
        ck_assert_ptr_nonnull(strstr(output.text.data, "an-id"));
        rl_text_release(&output.text);
    }
}
END_TEST

START_TEST(paths_below_v2_have_a_format_of_their_own)
{
    static const char *const below[] = {"/v2", "/v2/", "/v2/models/ndcg/infer", "/v2/x"};
    const struct rl_headers none = {0}, plain = {.content_type = "text/plain"};
    const struct rl_format *format = NULL;
    struct rl_error error;
    for (size_t i = 0; i < sizeof(below) / sizeof(*below); i++)
        ck_assert_str_eq(rl_format_of_path(below[i])->name, "open inference protocol");
    ck_assert_str_eq(rl_format_of_path("/v2x")->name, "json");
    ck_assert_int_eq(rl_format_of_body("/v2/models/ndcg/infer", &none, &format, &error), RL_OK);
    ck_assert_str_eq(format->name, "open inference protocol");
    ck_assert_int_eq(rl_format_of_body("/v2/models/ndcg/infer", &plain, &format, &error),
                     RL_MEDIA_TYPE);
}
END_TEST

START_TEST(content_type_decides_the_format_of_a_body)
{
    const struct rl_format *format = NULL;
    struct rl_error error;
    const struct rl_headers json = {.content_type = "application/json; charset=UTF-8"};
    ck_assert_int_eq(rl_format_of_body("/v1/evaluate", &json, &format, &error), RL_OK);
    ck_assert_str_eq(format->name, "json");
}
END_TEST

START_TEST(a_body_of_no_format_is_refused_with_what_is_expected)
{
    static const char *const types[] = {NULL, "", "text/plain", "application/octet-stream"};
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        const struct rl_headers headers = {.content_type = types[i]};
        const struct rl_format *format = NULL;
        struct rl_error error;
        ck_assert_int_eq(rl_format_of_body("/v1/evaluate", &headers, &format, &error),
                         RL_MEDIA_TYPE);
        ck_assert_ptr_null(format);
        ck_assert_str_eq(error.detail, "the body must be application/json in UTF-8");
    }
}
END_TEST
