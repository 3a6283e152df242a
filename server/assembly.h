/*
 * assembly.h: starts and stops the parts of a running daemon.
 *
 * They start in an order in which everything that can fail does so before any client is served:
 * process limits, files (tokens, certificates), the executor with its threads, the I/O threads,
 * the listeners, and last the acceptor.
 */
#ifndef RL_ASSEMBLY_H
#define RL_ASSEMBLY_H

#include "server/base/memory.h"
#include "server/net/acceptor.h"
#include "server/net/address.h"
#include "server/request/context.h"
#include "server/request/transport.h"

enum { RL_MAIN, RL_ADMIN, RL_ADDRESSES };

struct rl_assembly {
    struct rl_context context;
    struct rl_listener listeners[RL_ADDRESSES];
    struct rl_transport *transports[RL_ADDRESSES]; /* RL_ADMIN: NULL unless admin-listen is set */
    struct rl_acceptor *acceptor;
    int threads; /* of the team */
    unsigned io_threads;
    struct rl_pool pool;           /* max-total-memory */
    struct rl_memory_watch memory; /* the acceptor's thread */
};

/* Once, before any other thread runs: core, jansson, embedded files, metrics. */
enum rl_status rl_assembly_init(const struct rl_settings *settings, struct rl_error *error);

/* Checks what can be checked without starting anything: files and addresses. RL_CONFIG, RL_NOMEM.
 */
enum rl_status rl_assembly_check(const struct rl_settings *settings, struct rl_error *error);

/* Starts everything. `settings` must outlive it. On failure everything is stopped again. */
enum rl_status rl_assembly_start(const struct rl_settings *settings,
                                 struct rl_assembly *ret_assembly, struct rl_error *error);
/* Stops everything. The executor must have no jobs. */
void rl_assembly_stop(struct rl_assembly *assembly);

/* Reads the files and lists of the reloadable settings again. On failure nothing changes. */
enum rl_status rl_assembly_reload(struct rl_assembly *assembly, const struct rl_settings *next,
                                  struct rl_error *error);

#endif
