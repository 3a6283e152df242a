/*
 * models.h: what the Open Inference Protocol tells of the server and its models: metadata, health.
 */
#ifndef RL_MODELS_H
#define RL_MODELS_H

#include "server/formats/format.h"

/* See rl_format.describe. */
void rl_models_describe(const struct rl_route *route, const struct rl_limits *limits,
                        struct rl_output *output);

#endif
