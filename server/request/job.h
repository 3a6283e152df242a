/*
 * job.h: one request, as it travels the road (request.h).
 *
 * A job belongs to the I/O thread of its connection, except between rl_executor_submit and the
 * resumption of the connection, when it belongs to the executor. Jobs are used again: each I/O
 * thread keeps those it made, with their small buffers.
 */
#ifndef RL_JOB_H
#define RL_JOB_H

#include <microhttpd.h>

#include "server/base/status.h"
#include "server/http/body.h"
#include "server/net/connections.h"
#include "server/request/context.h"
#include "server/formats/formats.h"
#include "server/http/headers.h"
#include "server/http/requestid.h"
#include "server/http/route.h"

#include "core/rankloss.h"

/* How far a job has come. */
enum rl_progress {
    RL_PROGRESS_NEW,      /* the request line is in */
    RL_PROGRESS_ACCEPTED, /* the headers are in and were looked at; the body follows */
    RL_PROGRESS_DECODED,  /* query and work are filled */
    RL_PROGRESS_COMPUTED, /* work->results are filled */
    RL_PROGRESS_ENCODED,  /* reply is filled */
};

/* What is sent, once a stage has filled it. */
struct rl_reply {
    char *data; /* `owned`: from malloc, given to libmicrohttpd */
    size_t length;
    const char *content_type; /* static; NULL: no body */
    const char *etag;         /* static; NULL: the reply is not to be stored */
    const char *policy;       /* Content-Security-Policy, or NULL */
    bool owned;
    bool gzipped;
    bool varies; /* the same request without gzip would have got other bytes */
};

/* Nanoseconds; 0: not reached. */
struct rl_times {
    uint64_t started, received, queued, deadline, replied;
    uint64_t waited, decode, compute, encode; /* durations */
};

struct rl_io;

struct rl_job {
    struct rl_job *next; /* in the queue, or among the I/O thread's spare ones */
    const struct rl_context *context;
    struct rl_io *io;
    struct MHD_Connection *mhd;
    struct rl_connection *connection;

    /* accept */
    enum rl_method method;
    struct rl_request_line line; /* libmicrohttpd's texts */
    const char *path;
    unsigned version; /* HTTP's minor one */
    struct rl_route route;
    const struct rl_format *format; /* of the body and of the reply, errors included */
    struct rl_headers headers;
    char request_id[RL_REQUEST_ID_SIZE];
    char trace_id[RL_TRACE_ID_SIZE]; /* "" unless traceparent is valid */
    const char *challenge;           /* for RL_UNAUTHORIZED: the value of WWW-Authenticate */

    /* read body */
    struct rl_body body;
    size_t held;      /* bytes counted against queue-bytes */
    uint64_t promise; /* the queue's; 0: none */
    size_t place;     /* the queue's, among those taken */
    bool abandoned;   /* the executor still works on it, but the process is to end: only the
                         connection may be touched */

    /* decode, compute, encode */
    enum rl_progress progress;
    bool over_claim; /* the body inflates to more than it claims, and waits for a pass of its own */
    struct rl_arena
        arena; /* until the reply is written; with it go the query's and work's arrays */
    struct rl_query query;
    struct rl_work work;

    /* respond */
    enum rl_status status;
    struct rl_error error; /* where status is not RL_OK */
    struct rl_reply reply;
    bool close;     /* the connection is not to be used again */
    bool in_flight; /* counted in the gauge */
    bool answered;  /* the reply is queued; code and sent hold */
    unsigned code;
    size_t sent; /* bytes of the reply's body */
    struct rl_times times;
};

/* The life of a job, all on its I/O thread. create: NULL when there is no memory. */
struct rl_job *rl_job_create(const struct rl_context *context, struct rl_io *io);
void rl_job_free(struct rl_job *job); /* takes NULL */
/* A request begins on this connection. */
void rl_job_begin(struct rl_job *job, struct MHD_Connection *mhd, struct rl_connection *connection);
/* It is over, whichever way: counted and logged; what it held is given back. */
void rl_job_end(struct rl_job *job);

#endif
