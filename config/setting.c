/*
 * setting.c: the names of a setting.
 */
#include "config/setting.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

const char *rl_source_name(enum rl_source source)
{
    static const char *const names[] = {"default", "file", "environment", "flag"};
    return names[source];
}

void rl_setting_place(const struct rl_setting *setting, enum rl_source source,
                      char ret_place[RL_SETTING_PLACE_MAX])
{
    static const char *const prefixes[] = {"", "", "RANKLOSSD_", "--"};
    const size_t start = strlen(prefixes[source]);
    const bool dashes = source == RL_SOURCE_FLAG || source == RL_SOURCE_DEFAULT;
    snprintf(ret_place, RL_SETTING_PLACE_MAX, "%s%s", prefixes[source], setting->name);
    for (char *c = ret_place + start; *c; c++) {
        if (*c == '-' && !dashes)
            *c = '_';
        if (source == RL_SOURCE_ENVIRONMENT)
            *c = (char)toupper((unsigned char)*c);
    }
}
