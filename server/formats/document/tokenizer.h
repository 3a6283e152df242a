/*
 * tokenizer.h: the state machine of extract.h: it checks a text token by token and collects its
 * numeric arrays. extract.c runs one over the whole text; segments.c runs several on one text.
 *
 * Open brackets are kept on a stack of the machine's own, so nesting costs no C stack. Each step
 * takes one token, or a run of values, and returns what may come next (enum rl_want).
 *
 * Memory. The values of all arrays fill one block from its beginning, the ends of rows fill it from
 * its end:
 *
 *   | values of arrays 0, 1, … | next >        unused         < row | rows of … 1, 0 |
 *
 * Every value, row and array but one or two has a comma or an opening bracket before it. Counting
 * those first gives the size of the block, so filling it needs no checks for room.
 *
 * Strings in arrays. An array that opens outside of any candidate becomes the candidate. If a
 * string or an object turns up inside it, all arrays open at that moment are mixed. The scan then
 * returns to where the candidate began, remembers those brackets as mixed, and takes out the
 * complete arrays within them one by one. Everything before the string was numeric, so the second
 * reading cannot fail, and the next candidate begins after the string: no byte is read more than
 * twice.
 */
#ifndef RL_TOKENIZER_H
#define RL_TOKENIZER_H

#include "server/formats/document/array.h"

#include "core/rankloss.h"

enum { RL_TOKENIZER_DEPTH = 1024 }; /* brackets that the stack holds; deeper text is malformed */

enum rl_want {
    RL_WANT_VALUE,
    RL_WANT_FIRST_VALUE, /* or ] */
    RL_WANT_KEY,
    RL_WANT_FIRST_KEY, /* or } */
    RL_WANT_NEXT,      /* a comma or the closing bracket */
    RL_WANT_END,       /* the object is complete */
    RL_WANT_NOTHING    /* failed; the error is set */
};

struct rl_tokenizer {
    const char *begin, *end, *at;
    const char *limit;      /* no value is begun from here on */
    char *body;             /* begin, writable */
    struct rl_error *error; /* NULL for a segment's machine, which only stops where it fails */
    struct rl_arena *arena;

    size_t depth;       /* open brackets */
    const char **open;  /* [RL_TOKENIZER_DEPTH + 1]: the place of each, from 1 on */
    const char **mixed; /* [RL_TOKENIZER_DEPTH + 1]: those of the last candidate given up, at … */
    size_t mixed_first, mixed_last; /* … these depths */
    size_t max_depth;
    const char *too_deep; /* the first bracket beyond max_depth; NULL for none */

    size_t base; /* depth of the candidate; 0 while there is none */
    struct rl_array array;
    bool shaped;                   /* its first element has set its shape */
    double *values, *first, *next; /* of all arrays; of the candidate; the next free one */
    size_t *row_first, *row;       /* of the candidate, downwards: its first and its last entry */

    struct rl_array *arrays;
    size_t count, capacity;
};

/* Takes blanks and the bracket that opens the object. */
enum rl_want rl_tokenizer_begin(struct rl_tokenizer *tok);

/* Takes the token at `at`, which is not a blank. A step that fails leaves the machine unchanged. */
enum rl_want rl_tokenizer_step(struct rl_tokenizer *tok, enum rl_want want);

/* Steps until the object ends, a step fails, or the next token is at `limit` or beyond (end + 1: no
 * limit). Returns what is wanted then. */
enum rl_want rl_tokenizer_run(struct rl_tokenizer *tok, enum rl_want want, const char *limit);

/* Fails with "text follows the object" if anything but blanks is left. False then. */
bool rl_tokenizer_end(struct rl_tokenizer *tok);

#endif
