/*
 * linger.h: closes sockets after their last reply.
 *
 * Closing a socket with unread input makes the kernel send a reset, and a reset makes the client
 * discard a reply that it has not read yet. So the socket of a refused client is kept for a moment:
 * its sending side is shut down, further input is read and discarded, and then it is closed.
 *
 * The number of sockets is bounded; one more closes the oldest at once.
 */
#ifndef RL_LINGER_H
#define RL_LINGER_H

#include <stdbool.h>
#include <stdint.h>

#include "server/base/status.h"

enum {
    RL_LINGER_MS = 1000,
    RL_LINGER_SOCKETS = 256,
    /* Time before input is read: most clients see the reply at once and stop sending, and input
     * that they never send costs nothing. */
    RL_LINGER_PATIENCE_MS = 20,
};

struct rl_linger;

enum rl_status rl_linger_create(struct rl_linger **ret_linger, struct rl_error *error);
/* Closes the remaining sockets. Takes NULL. */
void rl_linger_free(struct rl_linger *linger);

/* Takes ownership of `fd`, shuts down its sending side, and keeps it for a while. Any thread. */
void rl_linger_add(struct rl_linger *linger, int fd);
/* A descriptor for poll(2), readable when rl_linger_serve has work. */
int rl_linger_descriptor(const struct rl_linger *linger);
/* Closes sockets whose client has closed; discards input of the others. One thread. */
void rl_linger_serve(struct rl_linger *linger);
/* Starts to read from sockets after RL_LINGER_PATIENCE_MS and closes them after RL_LINGER_MS. True
 * if any are left; then call again after RL_LINGER_PATIENCE_MS. One thread. */
bool rl_linger_age(struct rl_linger *linger, uint64_t now_ms);

#endif
