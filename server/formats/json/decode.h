/*
 * decode.h: the reader of JSON: from the text of a request to a query.
 *
 * Every numeric array of the body is lifted straight into columns (lift.h); jansson parses only
 * the little that remains, with duplicates refused and its memory capped.
 */
#ifndef RL_DECODE_H
#define RL_DECODE_H

#include "server/formats/format.h"

/*
 * Once, before any other thread uses jansson: installs the allocator that keeps its budget
 * (jsonmem.h). rl_json_read does it too, so that a test may leave it out.
 */
void rl_json_init(void);

/* See rl_format.read. RL_SYNTAX sets line, column and offset; RL_INVALID and RL_TOO_LARGE set the
 * pointer. The query keeps nothing of the body. */
enum rl_status rl_json_read(const struct rl_input *input, struct rl_query *ret_query,
                            struct rl_error *error);

#endif
