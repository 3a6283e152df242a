/*
 * lex.h: the smallest parts of JSON text: blanks, strings, the counting of marks, and positions.
 */
#ifndef RL_LEX_H
#define RL_LEX_H

#include <stdbool.h>
#include <stddef.h>

#include "core/rankloss.h"

/* Why a token was refused: the byte at fault (perhaps the end) and a static text. */
struct rl_fault {
    const char *at;
    const char *why;
};

static inline bool rl_is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const char *rl_skip_blanks(const char *text, const char *end)
{
    while (text < end && rl_is_blank(*text))
        text++;
    return text;
}

/* How many commas and opening square brackets a text has, in strings too. */
struct rl_marks {
    size_t commas, brackets;
};
struct rl_marks rl_count_marks(const char *text, size_t length);

/*
 * Checks the string whose opening quote is at `text`: no control characters, complete escapes,
 * surrogates in pairs, valid UTF-8; in a `key` no U+0000 either, which jansson cannot hold there.
 * Returns one past the closing quote, or NULL with *fault set.
 */
const char *rl_lex_string(const char *text, const char *end, bool key, struct rl_fault *fault);

/* Sets the error's offset, and the line and column (in characters) of that byte of `body`. */
void rl_error_locate(struct rl_error *error, const char *body, size_t offset);

#endif
