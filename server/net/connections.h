/*
 * connections.h: the registry of open connections, and the deadlines they are held to.
 *
 * libmicrohttpd's own timeout counts inactivity, so one byte now and then keeps a connection open
 * for ever. Here every phase of a connection has a total deadline:
 *
 *   phase    entered                              at the deadline
 *   FRESH    accepted                             closed (header-timeout)
 *   HEADER   the request line is in               closed (header-timeout)
 *   BODY     the headers are in                   answered 408, closed (body-timeout)
 *   WORK     the body is in                       none: the request has its own
 *   WRITE    the reply is queued                  closed (write-timeout)
 *   IDLE     the reply is out                     closed (idle-timeout)
 *   DOOMED   one of these ran out                 none: libmicrohttpd is about to see it closed
 *
 * Threads. A connection's I/O thread moves it on; one other thread, the acceptor, calls
 * rl_connections_reap. Phase and deadline share one atomic word, so that who ends a phase is
 * decided by a compare-and-swap and a reply is never written by both. The registry's lock guards
 * the list, and with it the descriptors: a connection leaves the list before libmicrohttpd closes
 * its descriptor, so the reaper never touches one that was used again.
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
    _Atomic uint64_t state; /* deadline in milliseconds << 3 | phase */
    int fd;
    void *request; /* I/O thread: the request under way, as the transport knows it, or NULL */
    bool plain;    /* no TLS, so that a raw reply can be written (rawreply.h) */
    bool linger;   /* I/O thread: unread input must not reset our last reply away (linger.h) */
    char client[INET6_ADDRSTRLEN]; /* the client's address as text; "" where it has none */
    /* What a reply written by the reaper needs of the request; set before RL_PHASE_BODY. */
    char request_id[RL_REQUEST_ID_SIZE];
    char allow_origin[RL_ORIGIN_MAX]; /* "" sends no CORS headers */
};

/* How long each phase may last, in milliseconds; 0: without end. */
struct rl_deadlines {
    uint64_t limits[RL_PHASES];
};

/* At most `max` connections at once, on descriptors below `descriptors`. RL_NOMEM. */
enum rl_status rl_connections_create(size_t max, size_t descriptors,
                                     const struct rl_deadlines *deadlines,
                                     struct rl_connections **ret_registry, struct rl_error *error);
/* After every connection is closed. Takes NULL. */
void rl_connections_free(struct rl_connections *registry);

/* How many are open. Any thread. */
size_t rl_connections_count(struct rl_connections *registry);

/* Lets a connection in, unless there are as many as may be or there is no memory. Acceptor. */
bool rl_connections_admit(struct rl_connections *registry, int fd, bool plain,
                          const struct sockaddr *address);
/* It could not be handed to an I/O thread. Acceptor. */
void rl_connections_withdraw(struct rl_connections *registry, int fd);

/* An admitted connection begins, in RL_PHASE_FRESH. NULL when it was not admitted. Its I/O thread.
 */
struct rl_connection *rl_connection_open(struct rl_connections *registry, int fd);
/* It ends; its descriptor is still open. Takes NULL. Its I/O thread. */
void rl_connection_close(struct rl_connection *connection);

enum rl_phase rl_connection_phase(const struct rl_connection *connection);
/* Moves on to a phase and starts its time. False when the connection is doomed. Its I/O thread. */
bool rl_connection_enter(struct rl_connection *connection, enum rl_phase phase);

/* How the reaper treats those that are not at their deadline. */
enum rl_reap {
    RL_REAP_OVERDUE, /* leaves them */
    RL_REAP_IDLE,    /* closes those that wait for a request and have for RL_REAP_GRACE_MS */
    RL_REAP_ALL,     /* answers 503 to those still sending, closes all but those at work */
    RL_REAP_WORK,    /* the same, and answers 503 to those at work: for the end of the process */
};

/* A client that keeps its connection may be about to use it: when draining, its next request still
 * gets an answer (with Connection: close) if it comes within this time after the last reply. */
enum { RL_REAP_GRACE_MS = 500 };

/* Ends the connections whose deadline has passed. `now_ms` is rl_clock_coarse_ms(). Acceptor, and
 * the main thread when the process ends. */
void rl_connections_reap(struct rl_connections *registry, uint64_t now_ms, enum rl_reap reap);

#endif
