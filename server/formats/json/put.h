/*
 * put.h: members of JSON objects, appended to a text.
 */
#ifndef RL_PUT_H
#define RL_PUT_H

#include <math.h>
#include <string.h>

#include "server/text/text.h"

#include "core/rankloss.h"

/* The comma before an element, but for the first. */
static inline void rl_put_comma(struct rl_text *text, size_t index)
{
    if (index > 0)
        rl_text_append(text, ",", 1);
}

/* `,"key":`, without the comma where the object begins. */
static inline void rl_put_key(struct rl_text *text, const char *key)
{
    if (text->length > 0 && text->data[text->length - 1] != '{')
        rl_text_append(text, ",", 1);
    rl_text_append(text, "\"", 1);
    rl_text_string(text, key);
    rl_text_append(text, "\":", 2);
}

static inline void rl_put_count(struct rl_text *text, const char *key, uint64_t count)
{
    rl_put_key(text, key);
    rl_text_unsigned(text, count);
}

static inline void rl_put_double(struct rl_text *text, const char *key, double value)
{
    rl_put_key(text, key);
    rl_text_double(text, value);
}

static inline void rl_put_string(struct rl_text *text, const char *key, const char *value)
{
    rl_put_key(text, key);
    rl_text_json_string(text, value, strlen(value));
}

/* null for what is not there: no scalar weight, or squares that overflowed. */
static inline void rl_put_or_null(struct rl_text *text, const char *key, double value)
{
    if (isfinite(value)) {
        rl_put_double(text, key, value);
    } else {
        rl_put_key(text, key);
        rl_text_string(text, "null");
    }
}

static inline void rl_put_number(struct rl_text *text, enum rl_dtype dtype, double value)
{
    if (dtype == RL_FLOAT32)
        rl_text_float(text, (float)value);
    else
        rl_text_double(text, value);
}

#endif
