/*
 * body.h: a request's body, read into one buffer.
 *
 * The buffer is reserved from Content-Length; a chunked body's buffer grows by doubling. Neither
 * passes the cap. A body that nobody wants (a refused request's) is counted and dropped, so that
 * the connection can be used again, as long as it is short enough for that to pay.
 */
#ifndef RL_BODY_H
#define RL_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include "server/base/status.h"
#include "server/http/compress.h"

enum {
    /* The longest body that is read only to be dropped. A longer one costs more than the client's
     * new connection does, so its connection is closed instead. */
    RL_BODY_DISCARD_MAX = 1024 * 1024,
    /* A buffer up to this size is kept for the next request of the same I/O thread. */
    RL_BODY_KEEP_MAX = 64 * 1024,
};

struct rl_body {
    char *data; /* from malloc */
    size_t length, capacity;
    size_t received;       /* bytes as sent, dropped ones among them */
    size_t announced;      /* Content-Length; SIZE_MAX: chunked; 0: none */
    enum rl_coding coding; /* identity once inflated */
    size_t dropped;        /* bytes dropped */
    bool discard;          /* take no more of it in */
};

/* Prepares for one request's body; keeps the buffer of the one before. */
void rl_body_begin(struct rl_body *body, size_t announced, enum rl_coding coding);
/* Forgets the body; gives the buffer back unless it is small. */
void rl_body_end(struct rl_body *body);
/* Gives everything back; a large buffer is kept as a spare for the next large body. */
void rl_body_release(struct rl_body *body);
/* Frees the spares, of which there are a few. Any thread. */
void rl_body_free_spares(void);

/* Room for what was announced. RL_NOMEM. */
enum rl_status rl_body_reserve(struct rl_body *body, struct rl_error *error);
/* Takes one piece in, or drops it when discarding. RL_TOO_LARGE past `max`, RL_NOMEM. */
enum rl_status rl_body_append(struct rl_body *body, const char *data, size_t size, size_t max,
                              struct rl_error *error);
/* Drops what was taken in and all that still comes. */
void rl_body_drop(struct rl_body *body);
/* Bytes of text that the body is, or claims to be once it is inflated; not past `max` then. */
size_t rl_body_claim(const struct rl_body *body, size_t max);
/* Undoes gzip where the body came so. RL_SYNTAX, RL_TOO_LARGE past `max`, RL_NOMEM. */
enum rl_status rl_body_inflate(struct rl_body *body, size_t max, struct rl_error *error);

#endif
