/* test_assets.c: the embedded page and API description. */
#include "server/web/assets.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <jansson.h>

#include "tests/lib/unittest.h"

static struct rl_error error;

void test_before_each(void)
{
    ck_assert_int_eq(rl_assets_init(&error), RL_OK);
}

void test_after_each(void)
{
    rl_assets_release();
}

/* The bytes of an asset between two texts, each of which must be there. */
static void between(const struct rl_asset *asset, const char *open, const char *close,
                    const char **ret_begin, size_t *ret_size)
{
    const char *begin = memmem(asset->data, asset->size, open, strlen(open));
    ck_assert_ptr_nonnull(begin);
    begin += strlen(open);
    const char *const end = memmem(begin, asset->size - (size_t)(begin - (const char *)asset->data),
                                   close, strlen(close));
    ck_assert_ptr_nonnull(end);
    *ret_begin = begin;
    *ret_size = (size_t)(end - begin);
}

static void hash(const void *bytes, size_t size, char *ret_text, size_t room)
{
    unsigned char digest[32];
    gnutls_datum_t raw = {.data = digest, .size = sizeof(digest)}, text = {0};
    ck_assert_int_ge(gnutls_hash_fast(GNUTLS_DIG_SHA256, bytes, size, digest), 0);
    ck_assert_int_ge(gnutls_base64_encode2(&raw, &text), 0);
    snprintf(ret_text, room, "%.*s", (int)text.size, (const char *)text.data);
    gnutls_free(text.data);
}

/* Reads a file of the tree into memory; the caller frees. */
static char *slurp(const char *path, size_t *ret_size)
{
    FILE *const file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "run from the top of the tree: no %s", path);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    *ret_size = (size_t)ftell(file);
    rewind(file);
    char *const text = malloc(*ret_size + 1);
    ck_assert_uint_eq(fread(text, 1, *ret_size, file), *ret_size);
    fclose(file);
    return text;
}

START_TEST(only_known_paths_are_found)
{
    ck_assert_str_eq(rl_asset_find("/")->path, "/");
    ck_assert_str_eq(rl_asset_find("/openapi.json")->content_type, "application/json");
    ck_assert_ptr_null(rl_asset_find(""));
    ck_assert_ptr_null(rl_asset_find("/app.js"));
    ck_assert_ptr_null(rl_asset_find("/../server/web/assets.c"));
}
END_TEST

START_TEST(page_holds_the_style_whole)
{
    size_t size, expected;
    const char *begin;
    char *const text = slurp("server/web/style.css", &expected);
    between(rl_asset_find("/"), "<style>", "</style>", &begin, &size);
    ck_assert_uint_eq(size, expected);
    ck_assert_mem_eq(begin, text, size);
    free(text);
}
END_TEST

START_TEST(page_holds_every_script_once_and_nothing_else)
{
    size_t size, total = 0;
    const char *begin;
    glob_t found;
    between(rl_asset_find("/"), "<script>", "</script>", &begin, &size);
    ck_assert_int_eq(glob("server/web/*.js", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        size_t length;
        char *const text = slurp(found.gl_pathv[i], &length);
        ck_assert_msg(memmem(begin, size, text, length) != NULL, "%s is missing",
                      found.gl_pathv[i]);
        total += length;
        free(text);
    }
    ck_assert_uint_eq(size, total);
    globfree(&found);
}
END_TEST

START_TEST(policy_names_script_and_style_by_hash)
{
    const struct rl_asset *const page = rl_asset_find("/");
    char base64[64], source[128];
    const char *begin;
    size_t size;
    between(page, "<script>", "</script>", &begin, &size);
    hash(begin, size, base64, sizeof(base64));
    snprintf(source, sizeof(source), "script-src 'sha256-%s';", base64);
    ck_assert_ptr_nonnull(strstr(page->policy, source));
    between(page, "<style>", "</style>", &begin, &size);
    hash(begin, size, base64, sizeof(base64));
    snprintf(source, sizeof(source), "style-src 'sha256-%s';", base64);
    ck_assert_ptr_nonnull(strstr(page->policy, source));
}
END_TEST

START_TEST(policy_is_closed_and_not_cut)
{
    const char *const policy = rl_asset_find("/")->policy;
    ck_assert_ptr_eq(strstr(policy, "default-src 'none'; "), policy);
    ck_assert_ptr_null(strstr(policy, "unsafe"));
    const char end[] = "trusted-types 'none'";
    ck_assert_str_eq(policy + strlen(policy) - strlen(end), end);
    ck_assert_str_eq(rl_asset_find("/openapi.json")->policy, "");
}
END_TEST

START_TEST(etag_is_the_hash_of_the_content)
{
    const char *paths[] = {"/", "/openapi.json"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        const struct rl_asset *const asset = rl_asset_find(paths[i]);
        char base64[60], expected[64];
        hash(asset->data, asset->size, base64, sizeof(base64));
        snprintf(expected, sizeof(expected), "\"%s\"", base64);
        ck_assert_str_eq(asset->etag, expected);
    }
}
END_TEST

START_TEST(page_asks_for_nothing_from_elsewhere)
{
    const struct rl_asset *const page = rl_asset_find("/");
    static const char *const outside[] = {"src=\"", "@import", "url(http", "<base", "<iframe"};
    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
        ck_assert_ptr_null(memmem(page->data, page->size, outside[i], strlen(outside[i])));
}
END_TEST

START_TEST(api_description_is_json_of_this_version)
{
    const struct rl_asset *const api = rl_asset_find("/openapi.json");
    json_error_t where;
    json_t *const root =
        json_loadb((const char *)api->data, api->size, JSON_REJECT_DUPLICATES, &where);
    ck_assert_msg(root != NULL, "line %d: %s", where.line, where.text);
    size_t size;
    char *const version = slurp("VERSION", &size);
    const char *stated =
        json_string_value(json_object_get(json_object_get(root, "info"), "version"));
    ck_assert_uint_eq(strlen(stated), size - 1);
    ck_assert_mem_eq(stated, version, size - 1);
    free(version);
    json_decref(root);
}
END_TEST

START_TEST(init_twice_is_init_once)
{
    char etag[RL_ETAG_MAX];
    snprintf(etag, sizeof(etag), "%s", rl_asset_find("/")->etag);
    ck_assert_int_eq(rl_assets_init(&error), RL_OK);
    ck_assert_str_eq(rl_asset_find("/")->etag, etag);
}
END_TEST
