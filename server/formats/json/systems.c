/*
 * systems.c: the systems of a comparison, as one batch.
 */
#include "server/formats/json/systems.h"

#include <string.h>

#include "server/formats/document/members.h"

enum rl_status rl_systems_first(const json_t *systems, const struct rl_limits *limits,
                                char pointer[RL_POINTER_MAX], struct rl_batch_members *members,
                                struct rl_error *error)
{
    void *const first = json_object_iter((json_t *)systems);
    const size_t count = json_object_size(systems);
    if (!systems)
        return rl_fail(error, RL_INVALID, "/systems", "the systems are missing");
    if (!json_is_object(systems))
        return rl_refuse_kind(error, "/systems", "an object with the scores of each system",
                              systems);
    if (count < 2)
        return rl_fail(error, RL_INVALID, "/systems",
                       "at least two systems were expected, found %zu", count);
    if (count > limits->max_systems)
        return rl_fail(error, RL_TOO_LARGE, "/systems",
                       "%zu systems are more than max-systems allows (%zu)", count,
                       limits->max_systems);
    rl_pointer_key(pointer, "/systems", json_object_iter_key(first));
    members->scores = json_object_iter_value(first);
    members->scores_pointer = pointer;
    return RL_OK;
}

/* `systems` times the bytes of a column; NULL stays NULL. */
static bool repeat(struct rl_arena *arena, const void **column, size_t bytes, size_t systems)
{
    if (!*column)
        return true;
    char *const all = rl_arena_array(arena, systems, bytes);
    for (size_t s = 0; s < systems && all; s++)
        memcpy(all + s * bytes, *column, bytes);
    *column = all;
    return all;
}

static const size_t *repeat_offsets(const struct rl_batch *one, size_t systems,
                                    struct rl_arena *arena)
{
    size_t *const offsets = rl_arena_array(arena, systems * one->lists + 1, sizeof(*offsets));
    for (size_t s = 0; s < systems && offsets; s++)
        for (size_t l = 0; l <= one->lists; l++)
            offsets[s * one->lists + l] = s * one->items + one->offsets[l];
    return offsets;
}

/* A batch of all systems, whose scores are yet to be filled. */
static bool widen(const struct rl_batch *one, size_t systems, struct rl_arena *arena,
                  struct rl_batch *ret)
{
    const size_t size = one->dtype == RL_FLOAT32 ? sizeof(float) : sizeof(double);
    const size_t weights = one->weight_kind == RL_WEIGHT_LIST ? one->lists : one->items;
    const void *mask = one->mask;
    *ret = *one;
    ret->systems = systems;
    ret->lists = systems * one->lists;
    ret->items = systems * one->items;
    ret->offsets = repeat_offsets(one, systems, arena);
    ret->scores = rl_arena_array(arena, ret->items, size);
    const bool taken = ret->offsets && ret->scores &&
                       repeat(arena, &ret->labels, one->items * size, systems) &&
                       repeat(arena, &mask, one->items, systems) &&
                       repeat(arena, &ret->weights, weights * size, systems);
    ret->mask = mask;
    return taken;
}

static enum rl_status take_scores(const struct rl_systems *from, const struct rl_batch *one,
                                  struct rl_query *query, struct rl_error *error)
{
    const size_t bytes = one->items * (one->dtype == RL_FLOAT32 ? sizeof(float) : sizeof(double));
    char place[RL_POINTER_MAX];
    char *const out = (char *)query->batch.scores;
    const char *key;
    json_t *value;
    size_t system = 0;
    json_object_foreach((json_t *)from->systems, key, value)
    {
        const void *scores = one->scores;
        const json_t *const name = json_string_nocheck(key);
        rl_pointer_key(place, "/systems", key);
        enum rl_status status =
            rl_read_name(name, place, from->arena, &query->systems[system], error);
        json_decref((json_t *)name);
        if (status == RL_OK && system > 0)
            status =
                rl_json_scores(from->extracted, from->members, value, place, one, &scores, error);
        if (status != RL_OK)
            return status;
        memcpy(out + system++ * bytes, scores, bytes);
    }
    return RL_OK;
}

/* The first system, or the one that the body names. */
static enum rl_status find_baseline(const struct rl_systems *from, struct rl_query *query,
                                    struct rl_error *error)
{
    const char *name = "";
    if (!from->baseline)
        return RL_OK;
    if (rl_read_word(from->baseline, "/baseline", "the name of a system", &name, error) != RL_OK)
        return error->status;
    for (size_t s = 0; s < query->batch.systems; s++) {
        query->batch.baseline = s;
        if (strcmp(query->systems[s], name) == 0)
            return RL_OK;
    }
    return rl_fail(error, RL_INVALID, "/baseline", "no system is named \"%s\"",
                   rl_excerpt(name, strlen(name)).text);
}

enum rl_status rl_systems_join(const struct rl_systems *from, struct rl_query *query,
                               struct rl_error *error)
{
    const struct rl_batch one = query->batch;
    const size_t systems = json_object_size(from->systems);
    const size_t most = from->limits->max_items < UINT32_MAX ? from->limits->max_items : UINT32_MAX;
    if (one.items > most / systems)
        return rl_fail(error, RL_TOO_LARGE, "/systems",
                       "%zu items of %zu systems are more than max-items allows (%zu)", one.items,
                       systems, most);
    query->systems = rl_arena_array(from->arena, systems, sizeof(*query->systems));
    if (!query->systems || !widen(&one, systems, from->arena, &query->batch))
        return rl_fail(error, RL_NOMEM, "", "no memory for the request");
    if (take_scores(from, &one, query, error) != RL_OK)
        return error->status;
    return find_baseline(from, query, error);
}
