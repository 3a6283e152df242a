/*
 * encode.h: writes the JSON of a reply from results or an error.
 */
#ifndef RL_ENCODE_H
#define RL_ENCODE_H

#include "server/formats/format.h"

#define RL_JSON_TYPE "application/json"

/* See rl_format.write. With a team the text is the same as without. */
enum rl_status rl_json_write(const struct rl_query *query, const struct rl_result *results,
                             struct rl_team *team, struct rl_output *output);

/* See rl_format.write_error: problem details (RFC 9457; problem.h). */
void rl_json_write_error(const struct rl_error *error, const char *request_id,
                         struct rl_output *output);

#endif
