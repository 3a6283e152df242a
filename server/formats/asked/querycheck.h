/*
 * querycheck.h: checks that the batch of a query suits its evaluations.
 */
#ifndef RL_QUERYCHECK_H
#define RL_QUERYCHECK_H

#include "server/formats/query.h"

/* Whether every evaluation counts an item without a score as one that was not retrieved. */
bool rl_query_counts_unretrieved(const struct rl_query *query);

/* Where the parts of a request are, as pointers. */
struct rl_places {
    const char *labels, *weights;
    const char *asked; /* the object of losses and metrics */
    bool by_list;      /* an item's place is its list and its index there; else its index alone */
};

/* Checks the weights, and the labels against tables of gains; for a comparison, before its systems
 * are joined. RL_INVALID. */
enum rl_status rl_query_check(const struct rl_query *query, const struct rl_places *places,
                              struct rl_error *error);

/* Checks how many lists confidence draws. RL_TOO_LARGE. */
enum rl_status rl_query_check_resamples(const struct rl_query *query,
                                        const struct rl_limits *limits, struct rl_error *error);

#endif
