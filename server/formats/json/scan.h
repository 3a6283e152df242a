/*
 * scan.h: the smallest pieces of JSON text, for lift.c: blanks, strings, counting.
 */
#ifndef RL_SCAN_H
#define RL_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/* Why a piece was refused: the byte at fault (perhaps the end) and a static text. */
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

/* How many commas and opening square brackets a text has, wherever they stand. */
struct rl_marks {
    size_t commas, brackets;
};
struct rl_marks rl_count_marks(const char *text, size_t length);

/*
 * Checks the string whose opening quote stands at `text`: no control characters, whole escapes,
 * surrogates in pairs, UTF-8 without overlong forms; in a `key` no U+0000 either, which jansson
 * cannot hold there. Returns one past the closing quote, or NULL with *fault set.
 */
const char *rl_scan_string(const char *text, const char *end, bool key, struct rl_fault *fault);

#endif
