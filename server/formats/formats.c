/*
 * formats.c: the table of formats.
 */
#include "server/formats/formats.h"

#include <string.h>

#include "server/formats/json/decode.h"
#include "server/formats/json/encode.h"

/* The first row is also the format of errors on paths that no row serves. */
static const struct rl_format formats[] = {
    {
        .name = "json",
        .prefix = "/v1/",
        .reads = rl_headers_json,
        .expected = "the body must be application/json in UTF-8",
        .read = rl_json_read,
        .write = rl_json_write,
        .write_error = rl_json_write_error,
    },
};

static const struct rl_format *const formats_end = formats + sizeof(formats) / sizeof(*formats);

static bool serves(const struct rl_format *format, const char *path)
{
    return strncmp(path, format->prefix, strlen(format->prefix)) == 0;
}

const struct rl_format *rl_format_of_path(const char *path)
{
    for (const struct rl_format *format = formats; format < formats_end; format++)
        if (serves(format, path))
            return format;
    return formats;
}

enum rl_status rl_format_of_body(const char *path, const struct rl_headers *headers,
                                 const struct rl_format **ret_format, struct rl_error *error)
{
    for (const struct rl_format *format = formats; format < formats_end; format++) {
        if (!serves(format, path) || !format->reads(headers))
            continue;
        *ret_format = format;
        return RL_OK;
    }
    return rl_fail(error, RL_MEDIA_TYPE, "", "%s", rl_format_of_path(path)->expected);
}
