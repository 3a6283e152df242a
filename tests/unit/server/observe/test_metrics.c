/*
 * test_metrics.c: nothing counted is lost, in any number of threads and after they end.
 */
#include "server/observe/metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/observe/tracked.h"
#include "tests/lib/unittest.h"

static struct rl_counters counters; /* large: not on a test's stack */

static void begin(size_t track_names)
{
    struct rl_error error;
    ck_assert_int_eq(rl_metrics_init(track_names, &error), RL_OK);
}

static uint64_t sum_of(const uint64_t *cells, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += cells[i];
    return sum;
}

/* ---- Labels --------------------------------------------------------------------------------- */

START_TEST(refusals_have_their_names)
{
    ck_assert_str_eq(rl_reject_name(RL_REJECT_QUEUE_FULL), "queue_full");
}
END_TEST

START_TEST(every_code_has_a_cell)
{
    for (unsigned code = 0; code < 1000; code++) {
        const size_t index = rl_code_index(code);
        ck_assert_uint_lt(index, RL_CODES);
        ck_assert(rl_code_at(index) == code || rl_code_at(index) == 0);
    }
    ck_assert_uint_eq(rl_code_at(rl_code_index(422)), 422);
    ck_assert_uint_eq(rl_code_at(rl_code_index(299)), 0);
}
END_TEST

START_TEST(bounds_rise_and_read_as_they_are)
{
    for (size_t i = 0; i < RL_TIME_BUCKETS; i++) {
        ck_assert(i == 0 || rl_time_bounds[i].value > rl_time_bounds[i - 1].value);
        ck_assert_double_eq_tol(strtod(rl_time_bounds[i].label, NULL),
                                (double)rl_time_bounds[i].value * 1e-9, 1e-12);
    }
    for (size_t i = 0; i < RL_SIZE_BUCKETS; i++)
        ck_assert_uint_eq((uint64_t)strtod(rl_size_bounds[i].label, NULL), rl_size_bounds[i].value);
    for (size_t i = 0; i < RL_BATCH_BUCKETS; i++)
        ck_assert_uint_eq((uint64_t)strtod(rl_batch_bounds[i].label, NULL),
                          rl_batch_bounds[i].value);
}
END_TEST

/* ---- One thread ----------------------------------------------------------------------------- */

START_TEST(requests_are_counted)
{
    begin(0);
    rl_metrics_request(RL_METHOD_POST, RL_HANDLER_LOSS, 200, 250000, 300, 0);
    rl_metrics_request(RL_METHOD_POST, RL_HANDLER_LOSS, 200, 250001, 256, 100000000);
    rl_metrics_request(RL_METHOD_GET, RL_HANDLER_OTHER, 777, 20000000000, 0, 1);
    rl_metrics_read(&counters);
    ck_assert_uint_eq(counters.requests[RL_METHOD_POST][RL_HANDLER_LOSS][rl_code_index(200)], 2);
    ck_assert_uint_eq(counters.requests[RL_METHOD_GET][RL_HANDLER_OTHER][RL_CODES - 1], 1);
    /* A bound is inclusive: 250 us falls under 0.00025, one nanosecond more does not. */
    ck_assert_uint_eq(counters.duration[RL_HANDLER_LOSS].cells[1], 1);
    ck_assert_uint_eq(counters.duration[RL_HANDLER_LOSS].cells[2], 1);
    ck_assert_uint_eq(counters.duration[RL_HANDLER_LOSS].sum, 500001);
    ck_assert_uint_eq(counters.duration[RL_HANDLER_OTHER].cells[RL_TIME_BUCKETS], 1);
    ck_assert_uint_eq(counters.request_size[RL_HANDLER_LOSS].cells[0], 1);
    ck_assert_uint_eq(counters.request_size[RL_HANDLER_LOSS].cells[1], 1);
    ck_assert_uint_eq(counters.response_size[RL_HANDLER_LOSS].cells[RL_SIZE_BUCKETS], 1);
    rl_metrics_release();
}
END_TEST

START_TEST(stages_are_counted)
{
    begin(0);
    rl_metrics_transfer(4000, 6000);
    rl_metrics_decode(1000, 12);
    rl_metrics_decode(1000, 30);
    rl_metrics_compute(RL_LIST_MLE, 5000, 3, 0);
    rl_metrics_compute(RL_PAIRWISE_HINGE, 5000, 3, 17);
    rl_metrics_encode(2000);
    rl_metrics_queue_wait(3000);
    rl_metrics_batch(1);
    rl_metrics_batch(3);
    rl_metrics_batch(5000);
    rl_metrics_rejected(RL_REJECT_DEADLINE);
    rl_metrics_client_gone();
    rl_metrics_connection_rejected();
    rl_metrics_read(&counters);
    ck_assert_uint_eq(counters.items, 42);
    ck_assert_uint_eq(counters.pairs, 17);
    ck_assert_uint_eq(counters.lists[RL_LIST_MLE], 3);
    ck_assert_uint_eq(counters.compute[RL_PAIRWISE_HINGE].sum, 5000);
    ck_assert_uint_eq(counters.read.sum, 4000);
    ck_assert_uint_eq(counters.write.sum, 6000);
    ck_assert_uint_eq(counters.decode.cells[0], 2);
    ck_assert_uint_eq(counters.encode.sum, 2000);
    ck_assert_uint_eq(counters.queue_wait.sum, 3000);
    ck_assert_uint_eq(counters.batch.cells[0], 1);
    ck_assert_uint_eq(counters.batch.cells[2], 1);
    ck_assert_uint_eq(counters.batch.cells[RL_BATCH_BUCKETS], 1);
    ck_assert_uint_eq(counters.batch.sum, 5004);
    ck_assert_uint_eq(counters.rejected[RL_REJECT_DEADLINE], 1);
    ck_assert_uint_eq(counters.client_gone, 1);
    ck_assert_uint_eq(counters.connections_rejected, 1);
    rl_metrics_release();
}
END_TEST

START_TEST(gauges_hold_the_last_value)
{
    struct rl_gauges gauges;
    begin(0);
    rl_metrics_read_gauges(&gauges);
    ck_assert_uint_eq(gauges.last_reload_ok, 1);
    rl_metrics_set_queue(3, 4);
    rl_metrics_set_queue(5, 6);
    rl_metrics_set_limits(7, 8, 9);
    rl_metrics_set_threads(10, 11);
    rl_metrics_set_ready(true);
    rl_metrics_reload(true);
    rl_metrics_reload(false);
    rl_metrics_read_gauges(&gauges);
    rl_metrics_read(&counters);
    ck_assert_uint_eq(gauges.queue_depth, 5);
    ck_assert_uint_eq(gauges.queue_bytes, 6);
    ck_assert_uint_eq(gauges.queue_capacity, 7);
    ck_assert_uint_eq(gauges.queue_bytes_limit, 8);
    ck_assert_uint_eq(gauges.max_connections, 9);
    ck_assert_uint_eq(gauges.threads, 10);
    ck_assert_uint_eq(gauges.io_threads, 11);
    ck_assert_uint_eq(gauges.ready, 1);
    ck_assert_uint_eq(gauges.last_reload_ok, 0);
    ck_assert_uint_eq(counters.reloads_ok, 1);
    ck_assert_uint_eq(counters.reloads_failed, 1);
    rl_metrics_release();
}
END_TEST

/* ---- Threads -------------------------------------------------------------------------------- */

enum { THREADS = 8, ROUNDS = 20000 };

static void *count_many(void *unused)
{
    for (int i = 0; i < ROUNDS; i++) {
        rl_metrics_in_flight(1);
        rl_metrics_connections(1);
        rl_metrics_request(RL_METHOD_POST, RL_HANDLER_EVALUATE, 200, 1000, 10, 20);
        rl_metrics_compute(RL_NDCG, 7, 2, 3);
        rl_metrics_in_flight(-1);
        rl_tracked_add(RL_NDCG, i % 2 ? "odd" : "even", 1);
    }
    return unused;
}

static atomic_bool reading;

static void *read_on(void *unused)
{
    static struct rl_counters seen;
    uint64_t last = 0;
    while (atomic_load(&reading)) {
        rl_metrics_read(&seen);
        const uint64_t now = seen.items + sum_of(seen.lists, RL_MEASURES);
        ck_assert_uint_ge(now, last); /* a counter never falls */
        last = now;
    }
    return unused;
}

static void run_threads(pthread_t *threads, int count)
{
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, count_many, NULL), 0);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

static void count_name(void *context, const struct rl_tracked *value)
{
    uint64_t *const count = context;
    ck_assert_double_eq(value->sum, (double)value->count);
    ck_assert_double_eq(value->last, 1);
    *count += value->count;
}

START_TEST(threads_lose_nothing)
{
    pthread_t threads[THREADS], reader;
    uint64_t named = 0;
    begin(2);
    atomic_store(&reading, true);
    ck_assert_int_eq(pthread_create(&reader, NULL, read_on, NULL), 0);
    run_threads(threads, THREADS);
    run_threads(threads, THREADS); /* takes over the shards of those that ended */
    atomic_store(&reading, false);
    pthread_join(reader, NULL);
    const uint64_t all = (uint64_t)2 * THREADS * ROUNDS;
    rl_metrics_read(&counters);
    ck_assert_uint_eq(counters.requests[RL_METHOD_POST][RL_HANDLER_EVALUATE][0], all);
    ck_assert_uint_eq(counters.in_flight, 0);
    ck_assert_uint_eq(counters.connections, all);
    ck_assert_uint_eq(counters.lists[RL_NDCG], 2 * all);
    ck_assert_uint_eq(counters.pairs, 3 * all);
    ck_assert_uint_eq(sum_of(counters.compute[RL_NDCG].cells, RL_TIME_BUCKETS + 1), all);
    rl_tracked_read(count_name, &named);
    ck_assert_uint_eq(named, all);
    ck_assert_uint_eq(rl_tracked_dropped(), 0);
    rl_metrics_release();
}
END_TEST

/* A change counted in one thread and undone in another leaves nothing. */
static void *count_down(void *unused)
{
    rl_metrics_in_flight(-1);
    return unused;
}

START_TEST(changes_cancel_across_threads)
{
    pthread_t thread;
    begin(0);
    rl_metrics_in_flight(1);
    rl_metrics_in_flight(1);
    ck_assert_int_eq(pthread_create(&thread, NULL, count_down, NULL), 0);
    pthread_join(thread, NULL);
    rl_metrics_read(&counters);
    ck_assert_uint_eq(counters.in_flight, 1);
    rl_metrics_release();
}
END_TEST

START_TEST(counters_start_again)
{
    begin(1);
    rl_metrics_client_gone();
    rl_tracked_add(RL_DCG, "a", 2);
    rl_metrics_release();
    begin(1);
    rl_metrics_client_gone();
    rl_metrics_read(&counters);
    ck_assert_uint_eq(counters.client_gone, 1);
    uint64_t named = 0;
    rl_tracked_read(count_name, &named);
    ck_assert_uint_eq(named, 0);
    rl_metrics_release();
}
END_TEST

/* ---- Names ---------------------------------------------------------------------------------- */
