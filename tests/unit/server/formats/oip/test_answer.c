/*
 * test_answer.c: replies and errors of the Open Inference Protocol, as their exact bytes, and the
 * metadata of models; every allocation failing.
 */
#include "server/formats/oip/answer.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "server/formats/oip/infer.h"
#include "server/formats/oip/models.h"
#include "tests/lib/unittest.h"

static const size_t offsets[] = {0, 2, 3};
static float gradient[] = {0.5f, -0.25f, 0};
static struct rl_list_result lists[] = {{.items = 2, .valid_items = 1, .pairs = 7, .sum = 1.5},
                                        {.items = 1, .sum = 0.1}};

/* A reply of a loss over two lists, [3] beside lengths, with these outputs of it. */
struct reply {
    struct rl_eval eval;
    const char *name;
    struct rl_result result;
    struct rl_wanted_output outputs[3];
    struct rl_infer infer;
    struct rl_query query;
};

static void begin(struct reply *reply, const struct rl_wanted_output *outputs, size_t count)
{
    const struct rl_measure *const measure = rl_measure_get(RL_PAIRWISE_HINGE);
    *reply = (struct reply){
        .eval = {.measure = measure, .reduction = RL_SUM},
        .name = "b\"c",
        .result = {.value = 0.1f,
                   .gradient = gradient,
                   .lists = lists,
                   .totals = {.lists = 2, .items = 3, .sum = 1.6, .own = {.aa = INFINITY}}},
        .infer = {.id = "7", .rank = 1, .dims = {3, 1}, .count = count},
        .query = {.target = {.measure = measure},
                  .batched = true,
                  .batch = {.dtype = RL_FLOAT32, .lists = 2, .items = 3, .offsets = offsets},
                  .count = 1},
    };
    memcpy(reply->outputs, outputs, count * sizeof(*outputs));
    reply->infer.outputs = reply->outputs;
    reply->query.evals = &reply->eval;
    reply->query.names = &reply->name;
    reply->query.own = &reply->infer;
}

#define TOTALS                                                                                     \
    "\"parameters\":{\"name\":\"b\\\"c\",\"lists\":2,\"items\":3,\"valid_items\":0,\"pairs\":0,"   \
    "\"values\":0,\"loss_sum\":1.6,\"weight_sum\":0,\"loss_divisors\":0,\"divisor_sum\":0,"        \
    "\"divisor_squares\":0}"
#define BEGINNING                                                                                  \
    "{\"model_name\":\"pairwise_hinge\",\"model_version\":\"1\",\"id\":\"7\"," TOTALS              \
    ",\"outputs\":["

static const struct rl_wanted_output in_json[] = {
    {&rl_output_rows[0], 0, false}, {&rl_output_rows[2], 0, false}, {&rl_output_rows[3], 0, false}};
static const struct rl_wanted_output in_binary[] = {
    {&rl_output_rows[2], 0, true}, {&rl_output_rows[0], 0, false}, {&rl_output_rows[8], 0, true}};

START_TEST(outputs_in_json)
{
    static const char want[] =
        BEGINNING "{\"name\":\"loss\",\"datatype\":\"FP32\",\"shape\":[1],\"data\":[0.1]},"
                  "{\"name\":\"gradient\",\"datatype\":\"FP32\",\"shape\":[3],\"data\":[0.5,-0.25,"
                  "0]},{\"name\":\"per_list.loss_sum\",\"datatype\":\"FP64\",\"shape\":[2],"
                  "\"data\":[1.5,0.1]}]}";
    struct rl_output output = {0};
    struct reply reply;
    begin(&reply, in_json, 3);
    ck_assert_int_eq(rl_answer_write(&reply.query, &reply.result, NULL, &output), RL_OK);
    ck_assert_uint_eq(output.header, 0);
    ck_assert_str_eq(output.type, "application/json");
    rl_text_append(&output.text, "", 1);
    ck_assert_str_eq(output.text.data, want);
    rl_text_release(&output.text);
}
END_TEST

START_TEST(outputs_in_binary_follow_the_header)
{
    static const char want[] = BEGINNING
        "{\"name\":\"gradient\",\"datatype\":\"FP32\",\"shape\":[3],\"parameters\":{"
        "\"binary_data_size\":12}},{\"name\":\"loss\",\"datatype\":\"FP32\",\"shape\":[1],"
        "\"data\":[0.1]},{\"name\":\"per_list.pairs\",\"datatype\":\"INT64\",\"shape\":[2],"
        "\"parameters\":{\"binary_data_size\":16}}]}";
    struct rl_output output = {0};
    struct reply reply;
    begin(&reply, in_binary, 3);
    ck_assert_int_eq(rl_answer_write(&reply.query, &reply.result, NULL, &output), RL_OK);
    ck_assert_uint_eq(output.header, sizeof(want) - 1);
    ck_assert_str_eq(output.type, "application/octet-stream");
    ck_assert_uint_eq(output.text.length, output.header + 28);
    ck_assert_mem_eq(output.text.data, want, output.header);
    ck_assert_mem_eq(output.text.data + output.header, gradient, 12);
    ck_assert_mem_eq(output.text.data + output.header + 12, ((uint64_t[]){7, 0}), 16);
    rl_text_release(&output.text);
}
END_TEST

START_TEST(every_failing_allocation_is_an_error)
{
    enum rl_status status = RL_NOMEM;
    struct reply reply;
    begin(&reply, in_binary, 3);
    for (size_t limit = 1; status != RL_OK; limit++) {
        struct rl_output output = {.text = {.limit = limit}};
        status = rl_answer_write(&reply.query, &reply.result, NULL, &output);
        ck_assert(status == (output.text.failed ? RL_NOMEM : RL_OK));
        ck_assert_uint_lt(limit, 4096);
        rl_text_release(&output.text);
    }
}
END_TEST

static void check_error(const struct rl_error *error, const char *want)
{
    struct rl_output output = {0};
    rl_answer_write_error(error, "an-id", &output);
    rl_text_append(&output.text, "", 1);
    ck_assert_str_eq(output.type, "application/json");
    ck_assert_str_eq(output.text.data, want);
    rl_text_release(&output.text);
}

START_TEST(errors)
{
    struct rl_error error;
    rl_fail(&error, RL_INVALID, "/inputs/1/data/3", "y_pred: \"x\"");
    check_error(&error, "{\"error\":\"/inputs/1/data/3: y_pred: \\\"x\\\"\"}");
    rl_fail(&error, RL_QUEUE_FULL, "", "full");
    check_error(&error, "{\"error\":\"full\"}");
    rl_fail(&error, RL_SYNTAX, "", "no JSON");
    check_error(&error, "{\"error\":\"no JSON\"}");
    error.line = 2, error.column = 3, error.offset = 14;
    check_error(&error, "{\"error\":\"no JSON (line 2, column 3, offset 14)\"}");
    error = (struct rl_error){
        .status = RL_SYNTAX, .line = SIZE_MAX, .column = SIZE_MAX, .offset = SIZE_MAX};
    memset(error.pointer, '/', sizeof(error.pointer) - 1);
    memset(error.detail, 'd', sizeof(error.detail) - 1);
    struct rl_output output = {0};
    rl_answer_write_error(&error, "", &output);
    ck_assert_mem_eq(output.text.data + output.text.length - 3, ")\"}", 3); /* all of it fits */
    rl_text_release(&output.text);
}
END_TEST

static json_t *describe(enum rl_handler handler, struct rl_target target)
{
    const struct rl_route route = {.handler = handler, .target = target};
    struct rl_output output = {0};
    rl_models_describe(&route, NULL, &output);
    json_t *const root =
        json_loadb(output.text.data, output.text.length, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(root);
    rl_text_release(&output.text);
    return root;
}

START_TEST(models)
{
    for (int id = 0; id <= RL_MEASURES; id++) {
        const struct rl_target target = {
            .evaluate = id == RL_MEASURES,
            .measure = id < RL_MEASURES ? rl_measure_get((enum rl_measure_id)id) : NULL};
        json_t *const root = describe(RL_HANDLER_MODEL, target);
        ck_assert_str_eq(json_string_value(json_object_get(root, "name")),
                         id < RL_MEASURES ? target.measure->name : "evaluate");
        ck_assert_uint_eq(json_array_size(json_object_get(root, "inputs")), RL_TENSORS);
        const size_t outputs = json_array_size(json_object_get(root, "outputs"));
        ck_assert_uint_eq(outputs, id == RL_MEASURES                 ? RL_OUTPUT_ROWS
                                   : target.measure->kind == RL_LOSS ? 6
                                                                     : 5);
        json_decref(root);
    }
}
END_TEST

START_TEST(short_memory_for_metadata)
{
    const struct rl_route route = {.handler = RL_HANDLER_MODEL, .target = {.evaluate = true}};
    bool failed = true;
    for (size_t limit = 1; failed; limit *= 2) {
        struct rl_output output = {.text = {.limit = limit}};
        rl_models_describe(&route, NULL, &output);
        failed = output.text.failed;
        ck_assert_uint_lt(limit, 1 << 20);
        rl_text_release(&output.text);
    }
}
END_TEST
