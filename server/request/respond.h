/*
 * respond.h: the last stage, and the one way any reply leaves.
 *
 * Every reply carries X-Request-Id, traceparent where a valid one came, CORS headers, and what its
 * kind asks for: Cache-Control: no-store for results and errors, ETag for embedded files, Allow,
 * Retry-After, WWW-Authenticate, Accept-Encoding, Connection: close.
 */
#ifndef RL_RESPOND_H
#define RL_RESPOND_H

#include "server/request/job.h"

/* Fills the reply of a GET, HEAD or OPTIONS. RL_DRAINING (not ready), RL_NOMEM. I/O thread. */
enum rl_status rl_respond_read(struct rl_job *job, struct rl_error *error);

/* Puts the reply into gzip, if the client takes it and it pays. Any thread that owns the job. */
void rl_respond_compress(struct rl_job *job);

/* Makes the reply from job->reply or, where job->status is not RL_OK, from job->error, and queues
 * it on the connection. MHD_NO: nothing can be sent, and the connection is to be closed. I/O
 * thread. */
enum MHD_Result rl_respond(struct rl_job *job);

/* The Access-Control-Allow-Origin for this request: "" for none. Lives as long as the request. */
const char *rl_respond_allow_origin(const struct rl_job *job);

#endif
