/*
 * error.c: fills errors.
 */
#include "core/rankloss.h"

#include <stdarg.h>
#include <stdio.h>

enum rl_status rl_fail(struct rl_error *error, enum rl_status status, const char *pointer,
                       const char *format, ...)
{
    va_list arguments;
    *error = (struct rl_error){.status = status};
    snprintf(error->pointer, sizeof(error->pointer), "%s", pointer);
    va_start(arguments, format);
    vsnprintf(error->detail, sizeof(error->detail), format, arguments);
    va_end(arguments);
    return status;
}
