/*
 * segments.h: one text scanned by several threads.
 *
 * The text is cut into segments of equal size. Each begins after the first comma that follows its
 * cut. Nobody knows yet what that comma belongs to, but in a large body it nearly always lies in a
 * row of numbers or between two rows. So a tokenizer of its own scans each segment under this
 * assumption, until it meets something that contradicts it. Then one tokenizer passes over the
 * whole text. Whenever it arrives at the beginning of a segment in the assumed state, it takes over
 * what was read there and continues after it; otherwise it reads on as if there were no segments.
 * Both take the same steps, so the result is that of a single tokenizer, errors included.
 *
 * Values need not be moved afterwards: a value has as many values before it as commas, so counting
 * the commas of each segment, also on all threads, tells where its values belong.
 */
#ifndef RL_SEGMENTS_H
#define RL_SEGMENTS_H

#include "server/base/status.h"
#include "server/formats/document/lex.h"
#include "server/formats/document/tokenizer.h"

struct rl_segments;

/* Cuts the text of `tok` into segments of `size` bytes, in its arena, and counts its marks. */
enum rl_status rl_segments_cut(struct rl_tokenizer *tok, struct rl_team *team, size_t segment,
                               struct rl_segments **ret_segments, struct rl_marks *ret_marks);

/* Words that the block of arrays needs between values and rows for the rows of segments. */
size_t rl_segments_extra(const struct rl_segments *segments);

/* Runs `tok`, whose block is reserved, from `want` to the end of the text. */
enum rl_want rl_segments_run(struct rl_segments *segments, struct rl_tokenizer *tok,
                             enum rl_want want);

#endif
