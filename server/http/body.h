/*
 * body.h: a request's body, read into one buffer.
 *
 * The buffer is allocated from Content-Length; for a chunked body it grows by doubling. Neither
 * exceeds the limit. The body of a refused request is read, counted and discarded if it is short,
 * so that the connection can be used again.
 */
#ifndef RL_BODY_H
#define RL_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include "server/base/status.h"
#include "server/http/compress.h"

enum {
    /* The longest body that is read only to be discarded. For a longer one a new connection costs
     * the client less, so the connection is closed instead. */
    RL_BODY_DISCARD_MAX = 1024 * 1024,
    /* A buffer up to this size is kept for the next request of the same I/O thread. */
    RL_BODY_KEEP_MAX = 64 * 1024,
    /* What numbers in a body may have to be aligned to. */
    RL_BODY_ALIGNED = 8,
};

struct rl_body {
    char *block; /* from malloc: `lead` unused bytes, then the data */
    char *data;
    size_t lead, length;
    size_t capacity;       /* of the block */
    size_t received;       /* bytes as sent, including discarded ones */
    size_t announced;      /* Content-Length; SIZE_MAX: chunked; 0: none */
    enum rl_coding coding; /* identity once inflated */
    size_t dropped;        /* bytes discarded */
    bool discard;          /* discard further input */
};

/* Starts the body of a request; reuses the buffer of the previous one. */
void rl_body_begin(struct rl_body *body, size_t announced, enum rl_coding coding);
/* Has byte `at` of the body, if it is not coded, lie at a multiple of RL_BODY_ALIGNED; before the
 * first byte is read. */
void rl_body_align(struct rl_body *body, size_t at);
/* Ends the body; releases the buffer unless it is small. */
void rl_body_end(struct rl_body *body);
/* Releases everything. */
void rl_body_release(struct rl_body *body);

/* Allocates the announced length. RL_NOMEM. */
enum rl_status rl_body_reserve(struct rl_body *body, struct rl_error *error);
/* Appends one piece, or discards it if `discard` is set. RL_TOO_LARGE past `max`, RL_NOMEM. */
enum rl_status rl_body_append(struct rl_body *body, const char *data, size_t size, size_t max,
                              struct rl_error *error);
/* Discards the body so far and all further input. */
void rl_body_drop(struct rl_body *body);
/* The body's length, or the length that a coded body claims to inflate to, at most `max`. */
size_t rl_body_claim(const struct rl_body *body, size_t max);
/* Inflates a coded body. RL_SYNTAX, RL_TOO_LARGE past `max`, RL_NOMEM. */
enum rl_status rl_body_inflate(struct rl_body *body, size_t max, struct rl_error *error);

#endif
