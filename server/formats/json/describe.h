/*
 * describe.h: GET /v1/losses and /v1/metrics: the catalogue as JSON.
 */
#ifndef RL_DESCRIBE_H
#define RL_DESCRIBE_H

#include "server/formats/format.h"

/* See rl_format.describe: {"losses": [...], ...} or {"metrics": [...], ...}; bounds come from the
 * limits. */
void rl_json_describe(const struct rl_route *route, const struct rl_limits *limits,
                      struct rl_output *output);

#endif
