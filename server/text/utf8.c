/*
 * utf8.c: which bytes are UTF-8.
 */
#include "server/text/utf8.h"

#include <stdbool.h>

/* Whether `second` may follow `lead`. Only the second byte has bounds that depend on the first:
 * they exclude overlong forms, surrogates and what is beyond U+10FFFF. */
static bool may_follow(unsigned char lead, unsigned char second)
{
    const unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    return second >= low && second <= high;
}

size_t rl_utf8_length(const char *text, size_t length)
{
    const unsigned char *const bytes = (const unsigned char *)text;
    if (length == 0)
        return 0;
    if (bytes[0] < 0x80)
        return 1;
    if (bytes[0] < 0xc2 || bytes[0] > 0xf4)
        return 0;
    const size_t whole = bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
    if (length < whole || !may_follow(bytes[0], bytes[1]))
        return 0;
    for (size_t i = 2; i < whole; i++)
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    return whole;
}
