/*
 * listtexts.h: texts that name lists: their ids, and the groups they belong to.
 */
#ifndef RL_LISTTEXTS_H
#define RL_LISTTEXTS_H

#include <jansson.h>

#include "server/base/status.h"
#include "server/formats/query.h"

/* Copies of `count` texts of an array (rl_read_name). RL_INVALID, RL_NOMEM. */
enum rl_status rl_read_texts(const json_t *array, size_t count, const char *pointer,
                             struct rl_arena *arena, const char ***ret_texts,
                             struct rl_error *error);

/* Fills query->groups, and groups and group_count of its batch, from one text for each list.
 * RL_INVALID, RL_TOO_LARGE, RL_NOMEM. */
enum rl_status rl_read_groups(const json_t *array, size_t lists, const struct rl_limits *limits,
                              struct rl_arena *arena, struct rl_query *query,
                              struct rl_error *error);

#endif
