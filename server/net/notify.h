/*
 * notify.h: the service manager's protocols, sd_notify(3) and sd_listen_fds(3), without its
 * library.
 *
 * Every function does nothing if the process was not started by such a manager. Notifications
 * never block: one that cannot be sent is dropped. Call from one thread at a time.
 */
#ifndef RL_NOTIFY_H
#define RL_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/base/status.h"

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID and removes them from the environment.
 * RL_CONFIG if the socket's name is invalid, RL_SYSTEM. Call before other threads start. */
enum rl_status rl_notify_init(struct rl_error *error);
void rl_notify_release(void);

void rl_notify_ready(void);
void rl_notify_reloading(void); /* rl_notify_ready() ends it */
void rl_notify_stopping(void);
void rl_notify_watchdog(void);
/* Extends the manager's timeout for starting or stopping by `milliseconds`. */
void rl_notify_extend(uint64_t milliseconds);

/* How often to call rl_notify_watchdog, in milliseconds: half of the manager's timeout. 0: never.
 */
uint64_t rl_notify_watchdog_interval(void);

/* Sockets passed by the manager: listening, one per name, with close-on-exec set. */
struct rl_activation {
    int main;  /* -1: none */
    int admin; /* the one named "admin" (FileDescriptorName=); -1: none */
};

/* Takes LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES and removes them from the environment. RL_CONFIG
 * unless it was passed one listening stream socket, one named "admin", or both. */
enum rl_status rl_notify_activation(struct rl_activation *ret_activation, struct rl_error *error);

#endif
