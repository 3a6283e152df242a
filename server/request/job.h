/*
 * job.h: one request and everything its stages produce (request.h).
 *
 * A job belongs to the I/O thread of its connection, except between rl_executor_put and
 * rl_transport_resume, when it belongs to the executor. Its connection stays open, and its headers
 * stay valid, until the I/O thread has it back. Jobs are reused: each I/O thread keeps some, with
 * their small buffers.
 */
#ifndef RL_JOB_H
#define RL_JOB_H

#include "server/base/status.h"
#include "server/formats/formats.h"
#include "server/http/body.h"
#include "server/http/headers.h"
#include "server/http/requestid.h"
#include "server/http/route.h"
#include "server/net/connections.h"
#include "server/request/context.h"

#include "core/rankloss.h"

/* How far a job has come. */
enum rl_progress {
    RL_PROGRESS_NEW,      /* the request line is in */
    RL_PROGRESS_ACCEPTED, /* the headers are checked; the body follows */
    RL_PROGRESS_DECODED,  /* query and work are filled */
    RL_PROGRESS_COMPUTED, /* work->results are filled */
    RL_PROGRESS_ENCODED,  /* reply is filled */
};

/* What is sent, once a stage has filled it. */
struct rl_reply {
    char *data; /* from malloc if `owned`, else static */
    size_t length;
    const char *content_type; /* static; NULL: no body */
    const char *etag;         /* static; NULL: the reply must not be stored */
    const char *policy;       /* Content-Security-Policy, or NULL */
    bool owned;
    size_t counted; /* bytes of it in the pool, until the job ends */
    enum rl_coding coding;
    bool varies;                     /* without Accept-Encoding the reply would have other bytes */
    char weak_etag[RL_ETAG_MAX + 2]; /* filled where the reply is coded */
    size_t header;                   /* see struct rl_output … */
    char header_text[24];            /* … filled where it is not 0 */
};

/* Nanoseconds; 0: not reached. */
struct rl_times {
    uint64_t started, received, queued, deadline, replied;
    uint64_t waited, decode, compute, encode; /* durations */
};

struct rl_job {
    struct rl_job *next; /* in the queue, or among the I/O thread's spare ones */
    const struct rl_context *context;
    enum rl_scope scope;        /* of the address that the request came to */
    struct rl_scratch *scratch; /* the I/O thread's */
    void *handle;               /* the connection as libmicrohttpd knows it (transport.c) */
    struct rl_connection *connection;

    /* accept */
    enum rl_method method;
    struct rl_request_line line;
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
    /* What admission counts for this job (admit.c). */
    size_t held;      /* bytes of its body that are in memory */
    uint64_t promise; /* the period in which a place was promised; 0: none */
    bool placed;      /* it has a place in the queue */

    size_t slot; /* the queue's, among the jobs taken */

    /* decode, compute, encode */
    /* Of enum rl_status: not RL_OK once nobody waits for the reply any more. Relaxed: it announces
     * no other data, and seen late only costs time. */
    _Atomic int stop;
    enum rl_progress progress;
    bool postponed; /* it gets a pass of its own: its body inflates to more than it claims, or the
                     * pool had no room beside the others of its pass */
    bool starved;   /* the pool had no room, as `error` says */
    struct rl_arena arena; /* holds the arrays of query and work, until the reply is encoded */
    struct rl_query query;
    struct rl_work work;
    double work_cost; /* as rl_work_cost estimates it; from RL_PROGRESS_DECODED on */

    /* respond */
    enum rl_status status;
    struct rl_error error; /* where status is not RL_OK */
    struct rl_reply reply;
    bool close;     /* the connection must not be reused */
    bool in_flight; /* counted in the gauge */
    bool answered;  /* the reply is queued; code and sent are set */
    unsigned code;
    size_t sent; /* bytes of the reply's body */
    struct rl_times times;
};

/* Where not said otherwise the job's I/O thread calls these. create returns NULL when memory is
 * short; free takes NULL. */
struct rl_job *rl_job_create(const struct rl_context *context, enum rl_scope scope,
                             struct rl_scratch *scratch);
void rl_job_free(struct rl_job *job);
/* Starts a request on this connection. */
void rl_job_begin(struct rl_job *job, void *handle, struct rl_connection *connection);
/* Tells the stages to end with this status, unless they were told already. Any thread. */
void rl_job_stop(struct rl_job *job, enum rl_status status);
/* Frees the reply, unless libmicrohttpd has it, and its place in the pool. */
void rl_job_drop_reply(struct rl_job *job);
/* Ends it: counts it, logs it and releases its memory. */
void rl_job_end(struct rl_job *job);

#endif
