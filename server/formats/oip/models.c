/*
 * models.c: metadata and health.
 */
#include "server/formats/oip/models.h"

#include "server/formats/oip/infer.h"
#include "server/text/jsonwriter.h"

#ifndef RL_VERSION
#define RL_VERSION "unknown"
#endif

static void put_tensor(struct rl_text *text, const char *name, enum rl_datatype type, size_t rank)
{
    rl_put_object(text, NULL);
    rl_put_string(text, "name", name);
    rl_put_string(text, "datatype", rl_datatype_name(type));
    rl_put_array(text, "shape");
    for (size_t i = 0; i < rank; i++)
        rl_put_double(text, NULL, -1);
    rl_put_array_end(text);
}

static void put_inputs(struct rl_text *text)
{
    rl_put_array(text, "inputs");
    for (int i = 0; i < RL_TENSORS; i++) {
        const struct rl_tensor_row *const row = &rl_tensor_rows[i];
        put_tensor(text, row->name, row->of, row->rank);
        if (row->optional) {
            rl_put_key(text, "optional");
            rl_text_string(text, "true");
        }
        rl_put_object_end(text);
    }
    rl_put_array_end(text);
}

/* Those of evaluate depend on the request: each of these, for each evaluation that has it. */
static void put_outputs(struct rl_text *text, const struct rl_target *model)
{
    rl_put_array(text, "outputs");
    for (size_t i = 0; i < RL_OUTPUT_ROWS; i++) {
        const struct rl_output_row *const row = &rl_output_rows[i];
        if (!model->evaluate && !rl_output_is_of(row, model->measure->kind))
            continue;
        const enum rl_datatype number = row->shape == RL_OUTPUT_LISTS ? RL_FP64 : RL_FP32;
        put_tensor(text, row->name, row->whole ? RL_INT64 : number,
                   row->shape == RL_OUTPUT_ITEMS ? RL_TENSOR_RANK : 1);
        rl_put_object_end(text);
    }
    rl_put_array_end(text);
}

static void describe_model(const struct rl_target *model, struct rl_text *text)
{
    rl_put_string(text, "name", rl_infer_model(model));
    rl_put_array(text, "versions");
    rl_put_string(text, NULL, "1");
    rl_put_array_end(text);
    rl_put_string(text, "platform", "ranklossd");
    put_inputs(text);
    put_outputs(text, model);
}

static void describe_server(struct rl_text *text)
{
    rl_put_string(text, "name", "ranklossd");
    rl_put_string(text, "version", RL_VERSION);
    rl_put_array(text, "extensions");
    rl_put_string(text, NULL, "binary_tensor_data");
    rl_put_array_end(text);
}

static void put_true(struct rl_text *text, const char *key)
{
    rl_put_key(text, key);
    rl_text_string(text, "true");
}

void rl_models_describe(const struct rl_route *route, const struct rl_limits *limits,
                        struct rl_output *output)
{
    struct rl_text *const text = &output->text;
    (void)limits;
    output->type = "application/json";
    rl_put_object(text, NULL);
    switch (route->handler) {
    case RL_HANDLER_INFERENCE:
        describe_server(text);
        break;
    case RL_HANDLER_INFERENCE_LIVE:
        put_true(text, "live");
        break;
    case RL_HANDLER_INFERENCE_READY:
        put_true(text, "ready");
        break;
    case RL_HANDLER_MODEL_READY:
        rl_put_string(text, "name", rl_infer_model(&route->target));
        put_true(text, "ready");
        break;
    default:
        describe_model(&route->target, text);
        break;
    }
    rl_put_object_end(text);
}
