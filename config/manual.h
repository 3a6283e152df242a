/*
 * manual.h: the table of settings as text for users and as JSON for documentation tools.
 */
#ifndef RL_MANUAL_H
#define RL_MANUAL_H

#include <stdio.h>

#include "config/settings.h"

/* What --help prints: usage, flags that are not settings, then a line or two per row. */
void rl_settings_help(FILE *out);
/*
 * What --help=json prints: {"settings": [{"name", "flag", "environment", "key", "type", "default",
 * "minimum", "maximum", "choices", "reloadable", "help"}…]}, where minimum and maximum are texts as
 * a person writes them ("4KiB", "100ms") and appear where they apply, choices likewise.
 * RL_OK, RL_NOMEM.
 */
enum rl_status rl_settings_help_json(FILE *out, struct rl_error *error);
/* What --help=example prints: a file with every setting at its default (config/example.json). */
enum rl_status rl_settings_example(FILE *out, struct rl_error *error);

#endif
