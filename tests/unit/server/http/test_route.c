/*
 * test_route.c: each path has its handler, and paths that resemble one have none.
 */
#include "server/http/route.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/unittest.h"

static struct rl_route find(const char *path, enum rl_scope scope)
{
    struct rl_route route;
    struct rl_error error;
    ck_assert_int_eq(rl_route_find(path, scope, &route, &error), RL_OK);
    return route;
}

static void find_nothing(const char *path, enum rl_scope scope)
{
    struct rl_route route;
    struct rl_error error;
    ck_assert_msg(rl_route_find(path, scope, &route, &error) == RL_NOT_FOUND, "%s", path);
    ck_assert_int_eq(route.handler, RL_HANDLER_OTHER);
}

START_TEST(every_measure_has_its_path)
{
    for (int id = 0; id < RL_MEASURES; id++) {
        const struct rl_measure *const measure = rl_measure_get((enum rl_measure_id)id);
        char path[128];
        const bool loss = measure->kind == RL_LOSS;
        snprintf(path, sizeof(path), "/v1/%s/%s", loss ? "losses" : "metrics", measure->name);
        const struct rl_route route = find(path, RL_SCOPE_ALL);
        ck_assert_int_eq(route.handler, loss ? RL_HANDLER_LOSS : RL_HANDLER_METRIC);
        ck_assert_ptr_eq(route.target.measure, measure);
        ck_assert(!route.target.evaluate);
        ck_assert(rl_route_takes_body(&route));
        ck_assert_str_eq(route.allow, "POST, OPTIONS");
        snprintf(path, sizeof(path), "/v1/%s/%s", loss ? "metrics" : "losses", measure->name);
        find_nothing(path, RL_SCOPE_ALL);
    }
}
END_TEST

START_TEST(evaluate_takes_many)
{
    const struct rl_route route = find("/v1/evaluate", RL_SCOPE_MAIN);
    ck_assert_int_eq(route.handler, RL_HANDLER_EVALUATE);
    ck_assert(route.target.evaluate);
    ck_assert_ptr_null(route.target.measure);
}
END_TEST

START_TEST(reads_are_found_where_they_are_served)
{
    static const struct {
        const char *path;
        enum rl_handler handler;
        bool main, admin;
    } rows[] = {
        {"/livez", RL_HANDLER_LIVEZ, true, true},
        {"/readyz", RL_HANDLER_READYZ, true, true},
        {"/healthz", RL_HANDLER_HEALTHZ, true, true},
        {"/metrics", RL_HANDLER_METRICS, false, true},
        {"/v2", RL_HANDLER_INFERENCE, true, false},
        {"/v2/", RL_HANDLER_INFERENCE, true, false},
        {"/v2/health/live", RL_HANDLER_INFERENCE_LIVE, true, true},
        {"/v2/health/ready", RL_HANDLER_INFERENCE_READY, true, true},
        {"/v2/models/auc", RL_HANDLER_MODEL, true, false},
        {"/v2/models/auc/versions/1", RL_HANDLER_MODEL, true, false},
        {"/v2/models/evaluate/ready", RL_HANDLER_MODEL_READY, true, false},
        {"/v2/models/softmax/versions/1/ready", RL_HANDLER_MODEL_READY, true, false},
        {"/v2/models/evaluate/infer", RL_HANDLER_INFER, true, false},
        {"/v2/models/list_mle/versions/1/infer", RL_HANDLER_INFER, true, false},
        {"/v1/losses", RL_HANDLER_LOSSES, true, false},
        {"/v1/metrics", RL_HANDLER_METRICS_CATALOGUE, true, false},
        {"/openapi.json", RL_HANDLER_OPENAPI, true, false},
        {"/", RL_HANDLER_PAGE, true, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        ck_assert_int_eq(find(rows[i].path, RL_SCOPE_ALL).handler, rows[i].handler);
        if (rows[i].main)
            ck_assert_int_eq(find(rows[i].path, RL_SCOPE_MAIN).handler, rows[i].handler);
        else
            find_nothing(rows[i].path, RL_SCOPE_MAIN);
        if (rows[i].admin)
            ck_assert_int_eq(find(rows[i].path, RL_SCOPE_ADMIN).handler, rows[i].handler);
        else
            find_nothing(rows[i].path, RL_SCOPE_ADMIN);
    }
    find_nothing("/v1/losses/pairwise_hinge", RL_SCOPE_ADMIN);
    find_nothing("/v1/evaluate", RL_SCOPE_ADMIN);
}
END_TEST

START_TEST(what_is_close_is_nothing)
{
    static const char *const paths[] = {
        "",
        "//",
        "/livez/",
        "/Livez",
        "/livez%00",
        "/v1/losses/",
        "/v1/losses//pairwise_hinge",
        "/v1/losses/pairwise_hinge/",
        "/v1/losses/pairwise%5fhinge",
        "/v1/losses%2Fpairwise_hinge",
        "/v1/losses/../losses/pairwise_hinge",
        "/v1/../livez",
        "/v1/losses/Pairwise_Hinge",
        "/v1/losses/pairwise_hing",
        "/v1/losses/pairwise_hinges",
        "/v1/evaluate/",
        "*",
        "livez",
    };
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
        find_nothing(paths[i], RL_SCOPE_ALL);
}
END_TEST

START_TEST(an_unknown_measure_is_answered_with_those_there_are)
{
    struct rl_route route;
    struct rl_error error;
    rl_route_find("/v1/losses/nope", RL_SCOPE_ALL, &route, &error);
    ck_assert_ptr_nonnull(strstr(error.detail, "pairwise_hinge"));
    ck_assert_ptr_nonnull(strstr(error.detail, "list_mle"));
    rl_route_find("/v1/metrics/nope", RL_SCOPE_ALL, &route, &error);
    ck_assert_ptr_nonnull(strstr(error.detail, "recall_at_k"));
    ck_assert_ptr_null(strstr(error.detail, "hinge"));
}
END_TEST

START_TEST(methods_are_those_in_allow)
{
    struct rl_error error;
    const struct rl_route post = find("/v1/evaluate", RL_SCOPE_ALL);
    const struct rl_route read = find("/livez", RL_SCOPE_ALL);
    for (int method = 0; method < RL_METHODS; method++) {
        const bool options = method == RL_METHOD_OPTIONS;
        ck_assert_int_eq(rl_route_check_method(&post, (enum rl_method)method, &error),
                         method == RL_METHOD_POST || options ? RL_OK : RL_METHOD);
        ck_assert_int_eq(
            rl_route_check_method(&read, (enum rl_method)method, &error),
            method == RL_METHOD_GET || method == RL_METHOD_HEAD || options ? RL_OK : RL_METHOD);
    }
}
END_TEST

START_TEST(absolute_form_is_cut_to_its_path)
{
    ck_assert_str_eq(rl_route_path("/livez"), "/livez");
    ck_assert_str_eq(rl_route_path("http://host/livez"), "/livez");
    ck_assert_str_eq(rl_route_path("HTTPS://host:80/v1/losses"), "/v1/losses");
    ck_assert_str_eq(rl_route_path("http://host"), "/");
    ck_assert_str_eq(rl_route_path("ftp://host/livez"), "ftp://host/livez");
    ck_assert_str_eq(rl_route_path("*"), "*");
    ck_assert_str_eq(rl_route_path(""), "");
}
END_TEST
