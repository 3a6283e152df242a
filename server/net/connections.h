/*
 * connections.h: the registry of open connections, and their deadlines.
 *
 * libmicrohttpd's own timeout counts inactivity, so a byte now and then keeps a connection open
 * forever. Here every phase of a connection has a total deadline:
 *
 *   phase    entered                              at the deadline
 *   FRESH    accepted                             closed (header-timeout)
 *   HEADER   the request line has arrived         closed (header-timeout)
 *   BODY     the headers have arrived             answered 408, closed (body-timeout,
 *                                                 min-upload-rate)
 *   WORK     the body has arrived                 none: the request has its own
 *   WRITE    the reply is queued                  closed (write-timeout)
 *   IDLE     the reply has been sent              closed (idle-timeout)
 *   DOOMED   a deadline has passed                none: libmicrohttpd is about to see it closed
 *
 * A body must also keep a pace: without one, a few clients that stop a byte short of the end would
 * hold their buffers, and keep others out, until body-timeout. In each window of RL_PACE_WINDOW_MS
 * so much of it must arrive that all of it would fit in body-timeout, and at least min-upload-rate.
 *
 * Threads. A connection's I/O thread advances its phase; one other thread, the acceptor, calls
 * rl_connections_reap. Phase and deadline share one atomic word, so a compare-and-swap decides
 * which of the two ends a phase, and only one of them writes a reply. The registry's lock guards
 * the list and thereby the descriptors: a connection leaves the list before libmicrohttpd closes
 * its descriptor, so the reaper never touches one that has been reused.
 */
#ifndef RL_CONNECTIONS_H
#define RL_CONNECTIONS_H

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/base/status.h"
#include "server/http/requestid.h"

enum rl_phase {
    RL_PHASE_FRESH,
    RL_PHASE_HEADER,
    RL_PHASE_BODY,
    RL_PHASE_WORK,
    RL_PHASE_WRITE,
    RL_PHASE_IDLE,
    RL_PHASE_DOOMED,
    RL_PHASES
};

enum { RL_ORIGIN_MAX = 256 };

struct rl_connections;

/* One open connection. */
struct rl_connection {
    struct rl_connection *next, *prev; /* the registry's list */
    struct rl_connections *registry;
    /* Deadline in milliseconds << 3 | phase. The I/O thread releases with it what it wrote for this
     * phase, which the reaper acquires; whichever of both ends a phase has the connection. */
    _Atomic uint64_t state;
    /* Of the body in RL_PHASE_BODY: bytes so far, and in all (0 if unknown). Relaxed: `state`
     * orders the first value, and a later one may be seen late. */
    _Atomic size_t received;
    size_t announced; /* I/O thread, before RL_PHASE_BODY */
    /* The reaper's: the current window of the body, and what had arrived when it began. */
    uint64_t window_state, window_start;
    size_t window_received;
    int fd;
    void *request; /* I/O thread: the transport's current request, or NULL */
    bool plain;    /* no TLS, so that a raw reply can be written (rawreply.h) */
    bool linger;   /* I/O thread: unread input must not reset the last reply (linger.h) */
    char client[INET6_ADDRSTRLEN]; /* the client's IP address as text; "" if it has none */
    /* Values of the request for a reply written by the reaper; set before RL_PHASE_BODY. */
    char request_id[RL_REQUEST_ID_SIZE];
    char allow_origin[RL_ORIGIN_MAX]; /* "" sends no CORS headers */
};

enum { RL_PACE_WINDOW_MS = 5000 };

/* How long each phase may last, in milliseconds, and how many bytes of a body must arrive in a
 * second; 0: no limit. */
struct rl_deadlines {
    uint64_t limits[RL_PHASES];
    size_t min_upload_rate;
};

/* For at most `max` connections at once, on descriptors below `descriptors`. RL_NOMEM. */
enum rl_status rl_connections_create(size_t max, size_t descriptors,
                                     const struct rl_deadlines *deadlines,
                                     struct rl_connections **ret_registry, struct rl_error *error);
/* After every connection is closed. Takes NULL. */
void rl_connections_free(struct rl_connections *registry);

/* How many are open. Any thread. */
size_t rl_connections_count(struct rl_connections *registry);

/* Admits a connection. False if the limit is reached or memory is short. Acceptor. */
bool rl_connections_admit(struct rl_connections *registry, int fd, bool plain,
                          const struct sockaddr *address);
/* Undoes the admission of a connection that no I/O thread took. Acceptor. */
void rl_connections_withdraw(struct rl_connections *registry, int fd);

/* Opens an admitted connection, in RL_PHASE_FRESH. NULL if it was not admitted. Its I/O thread.
 */
struct rl_connection *rl_connection_open(struct rl_connections *registry, int fd);
/* Ends a connection whose descriptor is still open. Takes NULL. Its I/O thread. */
void rl_connection_close(struct rl_connection *connection);

enum rl_phase rl_connection_phase(const struct rl_connection *connection);
/* Enters a phase and starts its deadline. False if the connection is doomed. Its I/O thread. */
bool rl_connection_enter(struct rl_connection *connection, enum rl_phase phase);

/* Enters RL_PHASE_BODY, of a body of `announced` bytes; 0 if unknown. Its I/O thread. */
bool rl_connection_enter_body(struct rl_connection *connection, size_t announced);
/* `received` bytes of the body have arrived. Its I/O thread. */
void rl_connection_received(struct rl_connection *connection, size_t received);

/* How the reaper treats connections whose deadline has not passed. */
enum rl_reap {
    RL_REAP_OVERDUE, /* leaves them open */
    RL_REAP_IDLE,    /* closes those that have waited for a request for RL_REAP_GRACE_MS */
    RL_REAP_ALL,  /* answers 503 to those still sending; closes all except those in RL_PHASE_WORK */
    RL_REAP_WORK, /* also answers 503 to those in RL_PHASE_WORK: when the process ends */
};

/* A client with a kept-alive connection may be about to use it: while draining, its next request
 * is still answered (with Connection: close) if it arrives within this time after the last reply.
 */
enum { RL_REAP_GRACE_MS = 500 };

/* While draining nothing is admitted any more. An admitted connection that its I/O thread has not
 * opened for this long was dropped by libmicrohttpd, which was out of memory; nobody waits for it.
 */
enum { RL_REAP_FORGET_MS = 5000 };

/* Ends the connections whose deadline has passed. `now_ms` is rl_clock_coarse_ms(). Acceptor, and
 * the main thread when the process ends. */
void rl_connections_reap(struct rl_connections *registry, uint64_t now_ms, enum rl_reap reap);

#endif
