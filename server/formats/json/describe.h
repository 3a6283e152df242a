/*
 * describe.h: GET /v1/losses and /v1/metrics: the catalogue as JSON.
 */
#ifndef RL_DESCRIBE_H
#define RL_DESCRIBE_H

#include "server/formats/query.h"
#include "server/text/text.h"

/* Writes {"losses": [...], ...} or {"metrics": [...], ...} into an empty text; bounds come from
 * the limits. RL_NOMEM. */
enum rl_status rl_describe_measures(enum rl_kind kind, const struct rl_limits *limits,
                                    struct rl_text *text, struct rl_error *error);

#endif
