/*
 * linger.h: sockets that have had their last reply.
 *
 * Closing a socket that holds unread input makes the kernel send a reset, and a reset makes the
 * client throw away a reply it has not read yet. So a refused client's socket is kept for a moment:
 * our side is shut, what still comes is read and dropped, and then it is closed.
 *
 * The number kept is bounded; when there are more, the oldest is closed at once.
 */
#ifndef RL_LINGER_H
#define RL_LINGER_H

#include <stdbool.h>
#include <stdint.h>

#include "server/base/status.h"

enum {
    RL_LINGER_MS = 1000,
    RL_LINGER_SOCKETS = 256,
    /* Until then nothing is read: most clients see the reply at once and stop sending, and what
     * they were kept from sending costs nobody anything. */
    RL_LINGER_PATIENCE_MS = 20,
};

struct rl_linger;

enum rl_status rl_linger_create(struct rl_linger **ret_linger, struct rl_error *error);
/* Closes those that are left. Takes NULL. */
void rl_linger_free(struct rl_linger *linger);

/* Takes over `fd`, shuts our side of it, and keeps it. Any thread. */
void rl_linger_add(struct rl_linger *linger, int fd);
/* Readable, for poll(2), when there is something to do for rl_linger_serve. */
int rl_linger_descriptor(const struct rl_linger *linger);
/* Closes those whose client is done; reads and drops what the others send. One thread. */
void rl_linger_serve(struct rl_linger *linger);
/* Begins to read from those that waited long enough, and closes those whose time is up. Whether any
 * are left; then it is to be called again after RL_LINGER_PATIENCE_MS. One thread. */
bool rl_linger_age(struct rl_linger *linger, uint64_t now_ms);

#endif
