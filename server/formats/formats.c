/*
 * formats.c: the table of formats.
 */
#include "server/formats/formats.h"

#include <string.h>

#include "server/formats/json/decode.h"
#include "server/formats/json/describe.h"
#include "server/formats/json/encode.h"
#include "server/formats/oip/answer.h"
#include "server/formats/oip/infer.h"
#include "server/formats/oip/models.h"

/* The first row is also the format of errors on paths that no row serves. */
static const struct rl_format formats[] = {
    {
        .name = "json",
        .prefix = "/v1",
        .reads = rl_headers_json,
        .expected = "the body must be application/json in UTF-8",
        .read = rl_json_read,
        .write = rl_json_write,
        .describe = rl_json_describe,
        .write_error = rl_json_write_error,
    },
    {
        .name = "open inference protocol",
        .prefix = "/v2",
        .reads = rl_infer_reads,
        .expected = "the body must be application/json or application/octet-stream",
        .aligned = rl_infer_aligned,
        .read = rl_infer_read,
        .write = rl_answer_write,
        .describe = rl_models_describe,
        .write_error = rl_answer_write_error,
    },
};

static const struct rl_format *const formats_end = formats + sizeof(formats) / sizeof(*formats);

static bool serves(const struct rl_format *format, const char *path)
{
    const size_t length = strlen(format->prefix);
    return strncmp(path, format->prefix, length) == 0 && strchr("/", path[length]);
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
