/*
 * intake.h: the accept stage: everything that is decided before a byte of the body is read.
 *
 * Each function is a stage (request.h): it fills its part of the job, or fails with the status that
 * the client gets. I/O thread.
 */
#ifndef RL_INTAKE_H
#define RL_INTAKE_H

#include "server/request/job.h"

enum {
    RL_TARGET_MAX = 8000,   /* bytes of a request target; RFC 9112, 3 asks for at least this */
    RL_ARGUMENTS_MAX = 100, /* of its query; none of our paths takes any */
};

/* Checks the framing of the header fields (headers.h). Fills the ids and the announced body. */
enum rl_status rl_intake_check(struct rl_job *job, struct rl_error *error);

/* RL_MISDIRECTED (allowed-hosts); RL_UNAUTHORIZED, with challenge. Open paths, CORS preflights and
 * a separate admin address need no token. */
enum rl_status rl_intake_access(struct rl_job *job, struct rl_error *error);

/* RL_NOT_FOUND, RL_METHOD. Fills route. */
enum rl_status rl_intake_route(struct rl_job *job, struct rl_error *error);

/* Decides whether the body may be sent: RL_LENGTH_REQUIRED, RL_MEDIA_TYPE, RL_CONTENT_CODING, *
 * RL_TOO_LARGE, RL_QUEUE_FULL, RL_DRAINING, RL_NOMEM. Allocates the buffer. */
enum rl_status rl_intake_body(struct rl_job *job, struct rl_error *error);

#endif
