/*
 * test_cors.c: which origins may read replies.
 */
#include "server/http/cors.h"

#include <stdlib.h>
#include <string.h>

#include "tests/lib/unittest.h"

enum { ORIGINS_MAX = 4 };

/* A list of up to ORIGINS_MAX origins, ended by NULL. */
static struct rl_words words_of(const char *const *origins, const char *storage[ORIGINS_MAX])
{
    struct rl_words words = {storage, 0};
    for (; origins[words.count]; words.count++)
        storage[words.count] = origins[words.count];
    return words;
}

static struct rl_cors *created(const char *const *origins)
{
    const char *storage[ORIGINS_MAX];
    struct rl_cors *cors;
    struct rl_error error;
    const struct rl_words words = words_of(origins, storage);
    ck_assert_msg(rl_cors_create(&words, &cors, &error) == RL_OK, "%s", error.detail);
    return cors;
}

START_TEST(listed_origins_alone)
{
    static const char *const origins[] = {"https://a.example", "http://localhost:3000", NULL};
    static const char *const foreign[] = {"https://b.example",
                                          "http://a.example",
                                          "https://a.example:443",
                                          "https://a.example/",
                                          "https://a.example.evil",
                                          "https://A.example",
                                          "https://sub.a.example",
                                          "http://localhost",
                                          "null",
                                          "*",
                                          "",
                                          "https://a.exampl"};
    struct rl_cors *const cors = created(origins);
    for (size_t i = 0; origins[i]; i++)
        ck_assert_int_eq(rl_cors_decide(cors, origins[i]), RL_CORS_ORIGIN);
    for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++)
        ck_assert_msg(rl_cors_decide(cors, foreign[i]) == RL_CORS_NONE, "%s", foreign[i]);
    ck_assert_int_eq(rl_cors_decide(cors, NULL), RL_CORS_NONE);
    ck_assert(rl_cors_varies(cors));
    rl_cors_free(cors);
}
END_TEST

START_TEST(every_origin)
{
    static const char *const origins[] = {"https://a.example", "*", NULL};
    struct rl_cors *const cors = created(origins);
    ck_assert_int_eq(rl_cors_decide(cors, "https://anything"), RL_CORS_ANY);
    ck_assert_int_eq(rl_cors_decide(cors, "null"), RL_CORS_ANY);
    ck_assert_int_eq(rl_cors_decide(cors, NULL), RL_CORS_NONE);
    ck_assert(!rl_cors_varies(cors));
    rl_cors_free(cors);
}
END_TEST

START_TEST(no_origin)
{
    static const char *const origins[] = {NULL};
    struct rl_cors *const cors = created(origins);
    ck_assert_int_eq(rl_cors_decide(cors, "https://a.example"), RL_CORS_NONE);
    ck_assert(!rl_cors_varies(cors));
    rl_cors_free(cors);
    rl_cors_free(NULL);
}
END_TEST

/* What no browser sends as an origin would never match: it is refused, and the old list stays. */
START_TEST(what_is_no_origin)
{
    static const char *const mistakes[] = {"a.example",
                                           "https://a.example/path",
                                           "https://",
                                           "://a",
                                           "https://A.example",
                                           "https://*.example",
                                           "https://u@a.example",
                                           "https://a.example?q",
                                           "null"};
    static const char *const origins[] = {"https://a.example", NULL};
    struct rl_cors *const cors = created(origins);
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
        const char *storage[ORIGINS_MAX];
        struct rl_error error;
        const char *const list[] = {"https://b.example", mistakes[i], NULL};
        const struct rl_words words = words_of(list, storage);
        ck_assert_msg(rl_cors_reload(cors, &words, &error) == RL_CONFIG, "%s", mistakes[i]);
        ck_assert_int_eq(strncmp(error.detail, "cors-origins: ", 14), 0);
        ck_assert_ptr_nonnull(strstr(error.detail, mistakes[i]));
    }
    ck_assert_int_eq(rl_cors_decide(cors, "https://a.example"), RL_CORS_ORIGIN);
    ck_assert_int_eq(rl_cors_decide(cors, "https://b.example"), RL_CORS_NONE);
    rl_cors_free(cors);
}
END_TEST

START_TEST(reloading)
{
    static const char *const old[] = {"https://a.example", NULL};
    static const char *const fresh[] = {"https://b.example", NULL};
    const char *storage[ORIGINS_MAX];
    struct rl_error error;
    struct rl_cors *const cors = created(old);
    const struct rl_words words = words_of(fresh, storage);
    ck_assert_int_eq(rl_cors_reload(cors, &words, &error), RL_OK);
    ck_assert_int_eq(rl_cors_decide(cors, "https://a.example"), RL_CORS_NONE);
    ck_assert_int_eq(rl_cors_decide(cors, "https://b.example"), RL_CORS_ORIGIN);
    rl_cors_free(cors);
}
END_TEST

START_TEST(preflights)
{
    ck_assert(rl_cors_is_preflight("OPTIONS", "https://a", "POST"));
    ck_assert(!rl_cors_is_preflight("OPTIONS", NULL, "POST"));
    ck_assert(!rl_cors_is_preflight("OPTIONS", "https://a", NULL));
    ck_assert(!rl_cors_is_preflight("POST", "https://a", "POST"));
}
END_TEST

START_TEST(header_values)
{
    static const char *const allowed[] = {"Authorization", "Content-Encoding", "Content-Type",
                                          "traceparent", "X-Request-Id"};
    for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
        ck_assert_ptr_nonnull(strstr(rl_cors_allow_headers(), allowed[i]));
    ck_assert_ptr_nonnull(strstr(rl_cors_expose_headers(), "X-Request-Id"));
    ck_assert_ptr_nonnull(strstr(rl_cors_expose_headers(), "Retry-After"));
    ck_assert_int_gt(strtol(rl_cors_max_age(), NULL, 10), 0);
}
END_TEST
