/*
 * jsonwriter.h: writes JSON, appended to a text. Everything the server says in JSON goes through
 * here, except long arrays of numbers (numbers.h).
 *
 * The writer inserts the commas, before each key and before each element of an array. It decides by
 * the last byte written, so the JSON must begin with the text. Each function takes the key of a
 * member, or NULL for an element of an array and for the outermost value.
 *
 * Strings may hold any bytes: what JSON must escape is escaped, and what is not UTF-8 is replaced
 * by U+FFFD. A character that is cut off at the end of a string is left out.
 *
 * Errors are sticky, see text.h.
 */
#ifndef RL_JSONWRITER_H
#define RL_JSONWRITER_H

#include "server/text/text.h"

#include "core/rankloss.h"

/* The key alone. The caller appends the value. */
void rl_put_key(struct rl_text *text, const char *key);

void rl_put_object(struct rl_text *text, const char *key); /* { */
void rl_put_array(struct rl_text *text, const char *key);  /* [ */
void rl_put_object_end(struct rl_text *text);
void rl_put_array_end(struct rl_text *text);

void rl_put_null(struct rl_text *text, const char *key);
void rl_put_count(struct rl_text *text, const char *key, uint64_t count);
void rl_put_string(struct rl_text *text, const char *key, const char *value);
/* The value must be finite. */
void rl_put_double(struct rl_text *text, const char *key, double value);
/* null if the value is not finite. */
void rl_put_or_null(struct rl_text *text, const char *key, double value);
/* The shortest text that reads back as the same value of `dtype`. Must be finite. */
void rl_put_number(struct rl_text *text, const char *key, enum rl_dtype dtype, double value);

#endif
