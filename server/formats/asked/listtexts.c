/*
 * listtexts.c: texts that name lists: their ids, and the groups they belong to.
 */
#include "server/formats/asked/listtexts.h"

#include <string.h>

#include "server/formats/document/members.h"

enum rl_status rl_read_texts(const json_t *array, size_t count, const char *pointer,
                             struct rl_arena *arena, const char ***ret_texts,
                             struct rl_error *error)
{
    char place[RL_POINTER_MAX];
    const char **const texts = rl_arena_array(arena, count, sizeof(*texts));
    if (!texts)
        return rl_fail(error, RL_NOMEM, "", "no memory for the request");
    for (size_t i = 0; i < count; i++) {
        rl_pointer_index(place, pointer, i);
        if (rl_read_name(json_array_get(array, i), place, arena, &texts[i], error) != RL_OK)
            return error->status;
    }
    *ret_texts = texts;
    return RL_OK;
}

/* The groups found so far. */
struct grouping {
    const struct rl_limits *limits;
    struct rl_arena *arena;
    struct rl_error *error;
    json_t *numbers; /* by name: jansson's hash is seeded, so that no client can make it slow */
    const char **names;
    size_t count, room;
};

static bool grow(struct grouping *grouping)
{
    if (grouping->count < grouping->room)
        return true;
    const size_t room = grouping->room ? 2 * grouping->room : 16;
    const char **const names = rl_arena_array(grouping->arena, room, sizeof(*names));
    if (!names)
        return false;
    for (size_t i = 0; i < grouping->count; i++)
        names[i] = grouping->names[i];
    grouping->names = names;
    grouping->room = room;
    return true;
}

static enum rl_status add_group(struct grouping *grouping, const json_t *value, const char *pointer)
{
    struct rl_error *const error = grouping->error;
    const size_t most = grouping->limits->max_groups;
    if (grouping->count == most)
        return rl_fail(error, RL_TOO_LARGE, pointer,
                       "more different groups than max-groups allows (%zu)", most);
    if (!grow(grouping))
        return rl_fail(error, RL_NOMEM, "", "no memory for the request");
    if (rl_read_name(value, pointer, grouping->arena, &grouping->names[grouping->count], error))
        return error->status;
    if (json_object_set_new_nocheck(grouping->numbers, json_string_value(value),
                                    json_integer((json_int_t)grouping->count)) != 0)
        return rl_fail(error, RL_NOMEM, "", "no memory for the request");
    grouping->count++;
    return RL_OK;
}

static enum rl_status number_lists(struct grouping *grouping, const json_t *array, size_t lists,
                                   uint32_t *ret_groups)
{
    char place[RL_POINTER_MAX];
    for (size_t i = 0; i < lists; i++) {
        const json_t *const value = json_array_get(array, i);
        const char *const name = json_string_value(value);
        /* A text with a NUL matches no known group; add_group refuses it. */
        const bool whole = name && strlen(name) == json_string_length(value);
        const json_t *known = whole ? json_object_get(grouping->numbers, name) : NULL;
        if (!known) {
            rl_pointer_index(place, "/groups", i);
            if (add_group(grouping, value, place) != RL_OK)
                return grouping->error->status;
            known = json_object_get(grouping->numbers, name);
        }
        ret_groups[i] = (uint32_t)json_integer_value(known);
    }
    return RL_OK;
}

enum rl_status rl_read_groups(const json_t *array, size_t lists, const struct rl_limits *limits,
                              struct rl_arena *arena, struct rl_query *query,
                              struct rl_error *error)
{
    struct grouping grouping = {
        .limits = limits, .arena = arena, .error = error, .numbers = json_object()};
    uint32_t *const groups = rl_arena_array(arena, lists, sizeof(*groups));
    enum rl_status status = RL_NOMEM;
    if (groups && grouping.numbers)
        status = number_lists(&grouping, array, lists, groups);
    else
        rl_fail(error, RL_NOMEM, "", "no memory for the request");
    json_decref(grouping.numbers);
    if (status != RL_OK)
        return status;
    query->batch.groups = groups;
    query->batch.group_count = grouping.count;
    query->groups = grouping.names;
    return RL_OK;
}
