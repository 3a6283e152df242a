/*
 * decode.h: the reader of JSON: from the text of a request to a query.
 *
 * The numeric arrays of the body are taken out first (extract.h); jansson parses only the small
 * text that remains. Duplicate keys are refused, and jansson's memory has a limit (jsonmem.h).
 */
#ifndef RL_DECODE_H
#define RL_DECODE_H

#include "server/formats/format.h"

/*
 * Once, before any other thread uses jansson: installs the allocator that keeps its budget
 * (jsonmem.h) and seeds its hash tables. rl_json_read does it too, so tests need not.
 */
void rl_json_init(void);

/* See rl_format.read. RL_SYNTAX sets line, column and offset; RL_INVALID and RL_TOO_LARGE set the
 * pointer. The query keeps nothing of the body. */
enum rl_status rl_json_read(const struct rl_input *input, struct rl_query *ret_query,
                            struct rl_error *error);

#endif
