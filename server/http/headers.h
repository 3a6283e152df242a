/*
 * headers.h: the header fields of a request, collected in one pass and checked against RFC 9112.
 *
 * libmicrohttpd accepts input that lets two parties disagree about where a request ends. This is
 * rejected here: field names that are not tokens (a blank before the colon), control characters in
 * values, a missing or repeated Host, other repeated fields that must be single,
 * Content-Length together with Transfer-Encoding, and transfer codings other than chunked.
 *
 * Some faults leave no trace in the fields themselves: lines that end in a bare LF, obsolete line
 * folding, an empty field name (taken for the end of the headers), more than one blank in the
 * request line. But libmicrohttpd 0.9.75 parses in place, putting a NUL over each CR, LF and colon,
 * so the distances between the texts that it hands out show them:
 *
 *   POST NUL /v1/evaluate blank HTTP/1.1 NUL NUL Host NUL blank x NUL NUL NUL NUL body…
 *   ^ method                             ^ 2 bytes on  ^ value        ^ end of the headers
 *
 * There must be two bytes between the end of one line and the start of the next, and four after the
 * last. A folded line is copied elsewhere. Other versions may parse differently, so the transport
 * enables this check for 0.9.75 only.
 */
#ifndef RL_HEADERS_H
#define RL_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/base/status.h"

/* The fields that the daemon uses: X(member, name, at most one). */
#define RL_HEADER_MAP(X)                                                                           \
    X(host, "Host", true)                                                                          \
    X(content_length, "Content-Length", true)                                                      \
    X(content_type, "Content-Type", true)                                                          \
    X(transfer_encoding, "Transfer-Encoding", true)                                                \
    X(authorization, "Authorization", true)                                                        \
    X(accept, "Accept", false)                                                                     \
    X(accept_encoding, "Accept-Encoding", false)                                                   \
    X(origin, "Origin", true)                                                                      \
    X(request_id, "X-Request-Id", false)                                                           \
    X(traceparent, "Traceparent", false)                                                           \
    X(content_encoding, "Content-Encoding", true)                                                  \
    X(inference_length, "Inference-Header-Content-Length", true)                                   \
    X(expect, "Expect", true)                                                                      \
    X(if_none_match, "If-None-Match", false)                                                       \
    X(request_method, "Access-Control-Request-Method", false)

/* Values are in libmicrohttpd's memory and live as long as the request; NULL if absent. Of a
 * repeated field the first counts. */
struct rl_headers {
#define RL_HEADER_MEMBER(member, name, single) const char *member;
    RL_HEADER_MAP(RL_HEADER_MEMBER)
#undef RL_HEADER_MEMBER
    size_t bytes;      /* of all names and values, plus four per field for ": " and CRLF */
    const char *next;  /* where the next line must start; NULL: not checked */
    const char *fault; /* what is wrong with the first bad field; static; NULL: none */
};

/* The request line, as received. */
struct rl_request_line {
    const char *method, *version;
    size_t target_length; /* with the query */
    size_t arguments;     /* of the query */
    bool target_clean;    /* no blank and no control character in it */
};

/* Whether a target is clean. */
bool rl_headers_clean(const char *target, size_t length);

/* If `line` is NULL, distances are not checked. */
void rl_headers_init(struct rl_headers *headers, const struct rl_request_line *line);
/* Adds one field as received; both texts are NUL-terminated and stay the caller's. */
void rl_headers_add(struct rl_headers *headers, const char *name, size_t name_length,
                    const char *value, size_t value_length);

/* Ends the fields; `size` is the length of the head, from the method to the empty line. */
void rl_headers_end(struct rl_headers *headers, const struct rl_request_line *line, size_t size);

/*
 * Checks the collected fields. `version` is HTTP's minor version. RL_FRAMING,
 * RL_TRANSFER_CODING, RL_EXPECTATION, RL_HEADERS_TOO_LARGE (over `max_bytes`).
 */
enum rl_status rl_headers_check(const struct rl_headers *headers, unsigned version,
                                size_t max_bytes, struct rl_error *error);

/* Checks the trailer fields of a chunked body, collected like headers. RL_FRAMING: a bad field, or
 * one that is not allowed in a trailer, such as Content-Length. */
enum rl_status rl_headers_check_trailers(const struct rl_headers *trailers, struct rl_error *error);

/* Whether the headers announce a body, and its length; *ret_length is SIZE_MAX for chunked. */
bool rl_headers_body(const struct rl_headers *headers, size_t *ret_length);

/* Whether the body is JSON: application/json, with no charset other than utf-8. */
bool rl_headers_json(const struct rl_headers *headers);

/* Whether If-None-Match names this entity tag (RFC 9110, 13.1.2: weak comparison). */
bool rl_headers_matches(const struct rl_headers *headers, const char *etag);

#endif
