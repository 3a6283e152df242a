/*
 * text.c: a growing piece of text.
 */
#include "server/text/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/memory.h"
#include "server/text/numwriter.h"

enum { FIRST_CAPACITY = 512 };

void rl_text_init(struct rl_text *text)
{
    *text = (struct rl_text){0};
}

void rl_text_release(struct rl_text *text)
{
    rl_pool_give(text->pool, text->capacity);
    free(text->data);
    *text = (struct rl_text){0};
}

/* Gives the unused end back, so that the pool counts the length. */
static void shrink(struct rl_text *text)
{
    if (!text->pool || text->capacity == text->length)
        return;
    char *const data = text->length > 0 ? realloc(text->data, text->length) : NULL;
    if (data)
        text->data = data;
    rl_pool_give(text->pool, text->capacity - text->length);
    text->capacity = text->length;
}

char *rl_text_take(struct rl_text *text, size_t *ret_length)
{
    shrink(text);
    char *const data = text->data;
    *ret_length = text->length;
    *text = (struct rl_text){0};
    return data;
}

static bool set_capacity(struct rl_text *text, size_t capacity)
{
    const size_t more = capacity - text->capacity;
    if (!rl_pool_take(text->pool, more, capacity <= RL_POOL_SMALL)) {
        text->starved = true;
        return false;
    }
    char *const data = rl_memory_resize(text->data, text->capacity, text->length, capacity);
    if (!data) {
        rl_pool_give(text->pool, more);
        return false;
    }
    text->data = data;
    text->capacity = capacity;
    return true;
}

/* To `capacity`, or where the pool has no room for that, by an eighth: much less would copy the
 * text again and again. */
static bool grow(struct rl_text *text, size_t capacity, size_t least)
{
    if (set_capacity(text, capacity))
        return true;
    const size_t eighth = text->capacity + text->capacity / 8;
    if (!text->starved || !set_capacity(text, eighth > least ? eighth : least))
        return false;
    text->starved = false;
    return true;
}

bool rl_text_reserve(struct rl_text *text, size_t extra)
{
    if (text->failed)
        return false;
    if (extra <= text->capacity - text->length)
        return true;
    size_t capacity = text->capacity ? text->capacity : FIRST_CAPACITY;
    while (capacity - text->length < extra && capacity <= SIZE_MAX / 2)
        capacity *= 2;
    if (text->limit > 0 && capacity > text->limit)
        capacity = text->limit;
    if (capacity - text->length < extra || !grow(text, capacity, text->length + extra)) {
        text->failed = true;
        return false;
    }
    return true;
}

void rl_text_append(struct rl_text *text, const char *bytes, size_t length)
{
    if (length == 0 || !rl_text_reserve(text, length))
        return;
    memcpy(text->data + text->length, bytes, length);
    text->length += length;
}

void rl_text_string(struct rl_text *text, const char *literal)
{
    rl_text_append(text, literal, strlen(literal));
}

void rl_text_format(struct rl_text *text, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    const int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        text->failed = true;
    else if (rl_text_reserve(text, (size_t)length + 1)) { /* one more for vsnprintf's NUL */
        vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
}

static void advance(struct rl_text *text, const char *stop)
{
    text->length = (size_t)(stop - text->data);
}

void rl_text_double(struct rl_text *text, double value)
{
    if (rl_text_reserve(text, RL_NUMBER_ROOM))
        advance(text, rl_write_double(text->data + text->length, value));
}

void rl_text_float(struct rl_text *text, float value)
{
    if (rl_text_reserve(text, RL_NUMBER_ROOM))
        advance(text, rl_write_float(text->data + text->length, value));
}

void rl_text_unsigned(struct rl_text *text, uint64_t value)
{
    if (rl_text_reserve(text, RL_NUMBER_ROOM))
        advance(text, rl_write_unsigned(text->data + text->length, value));
}
