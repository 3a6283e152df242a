/*
 * value.c: parses and formats values of settings.
 */
#include "config/value.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 60, BOUNDS_MAX = 96 };

/* ---- To text -------------------------------------------------------------------------------- */

struct unit {
    const char *suffix;
    uint64_t factor;
};

/* Largest first; the last has no suffix of its own when printed. */
static const struct unit size_units[] = {
    {"GiB", RL_GIB}, {"MiB", RL_MIB}, {"KiB", RL_KIB}, {"", 1}, {NULL, 0}};
static const struct unit duration_units[] = {{"m", 60000}, {"s", 1000}, {"ms", 1}, {NULL, 0}};
static const struct unit plain_units[] = {{"", 1}, {NULL, 0}};

static const struct unit *units_of(enum rl_setting_type type)
{
    if (type == RL_TYPE_SIZE)
        return size_units;
    return type == RL_TYPE_DURATION ? duration_units : plain_units;
}

void rl_value_format_number(enum rl_setting_type type, uint64_t number, char *buffer, size_t size)
{
    const struct unit *unit = units_of(type);
    while (unit->factor > 1 && (number == 0 || number % unit->factor != 0))
        unit++;
    snprintf(buffer, size, "%llu%s", (unsigned long long)(number / unit->factor), unit->suffix);
}

/* ---- Refusals ------------------------------------------------------------------------------- */

/* What a value should have been: "is not <this>". */
static void describe_bounds(const struct rl_setting *setting, char *buffer, size_t size)
{
    static const char *const kinds[] = {"true or false",
                                        "a number",
                                        "a size",
                                        "a duration",
                                        "a text",
                                        "one of",
                                        "a list of words, each without blanks and commas"};
    char low[32], high[32];
    const char *const kind = kinds[setting->type];
    if (setting->type == RL_TYPE_CHOICE) {
        snprintf(buffer, size, "%s %s", kind, setting->choices);
    } else if (setting->max == 0) {
        snprintf(buffer, size, "%s", kind);
    } else {
        rl_value_format_number(setting->type, setting->min, low, sizeof(low));
        rl_value_format_number(setting->type, setting->max, high, sizeof(high));
        snprintf(buffer, size, "%s from %s to %s", kind, low, high);
    }
}

/* A value as shown in an error: truncated, and on one line whatever it contains. */
static void show(const char *value, char ret_shown[SHOWN_MAX + 4])
{
    snprintf(ret_shown, SHOWN_MAX, "%s", value);
    for (char *c = ret_shown; *c; c++)
        if (iscntrl((unsigned char)*c))
            *c = '?';
    if (strlen(value) >= SHOWN_MAX)
        memcpy(ret_shown + SHOWN_MAX - 1, "...", 4);
}

enum rl_status rl_value_refuse(const struct rl_setting *setting, const char *value,
                               enum rl_source source, struct rl_error *error)
{
    char shown[SHOWN_MAX + 4], bounds[BOUNDS_MAX], place[RL_SETTING_PLACE_MAX];
    show(value, shown);
    describe_bounds(setting, bounds, sizeof(bounds));
    rl_setting_place(setting, source, place);
    return rl_fail(error, RL_CONFIG, "", "%s: '%s' from %s (%s) is not %s", setting->name, shown,
                   place, rl_source_name(source), bounds);
}

static enum rl_status no_memory(const struct rl_setting *setting, struct rl_error *error)
{
    return rl_fail(error, RL_NOMEM, "", "%s: no memory", setting->name);
}

/* ---- From text ------------------------------------------------------------------------------ */

static bool parse_bool(const char *text, uint64_t *ret_number)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (strcmp(text, words[i]) == 0) {
            *ret_number = i % 2;
            return true;
        }
    }
    return false;
}

/* Parses decimal digits and moves *text past them. False without any, or past 64 bits. */
static bool parse_digits(const char **text, uint64_t *ret_number)
{
    uint64_t number = 0;
    const char *c = *text;
    if (!isdigit((unsigned char)*c))
        return false;
    for (; isdigit((unsigned char)*c); c++)
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*c - '0'), &number))
            return false;
    *text = c;
    *ret_number = number;
    return true;
}

/* Adds a fraction such as ".25" of a unit. False unless it is a whole number of milliseconds. */
static bool add_fraction(const char **text, uint64_t factor, uint64_t *number)
{
    uint64_t scale = 1, fraction = 0;
    const char *c = *text + 1;
    if (!isdigit((unsigned char)*c))
        return false;
    for (; isdigit((unsigned char)*c); c++) {
        if (scale > 1000000)
            return false;
        fraction = 10 * fraction + (uint64_t)(*c - '0');
        scale *= 10;
    }
    *text = c;
    return fraction * factor % scale == 0 &&
           !__builtin_add_overflow(*number, fraction * factor / scale, number);
}

/* The unit with this suffix, or NULL. */
static const struct unit *find_unit(const struct unit *units, const char *suffix)
{
    for (const struct unit *unit = units; unit->suffix; unit++)
        if (strcmp(unit->suffix, suffix) == 0)
            return unit;
    return NULL;
}

/* "12", "64KiB", "1.5s". A number with a point must be a DURATION; one without a unit is seconds.
 */
static bool parse_number(enum rl_setting_type type, const char *text, uint64_t *ret_number)
{
    static const struct unit seconds = {"", 1000};
    uint64_t number;
    const char *const suffix = text + strspn(text, "0123456789.");
    const struct unit *unit =
        type == RL_TYPE_DURATION && *suffix == '\0' ? &seconds : find_unit(units_of(type), suffix);
    if (!unit || !parse_digits(&text, &number))
        return false;
    if (__builtin_mul_overflow(number, unit->factor, &number))
        return false;
    if (*text == '.' && (type != RL_TYPE_DURATION || !add_fraction(&text, unit->factor, &number)))
        return false;
    if (text != suffix)
        return false;
    *ret_number = number;
    return true;
}

static bool parse_choice(const char *choices, const char *text, uint64_t *ret_number)
{
    for (uint64_t i = 0;; i++) {
        const size_t length = strcspn(choices, "|");
        if (strlen(text) == length && memcmp(choices, text, length) == 0) {
            *ret_number = i;
            return true;
        }
        if (choices[length] == '\0')
            return false;
        choices += length + 1;
    }
}

void rl_words_release(struct rl_words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free((char *)words->items[i]);
    free(words->items);
    *words = (struct rl_words){0};
}

static bool words_add(struct rl_words *words, const char *word, size_t length)
{
    const char **const items = reallocarray(words->items, words->count + 1, sizeof(*items));
    if (!items)
        return false;
    words->items = items;
    items[words->count] = strndup(word, length);
    if (!items[words->count])
        return false;
    words->count++;
    return true;
}

/* A word is printable, without blanks and commas, so that a formatted list can be parsed again. */
static bool is_word(const char *word, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!isgraph((unsigned char)word[i]) || word[i] == ',')
            return false;
    return length > 0;
}

static enum rl_status parse_words(const struct rl_setting *setting, const char *text,
                                  enum rl_source source, struct rl_words *words,
                                  struct rl_error *error)
{
    static const char blanks[] = " \t";
    const char *rest = text + strspn(text, blanks);
    if (*rest == '\0')
        return RL_OK;
    for (;;) {
        rest += strspn(rest, blanks);
        const size_t length = strcspn(rest, ", \t");
        if (!is_word(rest, length))
            return rl_value_refuse(setting, text, source, error);
        if (!words_add(words, rest, length))
            return no_memory(setting, error);
        rest += length;
        rest += strspn(rest, blanks);
        if (*rest == '\0')
            return RL_OK;
        if (*rest++ != ',')
            return rl_value_refuse(setting, text, source, error);
    }
}

static bool parse_scalar(const struct rl_setting *setting, const char *text, uint64_t *ret_number)
{
    switch (setting->type) {
    case RL_TYPE_BOOL:
        return parse_bool(text, ret_number);
    case RL_TYPE_CHOICE:
        return parse_choice(setting->choices, text, ret_number);
    default:
        return parse_number(setting->type, text, ret_number) && *ret_number >= setting->min &&
               *ret_number <= setting->max;
    }
}

static enum rl_status parse_text(const struct rl_setting *setting, const char *text,
                                 char **ret_text, struct rl_error *error)
{
    char *const copy = strdup(text);
    if (!copy)
        return no_memory(setting, error);
    *ret_text = copy;
    return RL_OK;
}

enum rl_status rl_value_parse(const struct rl_setting *setting, const char *text,
                              enum rl_source source, struct rl_value *value, struct rl_error *error)
{
    enum rl_status status = RL_OK;
    if (setting->type == RL_TYPE_LIST)
        status = parse_words(setting, text, source, &value->words, error);
    else if (setting->type == RL_TYPE_TEXT)
        status = parse_text(setting, text, &value->text, error);
    else if (!parse_scalar(setting, text, &value->number))
        status = rl_value_refuse(setting, text, source, error);
    if (status != RL_OK)
        rl_words_release(&value->words);
    return status;
}

enum rl_status rl_value_parse_items(const struct rl_setting *setting, const struct rl_words *items,
                                    enum rl_source source, struct rl_value *value,
                                    struct rl_error *error)
{
    enum rl_status status = RL_OK;
    for (size_t i = 0; i < items->count && status == RL_OK; i++) {
        const char *const word = items->items[i];
        if (!is_word(word, strlen(word)))
            status = rl_value_refuse(setting, word, source, error);
        else if (!words_add(&value->words, word, strlen(word)))
            status = no_memory(setting, error);
    }
    if (status != RL_OK)
        rl_words_release(&value->words);
    return status;
}
