/*
 * lifting.h: the machine behind lift.h, for lift.c, which steps it, and pieces.c, which runs
 * several on one text.
 *
 * The machine has a stack of open brackets, so that nesting takes no more of C's. Each step takes
 * one piece of text and says what may come next (enum rl_want).
 *
 * Columns. All values go to one block from its beginning on, the ends of rows go to the same block
 * from its end down:
 *
 *   | values of columns 0, 1, … | next >        untouched        < row | rows of … 1, 0 |
 *
 * Every value, row and column has a comma or an opening bracket of its own in front of it, but for
 * one or two, so counting those first tells how large the block must be, and nothing that fills
 * it need check for room.
 *
 * When an array opens that is not inside of another numeric one, it becomes a candidate. If a
 * string or an object turns up anywhere in it, all arrays open at that moment are mixed, and the
 * scan goes back to where the candidate began, with those brackets remembered as mixed: what it
 * holds of complete arrays is then lifted array by array. Whatever was read before the string is
 * numeric, so the second reading never fails, the next candidate begins behind the string, and no
 * byte is read more than twice.
 */
#ifndef RL_LIFTING_H
#define RL_LIFTING_H

#include "server/formats/json/lift.h"

enum { RL_LIFTING_DEPTH = 1024 }; /* brackets the stack holds; what is deeper counts as malformed */

enum rl_want {
    RL_WANT_VALUE,
    RL_WANT_FIRST_VALUE, /* or ] */
    RL_WANT_KEY,
    RL_WANT_FIRST_KEY, /* or } */
    RL_WANT_NEXT,      /* , or the closing bracket */
    RL_WANT_END,
    RL_WANT_NOTHING /* failed; the error is set */
};

struct rl_lifting {
    const char *begin, *end, *at;
    const char *limit;      /* no number is begun from here on */
    char *body;             /* begin, writable */
    struct rl_error *error; /* NULL for a machine on a piece: failing it only stops */
    struct rl_arena *arena;

    size_t depth;       /* open brackets */
    const char **open;  /* [RL_LIFTING_DEPTH + 1]: where each stands, from 1 on */
    const char **mixed; /* [RL_LIFTING_DEPTH + 1]: those of the last candidate given up, at … */
    size_t mixed_first, mixed_last; /* … these depths */
    size_t max_depth;
    const char *too_deep; /* the first bracket beyond max_depth */

    size_t base; /* depth of the candidate; 0 while there is none */
    struct rl_column column;
    bool shaped;                   /* its first element has set its shape */
    double *values, *first, *next; /* of all columns; of the candidate; free */
    size_t *row_first, *row;       /* of the candidate, downwards: its first, the last one noted */

    struct rl_column *columns;
    size_t count, capacity;
};

/* Takes what stands at `at`, which is no blank. A step that fails leaves the machine as it was. */
enum rl_want rl_lifting_step(struct rl_lifting *lift, enum rl_want want);

/* Steps until the object ends, a step fails, or the text that is not blank is at `limit` or beyond;
 * the end of the text plus one is no limit. Returns what is wanted then. */
enum rl_want rl_lifting_run(struct rl_lifting *lift, enum rl_want want, const char *limit);

#endif
