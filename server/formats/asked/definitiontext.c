/*
 * definitiontext.c: definitions of metrics in replies and in the catalogue.
 */
#include "server/formats/asked/definitiontext.h"

#include <math.h>

#include "server/formats/asked/definition.h"
#include "server/text/jsonwriter.h"

/* ---- Values ---------------------------------------------------------------------------------- */

static void put_numbers(struct rl_text *text, const char *key, const double *numbers, size_t count)
{
    rl_put_array(text, key);
    for (size_t i = 0; i < count; i++)
        rl_put_double(text, NULL, numbers[i]);
    rl_put_array_end(text);
}

static void put_table(struct rl_text *text, const struct rl_definition_member *member,
                      const struct rl_definition *definition)
{
    if (member->taken == RL_TAKES_GAIN)
        put_numbers(text, member->name, definition->gains, definition->gain_count);
    else
        put_numbers(text, member->name, definition->discounts, definition->discount_count);
}

static void put_member(struct rl_text *text, const struct rl_definition_member *member,
                       const struct rl_definition *definition, enum rl_dtype dtype)
{
    if (!member->words[0]) {
        rl_put_number(text, member->name, member->is_label ? dtype : RL_FLOAT64,
                      rl_definition_number(member, definition));
        return;
    }
    const char *const word = member->words[rl_definition_choice(member, definition)];
    if (word)
        rl_put_string(text, member->name, word);
    else
        put_table(text, member, definition);
}

static void put_list_weights(struct rl_text *text, const struct rl_definition *definition)
{
    const bool sent = definition->list_weights == RL_LIST_WEIGHTS_AS_SENT;
    rl_put_string(text, "list_weights", sent ? "as_sent" : "relevance");
}

void rl_put_definition(struct rl_text *text, const struct rl_eval *eval, enum rl_dtype dtype)
{
    const struct rl_definition *const definition = eval->definition;
    if (!definition)
        return;
    rl_put_object(text, "definition");
    for (size_t i = 0; i < RL_DEFINITION_MEMBERS; i++) {
        const struct rl_definition_member *const member = &rl_definition_members[i];
        if ((eval->measure->takes & member->taken) && !rl_definition_keeps(member, definition))
            put_member(text, member, definition, dtype);
    }
    if (definition->list_weights != rl_definition_get(RL_KERAS)->list_weights)
        put_list_weights(text, definition);
    rl_put_object_end(text);
}

/* ---- Schemas --------------------------------------------------------------------------------- */

static void put_words(struct rl_text *text, const struct rl_definition_member *member)
{
    rl_put_string(text, "type", "string");
    rl_put_array(text, "enum");
    for (size_t i = 0; member->words[i]; i++)
        rl_put_string(text, NULL, member->words[i]);
    rl_put_array_end(text);
}

static void put_words_or_table(struct rl_text *text, const struct rl_definition_member *member)
{
    rl_put_array(text, "anyOf");
    rl_put_object(text, NULL);
    put_words(text, member);
    rl_put_object_end(text);
    rl_put_object(text, NULL);
    rl_put_string(text, "type", "array");
    rl_put_object(text, "items");
    rl_put_string(text, "type", "number");
    rl_put_count(text, "minimum", 0);
    rl_put_object_end(text);
    rl_put_count(text, "minItems", 1);
    rl_put_count(text, "maxItems", RL_DEFINITION_TABLE);
    rl_put_object_end(text);
    rl_put_array_end(text);
}

static void put_bounds(struct rl_text *text, const struct rl_definition_member *member)
{
    rl_put_string(text, "type", "number");
    rl_put_count(text, "exclusiveMinimum", 0);
    if (isfinite(member->below))
        rl_put_double(text, "exclusiveMaximum", member->below);
}

static void put_schema(struct rl_text *text, const struct rl_definition_member *member)
{
    const struct rl_definition *const keras = rl_definition_get(RL_KERAS);
    rl_put_object(text, member->name);
    if (!member->words[0])
        put_bounds(text, member);
    else if (member->has_table)
        put_words_or_table(text, member);
    else
        put_words(text, member);
    if (member->words[0])
        rl_put_string(text, "default", member->words[rl_definition_choice(member, keras)]);
    else
        rl_put_double(text, "default", rl_definition_number(member, keras));
    rl_put_object_end(text);
}

void rl_put_definition_parameters(struct rl_text *text, const struct rl_measure *metric)
{
    rl_put_object(text, "definition");
    rl_put_string(text, "type", "string");
    rl_put_array(text, "enum");
    for (int i = 0; i < RL_DEFINERS; i++)
        rl_put_string(text, NULL, rl_definer_name((enum rl_definer)i));
    rl_put_array_end(text);
    rl_put_string(text, "default", rl_definer_name(RL_KERAS));
    rl_put_object_end(text);
    for (size_t i = 0; i < RL_DEFINITION_MEMBERS; i++)
        if (metric->takes & rl_definition_members[i].taken)
            put_schema(text, &rl_definition_members[i]);
}

/* ---- Presets --------------------------------------------------------------------------------- */

static const char *const stands_for[RL_DEFINERS] = {
    [RL_KERAS] = "The metrics of keras_rs.metrics. Ties keep the order of the input here; "
                 "Keras-RS shuffles them.",
    [RL_TREC_EVAL] =
        "trec_eval: map, ndcg, ndcg_cut, P, recall, recip_rank, Rprec, bpref, success. Labels are "
        "judgments (null: none), null scores are documents that were not retrieved. Send items by "
        "document id, descending, since that is how trec_eval breaks ties; relevant_from is its "
        "option -l. Not covered: judgments below 0, which it ranks, and topics without judgments, "
        "which it leaves out.",
    [RL_SKLEARN] =
        "scikit-learn: ndcg_score, dcg_score and, per list, roc_auc_score. Not covered: "
        "average_precision_score and label_ranking_average_precision_score, which rank equal "
        "scores as one threshold.",
    [RL_XGBOOST] =
        "XGBoost: ndcg and map with and without @k, pre@k; without_relevant zero is its suffix -. "
        "Not covered: pre without k, auc, labels that are not whole numbers. XGBoost 1.7 ignores "
        "the "
        "weights of groups in these.",
};

/* What a tool does differently for one metric. */
static void put_exceptions(struct rl_text *text, enum rl_definer definer,
                           const struct rl_measure *metric)
{
    const struct rl_definition *const general = rl_definition_get(definer);
    const struct rl_definition *const own = rl_definition_for(definer, metric->id);
    if (own == general)
        return;
    rl_put_object(text, metric->name);
    for (size_t i = 0; i < RL_DEFINITION_MEMBERS; i++) {
        const struct rl_definition_member *const member = &rl_definition_members[i];
        const bool same =
            member->words[0]
                ? rl_definition_choice(member, own) == rl_definition_choice(member, general)
                : rl_definition_number(member, own) == rl_definition_number(member, general);
        if (!same && (metric->takes & member->taken))
            put_member(text, member, own, RL_FLOAT64);
    }
    rl_put_object_end(text);
}

static void put_preset(struct rl_text *text, enum rl_definer definer)
{
    rl_put_object(text, rl_definer_name(definer));
    rl_put_string(text, "description", stands_for[definer]);
    rl_put_object(text, "sets");
    for (size_t i = 0; i < RL_DEFINITION_MEMBERS; i++)
        put_member(text, &rl_definition_members[i], rl_definition_get(definer), RL_FLOAT64);
    put_list_weights(text, rl_definition_get(definer));
    rl_put_object_end(text);
    rl_put_object(text, "except");
    for (int id = 0; id < RL_MEASURES; id++)
        put_exceptions(text, definer, rl_measure_get((enum rl_measure_id)id));
    rl_put_object_end(text);
    rl_put_object_end(text);
}

void rl_put_definitions(struct rl_text *text)
{
    rl_put_object(text, "definitions");
    for (int i = 0; i < RL_DEFINERS; i++)
        put_preset(text, (enum rl_definer)i);
    rl_put_object_end(text);
}
