/*
 * query.h: a decoded request, whatever format it came in, and the limits that decoding keeps.
 */
#ifndef RL_QUERY_H
#define RL_QUERY_H

#include "server/http/target.h"

#include "core/rankloss.h"

/* Limits on what a client can make grow; each comes from the setting of the same name. */
struct rl_limits {
    size_t max_lists, max_items, max_depth, max_top_k, max_evaluations;
    size_t max_systems, max_groups, max_resampled_lists;
    size_t max_json_memory; /* bytes that jansson may allocate for one request in all */
};

/*
 * A decoded request: one batch and what to evaluate on it. It owns nothing; everything lies in the
 * arena that the reader was given (or in the body, where `uses_body`).
 */
struct rl_query {
    struct rl_target target;
    bool batched;   /* a batch of lists was sent, not one bare list: decides the shape of replies */
    bool uses_body; /* arrays of the batch lie in the request's body, which must outlive them */
    struct rl_batch batch;
    struct rl_eval *evals; /* losses first, then metrics, in the order of the request */
    const char **names;    /* [count], UTF-8, NUL terminated: `name`, or the measure's own */
    bool *reduction_null;  /* [count]: the client wrote null for "none"; replies repeat it */
    size_t count;
    const char *name; /* the request's own `name`; NULL if none was sent */

    const char **list_ids; /* [lists of a system]; NULL if none were sent */
    const char **groups;   /* [batch.group_count] names, in the order of their first lists */
    const char **systems;  /* [batch.systems] names; NULL unless target.compare */
    double level;          /* of confidence, as every evaluation has it */
    size_t resamples;
    uint64_t seed;

    const void *own; /* what the reader of a format tells its writer; or NULL */
};

#endif
