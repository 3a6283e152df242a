/*
 * address.h: listening sockets, from what a person writes.
 *
 *   HOST:PORT      one interface; HOST is an IPv4 address or a name (its first address is taken)
 *   [IPV6]:PORT    IPv6 alone
 *   :PORT          every interface, IPv6 and IPv4
 *   unix:/path     a unix socket; unix:@name an abstract one
 *
 * Port 0 takes a free port. A TCP port still in TIME_WAIT is taken over; one that is really in use
 * is an error. A unix socket that nobody answers on any more is replaced; one in use, or a file of
 * another kind, is an error. Sockets are non-blocking and close-on-exec.
 */
#ifndef RL_ADDRESS_H
#define RL_ADDRESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "config/settings.h"

enum {
    RL_ADDRESS_MAX = 128,
    RL_SOCKET_PATH_MAX = 108,
    RL_BACKLOG = 4096, /* connections that may wait; the kernel cuts it to net.core.somaxconn */
};

struct rl_listener {
    int fd; /* -1: none */
    bool is_unix;
    bool is_passed;             /* by whoever started us: theirs too */
    char bound[RL_ADDRESS_MAX]; /* in the form above, with the port in use */
    char
        path[RL_SOCKET_PATH_MAX]; /* the socket's file that close removes; "" where there is none */
    dev_t device;                 /* of that file: another's successor is not removed */
    ino_t inode;
};

/* Whether the text has one of the forms. `setting` names it in the error. RL_CONFIG. */
enum rl_status rl_address_check(const char *text, const char *setting, struct rl_error *error);

/* Opens, binds and listens. RL_CONFIG: the form; RL_SYSTEM: in use, no permission, …; one line
 * naming the setting and the address. */
enum rl_status rl_listener_open(const char *text, const char *setting, enum rl_socket_mode mode,
                                struct rl_listener *ret_listener, struct rl_error *error);
/* Takes over a listening socket passed in. Its file, if any, is not ours to remove. */
enum rl_status rl_listener_adopt(int fd, struct rl_listener *ret_listener, struct rl_error *error);
/* Closes, and removes the unix socket's file if it is still this one. Twice does no harm. */
void rl_listener_close(struct rl_listener *listener);

#endif
