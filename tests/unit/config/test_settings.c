/*
 * test_settings.c: the table and the struct it fills, row by row.
 */
#include "config/settings.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/unittest.h"

enum { TEXT_MAX = 256 };

static struct rl_settings *created(void)
{
    struct rl_settings *settings;
    struct rl_error error;
    ck_assert_int_eq(rl_settings_create(&settings, &error), RL_OK);
    return settings;
}

static void set(struct rl_settings *settings, const char *name, const char *value)
{
    struct rl_error error;
    ck_assert_msg(rl_settings_set(settings, rl_setting_find(name), value, RL_SOURCE_FLAG, &error) ==
                      RL_OK,
                  "%s", error.detail);
}

START_LOOP_TEST(a_row_is_found_under_its_name, RL_SETTINGS)
{
    const struct rl_setting *const row = rl_setting_get((enum rl_setting_id)_i);
    char place[RL_SETTING_PLACE_MAX];
    ck_assert_ptr_eq(rl_setting_find(row->name), row);
    ck_assert_uint_gt(strlen(row->help), 10);
    ck_assert_uint_eq(strspn(row->name, "abcdefghijklmnopqrstuvwxyz-"), strlen(row->name));
    rl_setting_place(row, RL_SOURCE_FLAG, place);
    ck_assert_str_eq(place + 2, row->name);
    rl_setting_place(row, RL_SOURCE_ENVIRONMENT, place);
    ck_assert_int_eq(strncmp(place, "RANKLOSSD_", 10), 0);
    ck_assert_uint_eq(strspn(place, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), strlen(place));
}
END_TEST

/* The default of a row is valid and in bounds, and its text is accepted from elsewhere. */
START_LOOP_TEST(a_default_is_accepted_as_a_value, RL_SETTINGS)
{
    const struct rl_setting *const row = rl_setting_get((enum rl_setting_id)_i);
    struct rl_settings *const settings = created(), *const again = created();
    struct rl_error error;
    ck_assert_int_eq(settings->sources[_i], RL_SOURCE_DEFAULT);
    ck_assert_int_eq(rl_settings_set(again, row, row->text, RL_SOURCE_FILE, &error), RL_OK);
    ck_assert_int_eq(again->sources[_i], RL_SOURCE_FILE);
    ck_assert(rl_settings_equal(settings, again, row));
    rl_settings_free(settings);
    rl_settings_free(again);
}
END_TEST

/* The bounds themselves are accepted, one beyond each is not, and a refused value changes nothing.
 * */
START_LOOP_TEST(bounds_hold, RL_SETTINGS)
{
    const struct rl_setting *const row = rl_setting_get((enum rl_setting_id)_i);
    struct rl_settings *const settings = created(), *const fresh = created();
    struct rl_error error;
    char text[32];
    const char *const unit = row->type == RL_TYPE_DURATION ? "ms" : "";
    if (row->max == 0)
        goto out;
    const uint64_t inside[] = {row->min, row->max}, outside[] = {row->min - 1, row->max + 1};
    for (int i = 0; i < 2; i++) {
        snprintf(text, sizeof(text), "%llu%s", (unsigned long long)inside[i], unit);
        ck_assert_int_eq(rl_settings_set(settings, row, text, RL_SOURCE_FLAG, &error), RL_OK);
        snprintf(text, sizeof(text), "%llu%s", (unsigned long long)outside[i], unit);
        if (row->min == 0 && i == 0)
            snprintf(text, sizeof(text), "-1%s", unit);
        ck_assert_int_eq(rl_settings_set(fresh, row, text, RL_SOURCE_FLAG, &error), RL_CONFIG);
        ck_assert_int_eq(strncmp(error.detail, row->name, strlen(row->name)), 0);
        ck_assert_ptr_nonnull(strstr(error.detail, text));
        ck_assert_int_eq(fresh->sources[_i], RL_SOURCE_DEFAULT);
    }
out:
    rl_settings_free(settings);
    rl_settings_free(fresh);
}
END_TEST

START_TEST(fields_have_the_defaults_that_are_promised)
{
    struct rl_settings *const s = created();
    ck_assert_str_eq(s->listen, "127.0.0.1:8080");
    ck_assert_str_eq(s->admin_listen, "");
    ck_assert_uint_eq(s->threads, 0);
    ck_assert_uint_eq(s->max_body_bytes, 64 * RL_MIB);
    ck_assert_uint_eq(s->max_header_bytes, 32768);
    ck_assert_uint_eq(s->max_items, 20000000);
    ck_assert_uint_eq(s->request_timeout, 30000);
    ck_assert_uint_eq(s->shutdown_delay, 0);
    ck_assert_uint_eq(s->open_paths.count, 7);
    ck_assert_str_eq(s->open_paths.items[0], "/");
    ck_assert_str_eq(s->open_paths.items[4], "/healthz");
    ck_assert_uint_eq(s->cors_origins.count, 0);
    ck_assert(s->compression);
    ck_assert_uint_eq(s->log_level, RL_LOG_INFO);
    ck_assert_uint_eq(s->log_format, RL_FORMAT_AUTO);
    ck_assert_uint_eq(s->unix_socket_mode, RL_MODE_GROUP);
    rl_settings_free(s);
}
END_TEST

START_TEST(values_replace_each_other)
{
    struct rl_settings *const s = created();
    const char *const one = "https://a.example", *items[] = {one};
    struct rl_error error;
    set(s, "listen", "unix:/a");
    set(s, "listen", "unix:/b");
    ck_assert_str_eq(s->listen, "unix:/b");
    set(s, "open-paths", "/x,/y");
    set(s, "open-paths", "");
    ck_assert_uint_eq(s->open_paths.count, 0);
    ck_assert_int_eq(rl_settings_set_items(s, rl_setting_find("cors-origins"),
                                           &(struct rl_words){items, 1}, RL_SOURCE_FILE, &error),
                     RL_OK);
    ck_assert_str_eq(s->cors_origins.items[0], one);
    set(s, "log-level", "debug");
    ck_assert_uint_eq(s->log_level, RL_LOG_DEBUG);
    rl_settings_free(s);
}
END_TEST

/* Each case sets two settings and names the one that the refusal must start with; NULL: none. */
START_LOOP_TEST(settings_are_checked_together, 10)
{
    static const struct {
        const char *names[2], *values[2], *blamed;
    } cases[] = {
        {{"tls-cert", "tls-key"}, {"c", "k"}, NULL},
        {{"tls-cert", "tls-key"}, {"c", ""}, "tls-cert: it is set but tls-key is not"},
        {{"tls-cert", "tls-key"}, {"", "k"}, "tls-key: it is set but tls-cert is not"},
        {{"tls-client-ca", "tls-cert"}, {"a", ""}, "tls-client-ca"},
        {{"listen", "admin-listen"}, {"", ""}, "listen"},
        {{"listen", "admin-listen"}, {"127.0.0.1:1", "127.0.0.1:1"}, "admin-listen"},
        {{"listen", "admin-listen"}, {"127.0.0.1:0", "127.0.0.1:0"}, NULL},
        {{"queue-bytes", "max-body-bytes"}, {"1MiB", "2MiB"}, "queue-bytes"},
        {{"max-inflated-bytes", "max-body-bytes"}, {"1GiB", "1MiB"}, "queue-bytes"},
        {{"open-paths", "listen"}, {"/a,metrics", ":1"}, "open-paths"},
    };
    struct rl_settings *const s = created();
    struct rl_error error;
    for (int i = 0; i < 2; i++)
        set(s, cases[_i].names[i], cases[_i].values[i]);
    const enum rl_status status = rl_settings_check(s, &error);
    ck_assert_int_eq(status, cases[_i].blamed ? RL_CONFIG : RL_OK);
    if (cases[_i].blamed)
        ck_assert_int_eq(strncmp(error.detail, cases[_i].blamed, strlen(cases[_i].blamed)), 0);
    rl_settings_free(s);
}
END_TEST

static void remember(void *context, const struct rl_setting *setting)
{
    char *const names = context;
    strncat(names, setting->name, TEXT_MAX - strlen(names) - 1);
    strncat(names, " ", TEXT_MAX - strlen(names) - 1);
}

START_TEST(a_reload_changes_only_what_may_change)
{
    struct rl_settings *const now = created(), *const next = created();
    struct rl_error error;
    char ignored[TEXT_MAX] = "";
    set(next, "listen", ":1");
    set(next, "threads", "7");
    set(next, "open-paths", "/other");
    set(next, "max-body-bytes", "1MiB");
    set(next, "log-level", "error");
    set(next, "cors-origins", "*");
    set(next, "auth-tokens-file", "/t");
    ck_assert_int_eq(rl_settings_keep_fixed(next, now, remember, ignored, &error), RL_OK);
    ck_assert_str_eq(ignored, "listen threads max-body-bytes open-paths ");
    ck_assert_str_eq(next->listen, now->listen);
    ck_assert_int_eq(next->sources[RL_SET_listen], RL_SOURCE_DEFAULT);
    ck_assert_uint_eq(next->threads, 0);
    ck_assert_uint_eq(next->open_paths.count, 7);
    ck_assert_uint_eq(next->max_body_bytes, 64 * RL_MIB);
    ck_assert_uint_eq(next->log_level, RL_LOG_ERROR);
    ck_assert_uint_eq(next->cors_origins.count, 1);
    ck_assert_str_eq(next->auth_tokens_file, "/t");
    rl_settings_free(now);
    rl_settings_free(next);
}
END_TEST

START_TEST(mistaken_names_are_recognised)
{
    ck_assert_str_eq(rl_setting_nearest("max-list"), "max-lists");
    ck_assert_str_eq(rl_setting_nearest("lissten"), "listen");
    ck_assert_str_eq(rl_setting_nearest("log-fromat"), "log-format");
    ck_assert_str_eq(rl_setting_nearest("THREADS") ? "found" : "none", "none");
    ck_assert_ptr_null(rl_setting_nearest("colour"));
    ck_assert_ptr_null(rl_setting_nearest(""));
}
END_TEST
