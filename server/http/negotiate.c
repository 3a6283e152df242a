/*
 * negotiate.c: parses lists with weights.
 */
#include "server/http/negotiate.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

static const char blanks[] = " \t";

/* A weight ("0", "0.5", "1.000") in thousandths, or -1. */
static int parse_weight(const char *text, size_t length)
{
    int weight = 0, scale = 1000;
    if (length == 0 || length > 5 || (text[0] != '0' && text[0] != '1'))
        return -1;
    weight = (text[0] - '0') * 1000;
    for (size_t i = 1; i < length; i++) {
        if (i == 1 ? text[i] != '.' : !isdigit((unsigned char)text[i]))
            return -1;
        scale /= i == 1 ? 1 : 10;
        weight += i == 1 ? 0 : (text[i] - '0') * scale;
    }
    return weight > 1000 ? -1 : weight;
}

/* Removes blanks at both ends. */
static void trim(const char **text, size_t *length)
{
    while (*length && strchr(blanks, (*text)[*length - 1]))
        --*length;
    while (*length && strchr(blanks, **text)) {
        ++*text;
        --*length;
    }
}

/* The q of an element's parameters, which start at a ';' or are empty. */
static int weight_of(const char *text, size_t length)
{
    while (length) {
        const char *parameter = text + 1;
        const char *const semicolon = memchr(parameter, ';', length - 1);
        size_t size = semicolon ? (size_t)(semicolon - parameter) : length - 1;
        length -= size + 1;
        text = parameter + size;
        trim(&parameter, &size);
        if (size >= 2 && (*parameter == 'q' || *parameter == 'Q') && parameter[1] == '=')
            return parse_weight(parameter + 2, size - 2);
    }
    return 1000;
}

/* The weight one element gives to `name`, or -1. */
static int element_weight(const char *text, size_t length, const char *name)
{
    const char *const semicolon = memchr(text, ';', length);
    const char *word = text;
    size_t size = semicolon ? (size_t)(semicolon - text) : length;
    const size_t rest = length - size;
    trim(&word, &size);
    if (size != strlen(name) || strncasecmp(word, name, size) != 0)
        return -1;
    return weight_of(text + length - rest, rest);
}

int rl_negotiate_weight(const char *list, const char *name)
{
    int weight = -1;
    while (list && *list && weight < 0) {
        const size_t length = strcspn(list, ",");
        weight = element_weight(list, length, name);
        list += length;
        list += *list == ',';
    }
    return weight;
}

static const char open_type[] = "application/openmetrics-text";

/* The weight of the plain format, by the most specific range that matches. */
static int plain_weight(const char *accept)
{
    static const char *const ranges[] = {"text/plain", "text/*", "*/*"};
    int weight = -1;
    for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges) && weight < 0; i++)
        weight = rl_negotiate_weight(accept, ranges[i]);
    return weight;
}

bool rl_negotiate_openmetrics(const char *accept)
{
    const int weight = rl_negotiate_weight(accept, open_type);
    return weight > 0 && weight >= plain_weight(accept);
}
