/*
 * value.h: parses and formats values of settings.
 */
#ifndef RL_VALUE_H
#define RL_VALUE_H

#include "config/setting.h"

#include "core/rankloss.h"

/* A parsed and checked value, not yet stored. It owns `text` and `words`. */
struct rl_value {
    uint64_t number; /* BOOL (0, 1), INTEGER, SIZE, DURATION (milliseconds), CHOICE (index) */
    char *text;
    struct rl_words words;
};

/* Parses and checks a value of `setting`. RL_CONFIG (rl_value_refuse's error), RL_NOMEM. `*value`
 * must be zeroed before; on failure it is empty again. */
enum rl_status rl_value_parse(const struct rl_setting *setting, const char *text,
                              enum rl_source source, struct rl_value *value,
                              struct rl_error *error);
/* The same for a LIST given as separate items. */
enum rl_status rl_value_parse_items(const struct rl_setting *setting, const struct rl_words *items,
                                    enum rl_source source, struct rl_value *value,
                                    struct rl_error *error);

void rl_words_release(struct rl_words *words);

/* The error for an invalid value: one line that names the setting, the value, its source and
 * the bounds. Returns RL_CONFIG. */
enum rl_status rl_value_refuse(const struct rl_setting *setting, const char *value,
                               enum rl_source source, struct rl_error *error);

/* Formats a number in the largest unit that divides it: "64MiB", "30s". */
void rl_value_format_number(enum rl_setting_type type, uint64_t number, char *buffer, size_t size);

#endif
