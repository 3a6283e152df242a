/*
 * describe.c: core's catalogue with the bounds of the settings, built by jansson.
 */
#include "server/formats/json/describe.h"

#include <jansson.h>

/* json_pack's "o" gives up a NULL as an error, so a failure anywhere ends as NULL at the top. */

static json_t *describe_temperature(void)
{
    return json_pack("{s:s, s:i, s:i}", "type", "number", "default", 1, "exclusiveMinimum", 0);
}

static json_t *describe_reduction(void)
{
    json_t *const names = json_array();
    for (int i = 0; i < RL_REDUCTIONS; i++)
        json_array_append_new(names, json_string(rl_reduction_name((enum rl_reduction)i)));
    json_array_append_new(names, json_null());
    if (json_array_size(names) != RL_REDUCTIONS + 1) {
        json_decref(names);
        return NULL;
    }
    return json_pack("{s:[ss], s:s, s:o}", "type", "string", "null", "default",
                     rl_reduction_name(RL_SUM_OVER_BATCH_SIZE), "enum", names);
}

static json_t *describe_dtype(void)
{
    return json_pack("{s:s, s:s, s:[ss]}", "type", "string", "default", "float32", "enum",
                     "float32", "float64");
}

static json_t *describe_include(const struct rl_measure *measure)
{
    json_t *const items =
        measure->kind == RL_METRIC ? json_pack("[sss]", "per_list", "confidence", "summary")
        : measure->has_pairs
            ? json_pack("[sssss]", "per_list", "gradient", "top_pairs", "confidence", "summary")
            : json_pack("[ssss]", "per_list", "gradient", "confidence", "summary");
    return json_pack("{s:s, s:[], s:{s:s, s:o}}", "type", "array", "default", "items", "type",
                     "string", "enum", items);
}

static json_t *describe_top_k(const struct rl_limits *limits)
{
    return json_pack("{s:s, s:i, s:i, s:I}", "type", "integer", "default", 10, "minimum", 1,
                     "maximum", (json_int_t)limits->max_top_k);
}

static json_t *describe_level(void)
{
    return json_pack("{s:s, s:f, s:i, s:i}", "type", "number", "default", 0.95, "exclusiveMinimum",
                     0, "exclusiveMaximum", 1);
}

static json_t *describe_resamples(const struct rl_limits *limits)
{
    return json_pack("{s:s, s:i, s:i, s:I}", "type", "integer", "default", 1000, "minimum", 1,
                     "maximum", (json_int_t)limits->max_resampled_lists);
}

static json_t *describe_seed(void)
{
    return json_pack("{s:s, s:i, s:i, s:I}", "type", "integer", "default", 0, "minimum", 0,
                     "maximum", (json_int_t)1 << 53);
}

static json_t *describe_k(void)
{
    return json_pack("{s:[ss], s:i, s:n}", "type", "integer", "null", "minimum", 1, "default");
}

static bool set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

static bool fill_parameters(json_t *object, const struct rl_measure *measure,
                            const struct rl_limits *limits)
{
    const bool loss = measure->kind == RL_LOSS;
    return (!loss || (set(object, "temperature", describe_temperature()) &&
                      set(object, "reduction", describe_reduction()))) &&
           (!measure->takes_k || set(object, "k", describe_k())) &&
           set(object, "dtype", describe_dtype()) &&
           set(object, "include", describe_include(measure)) &&
           set(object, "top_k", describe_top_k(limits)) &&
           set(object, "confidence_level", describe_level()) &&
           set(object, "resamples", describe_resamples(limits)) &&
           set(object, "seed", describe_seed());
}

/* Sets what a row says beside its texts. False when there is no memory. */
static bool fill_row(json_t *row, const struct rl_measure *measure, const struct rl_limits *limits)
{
    json_t *const parameters = json_object();
    if (!set(row, "parameters", parameters) || !fill_parameters(parameters, measure, limits))
        return false;
    return measure->kind == RL_METRIC ||
           set(row, "value_per", json_string(measure->value_per_list ? "list" : "item"));
}

static json_t *describe(const struct rl_measure *measure, const struct rl_limits *limits)
{
    json_t *const row = json_pack("{s:s, s:s, s:s}", "name", measure->name, "formula",
                                  measure->formula, "description", measure->summary);
    if (row == NULL || fill_row(row, measure, limits))
        return row;
    json_decref(row);
    return NULL;
}

/*
 * How totals merge: formulas over the members of totals, each added up over the parts. README.md
 * says the same, property_merging.c tests it.
 */
static json_t *describe_loss_merging(void)
{
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s}", "sum", "loss_sum", "sum_over_batch_size", "loss_sum / values",
        "mean", "loss_sum / values", "mean_with_sample_weight",
        "loss_sum / weight_sum, or loss_sum / scalar_weight of any part where it is not null",
        "standard_error",
        "sqrt(n / (n - 1) * (loss_squares - 2 R loss_divisors + R^2 divisor_squares)) / D with n = "
        "lists, R = loss_sum / divisor_sum, D = what loss_sum is divided by above, 1 for sum");
}

static json_t *describe_metric_merging(void)
{
    return json_pack(
        "{s:s, s:s}", "metric",
        "A / B with A = relevant_metric_sum + m other_metric_sum, B = relevant_weight_sum + m "
        "other_lists, m = relevant_weight_sum / relevant_lists, or 1 without relevant lists",
        "standard_error",
        "sqrt(n / (n - 1) * (AA - 2 R AB + R^2 BB)) / B with n = relevant_lists + other_lists, "
        "R = A / B, AA = relevant_metric_squares + m^2 other_metric_squares, AB = "
        "relevant_metric_weights + m^2 other_metric_sum, BB = relevant_weight_squares + m^2 "
        "other_lists");
}

static json_t *describe_all(enum rl_kind kind, const struct rl_limits *limits)
{
    json_t *const rows = json_array();
    bool whole = rows != NULL;
    for (int id = 0; whole && id < RL_MEASURES; id++) {
        const struct rl_measure *const measure = rl_measure_get((enum rl_measure_id)id);
        if (measure->kind == kind)
            whole = json_array_append_new(rows, describe(measure, limits)) == 0;
    }
    if (whole)
        return json_pack("{s:o, s:o}", kind == RL_LOSS ? "losses" : "metrics", rows, "merging",
                         kind == RL_LOSS ? describe_loss_merging() : describe_metric_merging());
    json_decref(rows);
    return NULL;
}

static int append(const char *buffer, size_t size, void *text)
{
    rl_text_append(text, buffer, size);
    return 0;
}

enum rl_status rl_describe_measures(enum rl_kind kind, const struct rl_limits *limits,
                                    struct rl_text *text, struct rl_error *error)
{
    json_t *const root = describe_all(kind, limits);
    const bool whole = root != NULL && json_dump_callback(root, append, text, JSON_COMPACT) == 0;
    json_decref(root);
    if (whole && !text->failed)
        return RL_OK;
    return rl_fail(error, RL_NOMEM, "", "no memory for the catalogue");
}
