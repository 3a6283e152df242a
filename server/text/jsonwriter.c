/*
 * jsonwriter.c: writes JSON, appended to a text.
 */
#include "server/text/jsonwriter.h"

#include <math.h>
#include <string.h>

#include "server/text/utf8.h"

/* ---- Strings --------------------------------------------------------------------------------- */

/* Appends what replaces a byte that a JSON string may not contain. */
static void append_escape(struct rl_text *text, unsigned char byte)
{
    static const char short_forms[32] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    if (byte >= 32)
        rl_text_append(text, (const char[]){'\\', (char)byte}, 2);
    else if (short_forms[byte])
        rl_text_append(text, (const char[]){'\\', short_forms[byte]}, 2);
    else
        rl_text_format(text, "\\u%04X", (unsigned)byte);
}

/* Whether the rest of a string begins a character and ends within it. */
static bool is_cut(const char *bytes, size_t length)
{
    const unsigned char lead = (unsigned char)bytes[0];
    if (lead < 0xc2 || lead > 0xf4 || length >= (lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4))
        return false;
    for (size_t i = 1; i < length; i++)
        if (((unsigned char)bytes[i] & 0xc0) != 0x80)
            return false;
    return true;
}

/* Takes bytes that are not UTF-8 from the rest of a string. Returns how many. */
static size_t append_invalid(struct rl_text *text, const char *bytes, size_t length)
{
    if (is_cut(bytes, length))
        return length;
    rl_text_string(text, "\xef\xbf\xbd");
    return 1;
}

/* Bytes from `bytes` on that are written as they are. */
static size_t plain_length(const char *bytes, size_t length)
{
    size_t plain = 0, step = 1;
    for (; plain < length && step > 0; plain += step) {
        const unsigned char byte = (unsigned char)bytes[plain];
        step = byte < 32 || byte == '"' || byte == '\\' ? 0
               : byte < 0x80                            ? 1
                             : rl_utf8_length(bytes + plain, length - plain);
    }
    return plain;
}

/* 1 in the lowest bit of each of eight bytes. */
static const uint64_t EACH = 0x0101010101010101u;

/* Whether one of eight bytes is below 32, a quote, a backslash or not ASCII. */
static bool needs_care(uint64_t word)
{
    const uint64_t quotes = word ^ '"' * EACH, slashes = word ^ '\\' * EACH;
    const uint64_t below = (word - 32 * EACH) & ~word;
    const uint64_t found = below | ((quotes - EACH) & ~quotes) | ((slashes - EACH) & ~slashes);
    return ((found | word) & 0x80 * EACH) != 0;
}

/* Whether a string is ASCII that is written as it is: keys are. The last bytes are looked at as if
 * spaces followed them. */
static bool is_plain(const char *bytes, size_t length)
{
    uint64_t word;
    size_t i = 0;
    for (; i + sizeof(word) <= length; i += sizeof(word)) {
        memcpy(&word, bytes + i, sizeof(word));
        if (needs_care(word))
            return false;
    }
    word = ' ' * EACH;
    memcpy(&word, bytes + i, length - i);
    return !needs_care(word);
}

static void append_byte(struct rl_text *text, char byte)
{
    if (rl_text_reserve(text, 1))
        text->data[text->length++] = byte;
}

static void append_plain(struct rl_text *text, const char *bytes, size_t length)
{
    if (!rl_text_reserve(text, length + 2))
        return;
    char *const to = text->data + text->length;
    to[0] = to[length + 1] = '"';
    memcpy(to + 1, bytes, length);
    text->length += length + 2;
}

static void append_string(struct rl_text *text, const char *bytes)
{
    const size_t length = strlen(bytes);
    const char *const end = bytes + length;
    if (is_plain(bytes, length)) {
        append_plain(text, bytes, length);
        return;
    }
    append_byte(text, '"');
    while (bytes < end) {
        const size_t plain = plain_length(bytes, (size_t)(end - bytes));
        rl_text_append(text, bytes, plain);
        bytes += plain;
        if (bytes == end)
            break;
        if ((unsigned char)*bytes < 0x80)
            append_escape(text, (unsigned char)*bytes++);
        else
            bytes += append_invalid(text, bytes, (size_t)(end - bytes));
    }
    append_byte(text, '"');
}

/* ---- Members and elements -------------------------------------------------------------------- */

/* The comma, unless this is the first in its object or array, or the value of a key. */
static void begin(struct rl_text *text, const char *key)
{
    const char last = text->length > 0 ? text->data[text->length - 1] : '{';
    if (last != '{' && last != '[' && last != ':')
        append_byte(text, ',');
    if (!key)
        return;
    append_string(text, key);
    append_byte(text, ':');
}

void rl_put_key(struct rl_text *text, const char *key)
{
    begin(text, key);
}

void rl_put_object(struct rl_text *text, const char *key)
{
    begin(text, key);
    append_byte(text, '{');
}

void rl_put_array(struct rl_text *text, const char *key)
{
    begin(text, key);
    append_byte(text, '[');
}

void rl_put_object_end(struct rl_text *text)
{
    append_byte(text, '}');
}

void rl_put_array_end(struct rl_text *text)
{
    append_byte(text, ']');
}

void rl_put_null(struct rl_text *text, const char *key)
{
    begin(text, key);
    rl_text_string(text, "null");
}

void rl_put_count(struct rl_text *text, const char *key, uint64_t count)
{
    begin(text, key);
    rl_text_unsigned(text, count);
}

void rl_put_string(struct rl_text *text, const char *key, const char *value)
{
    begin(text, key);
    append_string(text, value);
}

void rl_put_double(struct rl_text *text, const char *key, double value)
{
    begin(text, key);
    rl_text_double(text, value);
}

void rl_put_or_null(struct rl_text *text, const char *key, double value)
{
    if (isfinite(value))
        rl_put_double(text, key, value);
    else
        rl_put_null(text, key);
}

void rl_put_number(struct rl_text *text, const char *key, enum rl_dtype dtype, double value)
{
    begin(text, key);
    if (dtype == RL_FLOAT32)
        rl_text_float(text, (float)value);
    else
        rl_text_double(text, value);
}
