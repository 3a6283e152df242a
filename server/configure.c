/*
 * configure.c: calls rl_settings_load within a budget of jsonmem.h.
 */
#include "server/configure.h"

#include "server/formats/document/jsonmem.h"

/* A file of settings is at most 1 MiB, and jansson takes at most 80 times a text. */
enum { JSON_MEMORY = 128 << 20 };

enum rl_status rl_configure(const struct rl_sources *sources, struct rl_settings **ret_settings,
                            struct rl_error *error)
{
    static bool installed;
    if (!installed)
        rl_jsonmem_install();
    installed = true;
    rl_jsonmem_begin(JSON_MEMORY);
    const enum rl_status status = rl_settings_load(sources, ret_settings, error);
    if (rl_jsonmem_end() != RL_JSONMEM_OK && status != RL_OK)
        return rl_fail(error, RL_NOMEM, "", "config: no memory to read the file");
    return status;
}
