/*
 * acceptor.h: the thread that accepts connections and hands them to the I/O threads.
 *
 * It is ours rather than libmicrohttpd's for four reasons: a connection over the limit is answered
 * 503 instead of left hanging; running out of descriptors makes it pause instead of spin; a
 * listener can be closed cleanly while connections are served on; and unix sockets and sockets
 * passed by systemd need no more than a descriptor. It also calls the reaper (connections.h), ten
 * times a second while there are connections.
 */
#ifndef RL_ACCEPTOR_H
#define RL_ACCEPTOR_H

#include "server/net/address.h"
#include "server/request/context.h"
#include "server/request/http.h"

struct rl_acceptor;

/* Where one listener's connections go. */
struct rl_gate {
    struct rl_listener *listener;
    struct rl_http *http;
};

enum { RL_GATES_MAX = 2 };

/* Starts the thread. Gates and context stay the caller's and outlive it. RL_NOMEM, RL_SYSTEM. */
enum rl_status rl_acceptor_start(const struct rl_context *context, const struct rl_gate *gates,
                                 size_t count, struct rl_acceptor **ret_acceptor,
                                 struct rl_error *error);
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
