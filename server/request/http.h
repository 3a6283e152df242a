/*
 * http.h: libmicrohttpd, held at arm's length.
 *
 * One rl_http is the I/O threads of one address. Each thread is a libmicrohttpd daemon of its own
 * with one epoll loop and no listening socket: the acceptor hands connections out in turn. So a
 * thread's state (spare jobs, scratch memory) belongs to it alone, and no lock is shared.
 */
#ifndef RL_HTTP_H
#define RL_HTTP_H

#include <stdbool.h>
#include <sys/socket.h>

#include "server/request/context.h"
#include "server/request/job.h"
#include "server/http/route.h"

struct rl_http_options {
    const struct rl_context *context;
    unsigned threads;
    bool tls;
    enum rl_scope scope;
};

struct rl_http;

/* Once, before any other thread runs: what libmicrohttpd does when it cannot go on. */
void rl_http_init(void);

/* Starts the I/O threads. RL_NOMEM, RL_SYSTEM. */
enum rl_status rl_http_start(const struct rl_http_options *options, struct rl_http **ret_http,
                             struct rl_error *error);
/* Closes every connection and ends the threads. No job may be with the executor. Takes NULL. */
void rl_http_stop(struct rl_http *http);

/* Serves a connection; the descriptor is taken over, and closed when that fails. False then. One
 * thread. */
bool rl_http_add(struct rl_http *http, int fd, const struct sockaddr *address, socklen_t length);

bool rl_http_is_tls(const struct rl_http *http);

/* What an I/O thread lends to its jobs. */
enum rl_scope rl_io_scope(const struct rl_io *io);
struct rl_scratch *rl_io_scratch(struct rl_io *io);

#endif
