/*
 * acceptor.h: the thread that accepts connections and hands them to the I/O threads.
 *
 * libmicrohttpd's own is not used, for four reasons: a connection over the limit is answered
 * 503 instead of left hanging; it pauses instead of spinning when descriptors run out; a
 * listener can be closed cleanly while open connections are still served; and unix sockets and
 * sockets passed by systemd need only a descriptor. It also calls the reaper (connections.h), ten
 * times a second while connections are open and once a second otherwise.
 */
#ifndef RL_ACCEPTOR_H
#define RL_ACCEPTOR_H

#include <sys/socket.h>

#include "server/net/address.h"
#include "server/net/connections.h"
#include "server/net/linger.h"

struct rl_acceptor;

/* One listener, and what serves its connections. */
struct rl_binding {
    struct rl_listener *listener;
    bool plain; /* no TLS */
    /* Takes ownership of the descriptor; on failure closes it and returns false. */
    bool (*serve)(void *server, int fd, const struct sockaddr *address, socklen_t length);
    void *server;
};

enum { RL_BINDINGS_MAX = 2 };

struct rl_acceptor_options {
    struct rl_binding bindings[RL_BINDINGS_MAX];
    size_t count;
    struct rl_connections *connections;
    struct rl_linger *linger;
    void (*tick)(void *context); /* called along with the reaper; may be NULL */
    void *context;
};

/* Starts the thread. What the options point to must outlive it. RL_NOMEM, RL_SYSTEM. */
enum rl_status rl_acceptor_start(const struct rl_acceptor_options *options,
                                 struct rl_acceptor **ret_acceptor, struct rl_error *error);
/* Sets how connections are reaped; initially RL_REAP_OVERDUE. Any thread. */
void rl_acceptor_reap(struct rl_acceptor *acceptor, enum rl_reap reap);
/*
 * Accepts the connections that the kernel has completed, then closes the listeners; returns when
 * done. The thread continues to reap. Call once, from the thread that started it.
 */
void rl_acceptor_close(struct rl_acceptor *acceptor);
/* Ends the thread. Takes NULL. */
void rl_acceptor_stop(struct rl_acceptor *acceptor);

/* Time of its last round, in rl_clock_coarse_ms(): for the watchdog. Any thread. */
uint64_t rl_acceptor_heartbeat(const struct rl_acceptor *acceptor);

#endif
