/*
 * array.h: a numeric array taken out of a request's text.
 */
#ifndef RL_ARRAY_H
#define RL_ARRAY_H

#include <stdbool.h>
#include <stddef.h>

enum rl_array_shape {
    RL_ARRAY_FLAT,     /* [value, …], also [] */
    RL_ARRAY_ROWS,     /* [[value, …], …], rows of any length */
    RL_ARRAY_IRREGULAR /* neither: `misfit` says where it first deviates */
};

enum { RL_ARRAYS_MAX = 4096 }; /* of one text: far more than a request needs */

/* In an array null, true and false are not-a-numbers with these bits. */
#define RL_BITS_NULL  0x7ff8000000000001u
#define RL_BITS_FALSE 0x7ff8000000000002u
#define RL_BITS_TRUE  0x7ff8000000000003u

/* Where an irregular array first deviates from the shape that its first element set. */
struct rl_misfit {
    size_t row, item; /* element `row` or, where `inner`, element `item` of that element */
    bool inner;
    const char *expected; /* "a number", "a list"; static */
    const char *found;    /* "a list", "a number", "null", …; static */
};

struct rl_array {
    enum rl_array_shape shape;
    bool has_null, has_bool;
    size_t count;
    double *values; /* [count]; the holder may overwrite them */
    size_t rows;    /* RL_ARRAY_ROWS */
    /* [rows + 1]: row r is values[offsets[r]] … values[offsets[r + 1] - 1] */
    const size_t *offsets;
    struct rl_misfit misfit;
    size_t begin, end; /* the bytes of the body that it came from */
    size_t mark;       /* where its `[k]` ends in the remaining text */
};

#endif
