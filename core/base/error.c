/*
 * error.c: fills errors.
 */
#include "core/rankloss.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Bytes that the UTF-8 sequence beginning with `lead` should have. */
static size_t sequence_length(unsigned char lead)
{
    if (lead >= 0xf0)
        return 4;
    if (lead >= 0xe0)
        return 3;
    return lead >= 0xc0 ? 2 : 1;
}

/* Removes a UTF-8 sequence that was cut off at the end: the text goes into JSON. */
static void trim_partial_sequence(char *text)
{
    size_t length = strlen(text), start = length;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start == 0)
        return;
    start--;
    if (start + sequence_length((unsigned char)text[start]) > length)
        text[start] = '\0';
}

enum rl_status rl_fail(struct rl_error *error, enum rl_status status, const char *pointer,
                       const char *format, ...)
{
    va_list arguments;
    *error = (struct rl_error){.status = status};
    if (snprintf(error->pointer, sizeof(error->pointer), "%s", pointer) >= RL_POINTER_MAX)
        trim_partial_sequence(error->pointer);
    va_start(arguments, format);
    if (vsnprintf(error->detail, sizeof(error->detail), format, arguments) >= RL_DETAIL_MAX)
        trim_partial_sequence(error->detail);
    va_end(arguments);
    return status;
}
