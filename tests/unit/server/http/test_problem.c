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

/* Types and titles are part of what clients see: none is forgotten, no two are the same. */
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

START_TEST(waiting_helps_where_it_says_so)
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

START_TEST(meaning_has_a_pointer)
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

START_TEST(text_that_is_no_utf_8_still_gives_a_problem)
{
    struct rl_error error;
    rl_fail(&error, RL_INVALID, "/x", "\xff\xfe\xfd\xfc\xfb");
    json_t *const problem = write_problem(&error, "id");
    ck_assert_str_eq(text_at(problem, "type"), "urn:ranklossd:problem:invalid");
    ck_assert_int_eq(json_integer_value(json_object_get(problem, "status")), 422);
    json_decref(problem);
}
END_TEST

static long allocations, fail_at;

static void *failing_malloc(size_t size)
{
    return ++allocations == fail_at ? NULL : malloc(size);
}

START_TEST(there_is_an_answer_whichever_allocation_fails)
{
    struct rl_error error;
    rl_fail(&error, RL_INVALID, "/y_true", "a number was expected");
    json_set_alloc_funcs(failing_malloc, free);
    size_t bare = 0;
    for (fail_at = 1; fail_at < 200; fail_at++) {
        struct rl_text text;
        rl_text_init(&text);
        allocations = 0;
        rl_problem_write(&error, "id", &text);
        rl_text_append(&text, "", 1);
        ck_assert(!text.failed);
        bare +=
            strcmp(text.data, "{\"type\":\"urn:ranklossd:problem:invalid\",\"status\":422}") == 0;
        ck_assert(text.data[text.length - 2] == '}');
        rl_text_release(&text);
    }
    json_set_alloc_funcs(malloc, free);
    ck_assert_uint_gt(bare, 20);
    ck_assert_uint_lt(bare, 199);
}
END_TEST
