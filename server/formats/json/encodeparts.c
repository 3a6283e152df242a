/*
 * encodeparts.c: the members of a reply about parts of a batch.
 */
#include "server/formats/json/encodeparts.h"

#include <math.h>

#include "server/formats/asked/totals.h"
#include "server/text/jsonwriter.h"

/* ---- Totals ---------------------------------------------------------------------------------- */

void rl_put_totals(struct rl_text *text, bool loss, const struct rl_totals *totals)
{
    struct rl_total all[RL_TOTALS_MOST];
    const size_t count = rl_totals_list(loss, totals, all);
    rl_put_object(text, "totals");
    for (size_t i = 0; i < count; i++) {
        if (all[i].whole)
            rl_put_count(text, all[i].name, all[i].count);
        else
            rl_put_or_null(text, all[i].name, all[i].number);
    }
    rl_put_object_end(text);
}

/* ---- Confidence and summary ------------------------------------------------------------------ */

static bool is_loss(const struct rl_query *query, size_t index)
{
    return query->evals[index].measure->kind == RL_LOSS;
}

static const char *value_key(const struct rl_query *query, size_t index)
{
    return is_loss(query, index) ? "loss" : "metric";
}

/* null where nothing can be said of the interval. */
static void put_interval(struct rl_text *text, const char *key, const double interval[2])
{
    if (!isfinite(interval[0]) || !isfinite(interval[1])) {
        rl_put_null(text, key);
        return;
    }
    rl_put_array(text, key);
    rl_put_double(text, NULL, interval[0]);
    rl_put_double(text, NULL, interval[1]);
    rl_put_array_end(text);
}

static void put_intervals(struct rl_text *text, const struct rl_confidence *confidence)
{
    rl_put_or_null(text, "standard_error", confidence->standard_error);
    put_interval(text, "t", confidence->t);
    put_interval(text, "bootstrap", confidence->bootstrap);
}

static void put_confidence(struct rl_text *text, const struct rl_query *query,
                           const struct rl_confidence *confidence)
{
    rl_put_object(text, "confidence");
    rl_put_double(text, "level", query->level);
    put_intervals(text, confidence);
    rl_put_count(text, "resamples", query->resamples);
    rl_put_count(text, "seed", query->seed);
    rl_put_count(text, "lists", confidence->lists);
    rl_put_object_end(text);
}

void rl_put_list_id(struct rl_text *text, const struct rl_query *query, size_t list)
{
    if (query->list_ids)
        rl_put_string(text, "id", query->list_ids[list]);
}

static void put_extremes(struct rl_text *text, const struct rl_query *query, const char *key,
                         const char *value, const struct rl_extreme *extremes, size_t count)
{
    rl_put_array(text, key);
    for (size_t i = 0; i < count; i++) {
        rl_put_object(text, NULL);
        rl_put_count(text, "list", extremes[i].list);
        rl_put_list_id(text, query, extremes[i].list);
        rl_put_double(text, value, extremes[i].value);
        rl_put_object_end(text);
    }
    rl_put_array_end(text);
}

static void put_summary(struct rl_text *text, const struct rl_query *query,
                        const struct rl_summary *summary)
{
    static const char *const keys[RL_QUANTILES] = {"min", "p10", "p25", "p50", "p75", "p90", "max"};
    rl_put_object(text, "summary");
    for (size_t q = 0; q < RL_QUANTILES; q++)
        rl_put_or_null(text, keys[q], summary->quantiles[q]);
    put_extremes(text, query, "worst", "value", summary->worst, summary->worst_count);
    rl_put_object_end(text);
}

static void put_certainty(struct rl_text *text, const struct rl_query *query, size_t index,
                          const struct rl_part *part)
{
    if (query->evals[index].include & RL_CONFIDENCE)
        put_confidence(text, query, &part->confidence);
    if (query->evals[index].include & RL_SUMMARY)
        put_summary(text, query, &part->summary);
}

/* ---- Groups ---------------------------------------------------------------------------------- */

/* {"lists":…,"loss" or "metric":…,"totals":{…},…} */
static void put_part(struct rl_text *text, const struct rl_query *query, size_t index,
                     const struct rl_part *part)
{
    rl_put_object(text, NULL);
    rl_put_count(text, "lists", part->totals.lists);
    rl_put_number(text, value_key(query, index), query->batch.dtype, part->value);
    rl_put_totals(text, is_loss(query, index), &part->totals);
    put_certainty(text, query, index, part);
    rl_put_object_end(text);
}

void rl_put_parts(struct rl_text *text, const struct rl_query *query, size_t index,
                  const struct rl_result *result)
{
    if (!result->parts)
        return;
    put_certainty(text, query, index, &result->parts[0]);
    if (!query->groups)
        return;
    rl_put_object(text, "groups");
    for (size_t g = 0; g < query->batch.group_count; g++) {
        rl_put_key(text, query->groups[g]);
        put_part(text, query, index, &result->parts[1 + g]);
    }
    rl_put_object_end(text);
}

/* ---- Systems --------------------------------------------------------------------------------- */

static void put_comparison(struct rl_text *text, const struct rl_query *query, size_t system,
                           const struct rl_comparison *comparison)
{
    rl_put_object(text, NULL);
    rl_put_string(text, "system", query->systems[system]);
    rl_put_string(text, "baseline", query->systems[query->batch.baseline]);
    rl_put_double(text, "difference", comparison->difference);
    put_intervals(text, &comparison->confidence);
    rl_put_object(text, "p_value");
    rl_put_or_null(text, "t", comparison->p_t);
    rl_put_or_null(text, "randomization", comparison->p_randomization);
    rl_put_or_null(text, "holm", comparison->p_holm);
    rl_put_object_end(text);
    rl_put_count(text, "better", comparison->better);
    rl_put_count(text, "equal", comparison->equal);
    rl_put_count(text, "worse", comparison->worse);
    rl_put_object(text, "changed_most");
    put_extremes(text, query, "better", "difference", comparison->most_better,
                 comparison->most_better_count);
    put_extremes(text, query, "worse", "difference", comparison->most_worse,
                 comparison->most_worse_count);
    rl_put_object_end(text);
    rl_put_object_end(text);
}

/* Results of each system over the lists of one part, and how they compare. */
static void put_systems_of(struct rl_text *text, const struct rl_query *query, size_t index,
                           const struct rl_result *result, size_t part)
{
    const size_t parts = 1 + query->batch.group_count;
    rl_put_object(text, "systems");
    for (size_t s = 0; s < query->batch.systems; s++) {
        rl_put_key(text, query->systems[s]);
        put_part(text, query, index, &result->parts[s * parts + part]);
    }
    rl_put_object_end(text);
    rl_put_array(text, "comparisons");
    for (size_t s = 0; s < query->batch.systems; s++) {
        if (s != query->batch.baseline)
            put_comparison(text, query, s, &result->comparisons[s * parts + part]);
    }
    rl_put_array_end(text);
}

void rl_put_systems(struct rl_text *text, const struct rl_query *query, size_t index,
                    const struct rl_result *result)
{
    put_systems_of(text, query, index, result, 0);
    if (!query->groups)
        return;
    rl_put_object(text, "groups");
    for (size_t g = 0; g < query->batch.group_count; g++) {
        rl_put_object(text, query->groups[g]);
        put_systems_of(text, query, index, result, 1 + g);
        rl_put_object_end(text);
    }
    rl_put_object_end(text);
}
