/*
 * decode.h: from the text of a request to a typed query (the road's second stage).
 *
 * Every numeric array of the body is lifted straight into columns (lift.h); jansson parses only
 * the little that remains, with duplicates refused and its memory capped.
 */
#ifndef RL_DECODE_H
#define RL_DECODE_H

#include "server/base/status.h"

#include "core/rankloss.h"
#include "server/base/status.h"

/* What the URL asks for: one measure, or many of one batch. */
struct rl_target {
    bool evaluate;                    /* POST /v1/evaluate */
    const struct rl_measure *measure; /* else this one */
};

/* Caps on what a client can make grow; each comes from a setting of the same name. */
struct rl_limits {
    size_t max_lists, max_items, max_depth, max_top_k, max_evaluations;
    size_t max_json_memory; /* bytes that jansson may take in all */
};

/*
 * A decoded request. Everything lies in the arena given to rl_decode. `batched` says whether lists
 * came as a batch or as one bare list: it decides the shape of replies and the pointers of errors.
 */
struct rl_query {
    struct rl_target target;
    bool batched;
    struct rl_batch batch;
    struct rl_eval *evals; /* losses first, then metrics, in request order */
    const char **names;    /* [count], UTF-8, NUL terminated: `name`, or the measure's own */
    bool *reduction_null;  /* [count]: the client wrote null for "none"; echoed as it came */
    size_t count;
    const char *name; /* the request's own `name`; NULL where none was sent */
};

/*
 * Once, before any other thread uses jansson: installs the allocator that keeps its budget
 * (jsonmem.h). rl_decode does it too, so that a test may leave it out.
 */
void rl_decode_init(void);

/*
 * Decodes `length` bytes of `body`, which may be changed in the process and must outlive the query.
 * RL_SYNTAX (line, column, offset), RL_INVALID or RL_TOO_LARGE (pointer), RL_NOMEM.
 */
enum rl_status rl_decode(char *body, size_t length, const struct rl_target *target,
                         const struct rl_limits *limits, struct rl_arena *arena,
                         struct rl_query *ret_query, struct rl_error *error);

/* The same, with the same result, on the threads of `team` where the body is large enough to be
 * worth it. Only the thread that owns the team may call it, outside of rl_team_run. */
enum rl_status rl_decode_on_team(char *body, size_t length, const struct rl_target *target,
                                 const struct rl_limits *limits, struct rl_team *team,
                                 struct rl_arena *arena, struct rl_query *ret_query,
                                 struct rl_error *error);

#endif
