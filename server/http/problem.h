/*
 * problem.h: the HTTP form of each status. The only place that knows HTTP's codes.
 *
 * Error replies are problem details (RFC 9457): type, title, status, detail, request_id, and if
 * they apply errors [{pointer, detail}] (a JSON Pointer into the request's body) or line, column
 * and offset (malformed JSON).
 */
#ifndef RL_PROBLEM_H
#define RL_PROBLEM_H

#include <stdbool.h>

#include "server/base/status.h"
#include "server/text/text.h"

#define RL_PROBLEM_TYPE "application/problem+json"

/* The HTTP status code of a status. */
unsigned rl_problem_code(enum rl_status status);

/* The title of its problem, static. */
const char *rl_problem_title(enum rl_status status);

/* The reason phrase of a code from rl_problem_code, static. */
const char *rl_problem_reason(unsigned code);

/* The value of Retry-After, or NULL if retrying does not help; static. */
const char *rl_problem_retry_after(enum rl_status status);

/* Whether the connection must be closed after this status: the stream may be out of step, or
 * the rest of the body is not worth reading. */
bool rl_problem_closes(enum rl_status status);

/*
 * Writes the problem's JSON into an empty text. `request_id` may be "". If memory is too short for
 * all of it, only type and status are written; text->failed is set if there is none even for those.
 */
void rl_problem_write(const struct rl_error *error, const char *request_id, struct rl_text *text);

#endif
