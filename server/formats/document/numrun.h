/*
 * numrun.h: the fast loop of the tokenizer: runs of numbers, nulls and booleans in flat arrays and
 * in rows.
 *
 * It expects the text that most clients send: the same characters between any two values and
 * between any two rows. It learns both gaps where they first occur and then compares eight bytes at
 * a time. Whatever it does not expect ends the run, and the tokenizer goes on from there.
 */
#ifndef RL_NUMRUN_H
#define RL_NUMRUN_H

#include <stdbool.h>
#include <stddef.h>

struct rl_numrun {
    const char *at;       /* where a value begins; at least RL_NUMBER_BEFORE bytes precede it */
    const char *end;      /* of the text */
    const char *limit;    /* no value is begun from here on */
    bool rows;            /* in a row of an array of rows; else in a flat array */
    double *first, *next; /* the array's values; where the next one goes */
    size_t *row;          /* the end of the last row, counted from `first`; the next goes below */
    const char *opened;   /* out: the bracket of the last row that was opened; NULL for none */
    bool has_null, has_bool; /* out: such values were read */
};

/*
 * Reads what it can, and moves `at`, `next` and `row`. Returns true if the run ended after a value,
 * false if it ended after a gap, where a value must follow. It leaves `at` where it was if it could
 * not read even one value.
 */
bool rl_numrun_read(struct rl_numrun *run);

#endif
