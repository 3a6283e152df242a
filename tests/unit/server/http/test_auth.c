/*
 * test_auth.c: known tokens are accepted, everything else is refused, and no token is ever shown.
 */
#include "server/http/auth.h"

#include "tests/unit/scratchfile.h"

#include <pthread.h>
#include <stdatomic.h>

#include "tests/lib/unittest.h"

static struct rl_auth *loaded(const char *text)
{
    struct rl_auth *auth;
    struct rl_error error;
    ck_assert_msg(rl_auth_create(scratch_text("tokens", text), &auth, &error) == RL_OK, "%s",
                  error.detail);
    return auth;
}

START_TEST(tokens_of_the_file_are_let_in)
{
    struct rl_auth *const auth =
        loaded("# ours\n\nfirst-token\r\n  \nsecond~token+/=  \n#x\nlast-one");
    ck_assert(rl_auth_required(auth));
    ck_assert_int_eq(rl_auth_check(auth, "Bearer first-token"), RL_AUTH_OK);
    ck_assert_int_eq(rl_auth_check(auth, "bearer second~token+/="), RL_AUTH_OK);
    ck_assert_int_eq(rl_auth_check(auth, "BEARER   last-one  "), RL_AUTH_OK);
    rl_auth_free(auth);
}
END_TEST

START_TEST(everything_else_is_not)
{
    static const char *const headers[] = {
        "",
        "Bearer",
        "Bearer ",
        "Bearerfirst-token",
        "Bearer\tfirst-token",
        "first-token",
        "Basic first-token",
        "Bearer first-toke",
        "Bearer first-token1",
        "Bearer First-token",
        "Bearer first-token last-one",
        "Bearer # ours",
        "Bearer first-token,Bearer last-one",
        " Bearer first-token",
    };
    struct rl_auth *const auth = loaded("# ours\nfirst-token\nlast-one\n");
    for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
        ck_assert_msg(rl_auth_check(auth, headers[i]) == RL_AUTH_INVALID, "'%s'", headers[i]);
    ck_assert_int_eq(rl_auth_check(auth, NULL), RL_AUTH_MISSING);
    rl_auth_free(auth);
}
END_TEST

/* Tokens of the shortest and longest length are accepted; longer ones are refused without hashing.
 * */
START_TEST(lengths)
{
    static char token[RL_TOKEN_MAX + 1], header[1 << 20];
    memset(token, 't', RL_TOKEN_MAX);
    char text[RL_TOKEN_MAX + 20];
    snprintf(text, sizeof(text), "%s\n12345678\n", token);
    struct rl_auth *const auth = loaded(text);
    snprintf(header, sizeof(header), "Bearer %s", token);
    ck_assert_int_eq(rl_auth_check(auth, header), RL_AUTH_OK);
    ck_assert_int_eq(rl_auth_check(auth, "Bearer 12345678"), RL_AUTH_OK);
    snprintf(header, sizeof(header), "Bearer %st", token);
    ck_assert_int_eq(rl_auth_check(auth, header), RL_AUTH_INVALID);
    memset(header + 7, 't', sizeof(header) - 8);
    ck_assert_int_eq(rl_auth_check(auth, header), RL_AUTH_INVALID);
    rl_auth_free(auth);
}
END_TEST

START_TEST(without_a_file_everybody_is_let_in)
{
    struct rl_auth *auth;
    struct rl_error error;
    ck_assert_int_eq(rl_auth_create("", &auth, &error), RL_OK);
    ck_assert(!rl_auth_required(auth));
    ck_assert_int_eq(rl_auth_check(auth, NULL), RL_AUTH_OK);
    ck_assert_int_eq(rl_auth_check(auth, "Basic x"), RL_AUTH_OK);
    rl_auth_free(auth);
    rl_auth_free(NULL);
}
END_TEST

/* An invalid file is refused with the number of its line, and no error shows a token. */
START_LOOP_TEST(bad_files, 7)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"good-token\nsecret7\n", "line 2: the token is shorter than 8 bytes"},
        {"good-token\n\n\nsecret token\n", "line 4: the token contains a blank"},
        {"secret-\xc3\xa9-token\n", "line 1: the token contains a blank or a byte that is not"},
        {"secret\x01token\n", "line 1: the token contains"},
        {" secret-token\n", "line 1: the token contains a blank"},
        {"", "contains no token"},
        {"# nothing\n\n", "contains no token"},
    };
    struct rl_auth *auth = NULL;
    struct rl_error error;
    const char *const path = scratch_text("tokens", cases[_i].text);
    ck_assert_int_eq(rl_auth_create(path, &auth, &error), RL_CONFIG);
    ck_assert_ptr_null(auth);
    ck_assert_int_eq(strncmp(error.detail, "auth-tokens-file: ", 18), 0);
    ck_assert_msg(strstr(error.detail, cases[_i].says) != NULL, "%s", error.detail);
    ck_assert_ptr_null(strstr(error.detail, "secret"));
    ck_assert_ptr_null(strchr(error.detail, '\n'));
}
END_TEST

START_TEST(too_long_and_too_many)
{
    static char text[RL_TOKENS_MAX * 12 + 4096];
    struct rl_auth *auth;
    struct rl_error error;
    memset(text, 'x', RL_TOKEN_MAX + 1);
    ck_assert_int_eq(rl_auth_create(scratch_text("tokens", text), &auth, &error), RL_CONFIG);
    ck_assert_ptr_nonnull(strstr(error.detail, "longer than 1024"));
    size_t used = 0;
    for (int i = 0; i <= RL_TOKENS_MAX; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "token%05d\n", i);
    ck_assert_int_eq(rl_auth_create(scratch_text("tokens", text), &auth, &error), RL_CONFIG);
    ck_assert_ptr_nonnull(
        strstr(error.detail, "line 10001: the token exceeds the limit of 10000 tokens"));
    text[used - 11] = '\0';
    ck_assert_int_eq(rl_auth_create(scratch_text("tokens", text), &auth, &error), RL_OK);
    ck_assert_int_eq(rl_auth_check(auth, "Bearer token00000"), RL_AUTH_OK);
    ck_assert_int_eq(rl_auth_check(auth, "Bearer token09999"), RL_AUTH_OK);
    ck_assert_int_eq(rl_auth_check(auth, "Bearer token10000"), RL_AUTH_INVALID);
    rl_auth_free(auth);
}
END_TEST

START_TEST(reloading)
{
    struct rl_auth *const auth = loaded("old-token\n");
    struct rl_error error;
    ck_assert_int_eq(rl_auth_reload(auth, scratch_text("new", "new-token\n"), &error), RL_OK);
    ck_assert_int_eq(rl_auth_check(auth, "Bearer old-token"), RL_AUTH_INVALID);
    ck_assert_int_eq(rl_auth_check(auth, "Bearer new-token"), RL_AUTH_OK);
    ck_assert_int_eq(rl_auth_reload(auth, "/nonexistent/tokens", &error), RL_CONFIG);
    ck_assert_str_eq(
        error.detail,
        "auth-tokens-file: cannot read /nonexistent/tokens: No such file or directory");
    ck_assert_int_eq(rl_auth_reload(auth, scratch_text("bad", "short\n"), &error), RL_CONFIG);
    ck_assert_int_eq(rl_auth_check(auth, "Bearer new-token"), RL_AUTH_OK);
    ck_assert_int_eq(rl_auth_reload(auth, "", &error), RL_OK);
    ck_assert_int_eq(rl_auth_check(auth, NULL), RL_AUTH_OK);
    rl_auth_free(auth);
}
END_TEST

static atomic_bool going;

static void *check_on(void *argument)
{
    struct rl_auth *const auth = argument;
    while (atomic_load(&going)) {
        ck_assert_int_eq(rl_auth_check(auth, "Bearer both-token"), RL_AUTH_OK);
        ck_assert_int_eq(rl_auth_check(auth, "Bearer none-token"), RL_AUTH_INVALID);
    }
    return NULL;
}

/* While the file is replaced, a token that is in both files is accepted at every moment. */
START_TEST(reloading_under_load)
{
    struct rl_auth *const auth = loaded("both-token\nold-token\n");
    pthread_t threads[2];
    struct rl_error error;
    char paths[2][160];
    snprintf(paths[0], sizeof(paths[0]), "%s", scratch_text("a", "both-token\n"));
    snprintf(paths[1], sizeof(paths[1]), "%s", scratch_text("b", "other-token\nboth-token\n"));
    atomic_store(&going, true);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, check_on, auth), 0);
    for (int i = 0; i < 500; i++)
        ck_assert_int_eq(rl_auth_reload(auth, paths[i % 2], &error), RL_OK);
    atomic_store(&going, false);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    rl_auth_free(auth);
}
END_TEST

START_TEST(challenges)
{
    ck_assert_str_eq(rl_auth_challenge(RL_AUTH_MISSING), "Bearer realm=\"ranklossd\"");
    ck_assert_str_eq(rl_auth_challenge(RL_AUTH_INVALID),
                     "Bearer realm=\"ranklossd\", error=\"invalid_token\"");
}
END_TEST

void test_before_all(void)
{
    scratch_create();
}
