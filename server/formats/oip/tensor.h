/*
 * tensor.h: the input tensors of a request: what the JSON header says of them, and where their
 * elements lie.
 *
 * Binary tensors follow the header in its order, without gaps. Elements that the header lists as
 * JSON numbers are taken as if they had been sent in binary as FP64, after the checks of their own
 * type.
 */
#ifndef RL_TENSOR_H
#define RL_TENSOR_H

#include "server/formats/document/document.h"
#include "server/formats/oip/datatype.h"

enum rl_tensor_name {
    RL_TENSOR_LABELS,
    RL_TENSOR_SCORES,
    RL_TENSOR_MASK,
    RL_TENSOR_WEIGHTS,
    RL_TENSOR_LENGTHS,
    RL_TENSORS
};

enum { RL_TENSOR_RANK = 2 };

struct rl_tensor {
    bool sent;
    const char *name;             /* static */
    char pointer[RL_POINTER_MAX]; /* "/inputs/3" */
    size_t rank;                  /* 1 or 2 */
    size_t dims[RL_TENSOR_RANK];  /* dims[1] is 1 for rank 1 */
    size_t count;                 /* of elements */
    enum rl_datatype type;        /* of `bytes` */
    const char *bytes;
    bool json;   /* the elements came as JSON and lie in the arena … */
    bool nested; /* … from a list for each row */
};

/* What is known of an input. */
struct rl_tensor_row {
    const char *name;    /* unique */
    unsigned types;      /* bits of enum rl_datatype */
    enum rl_datatype of; /* the type that the metadata names */
    size_t rank;         /* at most */
    bool optional;
};
extern const struct rl_tensor_row rl_tensor_rows[RL_TENSORS];

/* The bytes after the header. */
struct rl_tensor_bytes {
    const char *at, *end;
};

/* Reads the `inputs` of a document into tensors, at their names' places. RL_INVALID, with the
 * place; RL_TOO_LARGE. */
enum rl_status rl_tensors_read(const struct rl_document *document, struct rl_tensor_bytes bytes,
                               struct rl_tensor ret_tensors[RL_TENSORS], struct rl_error *error);

/* Fails at element `index`; the detail starts with the tensor's name. */
enum rl_status rl_tensor_refuse(const struct rl_tensor *tensor, size_t index, const char *detail,
                                struct rl_error *error);

#endif
