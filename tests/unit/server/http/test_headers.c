/*
 * test_headers.c: which heads of requests are accepted; they are laid out as libmicrohttpd 0.9.75
 * leaves them.
 */
#include "server/http/headers.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/unittest.h"

enum { MAX = 4096 };

/* A head that was parsed in place. */
struct head {
    char text[MAX];
    struct rl_request_line line;
    struct rl_headers headers;
};

/* Cuts the line at `at` off with NULs; where the next one starts. */
static char *cut_line(char *at)
{
    char *const lf = strchr(at, '\n');
    ck_assert_ptr_nonnull(lf);
    if (lf > at && lf[-1] == '\r')
        lf[-1] = '\0';
    *lf = '\0';
    return lf + 1;
}

static char *parse_request_line(struct head *head)
{
    char *const next = cut_line(head->text);
    char *target = strchr(head->text, ' ');
    char *const version = strrchr(head->text, ' ');
    *target++ = '\0';
    while (*target == ' ')
        target++;
    *version = '\0';
    head->line.method = head->text;
    head->line.version = version + 1;
    head->line.target_length = (size_t)(version - target);
    head->line.target_clean = rl_headers_clean(target, head->line.target_length);
    return next;
}

/* As libmicrohttpd does: an empty name ends the headers. */
static void parse(struct head *head, const char *raw)
{
    ck_assert_uint_lt(strlen(raw), MAX);
    memcpy(head->text, raw, strlen(raw) + 1);
    char *at = parse_request_line(head);
    rl_headers_init(&head->headers, &head->line);
    while (*at != '\0' && *at != '\r' && *at != '\n' && *at != ':') {
        char *const next = cut_line(at);
        char *value = strchr(at, ':');
        ck_assert_ptr_nonnull(value);
        *value++ = '\0';
        value += strspn(value, " \t");
        rl_headers_add(&head->headers, at, strlen(at), value, strlen(value));
        at = next;
    }
    at = cut_line(at);
    rl_headers_end(&head->headers, &head->line, (size_t)(at - head->text));
}

static enum rl_status check_all(const char *raw, unsigned version, size_t most,
                                struct rl_error *error)
{
    struct head head;
    parse(&head, raw);
    return rl_headers_check(&head.headers, version, most, error);
}

static enum rl_status check(const char *raw)
{
    struct rl_error error;
    return check_all(raw, 1, MAX, &error);
}

#define GET  "GET /livez HTTP/1.1\r\n"
#define HOST "Host: x\r\n"

START_TEST(ordinary_heads_pass)
{
    static const char *const heads[] = {
        GET HOST "\r\n",
        GET "Host:x\r\nAccept:\r\nX-A: \t b \r\n\r\n",
        "POST /v1/evaluate?x=1 HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n"
        "CONTENT-TYPE: application/json\r\n\r\n",
        "POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\nExpect: 100-Continue\r\n\r\n",
        GET HOST "X-Latin: \xe4\xf6\r\nX: !#$%&'*+-.^_`|~\r\n!#$%&'*+-.^_`|~: x\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++)
        ck_assert_msg(check(heads[i]) == RL_OK, "%s", heads[i]);
}
END_TEST

START_TEST(bad_lines_are_refused)
{
    static const char *const heads[] = {
        "GET /livez HTTP/1.1\n" HOST "\r\n",
        GET "Host: x\n\r\n",
        GET HOST "\n",
        GET HOST "X: y\nZ: w\r\n\r\n",
        "GET  /livez HTTP/1.1\r\n" HOST "\r\n",
        "GET /livez  HTTP/1.1\r\n" HOST "\r\n",
        "GET /li vez HTTP/1.1\r\n" HOST "\r\n",
        GET HOST ": value\r\nX: y\r\n\r\n",
        GET HOST ":\r\n\r\n",
        GET HOST "Content-Length : 5\r\n\r\n",
        GET HOST " X: y\r\n\r\n",
        GET HOST "X\x80: y\r\n\r\n",
        GET HOST "X(: y\r\n\r\n",
        GET HOST "X: a\rb\r\n\r\n",
        GET HOST "X: a\x01\r\n\r\n",
        GET HOST "X: a\x7f\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++)
        ck_assert_msg(check(heads[i]) == RL_FRAMING, "%s", heads[i]);
}
END_TEST

START_TEST(a_folded_line_was_copied_elsewhere)
{
    static const char folded[] = "a b";
    struct head head;
    char raw[] = GET HOST "X: a\r\n\r\n";
    parse(&head, raw);
    rl_headers_init(&head.headers, &head.line);
    const char *const host = head.line.version + sizeof("HTTP/1.1") - 1 + 2;
    rl_headers_add(&head.headers, host, 4, host + 6, 1);
    rl_headers_add(&head.headers, host + 9, 1, folded, 3);
    rl_headers_add(&head.headers, host + 18, 1, host + 20, 1);
    struct rl_error error;
    ck_assert_int_eq(rl_headers_check(&head.headers, 1, MAX, &error), RL_FRAMING);
}
END_TEST

START_TEST(single_fields_come_once)
{
    static const char *const names[] = {"Host",          "Content-Length",   "Content-Type",
                                        "Authorization", "Origin",           "Content-Encoding",
                                        "Expect",        "Transfer-Encoding"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char raw[256];
        const char *const value = strcmp(names[i], "Expect") == 0              ? "100-continue"
                                  : strcmp(names[i], "Transfer-Encoding") == 0 ? "chunked"
                                                                               : "1";
        snprintf(raw, sizeof(raw), GET "%s%s: %s\r\n\r\n", i == 0 ? "" : HOST, names[i], value);
        ck_assert_msg(check(raw) == RL_OK, "%s", raw);
        snprintf(raw, sizeof(raw), GET "%s%s: %s\r\n%s: %s\r\n\r\n", i == 0 ? "" : HOST, names[i],
                 value, names[i], value);
        ck_assert_msg(check(raw) == RL_FRAMING, "%s", raw);
    }
    ck_assert_int_eq(check(GET HOST "Accept: a\r\nAccept: b\r\n\r\n"), RL_OK);
}
END_TEST

START_TEST(host_is_needed_since_http_1_1)
{
    struct rl_error error;
    ck_assert_int_eq(check(GET "X: y\r\n\r\n"), RL_FRAMING);
    ck_assert_int_eq(check_all("GET / HTTP/1.0\r\nX: y\r\n\r\n", 0, MAX, &error), RL_OK);
}
END_TEST

START_TEST(transfer_codings)
{
    struct rl_error error;
    ck_assert_int_eq(check(GET HOST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"),
                     RL_FRAMING);
    ck_assert_int_eq(check(GET HOST "Transfer-Encoding: gzip, chunked\r\n\r\n"),
                     RL_TRANSFER_CODING);
    ck_assert_int_eq(check(GET HOST "Transfer-Encoding: identity\r\n\r\n"), RL_TRANSFER_CODING);
    ck_assert_int_eq(
        check_all("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 0, MAX, &error),
        RL_FRAMING);
}
END_TEST

START_TEST(expectations)
{
    ck_assert_int_eq(check(GET HOST "Expect: 100-continue, x\r\n\r\n"), RL_EXPECTATION);
    ck_assert_int_eq(check(GET HOST "Expect: 200-ok\r\n\r\n"), RL_EXPECTATION);
}
END_TEST

START_TEST(size_is_bounded)
{
    struct rl_error error;
    ck_assert_int_eq(check_all(GET HOST "\r\n", 1, 9, &error), RL_OK);
    ck_assert_int_eq(check_all(GET HOST "\r\n", 1, 8, &error), RL_HEADERS_TOO_LARGE);
}
END_TEST

/* Headers with just this Content-Type; NULL for none. */
static bool is_json(const char *type)
{
    struct rl_headers headers;
    rl_headers_init(&headers, NULL);
    if (type)
        rl_headers_add(&headers, "content-type", 12, type, strlen(type));
    return rl_headers_json(&headers);
}

START_TEST(content_types)
{
    static const char *const good[] = {
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "application/json; charset=\"utf-8\"",
        "application/json ; a=b ; charset=utf-8 ; c=d",
        "application/json;",
    };
    static const char *const bad[] = {
        "",
        "text/json",
        "application/jsonx",
        "application/json-patch+json",
        "application/json; charset=latin1",
        "application/json; charset=utf-80",
        "application/json, text/html",
        "application/x-www-form-urlencoded",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        ck_assert_msg(is_json(good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        ck_assert_msg(!is_json(bad[i]), "%s", bad[i]);
    ck_assert(!is_json(NULL));
}
END_TEST

static bool body_of(const char *name, const char *value, size_t *length)
{
    struct rl_headers headers;
    rl_headers_init(&headers, NULL);
    rl_headers_add(&headers, name, strlen(name), value, strlen(value));
    return rl_headers_body(&headers, length);
}

START_TEST(announced_bodies)
{
    size_t length = 7;
    ck_assert(!body_of("X", "y", &length));
    ck_assert(body_of("Content-Length", "0", &length));
    ck_assert_uint_eq(length, 0);
    ck_assert(body_of("Content-Length", "12345678901", &length));
    ck_assert_uint_eq(length, 12345678901u);
    ck_assert(body_of("Content-Length", "99999999999999999999999", &length));
    ck_assert_uint_eq(length, SIZE_MAX - 1);
    ck_assert(body_of("Transfer-Encoding", "chunked", &length));
    ck_assert_uint_eq(length, SIZE_MAX);
}
END_TEST

static bool matches(const char *list)
{
    struct rl_headers headers;
    rl_headers_init(&headers, NULL);
    if (list)
        rl_headers_add(&headers, "If-None-Match", 13, list, strlen(list));
    return rl_headers_matches(&headers, "\"abc\"");
}

START_TEST(entity_tags)
{
    ck_assert(matches("\"abc\""));
    ck_assert(matches("W/\"abc\""));
    ck_assert(matches("\"x\", W/\"y\" ,\"abc\""));
    ck_assert(matches("*"));
    ck_assert(!matches(NULL));
    ck_assert(!matches(""));
    ck_assert(!matches("abc"));
    ck_assert(!matches("\"abcd\", \"ab\""));
    ck_assert(!matches(" , ,"));
}
END_TEST
