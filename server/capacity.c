/*
 * capacity.c: adds up the bounds of everything that grows.
 *
 * What grows with requests is counted where it is taken: bodies by admission (queue-bytes), the
 * rest in the pool (max-total-memory). What is not counted has a bound for each thread or
 * connection.
 */
#include "server/capacity.h"

#include "server/base/memory.h"
#include "server/request/admit.h"

enum {
    KIB = 1024,
    MIB = 1024 * KIB,
    PROCESS = 24 * MIB, /* code, libraries, the page, metrics */
    /* The JSON parser's part of a request, the scratch of a list that does not have the team to
     * itself, and a text together with its copy while it grows; for an I/O thread also its spare
     * jobs and their small buffers. */
    COMPUTE_THREAD = 24 * MIB,
    IO_THREAD = 8 * MIB,
    CONNECTION = 4 * KIB, /* its job and its record, besides max-header-bytes */
};

/* A buffer for inflating grows by doubling, so the previous one exists at the same time. */
static size_t inflating(const struct rl_settings *settings)
{
    return settings->max_inflated_bytes + settings->max_inflated_bytes / 2;
}

size_t rl_capacity_memory(const struct rl_settings *settings, size_t threads, size_t io_threads,
                          size_t max_connections)
{
    const size_t bodies = settings->queue_bytes + settings->queue_bytes / RL_ADMIT_SMALL_PART;
    return bodies + settings->max_total_memory + inflating(settings) + settings->max_json_memory +
           threads * COMPUTE_THREAD + io_threads * IO_THREAD +
           max_connections * (settings->max_header_bytes + CONNECTION) + RL_MEMORY_FREE_MAX +
           PROCESS;
}
