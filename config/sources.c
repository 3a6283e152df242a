/*
 * sources.c: applies the file, the environment and the flags to the defaults, in that order.
 */
#include "config/sources.h"

#include <ctype.h>
#include <fnmatch.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/file.h"
#include "config/value.h"

enum { FILE_MAX = 1 << 20, FLAG_MAX = 96, SHOWN_MAX = 60 };

static const char env_prefix[] = "RANKLOSSD_";

/* ---- Names ---------------------------------------------------------------------------------- */

/* "MAX_LISTS" or "max_lists" -> "max-lists". */
static void flag_form(const char *text, size_t length, char ret_name[FLAG_MAX])
{
    snprintf(ret_name, FLAG_MAX, "%.*s", (int)(length < FLAG_MAX ? length : FLAG_MAX), text);
    for (char *c = ret_name; *c; c++)
        *c = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
}

/* The setting with exactly this spelling in this source, or NULL; ret_name is its likely name. */
static const struct rl_setting *find_exact(const char *text, size_t length, enum rl_source source,
                                           char ret_name[FLAG_MAX])
{
    char place[RL_SETTING_PLACE_MAX];
    const size_t prefix = source == RL_SOURCE_ENVIRONMENT ? sizeof(env_prefix) - 1 : 0;
    flag_form(text, length, ret_name);
    const struct rl_setting *const setting = rl_setting_find(ret_name);
    if (!setting)
        return NULL;
    rl_setting_place(setting, source, place);
    const bool exact =
        strlen(place + prefix) == length && memcmp(place + prefix, text, length) == 0;
    return exact ? setting : NULL;
}

/* Whether an unknown name resembles a known one; ret_place is its spelling in this source. */
static bool suggest(const char *name, enum rl_source source, char ret_place[RL_SETTING_PLACE_MAX])
{
    const char *const nearest = rl_setting_nearest(name);
    if (nearest)
        rl_setting_place(rl_setting_find(nearest), source, ret_place);
    return nearest != NULL;
}

static enum rl_status unknown(const char *kind, const char *name, enum rl_source source,
                              const char *prefix, const char *text, size_t length,
                              struct rl_error *error)
{
    char place[RL_SETTING_PLACE_MAX];
    const int shown = length > SHOWN_MAX ? SHOWN_MAX : (int)length;
    if (suggest(name, source, place))
        return rl_fail(error, RL_CONFIG, "", "unknown %s %s%.*s; did you mean %s?", kind, prefix,
                       shown, text, place);
    return rl_fail(error, RL_CONFIG, "", "unknown %s %s%.*s; see --help", kind, prefix, shown,
                   text);
}

/* Keeps an error on one line, whatever a key or a path contains. */
static void keep_one_line(struct rl_error *error)
{
    for (char *c = error->detail; *c; c++)
        if (iscntrl((unsigned char)*c))
            *c = '?';
}

/* ---- Flags ---------------------------------------------------------------------------------- */

struct action_flag {
    const char *text;
    enum rl_action action;
};

static const struct action_flag action_flags[] = {
    {"--help", RL_ACTION_HELP},           {"-h", RL_ACTION_HELP},
    {"--help=json", RL_ACTION_HELP_JSON}, {"--help=example", RL_ACTION_HELP_EXAMPLE},
    {"--version", RL_ACTION_VERSION},     {"-V", RL_ACTION_VERSION},
    {"--check", RL_ACTION_CHECK},         {"--probe", RL_ACTION_PROBE},
};

static bool is_probe_url(const char *argument)
{
    return strncmp(argument, "--probe=", 8) == 0;
}

static const struct action_flag *find_action(const char *argument)
{
    for (size_t i = 0; i < sizeof(action_flags) / sizeof(*action_flags); i++)
        if (strcmp(action_flags[i].text, argument) == 0)
            return &action_flags[i];
    return NULL;
}

enum rl_action rl_sources_action(const struct rl_sources *sources, const char **ret_url)
{
    *ret_url = NULL;
    for (int i = 1; i < sources->argc; i++) {
        const char *const argument = sources->argv[i];
        const struct action_flag *const found = find_action(argument);
        if (found)
            return found->action;
        if (is_probe_url(argument)) {
            *ret_url = argument + 8;
            return RL_ACTION_PROBE;
        }
    }
    return RL_ACTION_SERVE;
}

/* A parsed flag. `value` is NULL if none was given. */
struct flag {
    char name[FLAG_MAX]; /* without its dashes, truncated */
    const char *value;
    bool attached; /* --name=value */
};

static void split_flag(const char *argument, struct flag *ret_flag)
{
    const char *const name = argument + 2;
    const char *const equals = strchr(name, '=');
    const size_t length = equals ? (size_t)(equals - name) : strlen(name);
    snprintf(ret_flag->name, sizeof(ret_flag->name), "%.*s",
             (int)(length < FLAG_MAX ? length : FLAG_MAX), name);
    ret_flag->attached = equals != NULL;
    ret_flag->value = equals ? equals + 1 : NULL;
}

/* Whether the next argument exists and is not a flag. */
static bool has_value(const struct rl_sources *sources, int index)
{
    return index + 1 < sources->argc && strncmp(sources->argv[index + 1], "--", 2) != 0;
}

/* Takes the next argument as the value of a flag without "=". */
static enum rl_status take_value(const struct rl_sources *sources, int *index, struct flag *flag,
                                 struct rl_error *error)
{
    if (flag->attached)
        return RL_OK;
    if (!has_value(sources, *index))
        return rl_fail(error, RL_CONFIG, "", "%s: flag --%s needs a value", flag->name, flag->name);
    flag->value = sources->argv[++*index];
    return RL_OK;
}

/* --name, or --no-name of a BOOL. *ret_value is NULL if the flag or the next argument contains
 * the value. */
static const struct rl_setting *find_flag(const struct flag *flag, bool followed,
                                          const char **ret_value)
{
    const struct rl_setting *setting = rl_setting_find(flag->name);
    *ret_value = NULL;
    if (setting && setting->type == RL_TYPE_BOOL && !flag->attached && !followed)
        *ret_value = "true";
    if (setting || strncmp(flag->name, "no-", 3) != 0 || flag->attached)
        return setting;
    setting = rl_setting_find(flag->name + 3);
    *ret_value = "false";
    return setting && setting->type == RL_TYPE_BOOL ? setting : NULL;
}

/* A flag that is not a setting: --config, which has been read already, or --help=foo. */
static enum rl_status refuse_flag(const struct flag *flag, struct rl_error *error)
{
    char action[FLAG_MAX + 2];
    snprintf(action, sizeof(action), "--%s", flag->name);
    if (strcmp(flag->name, "help") == 0)
        return rl_fail(error, RL_CONFIG, "", "--help: '%.60s' is neither json nor example",
                       flag->value);
    if (find_action(action))
        return rl_fail(error, RL_CONFIG, "", "%s takes no value", action);
    return unknown("flag", flag->name, RL_SOURCE_FLAG, "--", flag->name, strlen(flag->name), error);
}

static enum rl_status apply_flag(const struct rl_sources *sources, int *index,
                                 struct rl_settings *settings, struct rl_error *error)
{
    struct flag flag = {0};
    const char *value;
    split_flag(sources->argv[*index], &flag);
    const struct rl_setting *const setting = find_flag(&flag, has_value(sources, *index), &value);
    if (!setting && strcmp(flag.name, "config") != 0)
        return refuse_flag(&flag, error);
    if (!value) {
        const enum rl_status status = take_value(sources, index, &flag, error);
        if (status != RL_OK)
            return status;
        value = flag.value;
    }
    return setting ? rl_settings_set(settings, setting, value, RL_SOURCE_FLAG, error) : RL_OK;
}

static enum rl_status apply_flags(const struct rl_sources *sources, struct rl_settings *settings,
                                  struct rl_error *error)
{
    enum rl_status status = RL_OK;
    for (int i = 1; i < sources->argc && status == RL_OK; i++) {
        const char *const argument = sources->argv[i];
        if (find_action(argument) || is_probe_url(argument))
            continue;
        if (strncmp(argument, "--", 2) != 0)
            return rl_fail(error, RL_CONFIG, "", "unexpected argument '%.60s'; see --help",
                           argument);
        status = apply_flag(sources, &i, settings, error);
    }
    return status;
}

/* ---- Environment ---------------------------------------------------------------------------- */

/* Variables that are not settings: those read elsewhere, and those with which Kubernetes and Docker
 * describe a service called ranklossd, or ranklossd-something, to other containers. */
static bool is_other(const char *rest)
{
    static const char *const patterns[] = {"CONFIG=*",          "ISA=*",
                                           "*SERVICE_HOST=*",   "*SERVICE_PORT*",
                                           "*PORT=*",           "*PORT_[0-9]*_TCP*",
                                           "*PORT_[0-9]*_UDP*", "*PORT_[0-9]*_SCTP*"};
    for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++)
        if (fnmatch(patterns[i], rest, 0) == 0)
            return true;
    return false;
}

/* The setting of "RANKLOSSD_NAME=value", of which `text` starts at NAME, or NULL. */
static const struct rl_setting *find_variable(const char *rest, char ret_name[FLAG_MAX])
{
    const size_t length = strcspn(rest, "=");
    const struct rl_setting *const setting =
        find_exact(rest, length, RL_SOURCE_ENVIRONMENT, ret_name);
    return rest[length] == '=' ? setting : NULL;
}

static enum rl_status apply_environment(const struct rl_sources *sources,
                                        struct rl_settings *settings, struct rl_error *error)
{
    char name[FLAG_MAX];
    enum rl_status status = RL_OK;
    const size_t prefix = sizeof(env_prefix) - 1;
    for (char *const *entry = sources->environment; *entry && status == RL_OK; entry++) {
        const char *const rest = *entry + prefix;
        const struct rl_setting *const setting =
            strncmp(*entry, env_prefix, prefix) == 0 ? find_variable(rest, name) : NULL;
        if (setting)
            status = rl_settings_set(settings, setting, strchr(rest, '=') + 1,
                                     RL_SOURCE_ENVIRONMENT, error);
    }
    return status;
}

void rl_sources_unknown(const struct rl_sources *sources,
                        void (*each)(void *context, const char *text), void *context)
{
    char name[FLAG_MAX];
    struct rl_error error;
    const size_t prefix = sizeof(env_prefix) - 1;
    for (char *const *entry = sources->environment; *entry; entry++) {
        const char *const rest = *entry + prefix;
        if (strncmp(*entry, env_prefix, prefix) != 0 || is_other(rest) || find_variable(rest, name))
            continue;
        unknown("variable", name, RL_SOURCE_ENVIRONMENT, env_prefix, rest, strcspn(rest, "="),
                &error);
        keep_one_line(&error);
        each(context, error.detail);
    }
}

/* ---- File ----------------------------------------------------------------------------------- */

/* The last --config, or RANKLOSSD_CONFIG; NULL if neither is given. */
static const char *config_path(const struct rl_sources *sources)
{
    static const char variable[] = "RANKLOSSD_CONFIG=";
    const char *path = NULL;
    for (char *const *entry = sources->environment; *entry; entry++)
        if (strncmp(*entry, variable, sizeof(variable) - 1) == 0)
            path = *entry + sizeof(variable) - 1;
    for (int i = 1; i < sources->argc; i++) {
        const char *const argument = sources->argv[i];
        if (strncmp(argument, "--config=", 9) == 0)
            path = argument + 9;
        else if (strcmp(argument, "--config") == 0 && has_value(sources, i))
            path = sources->argv[i + 1];
    }
    return path && *path ? path : NULL;
}

/* Whether a setting may be written as a JSON value of this type. */
static bool type_fits(enum rl_setting_type type, const json_t *value)
{
    switch (type) {
    case RL_TYPE_BOOL:
        return json_is_boolean(value);
    case RL_TYPE_INTEGER:
        return json_is_integer(value);
    case RL_TYPE_SIZE:
        return json_is_integer(value) || json_is_string(value);
    case RL_TYPE_DURATION:
        return json_is_number(value) || json_is_string(value);
    default:
        return json_is_string(value);
    }
}

/* Sets a LIST from an array of texts. *ret_fits is false if an item is not a text. */
static enum rl_status set_array(struct rl_settings *settings, const struct rl_setting *setting,
                                const json_t *array, bool *ret_fits, struct rl_error *error)
{
    const size_t count = json_array_size(array);
    const char **const items = calloc(count + 1, sizeof(*items));
    enum rl_status status = RL_OK;
    if (!items)
        return rl_fail(error, RL_NOMEM, "", "%s: no memory", setting->name);
    *ret_fits = true;
    for (size_t i = 0; i < count; i++) {
        items[i] = json_string_value(json_array_get(array, i));
        *ret_fits = *ret_fits && items[i];
    }
    if (*ret_fits)
        status = rl_settings_set_items(settings, setting, &(struct rl_words){items, count},
                                       RL_SOURCE_FILE, error);
    free(items);
    return status;
}

/* The error for a value of the wrong type, shown as written in the file. */
static enum rl_status wrong_type(const struct rl_setting *setting, const json_t *value,
                                 struct rl_error *error)
{
    char *const text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    const enum rl_status status =
        rl_value_refuse(setting, text ? text : "?", RL_SOURCE_FILE, error);
    free(text);
    return status;
}

static enum rl_status set_from_json(struct rl_settings *settings, const struct rl_setting *setting,
                                    const json_t *value, struct rl_error *error)
{
    char number[32];
    bool fits = type_fits(setting->type, value);
    enum rl_status status = RL_OK;
    if (setting->type == RL_TYPE_LIST && json_is_array(value)) {
        status = set_array(settings, setting, value, &fits, error);
        return fits ? status : wrong_type(setting, value, error);
    }
    if (!fits)
        return wrong_type(setting, value, error);
    if (json_is_string(value))
        return rl_settings_set(settings, setting, json_string_value(value), RL_SOURCE_FILE, error);
    if (json_is_boolean(value))
        snprintf(number, sizeof(number), "%s", json_is_true(value) ? "true" : "false");
    else if (json_is_integer(value))
        snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
    else
        snprintf(number, sizeof(number), "%.15g", json_real_value(value));
    return rl_settings_set(settings, setting, number, RL_SOURCE_FILE, error);
}

static enum rl_status apply_object(json_t *root, struct rl_settings *settings,
                                   struct rl_error *error)
{
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value)
    {
        char name[FLAG_MAX];
        const size_t length = strlen(key);
        const struct rl_setting *const setting = find_exact(key, length, RL_SOURCE_FILE, name);
        const enum rl_status status =
            setting ? set_from_json(settings, setting, value, error)
                    : unknown("key in the file:", name, RL_SOURCE_FILE, "", key, length, error);
        if (status != RL_OK)
            return status;
    }
    return RL_OK;
}

static enum rl_status bad_json(const char *path, const json_error_t *reason, struct rl_error *error)
{
    return rl_fail(error, RL_CONFIG, "", "config: %.100s, line %d, column %d: %.120s", path,
                   reason->line, reason->column, reason->text);
}

static enum rl_status apply_file(const char *path, struct rl_settings *settings,
                                 struct rl_error *error)
{
    json_error_t reason;
    char *text;
    size_t length;
    enum rl_status status = rl_file_read(path, "config", FILE_MAX, &text, &length, error);
    if (status != RL_OK)
        return status;
    const bool nul = memchr(text, '\0', length); /* jansson would ignore it */
    json_t *const root = nul ? NULL : json_loadb(text, length, JSON_REJECT_DUPLICATES, &reason);
    if (nul)
        status = rl_fail(error, RL_CONFIG, "", "config: %.100s contains a NUL byte", path);
    else if (!root)
        status = bad_json(path, &reason, error);
    else if (!json_is_object(root))
        status = rl_fail(error, RL_CONFIG, "", "config: %.100s is not one JSON object", path);
    else
        status = apply_object(root, settings, error);
    json_decref(root);
    free(text);
    return status;
}

/* ---- All ------------------------------------------------------------------------------------ */

enum rl_status rl_settings_load(const struct rl_sources *sources, struct rl_settings **ret_settings,
                                struct rl_error *error)
{
    struct rl_settings *settings;
    const char *const path = config_path(sources);
    enum rl_status status = rl_settings_create(&settings, error);
    if (status != RL_OK)
        return status;
    if (path)
        status = apply_file(path, settings, error);
    if (status == RL_OK)
        status = apply_environment(sources, settings, error);
    if (status == RL_OK)
        status = apply_flags(sources, settings, error);
    if (status == RL_OK && (status = rl_settings_check(settings, error)) != RL_OK)
        rl_settings_blame(settings, error);
    if (status != RL_OK) {
        rl_settings_free(settings);
        keep_one_line(error);
        return status;
    }
    *ret_settings = settings;
    return RL_OK;
}
