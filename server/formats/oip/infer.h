/*
 * infer.h: the reader of the Open Inference Protocol v2: from the body of an infer request to a
 * query.
 *
 * The body is a JSON header, whose length the field Inference-Header-Content-Length gives, and the
 * bytes of its binary tensors. Without the field all of it is the header. What is asked of the
 * batch are the request's `parameters`, with the names, values and errors that they have as members
 * of a JSON body; a list among them may come as its JSON text, since parameters are scalars.
 */
#ifndef RL_INFER_H
#define RL_INFER_H

#include "server/formats/format.h"
#include "server/formats/oip/output.h"
#include "server/formats/oip/tensor.h"

/* What the writer needs of the request (rl_query.own). */
struct rl_infer {
    const char *id; /* NULL if none was sent */
    size_t rank;    /* of y_pred … */
    size_t dims[RL_TENSOR_RANK];
    struct rl_wanted_output *outputs;
    size_t count;
};

/* See rl_format.reads, rl_format.aligned and rl_format.read. Arrays of the query may lie in the
 * body. */
bool rl_infer_reads(const struct rl_headers *headers);
size_t rl_infer_aligned(const struct rl_headers *headers);
enum rl_status rl_infer_read(const struct rl_input *input, struct rl_query *ret_query,
                             struct rl_error *error);

/* The name of the model that a target is. */
const char *rl_infer_model(const struct rl_target *target);

#endif
