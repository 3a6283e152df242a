/*
 * acceptor.h: the thread that accepts connections and hands them to the I/O threads.
 *
 * It is ours rather than libmicrohttpd's for four reasons: a connection over the limit is answered
 * 503 instead of left hanging; running out of descriptors makes it pause instead of spin; a
 * listener can be closed cleanly while connections are served on; and unix sockets and sockets
 * passed by systemd need no more than a descriptor. Ten times a second while there are connections,
 * and once a second otherwise, it also calls the reaper (connections.h).
 */
#ifndef RL_ACCEPTOR_H
#define RL_ACCEPTOR_H

#include <sys/socket.h>

#include "server/net/address.h"
#include "server/net/connections.h"
#include "server/net/linger.h"

struct rl_acceptor;

/* One listener, and what serves its connections. */
struct rl_gate {
    struct rl_listener *listener;
    bool plain; /* no TLS */
    /* Takes over the descriptor; on failure closes it and returns false. */
    bool (*serve)(void *server, int fd, const struct sockaddr *address, socklen_t length);
    void *server;
};

enum { RL_GATES_MAX = 2 };

struct rl_acceptor_options {
    struct rl_gate gates[RL_GATES_MAX];
    size_t count;
    struct rl_connections *connections;
    struct rl_linger *linger;
    void (*tick)(void *context); /* called beside the reaper; NULL: nothing */
    void *context;
};

/* Starts the thread. What the options point to outlives it. RL_NOMEM, RL_SYSTEM. */
enum rl_status rl_acceptor_start(const struct rl_acceptor_options *options,
                                 struct rl_acceptor **ret_acceptor, struct rl_error *error);
/* Sets how connections are reaped; RL_REAP_OVERDUE at first. Any thread. */
void rl_acceptor_reap(struct rl_acceptor *acceptor, enum rl_reap reap);
/*
 * Takes in what the kernel has accepted already, then closes the listeners; returns when that is
 * done. The thread goes on reaping. Once, from the thread that started it.
 */
void rl_acceptor_close(struct rl_acceptor *acceptor);
/* Ends the thread. Takes NULL. */
void rl_acceptor_stop(struct rl_acceptor *acceptor);

/* When it last came round, in rl_clock_coarse_ms(): for the watchdog. Any thread. */
uint64_t rl_acceptor_heartbeat(const struct rl_acceptor *acceptor);

#endif
