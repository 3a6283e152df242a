/*
 * test_endpoint.c: methods and handlers have the names that metrics and the log show.
 */
#include "server/base/endpoint.h"

#include "tests/lib/unittest.h"

START_TEST(names_are_those_of_http)
{
    ck_assert_int_eq(rl_method_find("GET"), RL_METHOD_GET);
    ck_assert_int_eq(rl_method_find("OPTIONS"), RL_METHOD_OPTIONS);
    ck_assert_int_eq(rl_method_find("get"), RL_METHOD_OTHER);
    ck_assert_int_eq(rl_method_find("other"), RL_METHOD_OTHER);
    ck_assert_int_eq(rl_method_find("\"}"), RL_METHOD_OTHER);
    ck_assert_str_eq(rl_method_name(RL_METHOD_OTHER), "other");
    ck_assert_str_eq(rl_handler_name(RL_HANDLER_LOSS), "/v1/losses/{loss}");
    ck_assert_str_eq(rl_handler_name(RL_HANDLER_OTHER), "other");
}
END_TEST
