/*
 * output.h: the output tensors of a reply: which there are, and which a request asks for.
 *
 * The name of an output is its path in the JSON reply of the same evaluation: "loss", "gradient",
 * "per_list.items"; of the model evaluate with the place of the evaluation before it,
 * "results.0.loss".
 */
#ifndef RL_OUTPUT_H
#define RL_OUTPUT_H

#include "server/formats/document/document.h"
#include "server/formats/oip/datatype.h"

/* What an output has a value for. */
enum rl_output_shape {
    RL_OUTPUT_VALUE, /* the result: one number, or what the reduction "none" leaves */
    RL_OUTPUT_ITEMS, /* each item */
    RL_OUTPUT_LISTS, /* each list */
};

/* A row of the table of outputs. */
struct rl_output_row {
    const char *name;
    bool of_losses, of_metrics;
    unsigned include; /* of enum rl_include: what it takes */
    enum rl_output_shape shape;
    bool whole;    /* of a list: a count of the type INT64, else FP64 */
    size_t offset; /* of a list: in struct rl_list_result */
};

enum { RL_OUTPUT_ROWS = 9 };
extern const struct rl_output_row rl_output_rows[RL_OUTPUT_ROWS];

/* Whether the evaluations of a kind have this output. */
bool rl_output_is_of(const struct rl_output_row *row, enum rl_kind kind);

/* An output that is asked for. */
struct rl_wanted_output {
    const struct rl_output_row *row;
    size_t eval;
    bool binary;
};

/* Reads the `outputs` of a document; without any, those are wanted that hold the result of each
 * evaluation. `binary` is what an output is that does not say. Sets what the evaluations include.
 * The array lies in the arena. RL_INVALID, RL_TOO_LARGE, RL_NOMEM. */
enum rl_status rl_outputs_read(const struct rl_document *document, bool binary,
                               struct rl_query *query, struct rl_arena *arena,
                               struct rl_wanted_output **ret_outputs, size_t *ret_count,
                               struct rl_error *error);

#endif
