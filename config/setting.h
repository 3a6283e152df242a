/*
 * setting.h: what one setting is, and how it is written in each source of values.
 */
#ifndef RL_SETTING_H
#define RL_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RL_KIB ((size_t)1 << 10)
#define RL_MIB ((size_t)1 << 20)
#define RL_GIB ((size_t)1 << 30)

/* A sequence of texts. */
struct rl_words {
    const char **items;
    size_t count;
};

enum rl_setting_type {
    RL_TYPE_BOOL,
    RL_TYPE_INTEGER,
    RL_TYPE_SIZE,
    RL_TYPE_DURATION,
    RL_TYPE_TEXT,
    RL_TYPE_CHOICE,
    RL_TYPE_LIST
};

/* Where a value came from; later sources override earlier ones. */
enum rl_source { RL_SOURCE_DEFAULT, RL_SOURCE_FILE, RL_SOURCE_ENVIRONMENT, RL_SOURCE_FLAG };

/* One row of the table, as data. Static, read only. */
struct rl_setting {
    const char *name; /* flag form: "max-body-bytes" */
    const char *text; /* default */
    uint64_t min, max;
    const char *choices; /* "a|b|c" or NULL */
    const char *help;
    size_t offset; /* of the field in struct rl_settings */
    enum rl_setting_type type;
    bool reloadable;
};

/* "default", "file", "environment" or "flag". */
const char *rl_source_name(enum rl_source source);

enum { RL_SETTING_PLACE_MAX = 64 };
/* How a setting is written in a source: "--max-lists", "RANKLOSSD_MAX_LISTS", "max_lists" (file),
 * "max-lists" (default). */
void rl_setting_place(const struct rl_setting *setting, enum rl_source source,
                      char ret_place[RL_SETTING_PLACE_MAX]);

#endif
