/*
 * rawreply.h: writes a whole error reply to a socket, bypassing libmicrohttpd.
 *
 * For when libmicrohttpd cannot answer: before it has the connection (too many are open), and while
 * a body is still arriving (its deadline passed). The connection is closed
 * afterwards.
 */
#ifndef RL_RAWREPLY_H
#define RL_RAWREPLY_H

#include <stdbool.h>

#include "server/base/status.h"

/* Sends without blocking, so a full socket may cut the reply (under 2 KiB). `request_id` "": a new
 * id. `allow_origin` is the value of Access-Control-Allow-Origin; "" sends none. Any thread. */
void rl_rawreply_send(int fd, enum rl_status status, const char *request_id,
                      const char *allow_origin);

#endif
