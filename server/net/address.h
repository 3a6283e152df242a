/*
 * address.h: addresses as settings write them, and listening sockets on them.
 *
 *   HOST:PORT      one interface; HOST is an IPv4 address or a name (its first address is used)
 *   [IPV6]:PORT    IPv6 alone
 *   :PORT          every interface, IPv6 and IPv4
 *   unix:/path     a unix socket; unix:@name an abstract one
 *
 * Port 0 picks a free port. A TCP port in TIME_WAIT can be bound; one that is in use is an error. A
 * stale unix socket, one that no process listens on, is replaced; one in use, or a file of another
 * kind, is an error. Sockets are non-blocking and close-on-exec.
 */
#ifndef RL_ADDRESS_H
#define RL_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include "config/settings.h"

enum {
    RL_ADDRESS_MAX = 128,
    RL_SOCKET_PATH_MAX = 108,
    RL_BACKLOG = 4096, /* connections that may wait; the kernel cuts it to net.core.somaxconn */
};

struct rl_listener {
    int fd; /* -1: none */
    bool is_unix;
    bool is_passed;                /* by the service manager, which keeps it open too */
    char bound[RL_ADDRESS_MAX];    /* in the form above, with the port in use */
    char path[RL_SOCKET_PATH_MAX]; /* the file to remove on closing; "" if none */
    dev_t device;                  /* identify that file: one that replaced it is left alone */
    ino_t inode;
};

/* What follows "unix:", or NULL if the text does not start so. */
const char *rl_address_unix_path(const char *text);
/* The socket address of "/path" or "@name" (abstract). False for any other form and for a path that
 * does not fit. */
bool rl_address_unix(const char *path, struct sockaddr_un *ret_address, socklen_t *ret_size);

/* Checks that the text has one of the forms. `setting` names it in the error. RL_CONFIG. */
enum rl_status rl_address_check(const char *text, const char *setting, struct rl_error *error);

/* Opens, binds and listens. RL_CONFIG: malformed; RL_SYSTEM: in use, no permission, …. The error is
 * one line that names the setting and the address. */
enum rl_status rl_listener_open(const char *text, const char *setting, enum rl_socket_mode mode,
                                struct rl_listener *ret_listener, struct rl_error *error);
/* Takes over a listening socket passed by the service manager. Its file, if any, is never removed.
 */
enum rl_status rl_listener_adopt(int fd, struct rl_listener *ret_listener, struct rl_error *error);
/* Closes the socket and removes its file unless another has replaced it. May be called twice. */
void rl_listener_close(struct rl_listener *listener);

#endif
