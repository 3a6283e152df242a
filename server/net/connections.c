/*
 * connections.c: a locked list of connections, and the reaper that enforces their deadlines.
 */
#include "server/net/connections.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "server/base/clock.h"
#include "server/observe/metrics.h"
#include "server/net/rawreply.h"

enum { PHASE_BITS = 3 };

struct rl_connections {
    pthread_mutex_t lock;      /* guards the list and keeps its descriptors open */
    struct rl_connection list; /* ring: list.next is the newest */
    _Atomic size_t count;      /* admitted and not yet closed; relaxed: only a count */
    size_t max, descriptors;
    struct rl_deadlines deadlines;
    uint64_t
        forget_at; /* the reaper's: when dropped connections are forgotten; 0 until it drains */
    /* By descriptor: admitted, but not yet opened by its I/O thread. libmicrohttpd may drop such a
     * connection silently (out of memory); it is freed when its descriptor is used again, or
     * while draining. The acceptor releases what it wrote; whoever takes the pointer acquires it.
     */
    struct rl_connection *_Atomic admitted[];
};

enum rl_status rl_connections_create(size_t max, size_t descriptors,
                                     const struct rl_deadlines *deadlines,
                                     struct rl_connections **ret_registry, struct rl_error *error)
{
    struct rl_connections *const registry =
        calloc(1, sizeof(*registry) + descriptors * sizeof(registry->admitted[0]));
    if (!registry)
        return rl_fail(error, RL_NOMEM, "", "no memory for the connection registry");
    pthread_mutex_init(&registry->lock, NULL);
    registry->list.next = registry->list.prev = &registry->list;
    registry->deadlines = *deadlines;
    registry->max = max;
    registry->descriptors = descriptors;
    *ret_registry = registry;
    return RL_OK;
}

void rl_connections_free(struct rl_connections *registry)
{
    if (!registry)
        return;
    for (size_t fd = 0; fd < registry->descriptors; fd++)
        rl_connections_withdraw(registry, (int)fd);
    pthread_mutex_destroy(&registry->lock);
    free(registry);
}

size_t rl_connections_count(struct rl_connections *registry)
{
    return atomic_load_explicit(&registry->count, memory_order_relaxed);
}

/* The state word of a connection that enters `phase` now. */
static uint64_t state_of(const struct rl_connections *registry, enum rl_phase phase)
{
    const uint64_t limit = registry->deadlines.limits[phase];
    const uint64_t deadline = limit == 0 ? 0 : rl_clock_coarse_ms() + limit;
    return deadline << PHASE_BITS | (uint64_t)phase;
}

static enum rl_phase phase_in(uint64_t state)
{
    return (enum rl_phase)(state & ((1u << PHASE_BITS) - 1));
}

/* The deadline, or 0 if none. */
static uint64_t deadline_in(uint64_t state)
{
    return state >> PHASE_BITS;
}

static struct rl_connection *take_admitted(struct rl_connections *registry, int fd)
{
    return atomic_exchange_explicit(&registry->admitted[fd], NULL, memory_order_acquire);
}

void rl_connections_withdraw(struct rl_connections *registry, int fd)
{
    struct rl_connection *const connection = take_admitted(registry, fd);
    if (!connection)
        return;
    atomic_fetch_sub_explicit(&registry->count, 1, memory_order_relaxed);
    free(connection);
}

static void name_client(const struct sockaddr *address, char client[INET6_ADDRSTRLEN])
{
    const void *bytes = NULL;
    if (address->sa_family == AF_INET)
        bytes = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
    else if (address->sa_family == AF_INET6)
        bytes = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    if (bytes)
        (void)inet_ntop(address->sa_family, bytes, client, INET6_ADDRSTRLEN);
}

bool rl_connections_admit(struct rl_connections *registry, int fd, bool plain,
                          const struct sockaddr *address)
{
    if ((size_t)fd >= registry->descriptors)
        return false;
    rl_connections_withdraw(registry, fd);
    if (rl_connections_count(registry) >= registry->max)
        return false;
    struct rl_connection *const connection = calloc(1, sizeof(*connection));
    if (!connection)
        return false;
    connection->registry = registry;
    connection->fd = fd;
    connection->plain = plain;
    name_client(address, connection->client);
    atomic_fetch_add_explicit(&registry->count, 1, memory_order_relaxed);
    atomic_store_explicit(&registry->admitted[fd], connection, memory_order_release);
    return true;
}

struct rl_connection *rl_connection_open(struct rl_connections *registry, int fd)
{
    struct rl_connection *const connection = take_admitted(registry, fd);
    if (!connection)
        return NULL;
    /* Relaxed: the lock announces the connection to the reaper. */
    atomic_store_explicit(&connection->state, state_of(registry, RL_PHASE_FRESH),
                          memory_order_relaxed);
    pthread_mutex_lock(&registry->lock);
    connection->prev = &registry->list;
    connection->next = registry->list.next;
    connection->next->prev = connection;
    registry->list.next = connection;
    pthread_mutex_unlock(&registry->lock);
    rl_metrics_connections(1);
    return connection;
}

void rl_connection_close(struct rl_connection *connection)
{
    if (!connection)
        return;
    struct rl_connections *const registry = connection->registry;
    pthread_mutex_lock(&registry->lock);
    connection->prev->next = connection->next;
    connection->next->prev = connection->prev;
    pthread_mutex_unlock(&registry->lock);
    atomic_fetch_sub_explicit(&registry->count, 1, memory_order_relaxed);
    rl_metrics_connections(-1);
    free(connection);
}

enum rl_phase rl_connection_phase(const struct rl_connection *connection)
{
    return phase_in(atomic_load_explicit(&connection->state, memory_order_acquire));
}

bool rl_connection_enter(struct rl_connection *connection, enum rl_phase phase)
{
    uint64_t state = atomic_load_explicit(&connection->state, memory_order_acquire);
    const uint64_t next = state_of(connection->registry, phase);
    return phase_in(state) != RL_PHASE_DOOMED &&
           atomic_compare_exchange_strong_explicit(&connection->state, &state, next,
                                                   memory_order_acq_rel, memory_order_acquire);
}

bool rl_connection_enter_body(struct rl_connection *connection, size_t announced)
{
    connection->announced = announced;
    rl_connection_received(connection, 0);
    return rl_connection_enter(connection, RL_PHASE_BODY);
}

void rl_connection_received(struct rl_connection *connection, size_t received)
{
    atomic_store_explicit(&connection->received, received, memory_order_relaxed);
}

/* Whether bytes have arrived that are not read yet. */
static bool has_input(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* ---- The pace of a body ---------------------------------------------------------------------- */

/* Bytes that must arrive in a window. */
static double window_share(const struct rl_connection *connection)
{
    const struct rl_deadlines *const deadlines = &connection->registry->deadlines;
    const double rate = (double)deadlines->min_upload_rate / 1000;
    const double pace =
        deadlines->limits[RL_PHASE_BODY] == 0
            ? 0
            : (double)connection->announced / (double)deadlines->limits[RL_PHASE_BODY];
    return RL_PACE_WINDOW_MS * (rate > pace ? rate : pace);
}

/* Whether too little of the body arrived in the window that ends now, and not because we did not
 * read it. A request's deadline tells its windows from those of the one before. */
static bool falls_behind(struct rl_connection *connection, uint64_t state, uint64_t now)
{
    const size_t received = atomic_load_explicit(&connection->received, memory_order_relaxed);
    if (connection->registry->deadlines.min_upload_rate == 0 || phase_in(state) != RL_PHASE_BODY)
        return false;
    const bool goes_on = state == connection->window_state;
    if (goes_on && now < connection->window_start + RL_PACE_WINDOW_MS)
        return false;
    const double arrived = (double)received - (double)connection->window_received;
    connection->window_state = state;
    connection->window_start = now;
    connection->window_received = received;
    return goes_on && arrived < window_share(connection) && !has_input(connection->fd);
}

/* ---- The reaper ------------------------------------------------------------------------------ */

/* What the reaper does with a connection. */
enum verdict { LEAVE, CLOSE, ANSWER_BODY_TIMEOUT, ANSWER_DRAINING };

static bool waits(enum rl_phase phase)
{
    return phase == RL_PHASE_IDLE || phase == RL_PHASE_FRESH;
}

static enum verdict judge(const struct rl_connection *connection, uint64_t state, uint64_t now,
                          enum rl_reap reap)
{
    const enum rl_phase phase = phase_in(state);
    const uint64_t deadline = deadline_in(state);
    const uint64_t limit = connection->registry->deadlines.limits[phase];
    if (phase == RL_PHASE_DOOMED)
        return LEAVE;
    if (phase == RL_PHASE_WORK)
        return reap == RL_REAP_WORK ? ANSWER_DRAINING : LEAVE;
    if (reap >= RL_REAP_ALL && phase != RL_PHASE_WRITE)
        return phase == RL_PHASE_BODY ? ANSWER_DRAINING : CLOSE;
    if (reap != RL_REAP_OVERDUE && waits(phase) && deadline - limit + RL_REAP_GRACE_MS <= now)
        return CLOSE;
    if (limit == 0 || now < deadline)
        return LEAVE;
    return phase == RL_PHASE_BODY ? ANSWER_BODY_TIMEOUT : CLOSE;
}

static void answer(const struct rl_connection *connection, enum rl_status status)
{
    if (connection->plain)
        rl_rawreply_send(connection->fd, status, connection->request_id, connection->allow_origin);
}

static void count_end(enum rl_phase phase, enum verdict verdict)
{
    if (verdict == ANSWER_DRAINING)
        rl_metrics_rejected(RL_REJECT_DRAINING);
    else if (phase == RL_PHASE_BODY)
        rl_metrics_rejected(RL_REJECT_BODY_TIMEOUT);
    else if (phase == RL_PHASE_HEADER || phase == RL_PHASE_FRESH)
        rl_metrics_rejected(RL_REJECT_HEADER_TIMEOUT);
}

static void reap_one(struct rl_connection *connection, uint64_t now, enum rl_reap reap)
{
    uint64_t state = atomic_load_explicit(&connection->state, memory_order_acquire);
    enum verdict verdict = judge(connection, state, now, reap);
    if (verdict == LEAVE && falls_behind(connection, state, now))
        verdict = ANSWER_BODY_TIMEOUT;
    if (verdict == LEAVE || (waits(phase_in(state)) && has_input(connection->fd)) ||
        !atomic_compare_exchange_strong_explicit(&connection->state, &state,
                                                 (uint64_t)RL_PHASE_DOOMED, memory_order_acq_rel,
                                                 memory_order_relaxed))
        return;
    if (verdict == ANSWER_BODY_TIMEOUT)
        answer(connection, RL_BODY_TIMEOUT);
    else if (verdict == ANSWER_DRAINING)
        answer(connection, RL_DRAINING);
    count_end(phase_in(state), verdict);
    shutdown(connection->fd, SHUT_RDWR);
}

static void forget_dropped_locked(struct rl_connections *registry, uint64_t now_ms)
{
    if (registry->forget_at == 0)
        registry->forget_at = now_ms + RL_REAP_FORGET_MS;
    if (now_ms < registry->forget_at)
        return;
    for (size_t fd = 0; fd < registry->descriptors; fd++)
        rl_connections_withdraw(registry, (int)fd);
}

void rl_connections_reap(struct rl_connections *registry, uint64_t now_ms, enum rl_reap reap)
{
    pthread_mutex_lock(&registry->lock);
    if (reap != RL_REAP_OVERDUE)
        forget_dropped_locked(registry, now_ms);
    for (struct rl_connection *at = registry->list.next; at != &registry->list; at = at->next)
        reap_one(at, now_ms, reap);
    pthread_mutex_unlock(&registry->lock);
}
