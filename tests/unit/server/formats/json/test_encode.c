/*
 * test_encode.c: the reply's text, member by member, for every kind of measure, shape and include;
 * and that numbers of long replies read back as they were.
 */
#include "server/formats/json/encode.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/property/random.h"
#include "tests/lib/unittest.h"

enum { MOST = 8 };

/* A query and its results, as the stages pass them on. */
struct reply {
    struct rl_query query;
    struct rl_eval evals[MOST];
    const char *names[MOST];
    bool reduction_null[MOST];
    struct rl_result results[MOST];
};

static void begin(struct reply *reply, bool batched, enum rl_dtype dtype, const size_t *offsets,
                  size_t lists)
{
    memset(reply, 0, sizeof(*reply));
    reply->query = (struct rl_query){
        .batched = batched,
        .batch = {.dtype = dtype, .lists = lists, .items = offsets[lists], .offsets = offsets},
        .evals = reply->evals,
        .names = reply->names,
        .reduction_null = reply->reduction_null,
    };
}

static struct rl_result *add(struct reply *reply, enum rl_measure_id id, double value)
{
    const size_t index = reply->query.count++;
    const struct rl_measure *const measure = rl_measure_get(id);
    reply->evals[index] = (struct rl_eval){.measure = measure, .temperature = 1};
    reply->names[index] = measure->name;
    reply->query.target = (struct rl_target){.measure = measure};
    reply->results[index] = (struct rl_result){
        .value = value,
        .totals = {.lists = reply->query.batch.lists,
                   .items = reply->query.batch.items,
                   .valid_items = reply->query.batch.items,
                   .pairs = 11,
                   .values = 8,
                   .sum = 8.200000047683716,
                   .weight_sum = 10,
                   .own = {.lists = 2, .a = 1, .b = 2, .aa = 3, .ab = 4, .bb = 5},
                   .averaged = {.lists = 6, .a = 7, .b = 6, .aa = INFINITY, .ab = 7, .bb = 6}},
    };
    return &reply->results[index];
}

static void check_text(const struct reply *reply, const char *expected)
{
    struct rl_output output = {0};
    ck_assert_int_eq(rl_json_write(&reply->query, reply->results, NULL, &output), RL_OK);
    rl_text_append(&output.text, "", 1);
    ck_assert_str_eq(output.text.data, expected);
    rl_text_release(&output.text);
}

/* The text begins like this. */
static void check_prefix(const struct reply *reply, const char *expected)
{
    struct rl_output output = {0};
    ck_assert_int_eq(rl_json_write(&reply->query, reply->results, NULL, &output), RL_OK);
    ck_assert_uint_gt(output.text.length, strlen(expected));
    output.text.data[strlen(expected)] = '\0';
    ck_assert_str_eq(output.text.data, expected);
    rl_text_release(&output.text);
}

static const size_t two_lists[] = {0, 2, 5};
static const size_t one_list[] = {0, 3};

#define LOSS_SUMS                                                                                  \
    ",\"scalar_weight\":null,\"loss_squares\":3,\"loss_divisors\":4,\"divisor_sum\":2,"            \
    "\"divisor_squares\":5"

#define TOTALS                                                                                     \
    "\"totals\":{\"lists\":2,\"items\":5,\"valid_items\":5,\"pairs\":11,\"values\":8,"             \
    "\"loss_sum\":8.200000047683716,\"weight_sum\":10" LOSS_SUMS "}"

START_TEST(loss_of_a_batch)
{
    struct reply reply;
    begin(&reply, true, RL_FLOAT32, two_lists, 2);
    add(&reply, RL_PAIRWISE_HINGE, (double)1.025f);
    reply.names[0] = "candidate \"b\"";
    reply.evals[0].temperature = 0.1;
    check_text(&reply, "{\"loss\":1.025,\"name\":\"candidate \\\"b\\\"\","
                       "\"reduction\":\"sum_over_batch_size\",\"temperature\":0.1,"
                       "\"dtype\":\"float32\"," TOTALS "}");
    reply.query.batch.dtype = RL_FLOAT64;
    reply.evals[0].reduction = RL_SUM;
    reply.evals[0].temperature = 3;
    check_text(&reply, "{\"loss\":1.024999976158142,\"name\":\"candidate \\\"b\\\"\","
                       "\"reduction\":\"sum\",\"temperature\":3,\"dtype\":\"float64\"," TOTALS "}");
}
END_TEST

START_TEST(unreduced_losses_have_the_shape_of_the_scores)
{
    static float values[] = {3, 0, 0.20000005f, 0.79999995f, -0.0f};
    static const size_t with_empty[] = {0, 0, 2, 2, 5, 5};
    struct reply reply;
    begin(&reply, true, RL_FLOAT32, two_lists, 2);
    add(&reply, RL_PAIRWISE_HINGE, 0)->values = values;
    reply.evals[0].reduction = RL_NONE;
    reply.reduction_null[0] = true;
    check_text(&reply, "{\"loss\":[[3,0],[0.20000005,0.79999995,-0]],\"name\":\"pairwise_hinge\","
                       "\"reduction\":null,\"temperature\":1,\"dtype\":\"float32\"," TOTALS "}");
    begin(&reply, true, RL_FLOAT32, with_empty, 5);
    add(&reply, RL_PAIRWISE_HINGE, 0)->values = values;
    reply.evals[0].reduction = RL_NONE;
    check_prefix(&reply, "{\"loss\":[[],[3,0],[],[0.20000005,0.79999995,-0],[]],");
    begin(&reply, false, RL_FLOAT32, one_list, 1);
    add(&reply, RL_PAIRWISE_HINGE, 0)->values = values;
    reply.evals[0].reduction = RL_NONE;
    check_prefix(&reply, "{\"loss\":[3,0,0.20000005],\"name\"");
}
END_TEST

START_TEST(unreduced_list_mle_is_per_list)
{
    static double values[] = {1.5, 0.1};
    struct reply reply;
    begin(&reply, true, RL_FLOAT64, two_lists, 2);
    add(&reply, RL_LIST_MLE, 0)->values = values;
    reply.evals[0].reduction = RL_NONE;
    check_prefix(&reply, "{\"loss\":[1.5,0.1],\"name\":\"list_mle\",\"reduction\":\"none\"");
    begin(&reply, false, RL_FLOAT64, one_list, 1);
    add(&reply, RL_LIST_MLE, 0)->values = values;
    reply.evals[0].reduction = RL_NONE;
    check_prefix(&reply, "{\"loss\":1.5,\"name\"");
}
END_TEST

START_TEST(everything_included)
{
    static float gradient[] = {-1, 1, 0, 0.5f, -0.5f};
    static struct rl_list_result lists[] = {{.items = 2, .valid_items = 2, .pairs = 1, .sum = 0.5},
                                            {.items = 3, .valid_items = 2, .pairs = 2, .sum = 7}};
    static struct rl_pair pairs[] = {{0, 1, 0.5}, {2, 0, 4.25}, {1, 0, 2.75}};
    static size_t pair_offsets[] = {0, 1};
    static uint32_t pair_counts[] = {1, 2};
    struct reply reply;
    begin(&reply, true, RL_FLOAT32, two_lists, 2);
    struct rl_result *const result = add(&reply, RL_PAIRWISE_LOGISTIC, 2);
    reply.evals[0].include = RL_PER_LIST | RL_GRADIENT | RL_TOP_PAIRS;
    result->gradient = gradient;
    result->lists = lists;
    result->top_pairs = pairs;
    result->top_offsets = pair_offsets;
    result->top_counts = pair_counts;
    check_text(&reply,
               "{\"loss\":2,\"name\":\"pairwise_logistic\",\"reduction\":\"sum_over_batch_size\","
               "\"temperature\":1,\"dtype\":\"float32\"," TOTALS ",\"per_list\":["
               "{\"loss_sum\":0.5,\"items\":2,\"valid_items\":2,\"pairs\":1},"
               "{\"loss_sum\":7,\"items\":3,\"valid_items\":2,\"pairs\":2}],"
               "\"gradient\":[[-1,1],[0,0.5,-0.5]],"
               "\"top_pairs\":[[{\"i\":0,\"j\":1,\"loss\":0.5}],"
               "[{\"i\":2,\"j\":0,\"loss\":4.25},{\"i\":1,\"j\":0,\"loss\":2.75}]]}");
}
END_TEST

START_TEST(unbatched_list_keeps_arrays_of_lists)
{
    static float gradient[] = {-1, 1, 0};
    static struct rl_list_result lists[] = {{.items = 3, .valid_items = 3, .pairs = 3, .sum = 1}};
    static size_t pair_offsets[] = {0};
    static uint32_t pair_counts[] = {0};
    struct reply reply;
    begin(&reply, false, RL_FLOAT32, one_list, 1);
    struct rl_result *const result = add(&reply, RL_PAIRWISE_HINGE, 2);
    reply.evals[0].include = RL_PER_LIST | RL_GRADIENT | RL_TOP_PAIRS;
    result->gradient = gradient;
    result->lists = lists;
    result->top_offsets = pair_offsets;
    result->top_counts = pair_counts;
    check_text(&reply,
               "{\"loss\":2,\"name\":\"pairwise_hinge\",\"reduction\":\"sum_over_batch_size\","
               "\"temperature\":1,\"dtype\":\"float32\",\"totals\":{\"lists\":1,\"items\":3,"
               "\"valid_items\":3,\"pairs\":11,\"values\":8,\"loss_sum\":8.200000047683716,"
               "\"weight_sum\":10" LOSS_SUMS
               "},\"per_list\":[{\"loss_sum\":1,\"items\":3,\"valid_items\":3,"
               "\"pairs\":3}],\"gradient\":[-1,1,0],\"top_pairs\":[[]]}");
}
END_TEST

#define METRIC_TOTALS                                                                              \
    "\"totals\":{\"lists\":2,\"items\":5,\"valid_items\":5,\"metric_sum\":8.200000047683716,"      \
    "\"weight_sum\":10,\"relevant_lists\":2,\"relevant_metric_sum\":1,\"relevant_weight_sum\":2,"  \
    "\"relevant_metric_squares\":3,\"relevant_metric_weights\":4,\"relevant_weight_squares\":5,"   \
    "\"other_lists\":6,\"other_metric_sum\":7,\"other_metric_squares\":null}"

START_TEST(metric_of_a_batch)
{
    static struct rl_list_result lists[] = {{.items = 2, .valid_items = 2, .value = 1, .weight = 2},
                                            {.items = 3, .valid_items = 1, .value = 0.5}};
    struct reply reply;
    begin(&reply, true, RL_FLOAT32, two_lists, 2);
    add(&reply, RL_NDCG, (double)0.62f)->lists = lists;
    check_text(&reply, "{\"metric\":0.62,\"name\":\"ndcg\",\"k\":null,\"dtype\":\"float32\"," //
               METRIC_TOTALS "}");
    reply.evals[0].k = 10;
    reply.evals[0].include = RL_PER_LIST;
    check_text(&reply,
               "{\"metric\":0.62,\"name\":\"ndcg\",\"k\":10,\"dtype\":\"float32\"," METRIC_TOTALS
               ",\"per_list\":[{\"metric\":1,\"weight\":2,\"items\":2,\"valid_items\":2},"
               "{\"metric\":0.5,\"weight\":0,\"items\":3,\"valid_items\":1}]}");
}
END_TEST

START_TEST(evaluate_lists_its_entries)
{
    struct reply reply;
    begin(&reply, true, RL_FLOAT32, two_lists, 2);
    add(&reply, RL_PAIRWISE_HINGE, 2);
    add(&reply, RL_NDCG, 0.5);
    reply.query.target = (struct rl_target){.evaluate = true};
    static const char entries[] =
        "{\"results\":[{\"loss\":2,\"name\":\"pairwise_hinge\",\"reduction\":"
        "\"sum_over_batch_size\",\"temperature\":1," TOTALS "},"
        "{\"metric\":0.5,\"name\":\"ndcg\",\"k\":null," METRIC_TOTALS "}],";
    char expected[2048];
    snprintf(expected, sizeof(expected), "%s%s", entries,
             "\"dtype\":\"float32\",\"totals\":{\"lists\":2,\"items\":5,\"valid_items\":5}}");
    check_text(&reply, expected);
    reply.query.name = "run 7";
    snprintf(expected, sizeof(expected), "%s%s", entries,
             "\"name\":\"run 7\",\"dtype\":\"float32\","
             "\"totals\":{\"lists\":2,\"items\":5,\"valid_items\":5}}");
    check_text(&reply, expected);
}
END_TEST

/* Large arrays of both types, ragged: jansson reads back what was written. */
static void check_large(enum rl_dtype dtype)
{
    enum { LISTS = 500 };
    static size_t offsets[LISTS + 1];
    struct random random = random_init(random_seed());
    struct reply reply;
    struct rl_output output = {0};
    for (size_t l = 0; l < LISTS; l++)
        offsets[l + 1] = offsets[l] + random_below(&random, 60);
    const size_t items = offsets[LISTS];
    float *const floats = calloc(items, sizeof(*floats));
    double *const doubles = calloc(items, sizeof(*doubles));
    for (size_t i = 0; i < items; i++) {
        doubles[i] = ldexp(random_uniform(&random, -1, 1), (int)random_below(&random, 200) - 100);
        floats[i] = (float)doubles[i];
    }
    begin(&reply, true, dtype, offsets, LISTS);
    add(&reply, RL_PAIRWISE_HINGE, 0)->values = dtype == RL_FLOAT32 ? (void *)floats : doubles;
    reply.evals[0].reduction = RL_NONE;
    ck_assert_int_eq(rl_json_write(&reply.query, reply.results, NULL, &output), RL_OK);
    json_t *const root = json_loadb(output.text.data, output.text.length, 0, NULL);
    ck_assert_ptr_nonnull(root);
    const json_t *const loss = json_object_get(root, "loss");
    ck_assert_uint_eq(json_array_size(loss), LISTS);
    for (size_t l = 0; l < LISTS; l++) {
        const json_t *const list = json_array_get(loss, l);
        ck_assert_uint_eq(json_array_size(list), offsets[l + 1] - offsets[l]);
        for (size_t i = 0; i < json_array_size(list); i++) {
            const double value = json_number_value(json_array_get(list, i));
            if (dtype == RL_FLOAT32)
                ck_assert_float_eq((float)value, floats[offsets[l] + i]);
            else
                ck_assert_double_eq(value, doubles[offsets[l] + i]);
        }
    }
    json_decref(root);
    rl_text_release(&output.text);
    free(floats);
    free(doubles);
}

START_TEST(large_replies_read_back)
{
    check_large(RL_FLOAT32);
    check_large(RL_FLOAT64);
}
END_TEST

static void check_team(struct rl_team *team, struct random *random, bool batched, size_t lists,
                       size_t longest)
{
    size_t *const offsets = calloc(lists + 1, sizeof(*offsets));
    struct reply reply;
    struct rl_output one = {0}, many = {0};
    for (size_t l = 0; l < lists; l++)
        offsets[l + 1] =
            offsets[l] + (random_below(random, 5) ? random_below(random, longest + 1) : 0);
    const size_t items = offsets[lists];
    const enum rl_dtype dtype = random_below(random, 2) ? RL_FLOAT32 : RL_FLOAT64;
    double *const values = calloc(items + 1, sizeof(*values));
    for (size_t i = 0; i < items; i++) {
        const double value = random_below(random, 3) ? random_uniform(random, -9, 9) : -1e-300;
        const float small = (float)(random_below(random, 3) ? value : -1.23456789e-38);
        if (dtype == RL_FLOAT64)
            values[i] = value;
        else
            memcpy((char *)values + i * sizeof(small), &small, sizeof(small));
    }
    begin(&reply, batched, dtype, offsets, lists);
    struct rl_result *const result = add(&reply, RL_PAIRWISE_HINGE, 1);
    reply.evals[0].reduction = RL_NONE;
    reply.evals[0].include = RL_GRADIENT;
    result->values = result->gradient = values;
    ck_assert_int_eq(rl_json_write(&reply.query, reply.results, NULL, &one), RL_OK);
    ck_assert_int_eq(rl_json_write(&reply.query, reply.results, team, &many), RL_OK);
    ck_assert_uint_eq(one.text.length, many.text.length);
    ck_assert_mem_eq(one.text.data, many.text.data, one.text.length);
    json_t *const root = json_loadb(many.text.data, many.text.length, 0, NULL);
    ck_assert_ptr_nonnull(root);
    json_decref(root);
    rl_text_release(&one.text);
    rl_text_release(&many.text);
    free(values);
    free(offsets);
}

START_TEST(team_writes_the_same_text)
{
    struct random random = random_init(random_seed());
    struct rl_team *team;
    struct rl_error error;
    ck_assert_int_eq(rl_team_create(3, &team, &error), RL_OK);
    check_team(team, &random, true, 5, 0); /* empty lists alone */
    for (int i = 0; i < 20; i++) {
        check_team(team, &random, true, 1 + random_below(&random, 4000), 20);
        check_team(team, &random, true, 1 + random_below(&random, 20000), 1);
        check_team(team, &random, true, 1 + random_below(&random, 10), 9000);
    }
    for (size_t items = 4094; items <= 4099; items++)
        check_team(team, &random, false, 1, items);
    rl_team_free(team);
}
END_TEST

START_TEST(failed_text_is_no_memory)
{
    struct reply reply;
    struct rl_output output = {0};
    begin(&reply, true, RL_FLOAT32, two_lists, 2);
    add(&reply, RL_PAIRWISE_HINGE, 1);
    output.text.failed = true;
    ck_assert_int_eq(rl_json_write(&reply.query, reply.results, NULL, &output), RL_NOMEM);
    rl_text_release(&output.text);
}
END_TEST
