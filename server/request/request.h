/*
 * request.h: the path of a request.
 *
 *   accept -> read body -> decode -> admit -> schedule -> compute -> reduce -> encode -> respond
 *
 * One struct rl_job travels it. Every stage is
 *     enum rl_status rl_<where>_<verb>(struct rl_job *job, struct rl_error *error)
 * and the first that fails ends the path: its status and error become the reply (respond.h).
 *
 * The job's I/O thread calls all of these.
 */
#ifndef RL_REQUEST_H
#define RL_REQUEST_H

#include "server/request/job.h"

/* What the transport does with the connection next. */
enum rl_next {
    RL_NEXT_CONTINUE, /* receive more of the request */
    RL_NEXT_RESPOND,  /* send a reply (rl_respond) */
    RL_NEXT_WAIT,     /* suspend the connection, then call rl_request_wait */
    RL_NEXT_CLOSE,    /* close it without a reply */
};

/* The headers are in. CONTINUE, or RESPOND at once, leaving the body unread. */
enum rl_next rl_request_accept(struct rl_job *job);
/* A piece of the body is in. CONTINUE, or CLOSE. */
enum rl_next rl_request_read(struct rl_job *job, const char *data, size_t size);
/* The trailer fields of a chunked body are in, before rl_request_run. */
void rl_request_trailers(struct rl_job *job, const struct rl_headers *trailers);
/* The whole request is in, or the job came back from waiting. RESPOND, WAIT or CLOSE. */
enum rl_next rl_request_run(struct rl_job *job);
/* Hands the job to the executor; it may be back before this returns. */
void rl_request_wait(struct rl_job *job);
/* The request is over, however it ended: releases everything it held. */
void rl_request_end(struct rl_job *job);

#endif
