/*
 * metrics.c: counters in one shard per thread.
 *
 * A shard's cells have one writer, so an increment is a relaxed load and a relaxed store without
 * a locked instruction. A thread whose shard could not be allocated counts in `common`, with
 * atomic additions. Shards are linked under a lock that is taken once per thread and once per
 * scrape.
 */
#include "server/observe/metrics.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "server/observe/tracked.h"

const struct rl_bound rl_time_bounds[RL_TIME_BUCKETS] = {
    {100000, "0.0001"},  {250000, "0.00025"}, {500000, "0.0005"},  {1000000, "0.001"},
    {2500000, "0.0025"}, {5000000, "0.005"},  {10000000, "0.01"},  {25000000, "0.025"},
    {50000000, "0.05"},  {100000000, "0.1"},  {250000000, "0.25"}, {500000000, "0.5"},
    {1000000000, "1.0"}, {2500000000, "2.5"}, {5000000000, "5.0"}, {10000000000, "10.0"},
};

const struct rl_bound rl_size_bounds[RL_SIZE_BUCKETS] = {
    {256, "256.0"},           {1024, "1024.0"},       {4096, "4096.0"},
    {16384, "16384.0"},       {65536, "65536.0"},     {262144, "262144.0"},
    {1048576, "1048576.0"},   {4194304, "4194304.0"}, {16777216, "16777216.0"},
    {67108864, "67108864.0"},
};

const struct rl_bound rl_batch_bounds[RL_BATCH_BUCKETS] = {
    {1, "1.0"},   {2, "2.0"},   {4, "4.0"},     {8, "8.0"},     {16, "16.0"},
    {32, "32.0"}, {64, "64.0"}, {128, "128.0"}, {256, "256.0"},
};

/* ---- Labels --------------------------------------------------------------------------------- */

#define TEXT_OF(name, text) text,
static const char *const reject_names[] = {RL_REJECT_MAP(TEXT_OF)};
#undef TEXT_OF

#define CODE_OF(code) code,
static const unsigned codes[RL_CODES] = {RL_CODE_MAP(CODE_OF) 0};
#undef CODE_OF

const char *rl_reject_name(enum rl_reject reason)
{
    return reject_names[reason];
}

size_t rl_code_index(unsigned code)
{
    size_t i = 0;
    while (i < RL_CODES - 1 && codes[i] != code)
        i++;
    return i;
}

unsigned rl_code_at(size_t index)
{
    return codes[index];
}

/* ---- Shards --------------------------------------------------------------------------------- */

struct shard {
    struct rl_counters counters;
    struct shard *next;
    bool owned; /* by a living thread; under the lock */
};

static pthread_mutex_t shards_lock = PTHREAD_MUTEX_INITIALIZER;
static struct shard *shards; /* under the lock */
static struct shard common;
static pthread_key_t shard_key; /* only for its destructor: a thread's end */
static _Thread_local struct shard *own_shard;

/* When a thread ends, its counts stay and the next thread reuses the shard. */
static void disown(void *pointer)
{
    struct shard *const shard = pointer;
    pthread_mutex_lock(&shards_lock);
    shard->owned = false;
    pthread_mutex_unlock(&shards_lock);
}

/* An unowned shard, linked; NULL if memory is short. */
static struct shard *claim_locked(void)
{
    struct shard *shard = shards;
    while (shard && shard->owned)
        shard = shard->next;
    if (!shard && (shard = aligned_alloc(64, (sizeof(*shard) + 63) / 64 * 64)) != NULL) {
        memset(shard, 0, sizeof(*shard));
        shard->next = shards;
        shards = shard;
    }
    if (shard)
        shard->owned = true;
    return shard;
}

static struct shard *first_shard(void)
{
    pthread_mutex_lock(&shards_lock);
    struct shard *const shard = claim_locked();
    pthread_mutex_unlock(&shards_lock);
    if (!shard)
        return &common;
    if (pthread_setspecific(shard_key, shard) != 0) {
        disown(shard);
        return &common;
    }
    own_shard = shard;
    return shard;
}

static struct shard *shard_here(void)
{
    return own_shard ? own_shard : first_shard();
}

/* Adds to a cell of this thread's shard. Relaxed: a scrape may see counts of one request before
 * others of it. The thread alone writes to its shard, so a load and a store are enough there. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the builtins write to it */
static void bump(const struct shard *shard, uint64_t *cell, uint64_t amount)
{
    if (shard == &common)
        __atomic_fetch_add(cell, amount, __ATOMIC_RELAXED);
    else
        __atomic_store_n(cell, __atomic_load_n(cell, __ATOMIC_RELAXED) + amount, __ATOMIC_RELAXED);
}

static size_t bucket_of(const struct rl_bound *bounds, size_t count, uint64_t value)
{
    size_t i = 0;
    while (i < count && value > bounds[i].value)
        i++;
    return i;
}

static void observe_time(const struct shard *shard, struct rl_time_histogram *histogram,
                         uint64_t duration)
{
    bump(shard, &histogram->cells[bucket_of(rl_time_bounds, RL_TIME_BUCKETS, duration)], 1);
    bump(shard, &histogram->sum, duration);
}

static void observe_size(const struct shard *shard, struct rl_size_histogram *histogram,
                         uint64_t bytes)
{
    bump(shard, &histogram->cells[bucket_of(rl_size_bounds, RL_SIZE_BUCKETS, bytes)], 1);
    bump(shard, &histogram->sum, bytes);
}

static void add_shard(const struct shard *shard, uint64_t *sums)
{
    const uint64_t *const cells = (const uint64_t *)(const void *)&shard->counters;
    for (size_t i = 0; i < sizeof(shard->counters) / sizeof(*cells); i++)
        sums[i] += __atomic_load_n(&cells[i], __ATOMIC_RELAXED);
}

void rl_metrics_read(struct rl_counters *ret_counters)
{
    uint64_t *const sums = (uint64_t *)(void *)ret_counters;
    memset(ret_counters, 0, sizeof(*ret_counters));
    add_shard(&common, sums);
    pthread_mutex_lock(&shards_lock);
    for (const struct shard *shard = shards; shard; shard = shard->next)
        add_shard(shard, sums);
    pthread_mutex_unlock(&shards_lock);
}

/* ---- Counting ------------------------------------------------------------------------------- */

void rl_metrics_in_flight(int change)
{
    struct shard *const shard = shard_here();
    bump(shard, &shard->counters.in_flight, (uint64_t)(int64_t)change);
}

void rl_metrics_request(enum rl_method method, enum rl_handler handler, unsigned code,
                        uint64_t duration, uint64_t request_bytes, uint64_t response_bytes)
{
    struct shard *const shard = shard_here();
    struct rl_counters *const counters = &shard->counters;
    bump(shard, &counters->requests[method][handler][rl_code_index(code)], 1);
    observe_time(shard, &counters->duration[handler], duration);
    observe_size(shard, &counters->request_size[handler], request_bytes);
    observe_size(shard, &counters->response_size[handler], response_bytes);
}

void rl_metrics_transfer(uint64_t read, uint64_t write)
{
    struct shard *const shard = shard_here();
    observe_time(shard, &shard->counters.read, read);
    observe_time(shard, &shard->counters.write, write);
}

void rl_metrics_decode(uint64_t duration, size_t items)
{
    struct shard *const shard = shard_here();
    observe_time(shard, &shard->counters.decode, duration);
    bump(shard, &shard->counters.items, items);
}

void rl_metrics_compute(enum rl_measure_id measure, uint64_t duration, size_t lists, uint64_t pairs)
{
    struct shard *const shard = shard_here();
    observe_time(shard, &shard->counters.compute[measure], duration);
    bump(shard, &shard->counters.lists[measure], lists);
    bump(shard, &shard->counters.pairs, pairs);
}

void rl_metrics_encode(uint64_t duration)
{
    struct shard *const shard = shard_here();
    observe_time(shard, &shard->counters.encode, duration);
}

void rl_metrics_queue_wait(uint64_t duration)
{
    struct shard *const shard = shard_here();
    observe_time(shard, &shard->counters.queue_wait, duration);
}

void rl_metrics_batch(size_t requests)
{
    struct shard *const shard = shard_here();
    struct rl_batch_histogram *const batch = &shard->counters.batch;
    bump(shard, &batch->cells[bucket_of(rl_batch_bounds, RL_BATCH_BUCKETS, requests)], 1);
    bump(shard, &batch->sum, requests);
}

void rl_metrics_rejected(enum rl_reject reason)
{
    struct shard *const shard = shard_here();
    bump(shard, &shard->counters.rejected[reason], 1);
}

void rl_metrics_client_gone(void)
{
    struct shard *const shard = shard_here();
    bump(shard, &shard->counters.client_gone, 1);
}

void rl_metrics_connections(int change)
{
    struct shard *const shard = shard_here();
    bump(shard, &shard->counters.connections, (uint64_t)(int64_t)change);
}

void rl_metrics_connection_rejected(void)
{
    struct shard *const shard = shard_here();
    bump(shard, &shard->counters.connections_rejected, 1);
}

/* ---- Gauges --------------------------------------------------------------------------------- */

/* Relaxed: each is a value by itself. */
static struct {
    _Atomic uint64_t queue_depth, queue_bytes, queue_capacity, queue_bytes_limit, max_connections;
    _Atomic uint64_t threads, io_threads, ready, last_reload_ok;
    _Atomic uint64_t memory, memory_limit;
} gauges;

static void set(_Atomic uint64_t *gauge, uint64_t value)
{
    atomic_store_explicit(gauge, value, memory_order_relaxed);
}

static uint64_t get(_Atomic uint64_t *gauge)
{
    return atomic_load_explicit(gauge, memory_order_relaxed);
}

void rl_metrics_reload(bool ok)
{
    struct shard *const shard = shard_here();
    struct rl_counters *const counters = &shard->counters;
    bump(shard, ok ? &counters->reloads_ok : &counters->reloads_failed, 1);
    set(&gauges.last_reload_ok, ok);
}

void rl_metrics_set_queue(size_t depth, size_t bytes)
{
    set(&gauges.queue_depth, depth);
    set(&gauges.queue_bytes, bytes);
}

void rl_metrics_set_memory(size_t used, size_t limit)
{
    set(&gauges.memory, used);
    set(&gauges.memory_limit, limit);
}

void rl_metrics_set_limits(size_t queue_capacity, size_t queue_bytes, size_t max_connections)
{
    set(&gauges.queue_capacity, queue_capacity);
    set(&gauges.queue_bytes_limit, queue_bytes);
    set(&gauges.max_connections, max_connections);
}

void rl_metrics_set_threads(size_t compute, size_t io)
{
    set(&gauges.threads, compute);
    set(&gauges.io_threads, io);
}

void rl_metrics_set_ready(bool ready)
{
    set(&gauges.ready, ready);
}

void rl_metrics_read_gauges(struct rl_gauges *ret_gauges)
{
    *ret_gauges = (struct rl_gauges){
        .queue_depth = get(&gauges.queue_depth),
        .queue_bytes = get(&gauges.queue_bytes),
        .queue_capacity = get(&gauges.queue_capacity),
        .queue_bytes_limit = get(&gauges.queue_bytes_limit),
        .max_connections = get(&gauges.max_connections),
        .memory = get(&gauges.memory),
        .memory_limit = get(&gauges.memory_limit),
        .threads = get(&gauges.threads),
        .io_threads = get(&gauges.io_threads),
        .ready = get(&gauges.ready),
        .last_reload_ok = get(&gauges.last_reload_ok),
    };
}

/* ---- Life ----------------------------------------------------------------------------------- */

enum rl_status rl_metrics_init(size_t track_names, struct rl_error *error)
{
    if (pthread_key_create(&shard_key, disown) != 0)
        return rl_fail(error, RL_SYSTEM, "", "cannot create a thread key for the metrics");
    if (!rl_tracked_init(track_names)) {
        pthread_key_delete(shard_key);
        return rl_fail(error, RL_NOMEM, "", "no memory for %zu tracked names", track_names);
    }
    memset(&gauges, 0, sizeof(gauges));
    set(&gauges.last_reload_ok, 1);
    return RL_OK;
}

void rl_metrics_release(void)
{
    pthread_key_delete(shard_key);
    own_shard = NULL;
    while (shards) {
        struct shard *const next = shards->next;
        free(shards);
        shards = next;
    }
    memset(&common, 0, sizeof(common));
    rl_tracked_release();
}
