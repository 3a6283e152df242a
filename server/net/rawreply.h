/*
 * rawreply.h: a whole error reply, written to a socket past libmicrohttpd.
 *
 * For the moments in which libmicrohttpd cannot answer: before it knows the connection (too many of
 * them), and while a body is still coming in (its deadline passed). The connection is closed
 * afterwards.
 */
#ifndef RL_RAWREPLY_H
#define RL_RAWREPLY_H

#include <stdbool.h>

#include "server/base/status.h"

/* Sends what fits without waiting; a reply is under 2 KiB. `request_id` "" makes a new one;
 * `allow_origin` is the value of Access-Control-Allow-Origin, "" sends none. Any thread. */
void rl_rawreply_send(int fd, enum rl_status status, const char *request_id,
                      const char *allow_origin);

#endif
