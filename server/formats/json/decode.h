/*
 * decode.h: the reader of JSON: from the text of a request to a query.
 */
#ifndef RL_DECODE_H
#define RL_DECODE_H

#include "server/formats/format.h"

/* See rl_format.read. RL_SYNTAX sets line, column and offset; RL_INVALID and RL_TOO_LARGE set the
 * pointer. The query keeps nothing of the body. */
enum rl_status rl_json_read(const struct rl_input *input, struct rl_query *ret_query,
                            struct rl_error *error);

#endif
