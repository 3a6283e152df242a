/*
 * test_host.c: which values of Host are accepted.
 */
#include "server/http/host.h"

#include "tests/lib/unittest.h"

static const char *listed[] = {"api.example.com", "ranklossd"}, *any[] = {"a", "*"};

static const char *const good[] = {
    "localhost",
    "LocalHost:8080",
    "localhost.",
    "app.localhost:1",
    "127.0.0.1",
    "10.0.0.7:80",
    "[::1]",
    "[2001:db8::1]:8080",
    "api.example.com",
    "RANKLOSSD:8080",
    "api.example.com.:443",
};
static const char *const bad[] = {
    "",
    "evil.example.com",
    "localhost.evil.com",
    "notlocalhost",
    "127.0.0.1.evil.com",
    "::1",
    "[::1",
    "[evil]",
    "localhost:x",
    "1.2.3",
    "example.com",
    "api.example.com@evil",
    ".",
    ":8080",
};

START_LOOP_TEST(addresses_localhost_and_listed_names, sizeof(good) / sizeof(*good))
{
    ck_assert_msg(rl_host_allowed(good[_i], &(struct rl_words){listed, 2}), "%s", good[_i]);
}
END_TEST

START_LOOP_TEST(other_names_are_refused, sizeof(bad) / sizeof(*bad))
{
    ck_assert_msg(!rl_host_allowed(bad[_i], &(struct rl_words){listed, 2}), "%s", bad[_i]);
    ck_assert(rl_host_allowed(bad[_i], &(struct rl_words){any, 2}));
}
END_TEST

START_TEST(without_names_only_addresses_and_localhost)
{
    ck_assert(rl_host_allowed("127.0.0.1:8080", &(struct rl_words){0}));
    ck_assert(!rl_host_allowed("ranklossd", &(struct rl_words){0}));
    ck_assert(rl_host_allowed(NULL, &(struct rl_words){0})); /* HTTP/1.0: not a browser */
}
END_TEST
