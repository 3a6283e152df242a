/*
 * test_infer.c: what HTTP cannot show of the reader: which columns lie in the body and which are
 * converted, what memory it takes, and every allocation failing.
 */
#include "server/formats/oip/infer.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/unittest.h"

static const struct rl_limits limits = {.max_lists = 1000,
                                        .max_items = 100000,
                                        .max_depth = 32,
                                        .max_top_k = 50,
                                        .max_evaluations = 4,
                                        .max_json_memory = (size_t)1 << 26};

/* A request: a header in which ' stands for ", and bytes. */
struct request {
    char *body; /* aligned as the daemon aligns it, `shift` bytes on */
    char *block;
    size_t length, header;
    struct rl_arena arena;
    struct rl_query query;
    struct rl_error error;
    enum rl_status status;
};

static void make(struct request *request, const char *header, const void *bytes, size_t size,
                 size_t shift)
{
    *request = (struct request){.header = strlen(header)};
    request->length = request->header + size;
    request->block = malloc(request->length + 16);
    request->body = request->block + (8 - request->header % 8) % 8 + shift;
    for (size_t i = 0; i < request->header; i++)
        request->body[i] = header[i] == '\'' ? '"' : header[i];
    memcpy(request->body + request->header, bytes, size);
}

static void read_within(struct request *request, const struct rl_target *target, size_t memory)
{
    struct rl_headers headers;
    char length[24];
    rl_headers_init(&headers, NULL);
    snprintf(length, sizeof(length), "%zu", request->header);
    headers.inference_length = length;
    rl_arena_init(&request->arena, memory);
    const struct rl_input input = {.body = request->body,
                                   .length = request->length,
                                   .headers = &headers,
                                   .target = target,
                                   .limits = &limits,
                                   .arena = &request->arena};
    request->status = rl_infer_read(&input, &request->query, &request->error);
}

static void end(struct request *request)
{
    rl_arena_release(&request->arena);
    free(request->block);
}

static bool lies_in(const struct request *request, const void *column)
{
    const uintptr_t at = (uintptr_t)column, body = (uintptr_t)request->body;
    return at >= body && at < body + request->length;
}

#define INPUT(name, shape, type, size)                                                             \
    "{'name':'" name "','shape':" shape ",'datatype':'" type                                       \
    "','parameters':{'binary_data_size':" size "}}"

static const struct rl_target *hinge(void)
{
    static struct rl_target target;
    target.measure = rl_measure_get(RL_PAIRWISE_HINGE);
    return &target;
}

/* Four scores of FP32, four labels of INT8, a mask, weights of FP64. */
#define MIXED                                                                                      \
    "{'inputs':[" INPUT("y_pred", "[2,2]", "FP32", "16") "," INPUT(                                \
        "y_true", "[2,2]", "INT8", "4") "," INPUT("mask", "[2,2]", "BOOL",                         \
                                                  "4") "," INPUT("sample_weight", "[2]", "FP64",   \
                                                                 "16") "]}"
struct mixed {
    float scores[4];
    int8_t labels[4];
    uint8_t mask[4];
    double weights[2];
};
static const struct mixed mixed = {{1, 2, 3, 4}, {1, 0, -1, 2}, {1, 1, 0, 1}, {0.5, 2}};
static_assert(sizeof(mixed) == 40, "without gaps");

START_TEST(columns_of_the_own_type_lie_in_the_body)
{
    struct request request;
    make(&request, MIXED, &mixed, sizeof(mixed), 0);
    read_within(&request, hinge(), 1 << 20);
    ck_assert_msg(request.status == RL_OK, "%s", request.error.detail);
    const struct rl_batch *const batch = &request.query.batch;
    ck_assert(request.query.uses_body && request.query.batched);
    ck_assert(lies_in(&request, batch->scores));
    ck_assert(lies_in(&request, batch->mask));
    ck_assert(!lies_in(&request, batch->labels));
    ck_assert(!lies_in(&request, batch->weights));
    ck_assert_mem_eq(batch->scores, mixed.scores, sizeof(mixed.scores));
    ck_assert_mem_eq(batch->labels, ((float[]){1, 0, -1, 2}), 4 * sizeof(float));
    ck_assert_mem_eq(batch->mask, mixed.mask, 4);
    ck_assert_mem_eq(batch->weights, ((float[]){0.5f, 2}), 2 * sizeof(float));
    ck_assert_int_eq(batch->weight_kind, RL_WEIGHT_LIST);
    ck_assert_mem_eq(batch->offsets, ((size_t[]){0, 2, 4}), 3 * sizeof(size_t));
    end(&request);
}
END_TEST

START_LOOP_TEST(unaligned_columns_are_copied, 8)
{
    struct request request;
    make(&request, MIXED, &mixed, sizeof(mixed), (size_t)_i);
    read_within(&request, hinge(), 1 << 20);
    ck_assert_int_eq(request.status, RL_OK);
    ck_assert_int_eq(lies_in(&request, request.query.batch.scores), _i % 4 == 0);
    ck_assert_uint_eq((uintptr_t)request.query.batch.scores % sizeof(float), 0);
    ck_assert_mem_eq(request.query.batch.scores, mixed.scores, sizeof(mixed.scores));
    end(&request);
}
END_TEST

START_TEST(a_mask_that_is_true_everywhere_is_left_out)
{
    struct mixed all = mixed;
    struct request request;
    memset(all.mask, 1, 4);
    make(&request, MIXED, &all, sizeof(all), 0);
    read_within(&request, hinge(), 1 << 20);
    ck_assert_ptr_null(request.query.batch.mask);
    end(&request);
}
END_TEST

START_TEST(numbers_in_json_do_not_lie_in_the_body)
{
    struct request request;
    make(&request,
         "{'inputs':[{'name':'y_true','shape':[3],'datatype':'FP64','data':[1,null,2]},"
         "{'name':'y_pred','shape':[3],'datatype':'FP32','data':[0.1,0.2,0.3]}],"
         "'parameters':{'dtype':'float64'}}",
         "", 0, 0);
    read_within(&request, hinge(), 1 << 20);
    ck_assert_msg(request.status == RL_OK, "%s", request.error.detail);
    ck_assert(!request.query.uses_body && !request.query.batched);
    const double *const labels = request.query.batch.labels, *const scores =
                                                                 request.query.batch.scores;
    ck_assert(labels[0] == 1 && isnan(labels[1]) && labels[2] == 2);
    ck_assert(scores[0] == (double)0.1f); /* an FP32 is a float, whatever the dtype */
    end(&request);
}
END_TEST

START_TEST(lists_of_different_lengths)
{
    struct request request;
    const struct {
        float scores[3];
        int8_t labels[3], rest;
        int32_t lengths[4];
    } bytes = {{1, 2, 3}, {1, 0, 2}, 0, {2, 0, 1, 0}};
    char packed[sizeof(bytes) - 1];
    memcpy(packed, &bytes, 15);
    memcpy(packed + 15, bytes.lengths, 16);
    make(&request,
         "{'inputs':[" INPUT("y_pred", "[3]", "FP32", "12") "," INPUT("y_true", "[3]", "INT8",
                                                                      "3") //
         "," INPUT("lengths", "[4]", "INT32", "16") "]}",
         packed, sizeof(packed), 0);
    read_within(&request, hinge(), 1 << 20);
    ck_assert_msg(request.status == RL_OK, "%s", request.error.detail);
    ck_assert(request.query.batched);
    ck_assert_uint_eq(request.query.batch.lists, 4);
    ck_assert_mem_eq(request.query.batch.offsets, ((size_t[]){0, 2, 2, 3, 3}), 5 * sizeof(size_t));
    end(&request);
}
END_TEST

/* A body is read again where memory was short: the first reading leaves it as it was. */
START_TEST(too_little_memory_is_an_error_and_the_body_stays)
{
    enum rl_status status = RL_NOMEM;
    for (size_t memory = 64; status != RL_OK; memory += 64) {
        struct request request;
        make(&request, MIXED, &mixed, sizeof(mixed), 0);
        char *const copy = malloc(request.length);
        memcpy(copy, request.body, request.length);
        read_within(&request, hinge(), memory);
        status = request.status;
        ck_assert(status == RL_OK || status == RL_NOMEM || status == RL_TOO_LARGE);
        ck_assert(status == RL_OK || request.error.detail[0] != '\0');
        ck_assert_mem_eq(request.body, copy, request.length);
        ck_assert_uint_lt(memory, 1 << 20);
        free(copy);
        end(&request);
    }
}
END_TEST

/* A million labels of one byte take four as floats, and the scores none. */
START_TEST(memory_is_that_of_what_is_converted)
{
    enum { ITEMS = 100000 };
    struct request request;
    char *const bytes = calloc(ITEMS, 5);
    make(&request,
         "{'inputs':[" INPUT("y_pred", "[1,100000]", "FP32",
                             "400000") "," INPUT("y_true", "[1,100000]", "INT8", "100000") "]}",
         bytes, (size_t)ITEMS * 5, 0);
    read_within(&request, hinge(), 1 << 26);
    ck_assert_msg(request.status == RL_OK, "%s", request.error.detail);
    ck_assert_uint_lt(request.arena.used, ITEMS * sizeof(float) + 65536);
    end(&request);
    free(bytes);
}
END_TEST

START_TEST(headers_of_the_format)
{
    static const struct {
        const char *type;
        bool read;
    } cases[] = {{NULL, true},
                 {"application/json", true},
                 {"application/octet-stream", true},
                 {"Application/Octet-Stream ; x=y", true},
                 {"application/octet-streams", false},
                 {"text/plain", false},
                 {"", false}};
    struct rl_headers headers;
    rl_headers_init(&headers, NULL);
    ck_assert_uint_eq(rl_infer_aligned(&headers), 0);
    headers.inference_length = "123";
    ck_assert_uint_eq(rl_infer_aligned(&headers), 123);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        headers.content_type = cases[i].type;
        ck_assert_msg(rl_infer_reads(&headers) == cases[i].read, "%s", cases[i].type);
    }
}
END_TEST
