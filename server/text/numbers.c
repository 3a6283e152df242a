/*
 * numbers.c: writes arrays of numbers as JSON.
 */
#include "server/text/numbers.h"

#include "server/text/numwriter.h"

char *rl_write_numbers(char *out, const void *values, enum rl_dtype dtype, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        out = dtype == RL_FLOAT32 ? rl_write_float(out, ((const float *)values)[i])
                                  : rl_write_double(out, ((const double *)values)[i]);
        *out++ = ',';
    }
    return out;
}

size_t rl_numbers_width(enum rl_dtype dtype)
{
    return 1 + (size_t)(dtype == RL_FLOAT32 ? RL_FLOAT_TEXT : RL_DOUBLE_TEXT);
}

void rl_put_numbers(struct rl_text *text, enum rl_dtype dtype, const void *values, size_t count)
{
    if (!rl_text_reserve(text, count * rl_numbers_width(dtype) + 2 + RL_NUMBER_ROOM))
        return;
    char *out = text->data + text->length;
    *out++ = '[';
    out = rl_write_numbers(out, values, dtype, 0, count);
    out -= count > 0; /* the last comma */
    *out++ = ']';
    text->length = (size_t)(out - text->data);
}
