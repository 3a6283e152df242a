/*
 * transport.h: the I/O threads, and the only file that calls libmicrohttpd.
 *
 * One rl_transport serves one address. Each of its threads is a libmicrohttpd daemon with an epoll
 * loop of its own and no listening socket: the acceptor hands out connections in turn. A thread's
 * state (spare jobs, scratch memory) therefore belongs to it alone and needs no lock.
 */
#ifndef RL_TRANSPORT_H
#define RL_TRANSPORT_H

#include <stdbool.h>
#include <sys/socket.h>

#include "server/http/route.h"
#include "server/request/context.h"
#include "server/request/job.h"

struct rl_transport_options {
    const struct rl_context *context;
    unsigned threads;
    bool tls;
    enum rl_scope scope;
};

struct rl_transport;

/* Sets what happens when libmicrohttpd cannot go on. Once, before any other thread runs. */
void rl_transport_init(void);

/* Whether the installed libmicrohttpd can serve TLS with certificates that change. RL_CONFIG. */
enum rl_status rl_transport_check_tls(struct rl_error *error);

/* Starts the I/O threads. RL_NOMEM, RL_SYSTEM. */
enum rl_status rl_transport_start(const struct rl_transport_options *options,
                                  struct rl_transport **ret_transport, struct rl_error *error);
/* Closes every connection and ends the threads. No job may be with the executor. Takes NULL. */
void rl_transport_stop(struct rl_transport *transport);

/* Serves a connection. Takes over the descriptor; on failure closes it and returns false. Called by
 * one thread only. */
bool rl_transport_add(struct rl_transport *transport, int fd, const struct sockaddr *address,
                      socklen_t length);

/* Gives a job that returned RL_NEXT_WAIT back to its I/O thread, which sends the reply. Any
 * thread; the job may be gone when this returns. */
void rl_transport_resume(struct rl_job *job);

#endif
