/*
 * columns.h: from the lifted columns of a request to its typed batch.
 *
 * Checks shapes against each other and values against their range, and converts each column in
 * place: to float where the dtype asks for it, a mask to bytes.
 */
#ifndef RL_COLUMNS_H
#define RL_COLUMNS_H

#include <jansson.h>

#include "server/formats/json/lift.h"
#include "server/formats/query.h"

/* The members that make a batch; NULL for one that was not sent. `labels` stands at the pointer
 * "/y_true", or "/y_true/labels" where `nested`. */
struct rl_batch_members {
    const json_t *scores, *labels, *mask, *weights;
    bool nested;
};

/* The column that `value`, from the remaining text, stands for; NULL when it is none. */
const struct rl_column *rl_column_of(const struct rl_lifted *lifted, const json_t *value);

/* What the column's first element is ("a number", …; static); NULL for the empty list. */
const char *rl_column_first_kind(const struct rl_column *column);

/*
 * Fills *ret_batch and *ret_batched (see struct rl_query). labels and scores must have been sent.
 * The batch lies in the arena. RL_INVALID, RL_TOO_LARGE, RL_NOMEM.
 */
enum rl_status rl_columns_batch(const struct rl_lifted *lifted,
                                const struct rl_batch_members *members, enum rl_dtype dtype,
                                const struct rl_limits *limits, struct rl_arena *arena,
                                struct rl_batch *ret_batch, bool *ret_batched,
                                struct rl_error *error);

#endif
