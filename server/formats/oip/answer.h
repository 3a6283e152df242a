/*
 * answer.h: the writer of the Open Inference Protocol v2: from results to the body of a reply.
 *
 * Numbers have the bits of the JSON reply. Outputs in binary follow the JSON header in its order.
 * Totals are parameters of the reply, without those that have no value; of the model evaluate each
 * evaluation's begin with its place, "results.0.loss_sum".
 */
#ifndef RL_ANSWER_H
#define RL_ANSWER_H

#include "server/formats/format.h"

/* See rl_format.write and rl_format.write_error. */
enum rl_status rl_answer_write(const struct rl_query *query, const struct rl_result *results,
                               struct rl_team *team, struct rl_output *output);
void rl_answer_write_error(const struct rl_error *error, const char *request_id,
                           struct rl_output *output);

#endif
