/*
 * manual.c: prints --help and the settings as JSON.
 */
#include "config/manual.h"

#include <jansson.h>
#include <string.h>

#include "config/value.h"

enum { WIDTH = 80, INDENT = 6, LABEL_MAX = 32, LIST_MAX = 256 };

static const char *const type_names[] = {"bool", "integer", "size", "duration",
                                         "text", "choice",  "list"};

static const char usage[] =
    "Usage: ranklossd [--SETTING VALUE]...\n"
    "Evaluates ranking losses and metrics over HTTP.\n"
    "\n"
    "  --config FILE    read settings from a JSON file (also RANKLOSSD_CONFIG)\n"
    "  --check          validate the settings and the files they name, then exit\n"
    "  --probe[=URL]    ask a running daemon whether it is ready; exit 0 when it is\n"
    "  --version        print version, revision, instruction set and threads\n"
    "  --help[=json|=example]\n"
    "                   print this, the settings as JSON, or a file of defaults\n"
    "\n"
    "Settings. --max-lists is also RANKLOSSD_MAX_LISTS in the environment and\n"
    "\"max_lists\" in the file; flags win over the environment, that over the file.\n"
    "Sizes take KiB, MiB, GiB; durations ms, s, m. [R]: read again on SIGHUP.\n"
    "\n";

/* The placeholder of a value: "N", "SIZE", "error|warning". */
static void describe_value(const struct rl_setting *setting, char label[LABEL_MAX])
{
    static const char *const words[] = {"true|false", "N", "SIZE", "TIME", "TEXT", "", "A,B,..."};
    const bool choice = setting->type == RL_TYPE_CHOICE;
    snprintf(label, LABEL_MAX, "%s", choice ? setting->choices : words[setting->type]);
}

/* Prints text in indented lines of at most WIDTH. */
static void print_wrapped(FILE *out, const char *text)
{
    size_t column = 0;
    while (*text) {
        const size_t length = strcspn(text, " ");
        if (column == 0 || column + 1 + length > WIDTH) {
            fprintf(out, "%s%*s%.*s", column ? "\n" : "", INDENT, "", (int)length, text);
            column = INDENT + length;
        } else {
            fprintf(out, " %.*s", (int)length, text);
            column += 1 + length;
        }
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

/* The items of a list that is too long to stand beside the setting's name. */
static void print_list(FILE *out, const char *list)
{
    char text[LIST_MAX] = "default";
    size_t used = strlen(text);
    for (const char *item = list; *item && used < sizeof(text); item += strcspn(item, ",")) {
        item += *item == ',';
        const size_t length = strcspn(item, ",");
        used += (size_t)snprintf(text + used, sizeof(text) - used, " %.*s%s", (int)length, item,
                                 item[length] ? "," : "");
    }
    print_wrapped(out, text);
}

static void print_setting(FILE *out, const struct rl_setting *setting)
{
    char label[LABEL_MAX], low[32], high[32];
    const bool is_long = strlen(setting->text) > WIDTH / 2;
    describe_value(setting, label);
    fprintf(out, "  --%s %s", setting->name, label);
    if (is_long) {
        fprintf(out, "%s\n", setting->reloadable ? " [R]" : "");
        print_list(out, setting->text);
        print_wrapped(out, setting->help);
        return;
    }
    if (setting->text[0])
        fprintf(out, "  (default %s", setting->text);
    if (setting->max) {
        rl_value_format_number(setting->type, setting->min, low, sizeof(low));
        rl_value_format_number(setting->type, setting->max, high, sizeof(high));
        fprintf(out, "; %s to %s", low, high);
    }
    fprintf(out, "%s%s\n", setting->text[0] ? ")" : "", setting->reloadable ? " [R]" : "");
    print_wrapped(out, setting->help);
}

void rl_settings_help(FILE *out)
{
    fputs(usage, out);
    for (unsigned i = 0; i < RL_SETTINGS; i++)
        print_setting(out, rl_setting_get(i));
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static json_t *choices_json(const char *choices)
{
    json_t *const array = json_array();
    for (;;) {
        const size_t length = strcspn(choices, "|");
        if (json_array_append_new(array, json_stringn(choices, length)) != 0) {
            json_decref(array);
            return NULL;
        }
        if (choices[length] == '\0')
            return array;
        choices += length + 1;
    }
}

static int add_bounds(json_t *row, const struct rl_setting *setting)
{
    char low[32], high[32];
    if (setting->type == RL_TYPE_CHOICE)
        return json_object_set_new(row, "choices", choices_json(setting->choices));
    if (setting->max == 0)
        return 0;
    rl_value_format_number(setting->type, setting->min, low, sizeof(low));
    rl_value_format_number(setting->type, setting->max, high, sizeof(high));
    return json_object_set_new(row, "minimum", json_string(low)) |
           json_object_set_new(row, "maximum", json_string(high));
}

static json_t *setting_json(const struct rl_setting *setting)
{
    char flag[RL_SETTING_PLACE_MAX], variable[RL_SETTING_PLACE_MAX], key[RL_SETTING_PLACE_MAX];
    rl_setting_place(setting, RL_SOURCE_FLAG, flag);
    rl_setting_place(setting, RL_SOURCE_ENVIRONMENT, variable);
    rl_setting_place(setting, RL_SOURCE_FILE, key);
    json_t *const row =
        json_pack("{ss ss ss ss ss ss sb ss}", "name", setting->name, "flag", flag, "environment",
                  variable, "key", key, "type", type_names[setting->type], "default", setting->text,
                  "reloadable", (int)setting->reloadable, "help", setting->help);
    if (row && add_bounds(row, setting) != 0) {
        json_decref(row);
        return NULL;
    }
    return row;
}

/* Prints and releases `root`; NULL means that memory was short. */
static enum rl_status print_json(FILE *out, json_t *root, size_t indent, struct rl_error *error)
{
    if (!root || json_dumpf(root, out, JSON_INDENT(indent)) != 0) {
        json_decref(root);
        return rl_fail(error, RL_NOMEM, "", "no memory to print the settings");
    }
    json_decref(root);
    fputc('\n', out);
    return RL_OK;
}

enum rl_status rl_settings_help_json(FILE *out, struct rl_error *error)
{
    json_t *const rows = json_array();
    for (unsigned i = 0; i < RL_SETTINGS; i++) {
        if (json_array_append_new(rows, setting_json(rl_setting_get(i))) != 0) {
            json_decref(rows);
            return print_json(out, NULL, 0, error);
        }
    }
    return print_json(out, json_pack("{so}", "settings", rows), 2, error);
}

static json_t *list_json(const struct rl_words *words)
{
    json_t *const array = json_array();
    for (size_t i = 0; i < words->count; i++) {
        if (json_array_append_new(array, json_string(words->items[i])) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

/* A value as written in the file: sizes and durations keep their unit. */
static json_t *value_json(const struct rl_settings *settings, const struct rl_setting *setting)
{
    const void *const field = (const char *)settings + setting->offset;
    const size_t *const number = field;
    switch (setting->type) {
    case RL_TYPE_BOOL:
        return json_boolean(*(const bool *)field);
    case RL_TYPE_INTEGER:
        return json_integer((json_int_t)*number);
    case RL_TYPE_LIST:
        return list_json(field);
    default:
        return json_string(setting->text);
    }
}

enum rl_status rl_settings_example(FILE *out, struct rl_error *error)
{
    struct rl_settings *settings;
    char key[RL_SETTING_PLACE_MAX];
    enum rl_status status = rl_settings_create(&settings, error);
    if (status != RL_OK)
        return status;
    json_t *root = json_object();
    for (unsigned i = 0; i < RL_SETTINGS; i++) {
        const struct rl_setting *const setting = rl_setting_get(i);
        rl_setting_place(setting, RL_SOURCE_FILE, key);
        if (root && json_object_set_new(root, key, value_json(settings, setting)) != 0) {
            json_decref(root);
            root = NULL;
        }
    }
    status = print_json(out, root, 2, error);
    rl_settings_free(settings);
    return status;
}
