/*
 * tensorbatch.h: from input tensors to a batch.
 *
 * Checks shapes against each other and values against their range. Elements of the batch's own type
 * are used where they lie, if they are aligned there; others are converted.
 */
#ifndef RL_TENSORBATCH_H
#define RL_TENSORBATCH_H

#include "server/formats/oip/tensor.h"

/* How the batch is to be made. */
struct rl_tensorbatch {
    enum rl_dtype dtype;
    bool unretrieved; /* valid items may have scores that are not-a-number */
    const struct rl_limits *limits;
    struct rl_arena *arena;
};

/* Fills query->batch, batched and uses_body from the tensors. RL_INVALID, RL_TOO_LARGE, RL_NOMEM.
 */
enum rl_status rl_tensorbatch_make(const struct rl_tensorbatch *how,
                                   const struct rl_tensor tensors[RL_TENSORS],
                                   struct rl_query *query, struct rl_error *error);

#endif
