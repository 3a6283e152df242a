/*
 * pieces.h: one text scanned by several threads (lift.h: rl_lift_in_pieces).
 *
 * The text is cut every so many bytes, and each piece begins behind the first comma after its cut.
 * What that comma belongs to cannot be known yet, but in a large body it nearly always stands in a
 * row of numbers, or between two such rows. So each piece is scanned by a machine of its own that
 * takes this for granted, until it meets something that would not fit. Then one machine reads the
 * whole text: whenever it arrives at the beginning of a piece, within a row of a numeric array, as
 * was assumed, it takes over what was read there and goes on behind it. Where the assumption was
 * wrong it reads on as if there were no pieces. Both kinds of machines take the same steps, so the
 * result is that of one machine, errors included.
 *
 * No value need be moved: a value in a batch has as many values before it as commas. So counting
 * the commas of each piece, also on all threads, tells where its values belong.
 */
#ifndef RL_PIECES_H
#define RL_PIECES_H

#include "server/formats/json/lifting.h"
#include "server/formats/json/scan.h"

struct rl_pieces;

/* Cuts the text of `lift` into pieces of `piece` bytes, in its arena, and counts its marks. */
enum rl_status rl_pieces_cut(struct rl_lifting *lift, struct rl_team *team, size_t piece,
                             struct rl_pieces **ret_pieces, struct rl_marks *ret_marks);

/* Words that the block of columns must have between values and rows for the rows of pieces. */
size_t rl_pieces_extra(const struct rl_pieces *pieces);

/* Runs `lift`, whose block is reserved, from `want` to the end of the text. */
enum rl_want rl_pieces_run(struct rl_pieces *pieces, struct rl_lifting *lift, enum rl_want want);

#endif
