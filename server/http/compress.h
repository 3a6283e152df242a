/*
 * compress.h: gzip (RFC 1952) of request bodies and replies, by libdeflate.
 *
 * Inflating is bomb proof: the output buffer grows by doubling and never past `max` bytes, so
 * memory is bounded whatever the input claims.
 */
#ifndef RL_COMPRESS_H
#define RL_COMPRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "server/base/status.h"

/* What a Content-Encoding header (NULL: none) asks for. */
enum rl_coding { RL_CODING_IDENTITY, RL_CODING_GZIP, RL_CODING_UNKNOWN };

/* gzip and x-gzip, identity and the empty value, without case; anything else, several codings among
 * it, is unknown. */
enum rl_coding rl_coding_of_body(const char *content_encoding);
/* The value of Accept-Encoding for a 415 (RFC 9110, 15.5.16), static. */
const char *rl_coding_accepted(void);

/*
 * Inflates a body of one or more gzip members. The buffer is from malloc, the caller frees it; one
 * NUL stands after its end, not counted. RL_TOO_LARGE past `max` bytes; RL_SYNTAX, with the
 * offset in `data` of the member that is broken, for what is no whole gzip stream or has bytes
 * after it; RL_NOMEM.
 */
enum rl_status rl_gunzip(const void *data, size_t length, size_t max, char **ret_data,
                         size_t *ret_length, struct rl_error *error);

/* Bytes that the end of a gzip body claims it inflates to, as far as that is likely (16 times its
 * length) and not past `max`. True for one honest member; others may come to more. */
size_t rl_gunzip_claim(const void *data, size_t length, size_t max);

/* What the Accept-Encoding header (NULL: none) of a request wants a reply to be; identity where it
 * is not refused and gzip is not wanted as much. Unknown: it refuses both; RFC 9110, 12.5.3 lets a
 * server send identity all the same. */
enum rl_coding rl_coding_of_reply(const char *accept_encoding);
/* Replies under this many bytes are sent as they are: gzip would not pay. */
enum { RL_GZIP_MIN = 1024 };
/*
 * Deflates at level 1. False, outputs untouched, when memory is short or the result would not be
 * smaller: the caller then sends `data` as it is. The buffer is from malloc, the caller frees it.
 */
bool rl_gzip(const void *data, size_t length, char **ret_data, size_t *ret_length);

#endif
