/*
 * headers.c: collects and checks header fields.
 */
#include "server/http/headers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Where each known field's value is kept. */
static const struct field {
    const char *name;
    size_t length, offset;
    bool single;
} fields[] = {
#define RL_HEADER_ROW(member, name, single)                                                        \
    {name, sizeof(name) - 1, offsetof(struct rl_headers, member), single},
    RL_HEADER_MAP(RL_HEADER_ROW)
#undef RL_HEADER_ROW
};

/* RFC 9110, 5.6.2: the bytes of a token. */
static bool is_token_byte(unsigned char byte)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z') ||
           (byte != '\0' && memchr(others, byte, sizeof(others) - 1));
}

static bool is_token(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!is_token_byte((unsigned char)text[i]))
            return false;
    return length > 0;
}

/* Whether a value contains a control character other than a tab. */
static bool has_control(const char *value, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        const unsigned char byte = (unsigned char)value[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
            return true;
    }
    return false;
}

enum { CRLF = 2 };

bool rl_headers_clean(const char *target, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)target[i] <= ' ' || target[i] == 0x7f)
            return false;
    return length > 0;
}

void rl_headers_init(struct rl_headers *headers, const struct rl_request_line *line)
{
    *headers = (struct rl_headers){0};
    if (!line)
        return;
    if (!line->target_clean ||
        line->version != line->method + strlen(line->method) + 1 + line->target_length + 1)
        headers->fault =
            "the request line is not method, target and version with one space between them";
    headers->next = line->version + strlen(line->version) + CRLF;
}

/* Whether a line starts right after the CRLF of the previous one. */
static bool in_place(struct rl_headers *headers, const char *name, const char *value_end)
{
    const bool good = !headers->next || headers->next == name;
    if (headers->next)
        headers->next = value_end + CRLF;
    return good;
}

void rl_headers_end(struct rl_headers *headers, const struct rl_request_line *line, size_t size)
{
    if (headers->next && !headers->fault && headers->next + CRLF != line->method + size)
        headers->fault = "the header fields do not end with an empty line";
}

static const struct field *find(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
        if (fields[i].length == length && strncasecmp(fields[i].name, name, length) == 0)
            return &fields[i];
    return NULL;
}

void rl_headers_add(struct rl_headers *headers, const char *name, size_t name_length,
                    const char *value, size_t value_length)
{
    headers->bytes += name_length + value_length + 4;
    if (headers->fault)
        return;
    if (!in_place(headers, name, value + value_length))
        headers->fault = "a line of the headers is folded or does not end with CRLF";
    else if (!is_token(name, name_length))
        headers->fault = "a header field's name is not a token";
    else if (has_control(value, value_length))
        headers->fault = "a header field's value contains a control character";
    const struct field *const field = find(name, name_length);
    if (!field)
        return;
    const char **const slot = (const char **)(void *)((char *)headers + field->offset);
    if (!*slot)
        *slot = value ? value : "";
    else if (field->single)
        headers->fault = "a header field that may appear only once is repeated";
}

static enum rl_status check_transfer(const struct rl_headers *headers, unsigned version,
                                     struct rl_error *error)
{
    if (!headers->transfer_encoding)
        return RL_OK;
    if (headers->content_length)
        return rl_fail(error, RL_FRAMING, "",
                       "Transfer-Encoding and Content-Length cannot be used "
                       "together");
    if (version < 1)
        return rl_fail(error, RL_FRAMING, "", "HTTP/1.0 has no Transfer-Encoding");
    if (strcasecmp(headers->transfer_encoding, "chunked") != 0)
        return rl_fail(error, RL_TRANSFER_CODING, "",
                       "the only supported transfer coding is chunked");
    return RL_OK;
}

enum rl_status rl_headers_check(const struct rl_headers *headers, unsigned version,
                                size_t max_bytes, struct rl_error *error)
{
    if (headers->fault)
        return rl_fail(error, RL_FRAMING, "", "%s", headers->fault);
    if (version >= 1 && !headers->host)
        return rl_fail(error, RL_FRAMING, "", "the Host header field is missing");
    const enum rl_status status = check_transfer(headers, version, error);
    if (status != RL_OK)
        return status;
    if (headers->bytes > max_bytes)
        return rl_fail(error, RL_HEADERS_TOO_LARGE, "",
                       "the header fields are larger than %zu bytes", max_bytes);
    if (headers->expect && strcasecmp(headers->expect, "100-continue") != 0)
        return rl_fail(error, RL_EXPECTATION, "", "the only supported expectation is 100-continue");
    return RL_OK;
}

enum rl_status rl_headers_check_trailers(const struct rl_headers *trailers, struct rl_error *error)
{
    if (trailers->fault)
        return rl_fail(error, RL_FRAMING, "", "in the trailer, %s", trailers->fault);
    if (trailers->content_length || trailers->transfer_encoding || trailers->host)
        return rl_fail(error, RL_FRAMING, "",
                       "Content-Length, Transfer-Encoding and Host are not allowed in a trailer");
    return RL_OK;
}

bool rl_headers_body(const struct rl_headers *headers, size_t *ret_length)
{
    if (headers->transfer_encoding) {
        *ret_length = SIZE_MAX;
        return true;
    }
    if (!headers->content_length)
        return false;
    errno = 0;
    const unsigned long long length = strtoull(headers->content_length, NULL, 10);
    *ret_length = errno != 0 || length >= SIZE_MAX ? SIZE_MAX - 1 : (size_t)length;
    return true;
}

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t");
}

/* Whether a Content-Type parameter, "name=value", is compatible with UTF-8. */
static bool parameter_fits(const char *parameter)
{
    if (strncasecmp(parameter, "charset=", 8) != 0)
        return true;
    const char *value = parameter + 8;
    const bool quoted = value[0] == '"';
    value += quoted;
    if (strncasecmp(value, "utf-8", 5) != 0)
        return false;
    return strchr(quoted ? "\"" : "; \t", value[5]) != NULL;
}

bool rl_headers_json(const struct rl_headers *headers)
{
    static const char type[] = "application/json";
    const char *rest = headers->content_type;
    if (!rest || strncasecmp(rest, type, sizeof(type) - 1) != 0)
        return false;
    rest = skip_blanks(rest + sizeof(type) - 1);
    while (*rest == ';') {
        rest = skip_blanks(rest + 1);
        if (!parameter_fits(rest))
            return false;
        rest += strcspn(rest, ";");
    }
    return *rest == '\0';
}

bool rl_headers_matches(const struct rl_headers *headers, const char *etag)
{
    const char *list = headers->if_none_match;
    const size_t length = strlen(etag);
    while (list && *list != '\0') {
        list += strspn(list, " \t,");
        if (*list == '*')
            return true;
        if (strncmp(list, "W/", 2) == 0)
            list += 2;
        const size_t item = strcspn(list, " \t,");
        if (item == length && memcmp(list, etag, length) == 0)
            return true;
        list += item;
    }
    return false;
}
