/*
 * test_manual.c: --help and its JSON show what the table holds.
 */
#include "config/manual.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "config/file.h"
#include "tests/lib/unittest.h"

/* What `print` writes, NUL terminated. */
static char *printed(enum rl_status (*print)(FILE *out, struct rl_error *error))
{
    char *text;
    size_t length;
    struct rl_error error;
    FILE *const out = open_memstream(&text, &length);
    ck_assert_int_eq(print(out, &error), RL_OK);
    fclose(out);
    return text;
}

static enum rl_status help(FILE *out, struct rl_error *error)
{
    (void)error;
    rl_settings_help(out);
    return RL_OK;
}

START_TEST(help_names_every_setting)
{
    char *const text = printed(help);
    char flag[RL_SETTING_PLACE_MAX + 4];
    for (unsigned i = 0; i < RL_SETTINGS; i++) {
        const struct rl_setting *const row = rl_setting_get((enum rl_setting_id)i);
        snprintf(flag, sizeof(flag), "  --%s ", row->name);
        ck_assert_msg(strstr(text, flag) != NULL, "%s", flag);
    }
    ck_assert_ptr_nonnull(strstr(text, "--config FILE"));
    ck_assert_ptr_nonnull(strstr(text, "4KiB to 1MiB"));
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
        ck_assert_uint_le(strcspn(line, "\n"), 80);
    free(text);
}
END_TEST

START_TEST(json_has_every_row)
{
    char *const text = printed(rl_settings_help_json);
    json_t *const root = json_loads(text, 0, NULL);
    json_t *const rows = json_object_get(root, "settings");
    ck_assert_uint_eq(json_array_size(rows), RL_SETTINGS);
    for (unsigned i = 0; i < RL_SETTINGS; i++) {
        const struct rl_setting *const row = rl_setting_get((enum rl_setting_id)i);
        json_t *const told = json_array_get(rows, i);
        const char *name, *flag, *variable, *key, *type, *text_, *help_;
        int reloadable;
        ck_assert_int_eq(json_unpack(told, "{ss ss ss ss ss ss sb ss}", "name", &name, "flag",
                                     &flag, "environment", &variable, "key", &key, "type", &type,
                                     "default", &text_, "reloadable", &reloadable, "help", &help_),
                         0);
        ck_assert_str_eq(name, row->name);
        ck_assert_str_eq(text_, row->text);
        ck_assert_str_eq(help_, row->help);
        ck_assert_int_eq(reloadable, row->reloadable);
        ck_assert_int_eq(json_object_get(told, "maximum") != NULL, row->max != 0);
        ck_assert_int_eq(json_object_get(told, "choices") != NULL, row->choices != NULL);
    }
    json_decref(root);
    free(text);
}
END_TEST

/* config/example.json is `ranklossd --help=example`. */
START_TEST(the_example_is_up_to_date)
{
    char *const text = printed(rl_settings_example);
    struct rl_error error;
    char *file;
    size_t length;
    ck_assert_msg(rl_file_read("config/example.json", "example", 1 << 20, &file, &length, &error) ==
                      RL_OK,
                  "%s (run from the top directory)", error.detail);
    ck_assert_str_eq(file, text);
    free(file);
    free(text);
}
END_TEST
