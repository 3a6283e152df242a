/*
 * context.h: what every request of a running daemon can see.
 *
 * assembly.c fills it before the first connection. After that it is read only, except `stage` and
 * the parts that synchronise themselves (tokens, CORS, admission, executor, connections, linger).
 */
#ifndef RL_CONTEXT_H
#define RL_CONTEXT_H

#include <stdatomic.h>

#include "server/formats/query.h"

#include "config/settings.h"

enum rl_stage {
    RL_STAGE_STARTING,
    RL_STAGE_READY,
    RL_STAGE_LEAVING,  /* serves on, but /readyz says 503 (shutdown-delay) */
    RL_STAGE_DRAINING, /* accepts no connections, finishes what is in flight (drain-timeout) */
    RL_STAGE_ENDING,   /* answers 503 to what is left */
};

struct rl_context {
    const struct rl_settings *settings; /* as they were at start */
    struct rl_limits limits;
    bool separate_admin;    /* metrics have an address of their own */
    size_t max_connections; /* the setting, or what the limit of open files allows */
    struct rl_auth *auth;
    struct rl_cors *cors;
    struct rl_admission *admission;
    struct rl_pool *pool; /* max-total-memory */
    struct rl_executor *executor;
    struct rl_connections *connections;
    struct rl_linger *linger;
    _Atomic int stage; /* of enum rl_stage; relaxed: a request may still see the one before */
};

static inline enum rl_stage rl_context_stage(const struct rl_context *context)
{
    return (enum rl_stage)atomic_load_explicit(&context->stage, memory_order_relaxed);
}

#endif
