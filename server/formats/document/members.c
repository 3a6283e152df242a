/*
 * members.c: readers of single JSON values whose errors name the place.
 */
#include "server/formats/document/members.h"

#include <stdio.h>
#include <string.h>

const char *rl_json_kind(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    default:
        return "null";
    }
}

enum rl_status rl_refuse_kind(struct rl_error *error, const char *pointer, const char *expected,
                              const json_t *value)
{
    return rl_fail(error, RL_INVALID, pointer, "%s was expected, found %s", expected,
                   rl_json_kind(value));
}

void rl_pointer_key(char pointer[RL_POINTER_MAX], const char *base, const char *key)
{
    size_t length = strnlen(base, RL_POINTER_MAX - 2);
    memcpy(pointer, base, length);
    pointer[length++] = '/';
    for (; *key && length < RL_POINTER_MAX - 2; key++) {
        const bool escaped = *key == '~' || *key == '/';
        pointer[length++] = escaped ? '~' : *key;
        if (escaped)
            pointer[length++] = *key == '~' ? '0' : '1';
    }
    if (((unsigned char)*key & 0xc0) == 0x80) { /* cut within a character: leave it out */
        while (((unsigned char)pointer[length - 1] & 0xc0) == 0x80)
            length--;
        length--;
    }
    pointer[length] = '\0';
}

void rl_pointer_index(char pointer[RL_POINTER_MAX], const char *base, size_t index)
{
    snprintf(pointer, RL_POINTER_MAX, "%s/%zu", base, index);
}

struct rl_excerpt rl_excerpt(const char *text, size_t length)
{
    enum { MOST = 48 };
    struct rl_excerpt excerpt;
    size_t kept = length < MOST ? length : MOST;
    while (kept > 0 && kept < length && ((unsigned char)text[kept] & 0xc0) == 0x80)
        kept--;
    for (size_t i = 0; i < kept; i++)
        excerpt.text[i] = (unsigned char)text[i] < 0x20 ? '?' : text[i];
    snprintf(excerpt.text + kept, sizeof(excerpt.text) - kept, "%s", kept < length ? "…" : "");
    return excerpt;
}

enum rl_status rl_read_number(const json_t *value, const char *pointer, double *ret_number,
                              struct rl_error *error)
{
    if (!json_is_number(value))
        return rl_refuse_kind(error, pointer, "a number", value);
    *ret_number = json_number_value(value);
    return RL_OK;
}

enum rl_status rl_read_count(const json_t *value, const char *pointer, size_t max,
                             const char *setting, size_t *ret_count, struct rl_error *error)
{
    double number = 0;
    if (rl_read_number(value, pointer, &number, error) != RL_OK)
        return error->status;
    if (!(number >= 1) || (number < 0x1p53 && number != (double)(uint64_t)number))
        return rl_fail(error, RL_INVALID, pointer,
                       "a whole number of at least 1 was expected, found %.9g", number);
    if (number > (double)max)
        return rl_fail(error, RL_INVALID, pointer, "at most %zu was expected%s%s%s, found %.17g",
                       max, setting ? " (" : "", setting ? setting : "", setting ? ")" : "",
                       number);
    *ret_count = (size_t)number;
    return RL_OK;
}

enum rl_status rl_read_word(const json_t *value, const char *pointer, const char *expected,
                            const char **ret_word, struct rl_error *error)
{
    if (!json_is_string(value))
        return rl_refuse_kind(error, pointer, expected, value);
    const char *const word = json_string_value(value);
    if (strlen(word) != json_string_length(value))
        return rl_fail(error, RL_INVALID, pointer, "%s was expected, found a string with U+0000",
                       expected);
    *ret_word = word;
    return RL_OK;
}

/* Whether there is a control character at `text` (Unicode's Cc, in UTF-8). */
static bool is_control(const char *text)
{
    const unsigned char c = (unsigned char)text[0];
    return c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)text[1] < 0xa0);
}

enum rl_status rl_read_name(const json_t *value, const char *pointer, struct rl_arena *arena,
                            const char **ret_name, struct rl_error *error)
{
    if (!json_is_string(value))
        return rl_refuse_kind(error, pointer, "a string", value);
    const char *const text = json_string_value(value);
    const size_t length = json_string_length(value);
    if (length > RL_NAME_MAX_BYTES)
        return rl_fail(error, RL_INVALID, pointer, "at most %d bytes were expected, found %zu",
                       RL_NAME_MAX_BYTES, length);
    for (size_t i = 0; i < length; i++)
        if (is_control(text + i))
            return rl_fail(error, RL_INVALID, pointer, "a name has no control characters");
    char *const copy = rl_arena_alloc(arena, length + 1);
    if (!copy)
        return rl_fail(error, RL_NOMEM, "", "no memory for the request");
    memcpy(copy, text, length + 1);
    *ret_name = copy;
    return RL_OK;
}
