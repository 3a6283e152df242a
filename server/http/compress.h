/*
 * compress.h: gzip (RFC 1952) and deflate (zlib's form, RFC 1950) of request bodies and replies, by
 * libdeflate.
 *
 * Inflating is safe from zip bombs: the output buffer grows by doubling and never exceeds `max`, so
 * memory is bounded whatever the input claims.
 */
#ifndef RL_COMPRESS_H
#define RL_COMPRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "server/base/status.h"

enum rl_coding { RL_CODING_IDENTITY, RL_CODING_GZIP, RL_CODING_DEFLATE, RL_CODING_UNKNOWN };

/* What a Content-Encoding header (NULL: none) asks for: gzip and x-gzip, deflate, identity and the
 * empty value, ignoring case; anything else, including several codings, is unknown. */
enum rl_coding rl_coding_of_body(const char *content_encoding);
/* Its name in a header of a reply; static. */
const char *rl_coding_name(enum rl_coding coding);
/* The value of Accept-Encoding for a 415 (RFC 9110, 15.5.16), static. */
const char *rl_coding_accepted(void);

/*
 * Inflates a body of one or more gzip members, or of one zlib stream. The caller frees the buffer,
 * which ends with a NUL that is not counted. RL_TOO_LARGE past `max` bytes; RL_SYNTAX, with the
 * offset in `data` of the invalid member, if the stream is incomplete, damaged or followed by other
 * bytes; RL_NOMEM.
 */
enum rl_status rl_inflate(enum rl_coding coding, const void *data, size_t length, size_t max,
                          char **ret_data, size_t *ret_length, struct rl_error *error);

/* The inflated length that the end of a gzip body claims, at most 16 times its length; 4 times the
 * length of a zlib stream, which claims nothing. At most `max`. Right for a single well-formed gzip
 * member; other bodies may inflate to more. */
size_t rl_inflate_claim(enum rl_coding coding, const void *data, size_t length, size_t max);

/* The coding for a reply to this Accept-Encoding (NULL: none): gzip, or deflate where it is named
 * and gzip weighs less, if it weighs at least as much as identity. Unknown: all are refused;
 * RFC 9110, 12.5.3 then lets a server send identity anyway. */
enum rl_coding rl_coding_of_reply(const char *accept_encoding);
/* Shorter replies are not compressed: it would not pay. */
enum { RL_DEFLATE_MIN = 1024 };
/*
 * Compresses with gzip or deflate at level 1. False, outputs untouched, if memory is short or the
 * result would not be smaller: the caller then sends `data` itself. The caller frees the buffer.
 */
bool rl_deflate(enum rl_coding coding, const void *data, size_t length, char **ret_data,
                size_t *ret_length);

#endif
