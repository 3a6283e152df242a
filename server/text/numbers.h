/*
 * numbers.h: writes arrays of numbers as JSON (numwriter.h), straight into room reserved for the
 * longest texts they could have.
 */
#ifndef RL_NUMBERS_H
#define RL_NUMBERS_H

#include "server/text/text.h"

#include "core/rankloss.h"

/* Numbers first … end - 1, each followed by a comma. Returns where the text ends. `out` has room
 * for rl_numbers_width of each, and RL_NUMBER_ROOM more. */
char *rl_write_numbers(char *out, const void *values, enum rl_dtype dtype, size_t first,
                       size_t end);

/* The most bytes a number and its comma take. */
size_t rl_numbers_width(enum rl_dtype dtype);

/* Appends `count` numbers as one list. */
void rl_put_numbers(struct rl_text *text, enum rl_dtype dtype, const void *values, size_t count);

#endif
