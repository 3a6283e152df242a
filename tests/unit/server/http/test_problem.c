/*
 * test_problem.c: every status has its code, and every problem its shape.
 */
#include "server/http/problem.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/unittest.h"

static json_t *write_problem(const struct rl_error *error, const char *request_id)
{
    struct rl_text text;
    rl_text_init(&text);
    rl_problem_write(error, request_id, &text);
    ck_assert(!text.failed);
    json_t *const problem = json_loadb(text.data, text.length, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(problem);
    rl_text_release(&text);
    return problem;
}

static const char *text_at(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

START_TEST(every_status_has_a_code_a_reason_and_a_slug)
{
    for (int status = RL_OK; status < RL_STATUSES; status++) {
        const unsigned code = rl_problem_code((enum rl_status)status);
        ck_assert_uint_ge(code, status == RL_OK ? 200 : 400);
        ck_assert_uint_lt(code, 600);
        ck_assert_uint_gt(strlen(rl_problem_reason(code)), 1);
        struct rl_error error;
        rl_fail(&error, (enum rl_status)status, "", "why");
        json_t *const problem = write_problem(&error, "id-1");
        ck_assert_int_eq(json_integer_value(json_object_get(problem, "status")), code);
        ck_assert_str_eq(text_at(problem, "request_id"), "id-1");
        ck_assert_int_eq(strncmp(text_at(problem, "type"), "urn:ranklossd:problem:", 22), 0);
        ck_assert_str_eq(text_at(problem, "detail"), "why");
        json_decref(problem);
    }
}
END_TEST

/* Types and titles are part of what clients see: every status has its own. */
START_TEST(types_and_titles_differ)
{
    char seen[RL_STATUSES][2][80];
    for (int status = RL_OK; status < RL_STATUSES; status++) {
        struct rl_error error;
        rl_fail(&error, (enum rl_status)status, "", "x");
        json_t *const problem = write_problem(&error, "");
        snprintf(seen[status][0], sizeof(seen[0][0]), "%s", text_at(problem, "type"));
        snprintf(seen[status][1], sizeof(seen[0][1]), "%s", text_at(problem, "title"));
        ck_assert_str_eq(seen[status][1], rl_problem_title((enum rl_status)status));
        json_decref(problem);
        for (int before = RL_OK; before < status; before++) {
            ck_assert_str_ne(seen[before][0], seen[status][0]);
            ck_assert_str_ne(seen[before][1], seen[status][1]);
        }
    }
}
END_TEST

START_TEST(retry_after_is_set_where_a_retry_may_help)
{
    ck_assert_str_eq(rl_problem_retry_after(RL_QUEUE_FULL), "1");
    ck_assert_str_eq(rl_problem_retry_after(RL_DEADLINE), "1");
    ck_assert_str_eq(rl_problem_retry_after(RL_DRAINING), "1");
    ck_assert_str_eq(rl_problem_retry_after(RL_NOMEM), "1");
    ck_assert_ptr_null(rl_problem_retry_after(RL_INVALID));
    ck_assert_ptr_null(rl_problem_retry_after(RL_TOO_LARGE));
}
END_TEST

START_TEST(syntax_has_a_place)
{
    struct rl_error error;
    rl_fail(&error, RL_SYNTAX, "", "a comma was expected");
    error.line = 2;
    error.column = 5;
    error.offset = 17;
    json_t *const problem = write_problem(&error, "");
    ck_assert_int_eq(json_integer_value(json_object_get(problem, "line")), 2);
    ck_assert_int_eq(json_integer_value(json_object_get(problem, "column")), 5);
    ck_assert_int_eq(json_integer_value(json_object_get(problem, "offset")), 17);
    ck_assert_ptr_null(json_object_get(problem, "errors"));
    ck_assert_ptr_null(json_object_get(problem, "request_id"));
    json_decref(problem);
    error.line = 0; /* a broken gzip stream has no line */
    json_t *const placeless = write_problem(&error, "");
    ck_assert_ptr_null(json_object_get(placeless, "line"));
    json_decref(placeless);
}
END_TEST

START_TEST(invalid_input_has_a_pointer)
{
    struct rl_error error;
    rl_fail(&error, RL_INVALID, "/y_pred/3/17", "a \"number\"\n\x01 was expected");
    json_t *const problem = write_problem(&error, "");
    const json_t *const first = json_array_get(json_object_get(problem, "errors"), 0);
    ck_assert_str_eq(text_at(first, "pointer"), "/y_pred/3/17");
    ck_assert_str_eq(text_at(first, "detail"), "a \"number\"\n\x01 was expected");
    ck_assert_str_eq(text_at(problem, "detail"), text_at(first, "detail"));
    json_decref(problem);
}
END_TEST

START_TEST(a_limit_named_by_a_pointer_shows_it)
{
    struct rl_error error;
    rl_fail(&error, RL_TOO_LARGE, "/y_true", "over max-lists");
    json_t *const problem = write_problem(&error, "");
    ck_assert_uint_eq(json_array_size(json_object_get(problem, "errors")), 1);
    json_decref(problem);
    rl_fail(&error, RL_TOO_LARGE, "", "over max-body-bytes");
    json_t *const without = write_problem(&error, "");
    ck_assert_ptr_null(json_object_get(without, "errors"));
    json_decref(without);
}
END_TEST

START_TEST(text_cut_within_a_character_loses_that_character)
{
    struct rl_error error;
    for (size_t cut = 1; cut <= 3; cut++) {
        rl_fail(&error, RL_INVALID, "/name", "ok \xf0\x9f\x98\x80");
        error.detail[3 + cut] = '\0';
        json_t *const problem = write_problem(&error, "");
        ck_assert_str_eq(text_at(problem, "detail"), "ok ");
        json_decref(problem);
    }
}
END_TEST

START_TEST(bytes_that_are_not_utf_8_are_replaced)
{
    struct rl_error error;
    rl_fail(&error, RL_INVALID, "/x", "a\xff z");
    json_t *const problem = write_problem(&error, "id");
    ck_assert_str_eq(text_at(problem, "type"), "urn:ranklossd:problem:invalid");
    ck_assert_int_eq(json_integer_value(json_object_get(problem, "status")), 422);
    ck_assert_str_eq(text_at(problem, "detail"), "a\xef\xbf\xbd z");
    json_decref(problem);
}
END_TEST

/* A detail that rl_fail cuts within a character, wherever that is. */
START_TEST(a_long_detail_is_cut_between_characters)
{
    char detail[2 * RL_DETAIL_MAX];
    for (size_t shift = 0; shift < 4; shift++) {
        memset(detail, 'x', sizeof(detail));
        for (size_t at = shift; at + 4 < sizeof(detail); at += 4)
            memcpy(detail + at, "\xf0\x9f\x98\x80", 4);
        detail[sizeof(detail) - 1] = '\0';
        struct rl_error error;
        rl_fail(&error, RL_INVALID, "/x", "%s", detail);
        json_t *const problem = write_problem(&error, "");
        const size_t kept = (RL_DETAIL_MAX - 1 - shift) / 4 * 4 + shift;
        ck_assert_uint_eq(strlen(text_at(problem, "detail")), kept);
        ck_assert_int_eq(strncmp(text_at(problem, "detail"), detail, kept), 0);
        json_decref(problem);
    }
}
END_TEST

/* A long problem needs more than a text's first memory; the short form does not. */
START_TEST(when_memory_is_short_type_and_status_are_given)
{
    static const char bare[] = "{\"type\":\"urn:ranklossd:problem:invalid\",\"status\":422}";
    struct rl_error error;
    size_t failed = 0, shortened = 0, whole = 0;
    rl_fail(&error, RL_INVALID, "/y_true", "%0300d", 1);
    for (size_t limit = 1; limit < 1024; limit++) {
        struct rl_text text;
        rl_text_init(&text);
        text.limit = limit;
        rl_problem_write(&error, "id", &text);
        if (text.failed) {
            failed++;
            ck_assert_uint_lt(limit, 100);
        } else if (text.length == strlen(bare)) {
            shortened++;
            ck_assert_mem_eq(text.data, bare, text.length);
        } else {
            whole++;
            ck_assert_uint_gt(text.length, 600);
            ck_assert_int_eq(text.data[text.length - 1], '}');
        }
        rl_text_release(&text);
    }
    ck_assert_uint_gt(failed, 40);
    ck_assert_uint_gt(shortened, 400);
    ck_assert_uint_gt(whole, 100);
}
END_TEST
