/*
 * batch.h: from the extracted arrays of a request to its typed batch.
 *
 * Checks shapes against each other and values against their range, and converts each array in
 * place: to float if that is the dtype, a mask to bytes.
 */
#ifndef RL_BATCH_H
#define RL_BATCH_H

#include "server/formats/document/document.h"

/* The members that make a batch; NULL for one that was not sent. The pointer of `labels` is
 * "/y_true/labels" if `nested`, else "/y_true". */
struct rl_batch_members {
    const json_t *scores, *labels, *mask, *weights;
    bool nested;
    bool unretrieved;           /* valid items may have null scores, which become not-a-number */
    const char *scores_pointer; /* "/y_pred", or that of the first system */
};

/*
 * Fills *ret_batch and *ret_batched (see struct rl_query). labels and scores must have been sent.
 * The batch lies in the arena. RL_INVALID, RL_TOO_LARGE, RL_NOMEM.
 */
enum rl_status rl_json_batch(const struct rl_extracted *extracted,
                             const struct rl_batch_members *members, enum rl_dtype dtype,
                             const struct rl_limits *limits, struct rl_arena *arena,
                             struct rl_batch *ret_batch, bool *ret_batched, struct rl_error *error);

/* Fills *ret_scores with the scores of another system for a batch that rl_json_batch has made of
 * these members. RL_INVALID. */
enum rl_status rl_json_scores(const struct rl_extracted *extracted,
                              const struct rl_batch_members *members, const json_t *scores,
                              const char *pointer, const struct rl_batch *batch,
                              const void **ret_scores, struct rl_error *error);

#endif
