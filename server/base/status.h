/*
 * status.h: the outcome of a stage of a request. The server's statuses continue core's enum, so
 * that a stage can return what core returned. server/http/problem.c has the HTTP form of each.
 */
#ifndef RL_STATUS_H
#define RL_STATUS_H

#include "core/rankloss.h"

/* gcc warns when a constant of one enum is used as another; these belong to enum rl_status. clang
 * exempts unnamed enums and still finds real mistakes. */
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wenum-conversion"
#pragma GCC diagnostic ignored "-Wenum-compare"
#endif

enum {
    RL_SYNTAX = RL_CORE_STATUSES, /* the body is malformed; the error says where */
    RL_TOO_LARGE,                 /* over a limit named in the detail */
    RL_NOT_FOUND,                 /* no such path */
    RL_MISDIRECTED,               /* the Host is not an allowed name */
    RL_METHOD,                    /* the path does not allow this method */
    RL_FRAMING,                   /* the head is not HTTP/1.1, or the body's length is ambiguous */
    RL_TRANSFER_CODING,           /* a Transfer-Encoding other than chunked */
    RL_EXPECTATION,               /* an Expect other than 100-continue */
    RL_LENGTH_REQUIRED,           /* neither Content-Length nor chunked */
    RL_URI_TOO_LONG,              /* the target is too long */
    RL_HEADERS_TOO_LARGE,         /* the header fields are too large */
    RL_MEDIA_TYPE,                /* the body's Content-Type is not supported */
    RL_CONTENT_CODING,            /* the body's Content-Encoding is not supported */
    RL_UNAUTHORIZED,              /* no token, or a wrong one */
    RL_QUEUE_FULL,                /* the queue is full */
    RL_DRAINING,                  /* shutting down */
    RL_DEADLINE,                  /* request-timeout passed */
    RL_BODY_TIMEOUT,              /* body-timeout passed */
    RL_CONNECTIONS,               /* max-connections are open */
    RL_GONE,                      /* the client hung up */
    RL_STATUSES
};

#endif
