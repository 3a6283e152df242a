/*
 * settings.c: the table, and the struct it fills.
 *
 * A value is parsed first (value.h) and stored only if it is valid and within bounds, so a rejected
 * one leaves the setting unchanged.
 */
#include "config/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/value.h"

enum { COMPARED_MAX = 48 }; /* bytes of a name that "did you mean" compares */

static const struct rl_setting table[RL_SETTINGS] = {
#define ROW(type_, field, ...)                                                                     \
    {.offset = offsetof(struct rl_settings, field), .type = RL_TYPE_##type_, __VA_ARGS__},
    RL_SETTING_MAP(ROW)
#undef ROW
};

const struct rl_setting *rl_setting_get(enum rl_setting_id id)
{
    return &table[id];
}

const struct rl_setting *rl_setting_find(const char *name)
{
    for (size_t i = 0; i < RL_SETTINGS; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

/* ---- Names ---------------------------------------------------------------------------------- */

static size_t least(size_t a, size_t b, size_t c)
{
    const size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Levenshtein's distance, over at most COMPARED_MAX bytes of each. */
static size_t distance(const char *a, const char *b)
{
    size_t row[COMPARED_MAX + 1];
    const size_t columns = strnlen(b, COMPARED_MAX);
    const size_t rows = strnlen(a, COMPARED_MAX);
    for (size_t j = 0; j <= columns; j++)
        row[j] = j;
    for (size_t i = 1; i <= rows; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            const size_t above = row[j];
            row[j] = least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[columns];
}

const char *rl_setting_nearest(const char *name)
{
    const char *nearest = NULL;
    size_t best =
        2 + strnlen(name, COMPARED_MAX) / 4; /* at this distance it is not a typing mistake */
    for (size_t i = 0; i < RL_SETTINGS; i++) {
        const size_t d = distance(name, table[i].name);
        if (d < best) {
            best = d;
            nearest = table[i].name;
        }
    }
    return nearest;
}

/* ---- Values to text ------------------------------------------------------------------------- */

static const void *field_of(const struct rl_settings *settings, const struct rl_setting *setting)
{
    return (const char *)settings + setting->offset;
}

static uint64_t number_of(const struct rl_settings *settings, const struct rl_setting *setting)
{
    const void *const field = field_of(settings, setting);
    switch (setting->type) {
    case RL_TYPE_BOOL:
        return *(const bool *)field;
    case RL_TYPE_DURATION:
        return *(const uint64_t *)field;
    case RL_TYPE_CHOICE:
        return *(const unsigned *)field;
    default:
        return *(const size_t *)field;
    }
}

/* ---- Storing -------------------------------------------------------------------------------- */

static void release_field(struct rl_settings *settings, const struct rl_setting *setting)
{
    char *const field = (char *)settings + setting->offset;
    if (setting->type == RL_TYPE_TEXT)
        free(*(char **)field);
    else if (setting->type == RL_TYPE_LIST)
        rl_words_release((struct rl_words *)field);
}

/* Takes ownership of what `value` owns. */
static void store(struct rl_settings *settings, const struct rl_setting *setting,
                  const struct rl_value *value, enum rl_source source)
{
    void *const field = (char *)settings + setting->offset;
    release_field(settings, setting);
    switch (setting->type) {
    case RL_TYPE_BOOL:
        *(bool *)field = value->number != 0;
        break;
    case RL_TYPE_INTEGER:
    case RL_TYPE_SIZE:
        *(size_t *)field = value->number;
        break;
    case RL_TYPE_DURATION:
        *(uint64_t *)field = value->number;
        break;
    case RL_TYPE_TEXT:
        *(char **)field = value->text;
        break;
    case RL_TYPE_CHOICE:
        *(unsigned *)field = (unsigned)value->number;
        break;
    case RL_TYPE_LIST:
        *(struct rl_words *)field = value->words;
    }
    settings->sources[setting - table] = source;
}

enum rl_status rl_settings_set(struct rl_settings *settings, const struct rl_setting *setting,
                               const char *value, enum rl_source source, struct rl_error *error)
{
    struct rl_value parsed = {0};
    const enum rl_status status = rl_value_parse(setting, value, source, &parsed, error);
    if (status == RL_OK)
        store(settings, setting, &parsed, source);
    return status;
}

enum rl_status rl_settings_set_items(struct rl_settings *settings, const struct rl_setting *setting,
                                     const struct rl_words *items, enum rl_source source,
                                     struct rl_error *error)
{
    struct rl_value parsed = {0};
    const enum rl_status status = rl_value_parse_items(setting, items, source, &parsed, error);
    if (status == RL_OK)
        store(settings, setting, &parsed, source);
    return status;
}

void rl_settings_free(struct rl_settings *settings)
{
    if (!settings)
        return;
    for (size_t i = 0; i < RL_SETTINGS; i++)
        release_field(settings, &table[i]);
    free(settings);
}

enum rl_status rl_settings_create(struct rl_settings **ret_settings, struct rl_error *error)
{
    struct rl_settings *const settings = calloc(1, sizeof(*settings));
    if (!settings)
        return rl_fail(error, RL_NOMEM, "", "no memory for the settings");
    for (size_t i = 0; i < RL_SETTINGS; i++) {
        const enum rl_status status =
            rl_settings_set(settings, &table[i], table[i].text, RL_SOURCE_DEFAULT, error);
        if (status != RL_OK) {
            rl_settings_free(settings);
            return status;
        }
    }
    *ret_settings = settings;
    return RL_OK;
}

/* ---- Checks ---------------------------------------------------------------------------------- */

static enum rl_status check_tls(const struct rl_settings *settings, struct rl_error *error)
{
    const bool cert = settings->tls_cert[0], key = settings->tls_key[0];
    if (cert != key)
        return rl_fail(error, RL_CONFIG, "", "%s: it is set but %s is not; TLS needs both",
                       cert ? "tls-cert" : "tls-key", cert ? "tls-key" : "tls-cert");
    if (settings->tls_client_ca[0] && !cert)
        return rl_fail(error, RL_CONFIG, "",
                       "tls-client-ca: it is set but tls-cert and tls-key are not");
    return RL_OK;
}

static enum rl_status check_listen(const struct rl_settings *settings, struct rl_error *error)
{
    const char *const listen = settings->listen;
    const size_t length = strlen(listen);
    const bool any_port = length >= 2 && strcmp(listen + length - 2, ":0") == 0;
    if (length == 0)
        return rl_fail(error, RL_CONFIG, "", "listen: it must not be empty");
    if (!any_port && strcmp(listen, settings->admin_listen) == 0)
        return rl_fail(error, RL_CONFIG, "", "admin-listen: %.100s is already the value of listen",
                       listen);
    return RL_OK;
}

/* A body larger than the queue would always be rejected. */
static enum rl_status check_queue(const struct rl_settings *settings, struct rl_error *error)
{
    char queue[32], body[32];
    const bool inflated = settings->max_inflated_bytes > settings->max_body_bytes;
    const size_t largest = inflated ? settings->max_inflated_bytes : settings->max_body_bytes;
    if (settings->queue_bytes >= largest)
        return RL_OK;
    rl_value_format_number(RL_TYPE_SIZE, settings->queue_bytes, queue, sizeof(queue));
    rl_value_format_number(RL_TYPE_SIZE, largest, body, sizeof(body));
    return rl_fail(error, RL_CONFIG, "",
                   "queue-bytes: %s is less than %s, %s, so such a body could never wait", queue,
                   inflated ? "max-inflated-bytes" : "max-body-bytes", body);
}

static enum rl_status check_paths(const struct rl_settings *settings, struct rl_error *error)
{
    for (size_t i = 0; i < settings->open_paths.count; i++)
        if (settings->open_paths.items[i][0] != '/')
            return rl_fail(error, RL_CONFIG, "", "open-paths: '%.60s' does not start with /",
                           settings->open_paths.items[i]);
    return RL_OK;
}

enum rl_status rl_settings_check(const struct rl_settings *settings, struct rl_error *error)
{
    enum rl_status status = check_listen(settings, error);
    if (status == RL_OK)
        status = check_tls(settings, error);
    if (status == RL_OK)
        status = check_queue(settings, error);
    if (status == RL_OK)
        status = check_paths(settings, error);
    return status;
}

void rl_settings_blame(const struct rl_settings *settings, struct rl_error *error)
{
    char name[RL_SETTING_PLACE_MAX], place[RL_SETTING_PLACE_MAX];
    const size_t length = strcspn(error->detail, ":"), used = strlen(error->detail);
    if (error->status == RL_NOMEM || length >= sizeof(name))
        return;
    snprintf(name, sizeof(name), "%.*s", (int)length, error->detail);
    const struct rl_setting *const setting = rl_setting_find(name);
    if (!setting)
        return;
    const enum rl_source source = settings->sources[setting - table];
    rl_setting_place(setting, source, place);
    if (source == RL_SOURCE_DEFAULT)
        snprintf(error->detail + used, sizeof(error->detail) - used, " (the default)");
    else
        snprintf(error->detail + used, sizeof(error->detail) - used, " (set by %s, %s)", place,
                 rl_source_name(source));
}

static bool words_equal(const struct rl_words *a, const struct rl_words *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->items[i], b->items[i]) != 0)
            return false;
    return true;
}

bool rl_settings_equal(const struct rl_settings *a, const struct rl_settings *b,
                       const struct rl_setting *setting)
{
    const void *const left = field_of(a, setting), *const right = field_of(b, setting);
    if (setting->type == RL_TYPE_TEXT)
        return strcmp(*(const char *const *)left, *(const char *const *)right) == 0;
    if (setting->type == RL_TYPE_LIST)
        return words_equal(left, right);
    return number_of(a, setting) == number_of(b, setting);
}

static enum rl_status copy_field(struct rl_settings *to, const struct rl_settings *from,
                                 const struct rl_setting *setting, struct rl_error *error)
{
    const enum rl_source source = from->sources[setting - table];
    if (setting->type == RL_TYPE_LIST)
        return rl_settings_set_items(to, setting, field_of(from, setting), source, error);
    if (setting->type == RL_TYPE_TEXT)
        return rl_settings_set(to, setting, *(const char *const *)field_of(from, setting), source,
                               error);
    const struct rl_value value = {.number = number_of(from, setting)};
    store(to, setting, &value, source);
    return RL_OK;
}

enum rl_status rl_settings_keep_fixed(struct rl_settings *next, const struct rl_settings *current,
                                      void (*ignored)(void *context,
                                                      const struct rl_setting *setting),
                                      void *context, struct rl_error *error)
{
    for (size_t i = 0; i < RL_SETTINGS; i++) {
        const struct rl_setting *const setting = &table[i];
        if (setting->reloadable || rl_settings_equal(next, current, setting))
            continue;
        ignored(context, setting);
        const enum rl_status status = copy_field(next, current, setting, error);
        if (status != RL_OK)
            return status;
    }
    return RL_OK;
}
