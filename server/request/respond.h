/*
 * respond.h: the last stage: every reply that the transport sends is made here.
 *
 * Every reply carries X-Request-Id, traceparent if a valid one came, CORS headers, and what its
 * kind needs: Cache-Control: no-store for results and errors, ETag for embedded files, Allow,
 * Retry-After, WWW-Authenticate, Accept-Encoding, Connection: close.
 */
#ifndef RL_RESPOND_H
#define RL_RESPOND_H

#include "server/http/replyhead.h"
#include "server/request/job.h"

/* Fills the reply of a GET, HEAD or OPTIONS. RL_DRAINING (not ready), RL_NOMEM. I/O thread. */
enum rl_status rl_respond_read(struct rl_job *job, struct rl_error *error);

/* Compresses the reply if the client accepts gzip and it pays. The thread that owns the job. */
void rl_respond_compress(struct rl_job *job);

/* Completes job->reply, from job->error where job->status is not RL_OK, and fills the head, which
 * refers to the job. False when nothing can be sent and the connection must close. I/O thread. */
bool rl_respond(struct rl_job *job, struct rl_reply_head *ret_head);

/* The Access-Control-Allow-Origin of this request, or "". Lives as long as the request. */
const char *rl_respond_allow_origin(const struct rl_job *job);

#endif
