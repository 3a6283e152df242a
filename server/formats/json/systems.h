/*
 * systems.h: the systems of a comparison: scores of the same lists by several models.
 */
#ifndef RL_SYSTEMS_H
#define RL_SYSTEMS_H

#include "server/formats/json/batch.h"

/* The members of the body that only a comparison has, or NULL. */
struct rl_systems {
    const struct rl_extracted *extracted;
    const struct rl_batch_members *members;
    const struct rl_limits *limits;
    struct rl_arena *arena;
    const json_t *systems, *baseline;
};

/* Checks `systems` and makes the scores of the first one `y_pred` of the members. Fills `pointer`
 * with its JSON Pointer, which must live as long as the members are used. RL_INVALID, RL_TOO_LARGE.
 * */
enum rl_status rl_systems_first(const json_t *systems, const struct rl_limits *limits,
                                char pointer[RL_POINTER_MAX], struct rl_batch_members *members,
                                struct rl_error *error);

/* The query has the batch of the first system: replaces it by one of all systems (struct rl_batch)
 * and fills query->systems. RL_INVALID, RL_TOO_LARGE, RL_NOMEM. */
enum rl_status rl_systems_join(const struct rl_systems *from, struct rl_query *query,
                               struct rl_error *error);

#endif
