/*
 * test_decode.c: from bodies to queries: every member and shape of the contract, every kind of
 * mistake with its place, the limits, and memory that stays within a small multiple of the body.
 */
#include "server/formats/json/decode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/sanitized.h"
#include "tests/lib/unittest.h"

static size_t memory = (size_t)1 << 30; /* the arena's */
static struct rl_limits limits = {.max_lists = 1000,
                                  .max_items = 100000,
                                  .max_depth = 32,
                                  .max_top_k = 50,
                                  .max_evaluations = 4,
                                  .max_json_memory = (size_t)1 << 26};

struct outcome {
    struct rl_arena arena;
    struct rl_query query;
    struct rl_error error;
    enum rl_status status;
    char *body;
};

static struct rl_target target_of(const char *path)
{
    if (strcmp(path, "evaluate") == 0)
        return (struct rl_target){.evaluate = true};
    const struct rl_measure *measure = rl_measure_find(RL_LOSS, path);
    if (!measure)
        measure = rl_measure_find(RL_METRIC, path);
    ck_assert_ptr_nonnull(measure);
    return (struct rl_target){.measure = measure};
}

static void decode_bytes(struct outcome *outcome, const char *path, const char *text, size_t length)
{
    const struct rl_target target = target_of(path);
    memset(outcome, 0, sizeof(*outcome));
    rl_arena_init(&outcome->arena, memory);
    outcome->body = malloc(length > 0 ? length : 1);
    memcpy(outcome->body, text, length);
    const struct rl_input input = {.body = outcome->body,
                                   .length = length,
                                   .target = &target,
                                   .limits = &limits,
                                   .arena = &outcome->arena};
    outcome->status = rl_json_read(&input, &outcome->query, &outcome->error);
}

static void release(struct outcome *outcome)
{
    rl_arena_release(&outcome->arena);
    free(outcome->body);
}

/* Texts of tests use ' for ". */
static const char *quoted(const char *text)
{
    static char copy[8192];
    snprintf(copy, sizeof(copy), "%s", text);
    for (char *p = copy; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    return copy;
}

static const struct rl_query *decode(struct outcome *outcome, const char *path, const char *text)
{
    const char *const body = quoted(text);
    decode_bytes(outcome, path, body, strlen(body));
    ck_assert_msg(outcome->status == RL_OK, "%s: %s %s", text, outcome->error.pointer,
                  outcome->error.detail);
    return &outcome->query;
}

static void check_floats(const void *values, const float *expected, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const float value = ((const float *)values)[i];
        ck_assert_msg(value == expected[i] || (isnan(value) && isnan(expected[i])),
                      "value %zu: %.9g, expected %.9g", i, (double)value, (double)expected[i]);
    }
}

#define HINGE "pairwise_hinge"
#define BATCH "'y_true':[[1,0],[2]],'y_pred':[[0.5,1],[2]]"

/* ---- Shapes ---------------------------------------------------------------------------------- */

START_TEST(batch_of_ragged_lists)
{
    struct outcome outcome;
    const struct rl_query *query =
        decode(&outcome, HINGE, "{'y_true':[[1,0,-1],[],[2]],'y_pred':[[0.5,1e-3,7],[],[2]]}");
    ck_assert(query->batched);
    ck_assert_uint_eq(query->batch.lists, 3);
    ck_assert_uint_eq(query->batch.items, 4);
    const size_t offsets[] = {0, 3, 3, 4};
    ck_assert_mem_eq(query->batch.offsets, offsets, sizeof(offsets));
    check_floats(query->batch.labels, (float[]){1, 0, -1, 2}, 4);
    check_floats(query->batch.scores, (float[]){0.5f, 1e-3f, 7, 2}, 4);
    ck_assert_ptr_null(query->batch.mask);
    ck_assert_int_eq(query->batch.weight_kind, RL_WEIGHT_NONE);
    ck_assert_int_eq(query->batch.dtype, RL_FLOAT32);
    ck_assert_uint_eq(query->count, 1);
    ck_assert_int_eq(query->evals[0].measure->id, RL_PAIRWISE_HINGE);
    ck_assert_int_eq(query->evals[0].reduction, RL_SUM_OVER_BATCH_SIZE);
    ck_assert_double_eq(query->evals[0].temperature, 1);
    ck_assert_uint_eq(query->evals[0].top_k, 10);
    ck_assert_uint_eq(query->evals[0].include, 0);
    ck_assert_str_eq(query->names[0], HINGE);
    ck_assert_ptr_null(query->name);
    release(&outcome);
}
END_TEST

START_TEST(one_bare_list)
{
    struct outcome outcome;
    const struct rl_query *query =
        decode(&outcome, HINGE, "{'y_true':[1,0],'y_pred':[0.5,1.5],'dtype':'float64'}");
    ck_assert(!query->batched);
    ck_assert_uint_eq(query->batch.lists, 1);
    ck_assert_uint_eq(query->batch.items, 2);
    ck_assert_uint_eq(query->batch.offsets[0], 0);
    ck_assert_uint_eq(query->batch.offsets[1], 2);
    ck_assert_int_eq(query->batch.dtype, RL_FLOAT64);
    ck_assert_double_eq(((const double *)query->batch.scores)[1], 1.5);
    release(&outcome);
}
END_TEST

START_TEST(batch_with_empty_lists_only)
{
    struct outcome outcome;
    const struct rl_query *const query =
        decode(&outcome, HINGE, "{'y_true':[[],[]],'y_pred':[[],[]]}");
    ck_assert_uint_eq(query->batch.lists, 2);
    ck_assert_uint_eq(query->batch.items, 0);
    ck_assert(query->batched);
    release(&outcome);
}
END_TEST

START_TEST(labels_may_be_null_or_boolean)
{
    struct outcome outcome;
    const struct rl_query *query =
        decode(&outcome, HINGE, "{'y_true':[null,true,false,-0.0],'y_pred':[null,1,2,3]}");
    check_floats(query->batch.labels, (float[]){NAN, 1, 0, 0}, 4);
    check_floats(query->batch.scores, (float[]){NAN, 1, 2, 3}, 4);
    release(&outcome);
    query = decode(&outcome, HINGE, "{'y_true':[null,true],'y_pred':[null,1],'dtype':'float64'}");
    ck_assert(isnan(((const double *)query->batch.labels)[0]));
    ck_assert_double_eq(((const double *)query->batch.labels)[1], 1);
    release(&outcome);
}
END_TEST

START_TEST(mask_beside_labels)
{
    struct outcome outcome;
    const struct rl_query *query = decode(&outcome, HINGE,
                                          "{'y_true':{'labels':[[1,0],[2]],'mask':[[true,0],[1]]},"
                                          "'y_pred':[[1,null],[3]]}");
    ck_assert_mem_eq(query->batch.mask, ((uint8_t[]){1, 0, 1}), 3);
    check_floats(query->batch.labels, (float[]){1, 0, 2}, 3);
    release(&outcome);
    query = decode(&outcome, HINGE, "{'y_true':{'mask':[1.0,true],'labels':[1,0]},'y_pred':[1,2]}");
    ck_assert_ptr_null(query->batch.mask); /* true for all */
    release(&outcome);
    query = decode(&outcome, HINGE, "{'y_true':{'mask':null,'labels':[1,0]},'y_pred':[1,2]}");
    ck_assert_ptr_null(query->batch.mask);
    release(&outcome);
    query = decode(&outcome, HINGE, "{'y_true':{'labels':[1,0]},'y_pred':[1,2]}");
    ck_assert_uint_eq(query->batch.items, 2);
    release(&outcome);
}
END_TEST

/* Validity is that of the rounded label: -1e-50 is -0 in float32. */
START_TEST(null_scores_of_invalid_items)
{
    struct outcome outcome;
    decode(&outcome, HINGE, "{'y_true':[-1,null,3],'y_pred':[null,null,1]}");
    release(&outcome);
    decode(&outcome, HINGE, "{'y_true':[-1e-50,1],'y_pred':[null,1],'dtype':'float64'}");
    release(&outcome);
    const char *const body = quoted("{'y_true':[-1e-50,1],'y_pred':[null,1]}");
    decode_bytes(&outcome, HINGE, body, strlen(body));
    ck_assert_int_eq(outcome.status, RL_INVALID);
    ck_assert_str_eq(outcome.error.pointer, "/y_pred/0");
    release(&outcome);
}
END_TEST

static void check_weights(const char *path, const char *text, enum rl_weight_kind kind,
                          const float *weights, size_t count)
{
    struct outcome outcome;
    const struct rl_query *const query = decode(&outcome, path, text);
    ck_assert_msg(query->batch.weight_kind == kind, "%s: kind %d", text, query->batch.weight_kind);
    if (kind == RL_WEIGHT_SCALAR)
        ck_assert_double_eq(query->batch.weight, (double)weights[0]);
    else
        check_floats(query->batch.weights, weights, count);
    release(&outcome);
}

START_TEST(weights_of_every_shape)
{
    check_weights(HINGE, "{" BATCH ",'sample_weight':2.5}", RL_WEIGHT_SCALAR, (float[]){2.5f}, 1);
    check_weights(HINGE, "{" BATCH ",'sample_weight':0.1}", RL_WEIGHT_SCALAR, (float[]){0.1f}, 1);
    check_weights(HINGE, "{" BATCH ",'sample_weight':[2,3]}", RL_WEIGHT_LIST, (float[]){2, 3}, 2);
    check_weights(HINGE, "{" BATCH ",'sample_weight':[[2],[3]]}", RL_WEIGHT_LIST, (float[]){2, 3},
                  2);
    check_weights(HINGE, "{" BATCH ",'sample_weight':[[2,3],[4]]}", RL_WEIGHT_ITEM,
                  (float[]){2, 3, 4}, 3);
    check_weights(HINGE, "{" BATCH ",'sample_weight':null}", RL_WEIGHT_NONE, NULL, 0);
    check_weights(HINGE, "{'y_true':[1,0],'y_pred':[1,2],'sample_weight':[-1,0]}", RL_WEIGHT_ITEM,
                  (float[]){-1, 0}, 2);
    check_weights(HINGE, "{'y_true':[1],'y_pred':[1],'sample_weight':[4]}", RL_WEIGHT_LIST,
                  (float[]){4}, 1);
    check_weights(HINGE, "{'y_true':[[],[1]],'y_pred':[[],[2]],'sample_weight':[[],[4]]}",
                  RL_WEIGHT_ITEM, (float[]){4}, 1);
    check_weights(HINGE, "{'y_true':[1,0],'y_pred':[1,2],'sample_weight':[4]}", RL_WEIGHT_LIST,
                  (float[]){4}, 1);
    check_weights("list_mle", "{'y_true':[1,0],'y_pred':[1,2],'sample_weight':[4]}", RL_WEIGHT_LIST,
                  (float[]){4}, 1);
    check_weights("list_mle", "{" BATCH ",'sample_weight':[[2],[3]]}", RL_WEIGHT_LIST,
                  (float[]){2, 3}, 2);
    check_weights("ndcg", "{" BATCH ",'sample_weight':[[2,3],[4]]}", RL_WEIGHT_ITEM,
                  (float[]){2, 3, 4}, 3);
    check_weights("evaluate",
                  "{'y_true':[1,0],'y_pred':[1,2],'sample_weight':[4],'losses':['list_mle']}",
                  RL_WEIGHT_LIST, (float[]){4}, 1);
}
END_TEST

START_TEST(many_numbers_are_rounded_to_float)
{
    enum { ITEMS = 1000 };
    struct outcome outcome;
    char *const body = malloc(ITEMS * 64);
    size_t length = (size_t)sprintf(body, "{\"y_true\":[0");
    for (int i = 1; i < ITEMS; i++)
        length += (size_t)sprintf(body + length, ",%d", i % 5);
    length += (size_t)sprintf(body + length, "],\"y_pred\":[0");
    for (int i = 1; i < ITEMS; i++)
        length += (size_t)sprintf(body + length, ",%.17g", sin(i) * i);
    length += (size_t)sprintf(body + length, "]}");
    decode_bytes(&outcome, HINGE, body, length);
    ck_assert_int_eq(outcome.status, RL_OK);
    for (int i = 0; i < ITEMS; i++) {
        ck_assert_float_eq(((const float *)outcome.query.batch.labels)[i], (float)(i % 5));
        ck_assert_float_eq(((const float *)outcome.query.batch.scores)[i], (float)(sin(i) * i));
    }
    release(&outcome);
    free(body);
}
END_TEST

/* ---- Members --------------------------------------------------------------------------------- */

START_TEST(every_member_of_a_loss)
{
    struct outcome outcome;
    const struct rl_query *const query = decode(
        &outcome, HINGE,
        "{'top_k':7.0,'include':['top_pairs','gradient','per_list','gradient'],'name':'caf\u00e9 "
        "1',"
        "'temperature':0.25,'reduction':'mean_with_sample_weight','dtype':'float32'," BATCH "}");
    const struct rl_eval *const eval = query->evals;
    ck_assert_uint_eq(eval->top_k, 7);
    ck_assert_uint_eq(eval->include, RL_PER_LIST | RL_GRADIENT | RL_TOP_PAIRS);
    ck_assert_double_eq(eval->temperature, 0.25);
    ck_assert_int_eq(eval->reduction, RL_MEAN_WITH_SAMPLE_WEIGHT);
    ck_assert_str_eq(query->names[0], "caf\u00e9 1");
    ck_assert(!query->reduction_null[0]);
    release(&outcome);
}
END_TEST

START_TEST(every_reduction)
{
    static const char *const names[] = {"sum_over_batch_size", "mean", "sum",
                                        "mean_with_sample_weight", "none"};
    struct outcome outcome;
    char text[256];
    for (size_t i = 0; i < RL_REDUCTIONS; i++) {
        snprintf(text, sizeof(text), "{" BATCH ",'reduction':'%s'}", names[i]);
        const struct rl_query *const query = decode(&outcome, HINGE, text);
        ck_assert_int_eq(query->evals[0].reduction, (int)i);
        ck_assert(!query->reduction_null[0]);
        release(&outcome);
    }
    const struct rl_query *const query = decode(&outcome, HINGE, "{" BATCH ",'reduction':null}");
    ck_assert_int_eq(query->evals[0].reduction, RL_NONE);
    ck_assert(query->reduction_null[0]);
    release(&outcome);
}
END_TEST

static size_t decoded_k(const char *k)
{
    struct outcome outcome;
    char text[256];
    snprintf(text, sizeof(text), "{" BATCH ",'k':%s}", k);
    const size_t result = decode(&outcome, "ndcg", text)->evals[0].k;
    release(&outcome);
    return result;
}

START_TEST(k_of_a_metric)
{
    ck_assert_uint_eq(decoded_k("null"), 0);
    ck_assert_uint_eq(decoded_k("1"), 1);
    ck_assert_uint_eq(decoded_k("5.0"), 5);
    ck_assert_uint_eq(decoded_k("1e3"), 1000);
    ck_assert_uint_eq(decoded_k("4503599627370496"), 4503599627370496u);
}
END_TEST

START_TEST(temperature_of_any_form)
{
    struct outcome outcome;
    const struct rl_query *query =
        decode(&outcome, HINGE, "{" BATCH ",'temperature':100000000000000000000}");
    ck_assert_double_eq(query->evals[0].temperature, 1e20);
    release(&outcome);
    query = decode(&outcome, HINGE, "{" BATCH ",'temperature':1e-300,'dtype':'float64'}");
    ck_assert_double_eq(query->evals[0].temperature, 1e-300);
    release(&outcome);
}
END_TEST

START_TEST(empty_include_is_none)
{
    struct outcome outcome;
    ck_assert_uint_eq(decode(&outcome, HINGE, "{" BATCH ",'include':[]}")->evals[0].include, 0);
    release(&outcome);
}
END_TEST

START_TEST(evaluate_takes_defaults_and_entries)
{
    struct outcome outcome;
    const struct rl_query *query =
        decode(&outcome, "evaluate",
               "{" BATCH ",'name':'run','temperature':2,'reduction':'sum','k':3,'top_k':5,"
               "'include':['per_list','gradient','top_pairs'],"
               "'losses':['pairwise_hinge',{'name':'list_mle','temperature':4,'reduction':null,"
               "'include':[]}],"
               "'metrics':['ndcg',{'name':'dcg','k':null,'include':['per_list']}]}");
    ck_assert_uint_eq(query->count, 4);
    ck_assert_str_eq(query->name, "run");
    ck_assert_str_eq(query->names[0], HINGE);
    ck_assert_str_eq(query->names[3], "dcg");
    const struct rl_eval *const eval = query->evals;
    ck_assert_double_eq(eval[0].temperature, 2);
    ck_assert_int_eq(eval[0].reduction, RL_SUM);
    ck_assert_uint_eq(eval[0].include, RL_PER_LIST | RL_GRADIENT | RL_TOP_PAIRS);
    ck_assert_uint_eq(eval[0].top_k, 5);
    ck_assert_int_eq(eval[1].measure->id, RL_LIST_MLE);
    ck_assert_double_eq(eval[1].temperature, 4);
    ck_assert(query->reduction_null[1] && !query->reduction_null[0]);
    ck_assert_uint_eq(eval[1].include, 0);
    ck_assert_int_eq(eval[2].measure->id, RL_NDCG);
    ck_assert_uint_eq(eval[2].k, 3);
    ck_assert_uint_eq(eval[2].include, RL_PER_LIST);
    ck_assert_uint_eq(eval[3].k, 0);
    release(&outcome);
}
END_TEST

START_TEST(null_name_and_dtype_are_the_defaults)
{
    struct outcome outcome;
    const struct rl_query *const query =
        decode(&outcome, HINGE, "{" BATCH ",'name':null,'dtype':null}");
    ck_assert_ptr_null(query->name);
    ck_assert_str_eq(query->names[0], HINGE);
    ck_assert_int_eq(query->batch.dtype, RL_FLOAT32);
    release(&outcome);
}
END_TEST

/* ---- Definitions ----------------------------------------------------------------------------- */

/* The definition of a body with these members beside the batch. */
static const struct rl_definition *defined(struct outcome *outcome, const char *path,
                                           const char *members)
{
    char text[512];
    snprintf(text, sizeof(text), "{" BATCH ",%s}", members);
    return decode(outcome, path, text)->evals[0].definition;
}

START_TEST(defaults_are_no_definition)
{
    static const char *const same[] = {
        "'k':3",
        "'definition':'keras'",
        ("'gain':'exponential','discount':'log2','ties':'input','without_relevant':'zero',"
         "'unretrieved':'error','unlabelled':'drop'"),
    };
    struct outcome outcome;
    for (size_t i = 0; i < 3; i++) {
        ck_assert_ptr_null(defined(&outcome, "ndcg", same[i]));
        release(&outcome);
    }
}
END_TEST

START_TEST(every_word_of_a_definition)
{
    struct outcome outcome;
    const struct rl_definition *definition =
        defined(&outcome, "ndcg",
                "'gain':'linear','discount':'reciprocal','ties':'average','unlabelled':'zero',"
                "'without_relevant':'skip','unretrieved':'count'");
    ck_assert_int_eq(definition->gain, RL_GAIN_LINEAR);
    ck_assert_int_eq(definition->discount, RL_DISCOUNT_RECIPROCAL);
    ck_assert_int_eq(definition->ties, RL_TIES_AVERAGE);
    ck_assert_int_eq(definition->without_relevant, RL_WITHOUT_RELEVANT_SKIP);
    ck_assert_int_eq(definition->unretrieved, RL_UNRETRIEVED_COUNT);
    ck_assert_int_eq(definition->unlabelled, RL_UNLABELLED_ZERO);
    ck_assert_int_eq(definition->list_weights, RL_LIST_WEIGHTS_RELEVANCE);
    release(&outcome);
    definition = defined(&outcome, "ndcg", "'discount':'none','ties':'worst'");
    ck_assert_int_eq(definition->discount, RL_DISCOUNT_NONE);
    ck_assert_int_eq(definition->ties, RL_TIES_WORST);
    release(&outcome);
    definition = defined(&outcome, "precision_at_k", "'precision_over':'k','ties':'best'");
    ck_assert_int_eq(definition->precision_over, RL_PRECISION_OVER_K);
    ck_assert_int_eq(definition->ties, RL_TIES_BEST);
    release(&outcome);
}
END_TEST

START_TEST(tables_of_a_definition)
{
    struct outcome outcome;
    const struct rl_definition *definition =
        defined(&outcome, "ndcg", "'gain':[0,1,3.5],'discount':[1,0.5]");
    ck_assert_int_eq(definition->gain, RL_GAIN_TABLE);
    ck_assert_uint_eq(definition->gain_count, 3);
    ck_assert_double_eq(definition->gains[2], 3.5);
    ck_assert_int_eq(definition->discount, RL_DISCOUNT_TABLE);
    ck_assert_uint_eq(definition->discount_count, 2);
    ck_assert_double_eq(definition->discounts[1], 0.5);
    release(&outcome);
}
END_TEST

/* Labels are rounded to the dtype, so what they are compared with is as well. */
START_TEST(relevant_from_is_rounded_to_the_dtype)
{
    struct outcome outcome;
    ck_assert_double_eq(defined(&outcome, "recall_at_k", "'relevant_from':0.7")->relevant_from,
                        (double)0.7f);
    release(&outcome);
    ck_assert_double_eq(
        defined(&outcome, "recall_at_k", "'relevant_from':0.7,'dtype':'float64'")->relevant_from,
        0.7);
    release(&outcome);
}
END_TEST

START_TEST(a_parameter_wins_over_the_preset_in_any_order)
{
    static const char *const orders[] = {"'definition':'trec_eval','gain':'exponential'",
                                         "'gain':'exponential','definition':'trec_eval'"};
    struct outcome outcome;
    for (size_t i = 0; i < 2; i++) {
        const struct rl_definition *const definition = defined(&outcome, "ndcg", orders[i]);
        ck_assert_int_eq(definition->gain, RL_GAIN_EXPONENTIAL);
        ck_assert_int_eq(definition->unretrieved, RL_UNRETRIEVED_COUNT);
        ck_assert_int_eq(definition->list_weights, RL_LIST_WEIGHTS_AS_SENT);
        release(&outcome);
    }
}
END_TEST

/* A preset in an entry replaces the defaults; a parameter in an entry changes one of them. */
START_TEST(entries_and_defaults_of_definitions)
{
    struct outcome outcome;
    const struct rl_query *const query =
        decode(&outcome, "evaluate",
               "{" BATCH ",'gain':'linear','ties':'worst','relevant_from':2,"
               "'metrics':[{'name':'ndcg','definition':'sklearn'},{'name':'ndcg','ties':'best'},"
               "'recall_at_k',{'name':'dcg','definition':'keras'}],'losses':[]}");
    ck_assert_int_eq(query->evals[0].definition->ties, RL_TIES_AVERAGE);
    ck_assert_int_eq(query->evals[1].definition->ties, RL_TIES_BEST);
    ck_assert_int_eq(query->evals[1].definition->gain, RL_GAIN_LINEAR);
    ck_assert_double_eq(query->evals[2].definition->relevant_from, 2);
    ck_assert_int_eq(query->evals[2].definition->gain, RL_GAIN_EXPONENTIAL);
    ck_assert_ptr_null(query->evals[3].definition);
    release(&outcome);
}
END_TEST

START_TEST(a_preset_has_an_exception_for_one_metric)
{
    struct outcome outcome;
    const struct rl_query *const query =
        decode(&outcome, "evaluate",
               "{" BATCH ",'definition':'xgboost','metrics':['ndcg','precision_at_k',"
               "{'name':'precision_at_k','without_relevant':'skip'}]}");
    ck_assert_int_eq(query->evals[0].definition->without_relevant, RL_WITHOUT_RELEVANT_ONE);
    ck_assert_int_eq(query->evals[1].definition->without_relevant, RL_WITHOUT_RELEVANT_ZERO);
    ck_assert_int_eq(query->evals[1].definition->precision_over, RL_PRECISION_OVER_K);
    ck_assert_int_eq(query->evals[2].definition->without_relevant, RL_WITHOUT_RELEVANT_SKIP);
    release(&outcome);
}
END_TEST

START_TEST(null_scores_are_unretrieved_items)
{
    struct outcome outcome;
    const struct rl_query *query =
        decode(&outcome, "ndcg",
               "{'y_true':[[1,2],[null]],'y_pred':[[1,null],[null]],'definition':'trec_eval'}");
    check_floats(query->batch.scores, (float[]){1, NAN, NAN}, 3);
    release(&outcome);
    decode(&outcome, "evaluate",
           "{'y_true':[1,2],'y_pred':[1,null],'metrics':['ndcg',"
           "{'name':'dcg','unretrieved':'count'}],'unretrieved':'count'}");
    release(&outcome);
}
END_TEST

/* ---- Mistakes -------------------------------------------------------------------------------- */

static const struct {
    const char *path, *text, *pointer, *piece;
} mistakes[] = {
    /* members */
    {HINGE, "{" BATCH ",'extra':1}", "/extra", "may have y_true, y_pred"},
    {HINGE, "{" BATCH ",'a/b~c':1}", "/a~1b~0c", "no member"},
    {HINGE, "{" BATCH ",'k':1}", "/k", "no member"},
    {HINGE, "{" BATCH ",'losses':['list_mle']}", "/losses", "no member"},
    {"ndcg", "{" BATCH ",'temperature':1}", "/temperature", "no member"},
    {"ndcg", "{" BATCH ",'reduction':'sum'}", "/reduction", "no member"},
    {"ndcg", "{" BATCH ",'temperature':1}", "/temperature", "no member"},
    {HINGE, "{'y_pred':[1]}", "/y_true", "missing"},
    /* definitions */
    {HINGE, "{" BATCH ",'gain':'linear'}", "/gain", "no member"},
    {HINGE, "{" BATCH ",'definition':'keras'}", "/definition", "no member"},
    {"ndcg", "{" BATCH ",'relevant_from':1}", "/relevant_from", "ndcg has no relevant_from"},
    {"ndcg", "{" BATCH ",'extra':1}", "/extra", "gain, discount, ties"},
    {"evaluate", "{" BATCH ",'metrics':['ndcg'],'extra':1}", "/extra", "persistence"},
    {"evaluate", "{" BATCH ",'metrics':[{'name':'ndcg','precision_over':'k'}]}",
     "/metrics/0/precision_over", "ndcg has no precision_over"},
    {"evaluate", "{" BATCH ",'losses':[{'name':'softmax','ties':'best'}]}", "/losses/0/ties",
     "no member"},
    {"ndcg", "{" BATCH ",'definition':'lucene'}", "/definition", "keras, trec_eval, sklearn or"},
    {"ndcg", "{" BATCH ",'definition':null}", "/definition", "found null"},
    {"evaluate", "{" BATCH ",'metrics':[{'name':'ndcg','definition':1}]}", "/metrics/0/definition",
     "found a number"},
    {"ndcg", "{" BATCH ",'ties':'random'}", "/ties", "input, average, worst or best was expected"},
    {"ndcg", "{" BATCH ",'ties':1}", "/ties", "found a number"},
    {"ndcg", "{" BATCH ",'gain':'table'}", "/gain", "exponential, linear or a list of numbers"},
    {"ndcg", "{" BATCH ",'gain':[]}", "/gain", "at least one number"},
    {"ndcg", "{" BATCH ",'gain':[0,-1]}", "/gain/1", "at least 0 was expected, found -1"},
    {"ndcg", "{" BATCH ",'gain':[0,null]}", "/gain/1", "a number was expected, found null"},
    {"ndcg", "{" BATCH ",'gain':[true]}", "/gain/0", "a number was expected, found true"},
    {"ndcg", "{" BATCH ",'gain':[[0,1]]}", "/gain", "a list of numbers"},
    {"ndcg", "{" BATCH ",'discount':['a']}", "/discount", "a list of numbers"},
    {"ndcg", "{" BATCH ",'gain':[0,1]}", "/y_true/1/0", "whole number from 0 to 1, found 2"},
    {"ndcg", "{'y_true':{'labels':[1,0.5]},'y_pred':[1,2],'gain':[0,1]}", "/y_true/labels/1",
     "found 0.5"},
    {"recall_at_k", "{" BATCH ",'relevant_from':0}", "/relevant_from", "above 0"},
    {"recall_at_k", "{" BATCH ",'relevant_from':1e-50}", "/relevant_from", "range of the dtype"},
    {"recall_at_k", "{" BATCH ",'relevant_from':1e50}", "/relevant_from", "range of the dtype"},
    {"recall_at_k", "{" BATCH ",'relevant_from':'1'}", "/relevant_from", "found a string"},
    {"ndcg", "{'y_true':[1,2],'y_pred':[1,null],'unlabelled':'zero'}", "/y_pred/1", "found null"},
    {"evaluate",
     "{'y_true':[1,2],'y_pred':[1,null],'metrics':['ndcg'],'losses':['softmax'],"
     "'unretrieved':'count'}",
     "/y_pred/1", "found null"},
    {"ndcg", "{" BATCH ",'sample_weight':[[1,2],[3]],'definition':'sklearn'}", "/sample_weight",
     "one weight per list as sample_weight with this definition"},
    {"evaluate",
     "{" BATCH ",'sample_weight':[[1,2],[3]],'losses':['pairwise_hinge'],'metrics':['ndcg',"
     "{'name':'dcg','definition':'xgboost'}]}",
     "/metrics/1", "with this definition"},
    {HINGE, "{'y_true':[1]}", "/y_pred", "missing"},
    {HINGE, "{}", "/y_true", "missing"},
    {HINGE, "{'y_true':{'mask':[1]},'y_pred':[1]}", "/y_true/labels", "missing"},
    {HINGE, "{'y_true':{'labels':[1],'x':2},'y_pred':[1]}", "/y_true/x", "labels and mask"},
    /* types */
    {HINGE, "{'y_true':5,'y_pred':[1]}", "/y_true", "a list of numbers"},
    {HINGE, "{'y_true':'x','y_pred':[1]}", "/y_true", "found a string"},
    {HINGE, "{'y_true':[1],'y_pred':null}", "/y_pred", "found null"},
    {HINGE, "{'y_true':[1],'y_pred':{}}", "/y_pred", "found an object"},
    {HINGE, "{'y_true':[1,'x'],'y_pred':[1,2]}", "/y_true/1", "found a string"},
    {HINGE, "{'y_true':[[1],[2,{}]],'y_pred':[[1],[2,3]]}", "/y_true/1/1", "found an object"},
    {HINGE, "{'y_true':[[1],[2]],'y_pred':[[1],['2']]}", "/y_pred/1/0", "found a string"},
    {HINGE, "{'y_true':[[1],[2]],'y_pred':[[1],[2],'x']}", "/y_pred/2", "found a string"},
    {HINGE, "{'y_true':[[1],[2]],'y_pred':[[1],[[['x']]]]}", "/y_pred/1/0", "found a list"},
    {HINGE, "{" BATCH ",'temperature':'1'}", "/temperature", "a number was expected"},
    {HINGE, "{" BATCH ",'temperature':true}", "/temperature", "found true"},
    {HINGE, "{" BATCH ",'temperature':null}", "/temperature", "found null"},
    {HINGE, "{" BATCH ",'temperature':[1]}", "/temperature", "found a list"},
    {HINGE, "{" BATCH ",'reduction':5}", "/reduction", "found a number"},
    {HINGE, "{" BATCH ",'include':'gradient'}", "/include", "a list was expected"},
    {HINGE, "{" BATCH ",'include':[1]}", "/include/0", "found a number"},
    {HINGE, "{" BATCH ",'include':[null]}", "/include/0", "found null"},
    {HINGE, "{" BATCH ",'include':[[]]}", "/include/0", "found a list"},
    {HINGE, "{" BATCH ",'include':['gradient',2]}", "/include/1", "found a number"},
    {HINGE, "{" BATCH ",'top_k':'3'}", "/top_k", "found a string"},
    {HINGE, "{" BATCH ",'sample_weight':'3'}", "/sample_weight", "found a string"},
    {HINGE, "{" BATCH ",'sample_weight':true}", "/sample_weight", "found true"},
    /* shapes */
    {HINGE, "{'y_true':[],'y_pred':[]}", "/y_pred", "at least one"},
    {HINGE, "{'y_true':[[1]],'y_pred':[]}", "/y_pred", "at least one"},
    {HINGE, "{'y_true':[],'y_pred':[1]}", "/y_true", "1 items were expected"},
    {HINGE, "{'y_true':[],'y_pred':[[1]]}", "/y_true", "1 lists were expected"},
    {HINGE, "{'y_true':[1],'y_pred':[[1]]}", "/y_true", "a list of lists"},
    {HINGE, "{'y_true':[[1]],'y_pred':[1]}", "/y_true", "a list of numbers"},
    {HINGE, "{'y_true':[1,2],'y_pred':[1]}", "/y_true", "1 items were expected"},
    {HINGE, "{'y_true':[[1],[2]],'y_pred':[[1]]}", "/y_true", "1 lists were expected"},
    {HINGE, "{'y_true':[[1],[2,3]],'y_pred':[[1],[2]]}", "/y_true/1", "1 items were expected"},
    {HINGE, "{'y_true':[[1,2],[3]],'y_pred':[[1],[2,3]]}", "/y_true/0", "1 items were expected"},
    {HINGE, "{'y_true':[1,[2]],'y_pred':[1,2]}", "/y_true/1", "a number was expected"},
    {HINGE, "{'y_true':[[1],[2]],'y_pred':[[1],2]}", "/y_pred/1", "a list was expected"},
    {HINGE, "{'y_true':[[1]],'y_pred':[[[1]]]}", "/y_pred/0/0", "a number was expected"},
    {HINGE, "{'y_true':{'labels':[1,2],'mask':[1]},'y_pred':[1,2]}", "/y_true/mask", "2 items"},
    {HINGE, "{'y_true':{'labels':[1,2],'mask':true},'y_pred':[1,2]}", "/y_true/mask", "found true"},
    {HINGE, "{'y_true':{'labels':[1],'mask':[1]},'y_pred':[1,2]}", "/y_true/labels", "2 items"},
    {HINGE, "{" BATCH ",'sample_weight':[1,2,3]}", "/sample_weight", "one weight per list"},
    {HINGE, "{" BATCH ",'sample_weight':[]}", "/sample_weight", "one weight per list"},
    {HINGE, "{" BATCH ",'sample_weight':[[1,2]]}", "/sample_weight", "2 lists, 3 items"},
    {HINGE, "{" BATCH ",'sample_weight':[[1],[2,3]]}", "/sample_weight", "one per item"},
    {HINGE, "{" BATCH ",'sample_weight':[1,[2]]}", "/sample_weight/1", "found a list"},
    {HINGE, "{'y_true':[1,2],'y_pred':[1,2],'sample_weight':[1,2,3]}", "/sample_weight",
     "per item"},
    {HINGE, "{'y_true':[1],'y_pred':[1],'sample_weight':[[1]]}", "/sample_weight", "per item"},
    {"list_mle", "{" BATCH ",'sample_weight':[[1,2],[3]]}", "/sample_weight", "per list"},
    {"list_mle", "{'y_true':[1,2],'y_pred':[1,2],'sample_weight':[1,2]}", "/sample_weight",
     "per list"},
    /* values */
    {HINGE, "{'y_true':{'labels':[1,2],'mask':[1,2]},'y_pred':[1,2]}", "/y_true/mask/1", "true,"},
    {HINGE, "{'y_true':{'labels':[1,2],'mask':[null,1]},'y_pred':[1,2]}", "/y_true/mask/0",
     "true,"},
    {HINGE, "{'y_true':[1,2],'y_pred':[1,1e39]}", "/y_pred/1", "float32"},
    {HINGE, "{'y_true':[[1],[2,-4e38]],'y_pred':[[1],[1,1]]}", "/y_true/1/1", "float32"},
    {HINGE, "{" BATCH ",'sample_weight':1e39}", "/sample_weight", "float32"},
    {HINGE, "{" BATCH ",'sample_weight':[1,1e39]}", "/sample_weight/1", "float32"},
    {HINGE, "{" BATCH ",'sample_weight':[1,null]}", "/sample_weight/1", "found null"},
    {HINGE, "{" BATCH ",'sample_weight':[[1],[true]]}", "/sample_weight/1/0", "found true"},
    {HINGE, "{'y_true':[1,2],'y_pred':[1,null]}", "/y_pred/1", "neither masked"},
    {HINGE, "{'y_true':[[],[1,2]],'y_pred':[[],[null,1]]}", "/y_pred/1/0", "neither masked"},
    {HINGE, "{'y_true':[1,2],'y_pred':[1,false]}", "/y_pred/1", "found false"},
    {HINGE, "{'y_true':[1,-1],'y_pred':[1,true]}", "/y_pred/1", "found true"},
    {HINGE, "{" BATCH ",'temperature':0}", "/temperature", "above 0"},
    {HINGE, "{" BATCH ",'temperature':-2}", "/temperature", "above 0"},
    {HINGE, "{" BATCH ",'temperature':1e-46}", "/temperature", "float32"},
    {HINGE, "{" BATCH ",'temperature':1e39}", "/temperature", "float32"},
    {HINGE, "{" BATCH ",'reduction':'avg'}", "/reduction", "found \"avg\""},
    {HINGE, "{" BATCH ",'reduction':'sum\\u0000'}", "/reduction", "U+0000"},
    {HINGE, "{" BATCH ",'dtype':'float16'}", "/dtype", "found \"float16\""},
    {HINGE, "{" BATCH ",'include':['loss']}", "/include/0", "found \"loss\""},
    {"list_mle", "{" BATCH ",'include':['gradient','top_pairs']}", "/include/1", "no top_pairs"},
    {"ndcg", "{" BATCH ",'include':['gradient']}", "/include/0", "no gradient"},
    {HINGE, "{" BATCH ",'top_k':0}", "/top_k", "at least 1"},
    {HINGE, "{" BATCH ",'top_k':1.5}", "/top_k", "whole number"},
    {HINGE, "{" BATCH ",'top_k':51}", "/top_k", "max-top-k"},
    {"ndcg", "{" BATCH ",'k':0}", "/k", "at least 1"},
    {"ndcg", "{" BATCH ",'k':-1}", "/k", "at least 1"},
    {"ndcg", "{" BATCH ",'k':2.5}", "/k", "whole number"},
    {"ndcg", "{" BATCH ",'k':1e300}", "/k", "at most"},
    {"ndcg", "{" BATCH ",'k':'5'}", "/k", "found a string"},
    {HINGE, "{" BATCH ",'name':'a\\nb'}", "/name", "control"},
    {HINGE, "{" BATCH ",'name':'a\\u0000b'}", "/name", "control"},
    {HINGE, "{" BATCH ",'name':'a\\u0085b'}", "/name", "control"},
    {HINGE, "{" BATCH ",'name':'\\u007f'}", "/name", "control"},
    /* evaluate */
    {"evaluate", "{" BATCH "}", "", "at least one entry"},
    {"evaluate", "{" BATCH ",'losses':[],'metrics':[]}", "/losses", "at least one entry"},
    {"evaluate", "{" BATCH ",'losses':'x'}", "/losses", "a list was expected"},
    {"evaluate", "{" BATCH ",'losses':[1]}", "/losses/0", "found a number"},
    {"evaluate", "{" BATCH ",'losses':['ndcg']}", "/losses/0", "no loss is named \"ndcg\""},
    {"evaluate", "{" BATCH ",'metrics':['list_mle']}", "/metrics/0", "no metric is named"},
    {"evaluate", "{" BATCH ",'losses':['list_mle',{}]}", "/losses/1/name", "missing"},
    {"evaluate", "{" BATCH ",'losses':['list_mle',{'name':'x'}]}", "/losses/1/name", "\"x\""},
    {"evaluate", "{" BATCH ",'losses':[{'name':'list_mle','k':1}]}", "/losses/0/k", "no member"},
    {"evaluate", "{" BATCH ",'metrics':[{'name':'dcg','temperature':1}]}", "/metrics/0/temperature",
     "no member"},
    {"evaluate", "{" BATCH ",'losses':[{'name':'list_mle','include':['top_pairs']}]}",
     "/losses/0/include/0", "no top_pairs"},
    {"evaluate", "{" BATCH ",'metrics':['dcg',{'name':'dcg','include':['gradient']}]}",
     "/metrics/1/include/0", "no gradient"},
    {"evaluate", "{" BATCH ",'losses':[{'name':'list_mle','temperature':0}]}",
     "/losses/0/temperature", "above 0"},
    {"evaluate", "{" BATCH ",'losses':['pairwise_hinge','list_mle'],'sample_weight':[[1,2],[3]]}",
     "/losses/1", "one weight per list"},
    {"evaluate", "{" BATCH ",'include':['x'],'losses':['list_mle']}", "/include/0", "\"x\""},
};

START_TEST(mistakes_are_told_with_their_place)
{
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        struct outcome outcome;
        const char *const body = quoted(mistakes[i].text);
        decode_bytes(&outcome, mistakes[i].path, body, strlen(body));
        ck_assert_msg(outcome.status == RL_INVALID, "%s: status %d", body, outcome.status);
        ck_assert_int_eq(outcome.error.status, RL_INVALID);
        ck_assert_msg(strcmp(outcome.error.pointer, mistakes[i].pointer) == 0, "%s: at %s (%s)",
                      body, outcome.error.pointer, outcome.error.detail);
        ck_assert_msg(strstr(outcome.error.detail, mistakes[i].piece) != NULL, "%s: %s", body,
                      outcome.error.detail);
        ck_assert_uint_eq(outcome.error.line, 0);
        release(&outcome);
    }
}
END_TEST

START_TEST(duplicate_keys_are_malformed)
{
    static const struct {
        const char *text;
        size_t line, column, offset;
        const char *key;
    } cases[] = {
        {"{'a':1,'a':2}", 1, 8, 7, "\"a\""},
        {"{'y_pred':[1,2,3],\n 'x':[[4],[5]], 'y_pred':[1]}", 2, 17, 35, "\"y_pred\""},
        {"{'x':{'q\\'':[1],'y':[2], 'q\\'':3}}", 1, 26, 25, "\"q\\\"\""},
        {"{'':1,'':2}", 1, 7, 6, "\"\""},
        {"{'a\\\\':[1],'a\\\\':2}", 1, 12, 11, "\"a\\\\\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct outcome outcome;
        const char *const body = quoted(cases[i].text);
        decode_bytes(&outcome, HINGE, body, strlen(body));
        ck_assert_msg(outcome.status == RL_SYNTAX, "%s: status %d", body, outcome.status);
        ck_assert_msg(outcome.error.line == cases[i].line &&
                          outcome.error.column == cases[i].column &&
                          outcome.error.offset == cases[i].offset,
                      "%s: line %zu, column %zu, offset %zu", body, outcome.error.line,
                      outcome.error.column, outcome.error.offset);
        ck_assert_msg(strstr(outcome.error.detail, cases[i].key) != NULL, "%s: %s", body,
                      outcome.error.detail);
        release(&outcome);
    }
}
END_TEST

START_TEST(long_keys_and_names_are_cut_at_characters)
{
    struct outcome outcome;
    char body[2048], name[600] = "";
    for (int i = 0; i < 250; i++)
        strcat(name, i % 7 ? "\u00e9" : "/");
    snprintf(body, sizeof(body), "{\"y_true\":[1],\"%s\":1}", name);
    decode_bytes(&outcome, HINGE, body, strlen(body));
    ck_assert_int_eq(outcome.status, RL_INVALID);
    const size_t length = strlen(outcome.error.pointer);
    ck_assert_uint_gt(length, RL_POINTER_MAX - 8);
    const unsigned char last = (unsigned char)outcome.error.pointer[length - 1];
    ck_assert(last == 0xa9 || last == '1'); /* a whole character */
    release(&outcome);
    snprintf(body, sizeof(body), "{\"y_true\":[1],\"reduction\":\"%s\"}", name);
    decode_bytes(&outcome, HINGE, body, strlen(body));
    ck_assert_int_eq(outcome.status, RL_INVALID);
    ck_assert_ptr_nonnull(strstr(outcome.error.detail, "\u2026\"")); /* cut, and said so */
    release(&outcome);
    name[128] = 'x', name[129] = '\0';
    snprintf(body, sizeof(body), "{\"y_true\":[1],\"y_pred\":[1],\"name\":\"%s\"}", name);
    decode_bytes(&outcome, HINGE, body, strlen(body));
    ck_assert_int_eq(outcome.status, RL_INVALID);
    ck_assert_str_eq(outcome.error.pointer, "/name");
    release(&outcome);
}
END_TEST

/* ---- Limits ---------------------------------------------------------------------------------- */

static void check_too_large(const char *path, const char *text, const char *pointer,
                            const char *setting)
{
    struct outcome outcome;
    decode_bytes(&outcome, path, text, strlen(text));
    ck_assert_int_eq(outcome.status, RL_TOO_LARGE);
    ck_assert_str_eq(outcome.error.pointer, pointer);
    ck_assert_msg(strstr(outcome.error.detail, setting) != NULL, "%s", outcome.error.detail);
    release(&outcome);
}

START_TEST(limits_are_named)
{
    const struct rl_limits kept = limits;
    limits.max_lists = 1;
    check_too_large(HINGE, quoted("{" BATCH "}"), "/y_pred", "max-lists");
    limits = kept;
    limits.max_items = 2;
    check_too_large(HINGE, quoted("{" BATCH "}"), "/y_pred", "max-items");
    limits = kept;
    limits.max_depth = 2;
    check_too_large(HINGE, quoted("{" BATCH "}"), "", "max-depth");
    limits = kept;
    check_too_large("evaluate", quoted("{" BATCH ",'metrics':['dcg','dcg','dcg','dcg','dcg']}"),
                    "/metrics", "max-evaluations");
    memory = 16;
    check_too_large(HINGE, quoted("{" BATCH "}"), "", "max-request-memory");
    memory = (size_t)1 << 30;
    limits.max_json_memory = 100;
    check_too_large(HINGE, quoted("{" BATCH "}"), "", "max-json-memory");
    limits = kept;
}
END_TEST

static size_t status_bytes(const char *field)
{
    char line[256];
    size_t kib = 0;
    FILE *const file = fopen("/proc/self/status", "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof(line), file))
        if (strncmp(line, field, strlen(field)) == 0)
            kib = strtoul(line + strlen(field), NULL, 10);
    fclose(file);
    return kib * 1024;
}

static void check_bomb(const char *piece, enum rl_status expected)
{
    enum { SIZE = 8 << 20 };
    struct outcome outcome;
    char *const text = malloc(SIZE + 64);
    size_t length = (size_t)sprintf(text, "{\"x\":[");
    const size_t step = strlen(piece);
    for (; length + step < SIZE; length += step)
        memcpy(text + length, piece, step);
    length += (size_t)sprintf(text + length, "0]}");
    FILE *peak = fopen("/proc/self/clear_refs", "w");
    if (peak && (fputs("5", peak) < 0 || fclose(peak) != 0))
        peak = NULL; /* the bound below then counts what was there before too */
    const size_t before = status_bytes("VmRSS:");
    decode_bytes(&outcome, HINGE, text, length);
    const size_t grown = status_bytes("VmHWM:") - before;
    ck_assert_msg(outcome.status == expected, "%s: status %d, %s", piece, outcome.status,
                  outcome.error.detail);
    /* The copy that decode_bytes makes, and at most five times the body more. */
    if (!SANITIZED)
        ck_assert_msg(grown < (size_t)6 * SIZE, "%s: %zu bytes for %d", piece, grown, SIZE);
    release(&outcome);
    free(text);
}

START_TEST(bombs_are_refused_within_bounded_memory)
{
    check_bomb("{},", RL_TOO_LARGE);
    check_bomb("\"\",", RL_TOO_LARGE);
    check_bomb("[\"\"],", RL_TOO_LARGE);
    check_bomb("[0],\"\",", RL_TOO_LARGE);
    check_bomb("{\"a\":[[1]]},", RL_TOO_LARGE);
    check_bomb("\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",", RL_TOO_LARGE);
    check_bomb("[],", RL_INVALID); /* all one column, and no member we know */
    check_bomb("0,", RL_INVALID);
    check_bomb("[[[]]],", RL_INVALID);
}
END_TEST

/* A refused budget leaves the next request unharmed. */
START_TEST(budget_ends_with_its_request)
{
    struct outcome outcome;
    check_bomb("{},", RL_TOO_LARGE);
    decode(&outcome, HINGE, "{" BATCH "}");
    release(&outcome);
}
END_TEST

START_TEST(query_is_untouched_on_failure)
{
    struct outcome outcome;
    decode_bytes(&outcome, HINGE, "{\"y_true\":[1]}", 14);
    ck_assert_int_eq(outcome.status, RL_INVALID);
    ck_assert_ptr_null(outcome.query.evals);
    ck_assert_ptr_null(outcome.query.batch.labels);
    release(&outcome);
}
END_TEST
