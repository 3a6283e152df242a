/*
 * intake.h: the accept stage: all that is decided before a byte of the body is read.
 *
 * Each is a stage (request.h): it fills its part of the job, or fails with the status the client is
 * told. I/O thread.
 */
#ifndef RL_INTAKE_H
#define RL_INTAKE_H

#include "server/request/job.h"

enum {
    RL_TARGET_MAX = 8000, /* bytes of a request target (RFC 9112, 3, asks for that much at least) */
};

/* Gathers the header fields and holds them to the rules of framing (headers.h). Fills headers, the
 * ids, and what the body is announced as. */
enum rl_status rl_intake_check(struct rl_job *job, struct rl_error *error);

/* RL_UNAUTHORIZED, with challenge. Not asked for on open paths, for CORS preflights, and on a
 * separate admin address, which is itself the fence. */
enum rl_status rl_intake_access(struct rl_job *job, struct rl_error *error);

/* RL_NOT_FOUND, RL_METHOD. Fills route. */
enum rl_status rl_intake_route(struct rl_job *job, struct rl_error *error);

/* Whether the body may come: RL_LENGTH_REQUIRED, RL_MEDIA_TYPE, RL_CONTENT_CODING, RL_TOO_LARGE,
 * RL_QUEUE_FULL, RL_DRAINING, RL_NOMEM. Reserves the buffer. */
enum rl_status rl_intake_body(struct rl_job *job, struct rl_error *error);

#endif
