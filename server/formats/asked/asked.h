/*
 * asked.h: what a request asks of its batch: the members of its object, other than the batch's own.
 *
 * They mean the same whatever the format. In JSON they are members of the body, beside the arrays
 * of the batch; in other formats an object of their own, while the batch comes as tensors.
 */
#ifndef RL_ASKED_H
#define RL_ASKED_H

#include "server/formats/document/document.h"

/* What is read, and with what. */
struct rl_asking {
    const json_t *object; /* its members are read; NULL: there are none */
    const char *pointer;  /* of the object: "" or "/parameters" */
    bool tensors;         /* the batch is not among the members, nor what needs text in replies */
    const struct rl_extracted *extracted;
    const struct rl_target *target;
    const struct rl_limits *limits;
    struct rl_arena *arena;
};

/* What the caller makes the batch of, as it was sent; NULL for what was not. */
struct rl_asked {
    enum rl_dtype dtype;
    const json_t *scores, *labels, *weights;
    const json_t *systems, *baseline;
    const json_t *list_ids, *groups;
};

/* Fills *ret_asked, and of the query all but the batch and what goes with its lists. RL_INVALID,
 * RL_TOO_LARGE, RL_NOMEM. */
enum rl_status rl_asked_read(const struct rl_asking *asking, struct rl_query *query,
                             struct rl_asked *ret_asked, struct rl_error *error);

/* Fills query->list_ids and groups, once it has its batch. RL_INVALID, RL_TOO_LARGE, RL_NOMEM. */
enum rl_status rl_asked_read_texts(const struct rl_asking *asking, const struct rl_asked *asked,
                                   struct rl_query *query, struct rl_error *error);

#endif
