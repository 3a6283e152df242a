/*
 * lift.h: one strict pass over the text of a request (RFC 8259, UTF-8) that takes its numeric
 * arrays out.
 *
 * An array is numeric when it is made of numbers, booleans, nulls and other numeric arrays only.
 * Each outermost numeric array goes into a column, and `[k]`, k being the column's index, takes
 * its place in a small remaining text, which is left to jansson. A `[5]` that the client sent is
 * numeric itself and was lifted, so in the remaining text `[k]` always is a column.
 *
 *   {"y_pred": [[0.1, 0.2], [3]], "include": ["gradient"]}
 *   {"y_pred": [0], "include": ["gradient"]}        columns[0] = 0.1 0.2 3, offsets 0 2 3
 *
 * The pass refuses everything that is not JSON, and, on purpose, what a request has no use for: a
 * top level other than an object, numbers beyond the range of double, U+0000 in a key. Duplicate
 * keys are jansson's to find.
 */
#ifndef RL_LIFT_H
#define RL_LIFT_H

#include "server/base/status.h"

#include "core/rankloss.h"

enum rl_shape {
    RL_SHAPE_LIST,     /* [value, …], also [] */
    RL_SHAPE_ROWS,     /* [[value, …], …], rows of any length */
    RL_SHAPE_IRREGULAR /* neither: `misfit` says where that shows first */
};

enum { RL_COLUMNS_MAX = 4096 }; /* far more than any request has use for */

/* null, true and false stand in a column as not-a-number values with these bits. */
#define RL_BITS_NULL  0x7ff8000000000001u
#define RL_BITS_FALSE 0x7ff8000000000002u
#define RL_BITS_TRUE  0x7ff8000000000003u

/* Where an irregular array first breaks the shape that its first element set. */
struct rl_misfit {
    size_t row, item; /* element `row`, and `item` in it where `inner` */
    bool inner;
    const char *expected; /* "a number", "a list"; static */
    const char *found;    /* "a list", "a number", "null", … */
};

struct rl_column {
    enum rl_shape shape;
    bool has_null, has_bool;
    size_t count;
    double *values; /* [count]; the holder may overwrite them */
    size_t rows;    /* RL_SHAPE_ROWS */
    const size_t
        *offsets; /* [rows + 1]: row r is values[offsets[r]] … values[offsets[r + 1] - 1] */
    struct rl_misfit misfit;
    size_t begin, end; /* bytes of the body that held it */
    size_t mark;       /* bytes of the remaining text up to the end of its `[k]` */
};

/* All of it lies in the arena, but for `text`, which is the body itself where nothing was lifted.
 */
struct rl_lifted {
    char *text;
    size_t length;
    struct rl_column *columns;
    size_t count;
};

/*
 * Scans `length` bytes of `body`. Whole numbers outside of columns with more digits than jansson
 * takes are rewritten in the body as the same double (same length). Takes constant stack.
 * RL_SYNTAX with position; RL_TOO_LARGE for nesting beyond max_depth, for more than
 * RL_COLUMNS_MAX columns and for more memory than the arena's limit; RL_NOMEM.
 */
enum rl_status rl_lift(char *body, size_t length, size_t max_depth, struct rl_arena *arena,
                       struct rl_lifted *ret_lifted, struct rl_error *error);

/*
 * The same, with the same result, on the threads of a team: the text is cut into pieces of `piece`
 * bytes, where it is at least two of them long. With `team` NULL the calling thread reads the
 * pieces. Only the thread that owns the team may call it.
 */
enum rl_status rl_lift_in_pieces(char *body, size_t length, size_t max_depth, struct rl_team *team,
                                 size_t piece, struct rl_arena *arena, struct rl_lifted *ret_lifted,
                                 struct rl_error *error);

/* The byte of the body from which byte `position` of the remaining text comes. */
size_t rl_lifted_origin(const struct rl_lifted *lifted, size_t position);

/* Sets the error's offset, and the line and column (in characters) of it in `body`. */
void rl_error_locate(struct rl_error *error, const char *body, size_t offset);

#endif
