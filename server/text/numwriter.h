/*
 * numwriter.h: writes a float or double as the shortest JSON number that reads back as the same
 * value of its type; among the shortest, the one closest to the value.
 *
 * Numbers whose decimal exponent is -4 or more and less than 9 (float) or 17 (double) are written
 * plainly ("0.0001", "123456789"), whole ones without a point ("3"); the others with an exponent
 * ("1e-7", "1.5e300"). That is where %.9g and %.17g change form too, so the text is never longer
 * than theirs.
 *
 * Algorithm. R. Giulietti's Schubfach ("The Schubfach way to render doubles", 2020): the shortest
 * number within the interval of those that round to the value is one of four candidates, found by
 * three products with a power of ten and compared exactly.
 *
 * Any thread may call these.
 */
#ifndef RL_NUMWRITER_H
#define RL_NUMWRITER_H

#include <stddef.h>
#include <stdint.h>

/* Room that every call may use at `out`, even if it returns fewer bytes. */
enum { RL_NUMBER_ROOM = 48 };
/* The most characters a call can return. */
enum { RL_FLOAT_TEXT = 15, RL_DOUBLE_TEXT = 24, RL_UNSIGNED_TEXT = 20 };

/* Each writes at `out` and returns one past what it wrote. `value` must be finite. */
char *rl_write_double(char *out, double value);
char *rl_write_float(char *out, float value);
char *rl_write_unsigned(char *out, uint64_t value);

#endif
