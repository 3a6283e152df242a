/*
 * text.h: a growing piece of text.
 *
 * Numbers are written as the shortest text that reads back as the same value of their type.
 *
 * Errors are sticky: after an allocation fails every append does nothing and `failed` stays true,
 * so a writer checks once, at the end. One thread at a time; the text owns `data`.
 */
#ifndef RL_TEXT_H
#define RL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/rankloss.h"

struct rl_text {
    char *data; /* not NUL terminated; NULL until something is reserved */
    size_t length, capacity;
    size_t limit; /* the most that capacity may become; 0: no limit */
    bool failed;
    struct rl_pool *pool; /* counts the capacity; NULL: none */
    bool starved;         /* it failed because the pool refused */
};

void rl_text_init(struct rl_text *text);
void rl_text_release(struct rl_text *text);
/* Hands `data` (from malloc, to be freed by free) to the caller and leaves the text empty. With a
 * pool, *ret_length bytes stay counted there, which the caller gives back. */
char *rl_text_take(struct rl_text *text, size_t *ret_length);
/* Room for `extra` more bytes; false, and failed set, when memory is short. */
bool rl_text_reserve(struct rl_text *text, size_t extra);

void rl_text_append(struct rl_text *text, const char *bytes, size_t length);
void rl_text_string(struct rl_text *text, const char *literal);
void rl_text_format(struct rl_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The value must be finite. Whole numbers are written without a point ("3"). */
void rl_text_double(struct rl_text *text, double value);
void rl_text_float(struct rl_text *text, float value);
void rl_text_unsigned(struct rl_text *text, uint64_t value);

#endif
