/*
 * request.h: the road of a request.
 *
 *   accept -> read body -> decode -> admit -> schedule -> compute -> reduce -> encode -> respond
 *
 * One struct rl_job travels it. Every stage is
 *     enum rl_status rl_<where>_<verb>(struct rl_job *job, struct rl_error *error)
 * and the first one that fails ends the road: its status and error become the reply (respond.h).
 */
#ifndef RL_REQUEST_H
#define RL_REQUEST_H

#include "server/request/job.h"

/* What the caller does with the connection next. */
enum rl_next {
    RL_NEXT_CONTINUE, /* let the request go on coming in */
    RL_NEXT_RESPOND,  /* job->status, error and reply say what */
    RL_NEXT_WAIT,     /* the connection is suspended; it is resumed when the job is done */
    RL_NEXT_CLOSE,    /* nothing more can be said */
};

/* The headers are in. CONTINUE, or RESPOND: at once, leaving the body unread. */
enum rl_next rl_request_accept(struct rl_job *job);
/* A piece of the body is in. CONTINUE, or CLOSE. */
enum rl_next rl_request_read(struct rl_job *job, const char *data, size_t size);
/* The whole request is in. RESPOND or WAIT. */
enum rl_next rl_request_run(struct rl_job *job);

#endif
