/*
 * formats.h: which format a request and its reply are in.
 *
 * The path decides first, as each interface has its own form of errors; the headers of the request
 * then say which format its body is in. The reply is in the format of the request. No path has more
 * than one format so far, so Accept decides nothing: what it does not list is sent all the same, as
 * RFC 9110, 12.5.1, allows.
 */
#ifndef RL_FORMATS_H
#define RL_FORMATS_H

#include "server/formats/format.h"

/* The first format of a path: its errors have this form until a body says otherwise. Never NULL;
 * static. */
const struct rl_format *rl_format_of_path(const char *path);

/* The format of a body announced by these headers. RL_MEDIA_TYPE. */
enum rl_status rl_format_of_body(const char *path, const struct rl_headers *headers,
                                 const struct rl_format **ret_format, struct rl_error *error);

#endif
