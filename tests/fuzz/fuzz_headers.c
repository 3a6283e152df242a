/*
 * fuzz_headers.c: any bytes as the head of a request: its target, its header fields, and everything
 * that parses their values (negotiation, codings, origins, tokens, ids), and any bytes as gzip.
 *
 * The input is cut at NUL bytes: the target, then name and value by turns.
 */
#include "server/http/headers.h"

#include "server/net/address.h"
#include "server/http/auth.h"
#include "server/http/compress.h"
#include "server/http/cors.h"
#include "server/observe/exposition.h"
#include "server/http/negotiate.h"
#include "server/http/requestid.h"
#include "server/http/route.h"
#include "tests/fuzz/fuzzer.h"

enum { MOST_INFLATED = 1 << 20 };

static struct rl_cors *cors;
static struct rl_auth *auth;

static void set_up(void)
{
    const char *origins[] = {"https://a.example", "http://b.example:8080"};
    const struct rl_words words = {.items = origins, .count = 2};
    struct rl_error error;
    REQUIRE(rl_cors_create(&words, &cors, &error) == RL_OK);
    REQUIRE(rl_auth_create("", &auth, &error) == RL_OK);
}

static void check_route(const char *target)
{
    struct rl_route route;
    struct rl_error error = {0};
    const char *const path = rl_route_path(target);
    if (rl_route_find(path, RL_SCOPE_ALL, &route, &error) == RL_OK) {
        REQUIRE(!strchr(path, '%') && route.allow);
        REQUIRE(rl_route_takes_body(&route) == (strstr(route.allow, "POST") != NULL));
    } else {
        REQUIRE(error.status == RL_NOT_FOUND && route.handler == RL_HANDLER_OTHER);
    }
}

/* Everything that reads the value of a header field. */
static void read_values(const char *value)
{
    char id[RL_REQUEST_ID_SIZE], trace[RL_TRACE_ID_SIZE] = "";
    struct rl_error error;
    rl_negotiate_weight(value, "gzip");
    rl_coding_of_body(value);
    rl_coding_of_reply(value);
    rl_negotiate_openmetrics(value);
    rl_cors_decide(cors, value);
    rl_auth_check(auth, value);
    rl_address_check(value, "listen", &error);
    const bool own = rl_request_id_choose(value, id);
    REQUIRE(own == rl_request_id_valid(value) && rl_request_id_valid(id));
    REQUIRE(rl_traceparent_parse(value, trace) == (strlen(trace) == RL_TRACE_ID_SIZE - 1));
}

static void check_headers(const char *text, size_t size)
{
    struct rl_headers headers;
    struct rl_error error = {0};
    size_t length;
    rl_headers_init(&headers, NULL);
    for (size_t at = 0; at < size;) {
        const char *const name = text + at;
        const char *const value = at + strlen(name) + 1 <= size ? name + strlen(name) + 1 : "";
        rl_headers_add(&headers, name, strlen(name), value, strlen(value));
        read_values(value);
        at += strlen(name) + strlen(value) + 2;
    }
    if (rl_headers_check(&headers, 1, 1 << 16, &error) == RL_OK) {
        REQUIRE(headers.host != NULL);
        REQUIRE(!headers.content_length || !headers.transfer_encoding);
        rl_headers_body(&headers, &length);
        rl_headers_json(&headers);
        rl_headers_matches(&headers, "\"tag\"");
    } else {
        REQUIRE(error.detail[0] != '\0');
    }
}

static void check_gunzip(const uint8_t *data, size_t size)
{
    char *text = NULL;
    size_t length = 0;
    struct rl_error error = {0};
    if (rl_inflate(RL_CODING_GZIP, data, size, MOST_INFLATED, &text, &length, &error) == RL_OK)
        REQUIRE(length <= MOST_INFLATED && text[length] == '\0');
    else
        REQUIRE(!text && error.detail[0] != '\0');
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!cors)
        set_up();
    char *const text = malloc(size + 2);
    REQUIRE(text != NULL);
    memcpy(text, data, size);
    text[size] = text[size + 1] = '\0';
    check_route(text);
    const size_t target = strlen(text) + 1;
    if (target < size)
        check_headers(text + target, size - target);
    check_gunzip(data, size);
    free(text);
    return 0;
}
