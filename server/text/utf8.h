/*
 * utf8.h: which bytes are UTF-8.
 */
#ifndef RL_UTF8_H
#define RL_UTF8_H

#include <stddef.h>

/*
 * Bytes of the well-formed character at `text` (Unicode 15, table 3-7), 1 to 4, or 0 where there is
 * none. Reads at most `length` bytes, and none after the first that does not fit: in a text that
 * ends in a NUL, `length` may be 4 anywhere.
 */
size_t rl_utf8_length(const char *text, size_t length);

#endif
