/*
 * metrics.h: what the daemon counts, for Prometheus.
 *
 * Design. Each thread counts in its own shard with relaxed loads and stores, so counting takes
 * no lock and shares no cache line; a scrape (exposition.h) adds up the shards. A thread gets its
 * shard at its first count. A shard outlives its thread, so no counts are lost, and serves
 * the next one. The only shared cells are the gauges that one owner sets, and the tracked names.
 *
 * Any thread may call any function here unless it says otherwise. Durations are in nanoseconds.
 */
#ifndef RL_METRICS_H
#define RL_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/base/endpoint.h"

#include "core/rankloss.h"

/* ---- Labels --------------------------------------------------------------------------------- */

/* Why a request that may have been valid was rejected. */
#define RL_REJECT_MAP(X)                                                                           \
    X(QUEUE_FULL, "queue_full")                                                                    \
    X(QUEUE_BYTES, "queue_bytes")                                                                  \
    X(DRAINING, "draining")                                                                        \
    X(DEADLINE, "deadline")                                                                        \
    X(MEMORY, "memory")                                                                            \
    X(TOO_LARGE, "too_large")                                                                      \
    X(UNAUTHORIZED, "unauthorized")                                                                \
    X(HEADER_TIMEOUT, "header_timeout")                                                            \
    X(BODY_TIMEOUT, "body_timeout")                                                                \
    X(FRAMING, "framing")

/* The status codes the daemon answers with. */
/* clang-format off */
#define RL_CODE_MAP(X) \
    X(200) X(204) X(304) X(400) X(401) X(403) X(404) X(405) X(406) X(408) X(411) X(413) X(414) \
    X(415) X(417) X(421) X(422) X(429) X(431) X(499) X(500) X(501) X(503)
/* clang-format on */

enum rl_reject {
#define RL_REJECT_ENUM(name, text) RL_REJECT_##name,
    RL_REJECT_MAP(RL_REJECT_ENUM)
#undef RL_REJECT_ENUM
        RL_REJECTS
};

const char *rl_reject_name(enum rl_reject reason);

/* ---- Life ----------------------------------------------------------------------------------- */

/* Call once, before any other thread counts. `track_names` is the setting. RL_NOMEM. */
enum rl_status rl_metrics_init(size_t track_names, struct rl_error *error);
/* After every other thread has ended. Counters start from 0 again if init is called again. */
void rl_metrics_release(void);

/* ---- Counting ------------------------------------------------------------------------------- */

/* +1 when a request's headers have arrived, -1 when its reply has ended; in any threads. */
void rl_metrics_in_flight(int change);
/* A request was answered; call once for each. Bytes are those of the bodies as sent. */
void rl_metrics_request(enum rl_method method, enum rl_handler handler, unsigned code,
                        uint64_t duration, uint64_t request_bytes, uint64_t response_bytes);

/* An answered batch: the times to read its body and to send its reply.
 */
void rl_metrics_transfer(uint64_t read, uint64_t write);
/* One request was decoded, with this many items. */
void rl_metrics_decode(uint64_t duration, size_t items);
/* One measure of one request was computed; `duration` is its share of the time. */
void rl_metrics_compute(enum rl_measure_id measure, uint64_t duration, size_t lists,
                        uint64_t pairs);
void rl_metrics_encode(uint64_t duration);
void rl_metrics_queue_wait(uint64_t duration);
/* How many requests were computed in one pass of the executor. */
void rl_metrics_batch(size_t requests);

void rl_metrics_rejected(enum rl_reject reason);
/* A client disconnected before its reply was ready. */
void rl_metrics_client_gone(void);

/* A connection was opened (+1) or closed (-1); in any threads. */
void rl_metrics_connections(int change);
/* A connection over the limit was rejected. */
void rl_metrics_connection_rejected(void);
void rl_metrics_reload(bool ok);

/* ---- Gauges that one owner sets ------------------------------------------------------------- */

void rl_metrics_set_queue(size_t depth, size_t bytes);
/* What all requests together hold of max-total-memory. */
void rl_metrics_set_memory(size_t used, size_t limit);
void rl_metrics_set_limits(size_t queue_capacity, size_t queue_bytes, size_t max_connections);
void rl_metrics_set_threads(size_t compute, size_t io);
void rl_metrics_set_ready(bool ready);

/* ---- Reading (exposition.c, tests) ---------------------------------------------------------- */

enum {
    RL_TIME_BUCKETS = 16, /* 100 us … 10 s */
    RL_SIZE_BUCKETS = 10, /* 256 bytes … 64 MiB */
    RL_BATCH_BUCKETS = 9, /* 1 … 256 requests */
#define RL_CODE_COUNT(code) +1
    RL_CODES = 1 RL_CODE_MAP(RL_CODE_COUNT) /* the last one is any other code */
#undef RL_CODE_COUNT
};

/* The inclusive upper bound of a bucket, and its label. */
struct rl_bound {
    uint64_t value; /* nanoseconds, bytes, requests */
    const char *label;
};
extern const struct rl_bound rl_time_bounds[RL_TIME_BUCKETS];
extern const struct rl_bound rl_size_bounds[RL_SIZE_BUCKETS];
extern const struct rl_bound rl_batch_bounds[RL_BATCH_BUCKETS];

/* Each cell counts one bucket alone, not cumulatively; the last one is above every bound. */
struct rl_time_histogram {
    uint64_t sum, cells[RL_TIME_BUCKETS + 1]; /* sum in nanoseconds */
};
struct rl_size_histogram {
    uint64_t sum, cells[RL_SIZE_BUCKETS + 1];
};
struct rl_batch_histogram {
    uint64_t sum, cells[RL_BATCH_BUCKETS + 1];
};

/* All counters. Every cell has 64 bits, so that shards can be added cell by cell. */
struct rl_counters {
    uint64_t requests[RL_METHODS][RL_HANDLERS][RL_CODES];
    struct rl_time_histogram duration[RL_HANDLERS];
    struct rl_size_histogram request_size[RL_HANDLERS], response_size[RL_HANDLERS];
    struct rl_time_histogram read, decode, encode, write, queue_wait, compute[RL_MEASURES];
    struct rl_batch_histogram batch;
    uint64_t lists[RL_MEASURES], items, pairs;
    uint64_t rejected[RL_REJECTS], client_gone, connections_rejected;
    uint64_t reloads_ok, reloads_failed;
    uint64_t in_flight, connections; /* sums of changes, two's complement */
};

struct rl_gauges {
    uint64_t queue_depth, queue_bytes, queue_capacity, queue_bytes_limit, max_connections;
    uint64_t threads, io_threads, ready, last_reload_ok;
    uint64_t memory, memory_limit;
};

/* Index of a status code in rl_counters.requests, and back (0: any other). */
size_t rl_code_index(unsigned code);
unsigned rl_code_at(size_t index);

/* The current sums; concurrent counts may or may not be included. Any thread. */
void rl_metrics_read(struct rl_counters *ret_counters);
void rl_metrics_read_gauges(struct rl_gauges *ret_gauges);

#endif
