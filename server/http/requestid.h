/*
 * requestid.h: the identity of a request: X-Request-Id, and W3C Trace Context's traceparent.
 */
#ifndef RL_REQUESTID_H
#define RL_REQUESTID_H

#include <stdbool.h>

enum {
    RL_REQUEST_ID_MAX = 128,                    /* bytes of a client's own id */
    RL_REQUEST_ID_SIZE = RL_REQUEST_ID_MAX + 1, /* with its NUL */
    RL_TRACE_ID_SIZE = 33                       /* 32 hex digits and a NUL */
};

/* Whether a client's id may be echoed and logged: 1 to 128 of [A-Za-z0-9._-]. NULL: false. */
bool rl_request_id_valid(const char *id);

/* Writes 32 random hex digits and a NUL. Each thread has its own generator, seeded by the kernel;
 * ids are unique, not secret. */
void rl_request_id_make(char ret_id[RL_REQUEST_ID_SIZE]);

/* The client's id if it is valid, otherwise a new one. Returns whether it is the client's. */
bool rl_request_id_choose(const char *client, char ret_id[RL_REQUEST_ID_SIZE]);

/*
 * Parses a traceparent header (Trace Context, 3.2). True if it is valid and may be echoed; ret_id
 * then holds its trace-id, otherwise it is untouched. Versions above 00 follow the rule for future
 * versions. NULL: false.
 */
bool rl_traceparent_parse(const char *header, char ret_id[RL_TRACE_ID_SIZE]);

#endif
