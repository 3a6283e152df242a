/*
 * test_describe.c: the catalogue that clients read says what core and the limits say.
 */
#include "server/formats/json/describe.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/unittest.h"

static const struct rl_limits limits = {.max_top_k = 123};

static json_t *read_catalogue(enum rl_kind kind)
{
    const struct rl_route route = {.handler = kind == RL_LOSS ? RL_HANDLER_LOSSES
                                                              : RL_HANDLER_METRICS_CATALOGUE};
    struct rl_output output = {0};
    rl_json_describe(&route, &limits, &output);
    ck_assert(!output.text.failed);
    ck_assert_str_eq(output.type, "application/json");
    json_t *const root =
        json_loadb(output.text.data, output.text.length, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(root);
    rl_text_release(&output.text);
    return root;
}

static const json_t *parameter(const json_t *row, const char *name)
{
    return json_object_get(json_object_get(row, "parameters"), name);
}

static void check_row(const json_t *row, const struct rl_measure *measure)
{
    const bool loss = measure->kind == RL_LOSS;
    ck_assert_str_eq(json_string_value(json_object_get(row, "name")), measure->name);
    ck_assert_str_eq(json_string_value(json_object_get(row, "formula")), measure->formula);
    ck_assert_str_eq(json_string_value(json_object_get(row, "description")), measure->summary);
    ck_assert_int_eq(json_object_get(row, "value_per") != NULL, loss);
    ck_assert_int_eq(parameter(row, "temperature") != NULL, loss);
    ck_assert_int_eq(parameter(row, "reduction") != NULL, loss);
    ck_assert_int_eq(parameter(row, "k") != NULL, (measure->takes & RL_TAKES_K) != 0);
    ck_assert_ptr_nonnull(parameter(row, "top_k"));
    ck_assert_ptr_nonnull(parameter(row, "confidence_level"));
    ck_assert_ptr_nonnull(parameter(row, "dtype"));
    const json_t *const items = json_object_get(parameter(row, "include"), "items");
    ck_assert_uint_eq(json_array_size(json_object_get(items, "enum")), measure->has_pairs ? 5
                                                                       : loss             ? 4
                                                                                          : 3);
}

START_TEST(every_measure_has_its_row)
{
    for (int kind = RL_LOSS; kind <= RL_METRIC; kind++) {
        json_t *const root = read_catalogue((enum rl_kind)kind);
        const json_t *const rows = json_object_get(root, kind == RL_LOSS ? "losses" : "metrics");
        size_t at = 0;
        for (int id = 0; id < RL_MEASURES; id++) {
            const struct rl_measure *const measure = rl_measure_get((enum rl_measure_id)id);
            if ((int)measure->kind == kind)
                check_row(json_array_get(rows, at++), measure);
        }
        ck_assert_uint_eq(json_array_size(rows), at);
        json_decref(root);
    }
}
END_TEST

START_TEST(rows_name_bounds_and_defaults)
{
    json_t *const root = read_catalogue(RL_LOSS);
    const json_t *const row = json_array_get(json_object_get(root, "losses"), 0);
    const json_t *const reduction = parameter(row, "reduction");
    ck_assert_uint_eq(json_array_size(json_object_get(reduction, "enum")), RL_REDUCTIONS + 1);
    ck_assert_str_eq(json_string_value(json_object_get(reduction, "default")),
                     "sum_over_batch_size");
    const json_t *const top_k = parameter(row, "top_k");
    ck_assert_int_eq(json_integer_value(json_object_get(top_k, "maximum")), 123);
    ck_assert_int_eq(json_integer_value(json_object_get(top_k, "default")), 10);
    const json_t *const temperature = parameter(row, "temperature");
    ck_assert_int_eq(json_integer_value(json_object_get(temperature, "exclusiveMinimum")), 0);
    json_decref(root);
}
END_TEST

static const json_t *set_by(const json_t *root, const char *definer, const char *member)
{
    const json_t *const presets = json_object_get(root, "definitions");
    return json_object_get(json_object_get(json_object_get(presets, definer), "sets"), member);
}

START_TEST(definitions_print_what_presets_set)
{
    json_t *const root = read_catalogue(RL_METRIC);
    ck_assert_uint_eq(json_object_size(json_object_get(root, "definitions")), RL_DEFINERS);
    for (int i = 0; i < RL_DEFINERS; i++) {
        const char *const name = rl_definer_name((enum rl_definer)i);
        const struct rl_definition *const definition = rl_definition_get((enum rl_definer)i);
        const char *const gain = json_string_value(set_by(root, name, "gain"));
        ck_assert_str_eq(gain, definition->gain == RL_GAIN_LINEAR ? "linear" : "exponential");
        ck_assert_double_eq(json_number_value(set_by(root, name, "persistence")),
                            definition->persistence);
    }
    json_decref(root);
}
END_TEST

START_TEST(metrics_have_schemas_of_what_they_take)
{
    json_t *const root = read_catalogue(RL_METRIC);
    const json_t *const rows = json_object_get(root, "metrics");
    for (int id = RL_DCG; id < RL_MEASURES; id++) {
        const json_t *const row = json_array_get(rows, (size_t)(id - RL_DCG));
        const unsigned takes = rl_measure_get((enum rl_measure_id)id)->takes;
        ck_assert_ptr_nonnull(parameter(row, "definition"));
        ck_assert_int_eq(parameter(row, "gain") != NULL, (takes & RL_TAKES_GAIN) != 0);
        ck_assert_int_eq(parameter(row, "ties") != NULL, (takes & RL_TAKES_TIES) != 0);
        ck_assert_int_eq(parameter(row, "max_grade") != NULL, (takes & RL_TAKES_MAX_GRADE) != 0);
    }
    json_decref(root);
}
END_TEST

START_TEST(every_failing_allocation_is_an_error)
{
    const struct rl_route route = {.handler = RL_HANDLER_LOSSES};
    bool failed = true;
    size_t limit = 1;
    for (; failed && limit < 1 << 20; limit *= 2) {
        struct rl_output output = {.text = {.limit = limit}};
        rl_json_describe(&route, &limits, &output);
        failed = output.text.failed;
        rl_text_release(&output.text);
    }
    ck_assert(!failed);
    ck_assert_uint_gt(limit, 4096);
}
END_TEST
