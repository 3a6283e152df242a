/*
 * encode.h: from results to the text of the reply (the road's last stage before the socket).
 */
#ifndef RL_ENCODE_H
#define RL_ENCODE_H

#include "server/formats/json/decode.h"
#include "server/text/text.h"

/* Appends the reply of a computed query as JSON. results: [query->count]. RL_OK or RL_NOMEM. */
enum rl_status rl_encode(const struct rl_query *query, const struct rl_result *results,
                         struct rl_text *text);

/* The same text, written by the threads of `team` where there are numbers enough. Only the thread
 * that owns the team may call it, outside of rl_team_run. */
enum rl_status rl_encode_on_team(const struct rl_query *query, const struct rl_result *results,
                                 struct rl_team *team, struct rl_text *text);

#endif
