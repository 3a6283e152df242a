/*
 * describe.c: core's catalogue with the bounds of the settings.
 */
#include "server/formats/json/describe.h"

#include "server/formats/asked/definitiontext.h"
#include "server/formats/json/encode.h"
#include "server/text/jsonwriter.h"

/* ---- Parameters ------------------------------------------------------------------------------ */

static void put_names(struct rl_text *text, const char *key, const char *const *names, size_t count)
{
    rl_put_array(text, key);
    for (size_t i = 0; i < count; i++)
        rl_put_string(text, NULL, names[i]);
    rl_put_array_end(text);
}

/* "key":{"type":["<type>","null"] without the closing bracket */
static void put_nullable(struct rl_text *text, const char *key, const char *type)
{
    rl_put_object(text, key);
    put_names(text, "type", (const char *const[]){type, "null"}, 2);
}

static void put_temperature(struct rl_text *text)
{
    rl_put_object(text, "temperature");
    rl_put_string(text, "type", "number");
    rl_put_count(text, "default", 1);
    rl_put_count(text, "exclusiveMinimum", 0);
    rl_put_object_end(text);
}

static void put_reduction(struct rl_text *text)
{
    put_nullable(text, "reduction", "string");
    rl_put_string(text, "default", rl_reduction_name(RL_SUM_OVER_BATCH_SIZE));
    rl_put_array(text, "enum");
    for (int i = 0; i < RL_REDUCTIONS; i++)
        rl_put_string(text, NULL, rl_reduction_name((enum rl_reduction)i));
    rl_put_null(text, NULL);
    rl_put_array_end(text);
    rl_put_object_end(text);
}

static void put_k(struct rl_text *text)
{
    put_nullable(text, "k", "integer");
    rl_put_count(text, "minimum", 1);
    rl_put_null(text, "default");
    rl_put_object_end(text);
}

static void put_dtype(struct rl_text *text)
{
    put_nullable(text, "dtype", "string");
    rl_put_string(text, "default", "float32");
    rl_put_array(text, "enum");
    rl_put_string(text, NULL, "float32");
    rl_put_string(text, NULL, "float64");
    rl_put_null(text, NULL);
    rl_put_array_end(text);
    rl_put_object_end(text);
}

static void put_include(struct rl_text *text, const struct rl_measure *measure)
{
    rl_put_object(text, "include");
    rl_put_string(text, "type", "array");
    rl_put_array(text, "default");
    rl_put_array_end(text);
    rl_put_object(text, "items");
    rl_put_string(text, "type", "string");
    rl_put_array(text, "enum");
    rl_put_string(text, NULL, "per_list");
    if (measure->kind == RL_LOSS)
        rl_put_string(text, NULL, "gradient");
    if (measure->kind == RL_LOSS && measure->has_pairs)
        rl_put_string(text, NULL, "top_pairs");
    rl_put_string(text, NULL, "confidence");
    rl_put_string(text, NULL, "summary");
    rl_put_array_end(text);
    rl_put_object_end(text);
    rl_put_object_end(text);
}

static void put_level(struct rl_text *text)
{
    rl_put_object(text, "confidence_level");
    rl_put_string(text, "type", "number");
    rl_put_double(text, "default", 0.95);
    rl_put_count(text, "exclusiveMinimum", 0);
    rl_put_count(text, "exclusiveMaximum", 1);
    rl_put_object_end(text);
}

static void put_integer(struct rl_text *text, const char *key, uint64_t value, uint64_t least,
                        uint64_t most)
{
    rl_put_object(text, key);
    rl_put_string(text, "type", "integer");
    rl_put_count(text, "default", value);
    rl_put_count(text, "minimum", least);
    rl_put_count(text, "maximum", most);
    rl_put_object_end(text);
}

static void put_parameters(struct rl_text *text, const struct rl_measure *measure,
                           const struct rl_limits *limits)
{
    rl_put_object(text, "parameters");
    if (measure->kind == RL_LOSS) {
        put_temperature(text);
        put_reduction(text);
    }
    if (measure->takes & RL_TAKES_K)
        put_k(text);
    if (measure->kind == RL_METRIC)
        rl_put_definition_parameters(text, measure);
    put_dtype(text);
    put_include(text, measure);
    put_integer(text, "top_k", 10, 1, limits->max_top_k);
    put_level(text);
    put_integer(text, "resamples", 1000, 1, limits->max_resampled_lists);
    put_integer(text, "seed", 0, 0, (uint64_t)1 << 53);
    rl_put_object_end(text);
}

/* ---- Measures -------------------------------------------------------------------------------- */

static void put_measure(struct rl_text *text, const struct rl_measure *measure,
                        const struct rl_limits *limits)
{
    rl_put_object(text, NULL);
    rl_put_string(text, "name", measure->name);
    rl_put_string(text, "formula", measure->formula);
    rl_put_string(text, "description", measure->summary);
    put_parameters(text, measure, limits);
    if (measure->kind == RL_LOSS)
        rl_put_string(text, "value_per", measure->value_per_list ? "list" : "item");
    rl_put_object_end(text);
}

/*
 * How totals merge: formulas over the members of totals, each added up over the parts. README.md
 * says the same, property_merging.c tests it.
 */
static void put_loss_merging(struct rl_text *text)
{
    rl_put_string(text, "sum", "loss_sum");
    rl_put_string(text, "sum_over_batch_size", "loss_sum / values");
    rl_put_string(text, "mean", "loss_sum / values");
    rl_put_string(
        text, "mean_with_sample_weight",
        "loss_sum / weight_sum, or loss_sum / scalar_weight of any part where it is not null");
    rl_put_string(
        text, "standard_error",
        "sqrt(n / (n - 1) * (loss_squares - 2 R loss_divisors + R^2 divisor_squares)) / D with n = "
        "lists, R = loss_sum / divisor_sum, D = what loss_sum is divided by above, 1 for sum");
}

static void put_metric_merging(struct rl_text *text)
{
    rl_put_string(
        text, "metric",
        "A / B with A = relevant_metric_sum + m other_metric_sum, B = relevant_weight_sum + m "
        "other_lists, m = relevant_weight_sum / relevant_lists, or 1 without relevant lists");
    rl_put_string(
        text, "standard_error",
        "sqrt(n / (n - 1) * (AA - 2 R AB + R^2 BB)) / B with n = relevant_lists + other_lists, "
        "R = A / B, AA = relevant_metric_squares + m^2 other_metric_squares, AB = "
        "relevant_metric_weights + m^2 other_metric_sum, BB = relevant_weight_squares + m^2 "
        "other_lists");
}

void rl_json_describe(const struct rl_route *route, const struct rl_limits *limits,
                      struct rl_output *output)
{
    const enum rl_kind kind = route->handler == RL_HANDLER_LOSSES ? RL_LOSS : RL_METRIC;
    struct rl_text *const text = &output->text;
    output->type = RL_JSON_TYPE;
    rl_put_object(text, NULL);
    rl_put_array(text, kind == RL_LOSS ? "losses" : "metrics");
    for (int id = 0; id < RL_MEASURES; id++) {
        const struct rl_measure *const measure = rl_measure_get((enum rl_measure_id)id);
        if (measure->kind == kind)
            put_measure(text, measure, limits);
    }
    rl_put_array_end(text);
    rl_put_object(text, "merging");
    if (kind == RL_LOSS)
        put_loss_merging(text);
    else
        put_metric_merging(text);
    rl_put_object_end(text);
    if (kind == RL_METRIC)
        rl_put_definitions(text);
    rl_put_object_end(text);
}
