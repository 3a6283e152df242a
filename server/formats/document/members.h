/*
 * members.h: readers of single JSON values whose errors name the place and say what was expected
 * and what was found. decode.c and batch.c use them.
 *
 * `pointer` is the JSON Pointer (RFC 6901) of `value`. Failures are RL_INVALID; outputs stay
 * untouched then. Texts returned lie in the value.
 */
#ifndef RL_MEMBERS_H
#define RL_MEMBERS_H

#include <jansson.h>

#include "server/base/status.h"

/* "a number", "a list", "null", …; static. */
const char *rl_json_kind(const json_t *value);

/* Fails with "<expected> was expected, found <kind>". */
enum rl_status rl_refuse_kind(struct rl_error *error, const char *pointer, const char *expected,
                              const json_t *value);

/* pointer = base + "/" + key, escaped as RFC 6901 asks; cut when too long. */
void rl_pointer_key(char pointer[RL_POINTER_MAX], const char *base, const char *key);
/* pointer = base + "/" + index */
void rl_pointer_index(char pointer[RL_POINTER_MAX], const char *base, size_t index);

/* A copy of `text` for an error's detail: at most 48 bytes, whole characters, no control ones. */
struct rl_excerpt {
    char text[56];
};
struct rl_excerpt rl_excerpt(const char *text, size_t length);

/* A number; booleans are not. */
enum rl_status rl_read_number(const json_t *value, const char *pointer, double *ret_number,
                              struct rl_error *error);
/* A whole number from 1 to max; 5.0 counts as 5. `setting`, where not NULL, is what sets max. */
enum rl_status rl_read_count(const json_t *value, const char *pointer, size_t max,
                             const char *setting, size_t *ret_count, struct rl_error *error);
/* A text; `expected` says which. One that contains U+0000 is refused. */
enum rl_status rl_read_word(const json_t *value, const char *pointer, const char *expected,
                            const char **ret_word, struct rl_error *error);

enum { RL_NAME_MAX_BYTES = 128 };

/* A text of at most RL_NAME_MAX_BYTES without control characters, copied into the arena. RL_NOMEM
 * too. */
enum rl_status rl_read_name(const json_t *value, const char *pointer, struct rl_arena *arena,
                            const char **ret_name, struct rl_error *error);

#endif
