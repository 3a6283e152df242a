/*
 * status.h: how a stage of a request ends. The server's statuses continue core's in one enum, so
 * that a stage can pass on what core returned. server/http/problem.c says what each is in HTTP.
 */
#ifndef RL_STATUS_H
#define RL_STATUS_H

#include "core/rankloss.h"

/* gcc warns where a constant of one enum becomes another; these belong to enum rl_status. clang
 * knows that an enum without a name only continues another, and still finds real mixtures. */
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wenum-conversion"
#pragma GCC diagnostic ignored "-Wenum-compare"
#endif

enum {
    RL_SYNTAX = RL_CORE_STATUSES, /* the body cannot be read; the error's place says where */
    RL_TOO_LARGE,                 /* over a limit, which the detail names */
    RL_NOT_FOUND,                 /* no such path */
    RL_MISDIRECTED,               /* addressed to a host that is not ours */
    RL_METHOD,                    /* the path does not take this method */
    RL_FRAMING,                   /* the head is not HTTP/1.1, or its body's length is in doubt */
    RL_TRANSFER_CODING,           /* a Transfer-Encoding other than chunked */
    RL_EXPECTATION,               /* an Expect other than 100-continue */
    RL_LENGTH_REQUIRED,           /* neither Content-Length nor chunked */
    RL_URI_TOO_LONG,              /* the target is too long */
    RL_HEADERS_TOO_LARGE,         /* the header fields are too large */
    RL_MEDIA_TYPE,                /* the body's Content-Type is not one that we read */
    RL_CONTENT_CODING,            /* the body's Content-Encoding is not one that we undo */
    RL_UNAUTHORIZED,              /* no token, or a wrong one */
    RL_QUEUE_FULL,                /* no room to wait */
    RL_DRAINING,                  /* shutting down */
    RL_DEADLINE,                  /* request-timeout passed */
    RL_BODY_TIMEOUT,              /* body-timeout passed */
    RL_CONNECTIONS,               /* max-connections are open */
    RL_GONE,                      /* the client hung up */
    RL_STATUSES
};

#endif
