/*
 * cors.h: what pages of other origins may do (Fetch Standard, "CORS protocol").
 *
 * Replies carry "Vary: Origin" where rl_cors_varies says so, the allow headers where
 * rl_cors_decide says so, and a preflight gets the preflight headers. An origin that is not listed
 * gets no allow header.
 *
 * Threads: decisions may run in any thread while another replaces the list; they share a read lock
 * held for one decision.
 */
#ifndef RL_CORS_H
#define RL_CORS_H

#include <stdbool.h>

#include "config/settings.h"

enum rl_cors_decision {
    RL_CORS_NONE,   /* send no Access-Control headers */
    RL_CORS_ORIGIN, /* Access-Control-Allow-Origin: the request's Origin, unchanged */
    RL_CORS_ANY,    /* Access-Control-Allow-Origin: * */
};

struct rl_cors;

/* `origins` is cors-origins and is copied; "*" in it allows all. RL_CONFIG if one is neither
 * scheme://host[:port] nor "*"; RL_NOMEM. */
enum rl_status rl_cors_create(const struct rl_words *origins, struct rl_cors **ret_cors,
                              struct rl_error *error);
void rl_cors_free(struct rl_cors *cors); /* takes NULL */
/* Replaces the list. On failure the old one stays. */
enum rl_status rl_cors_reload(struct rl_cors *cors, const struct rl_words *origins,
                              struct rl_error *error);

/* `origin` is the value of Origin, or NULL when there is none. */
enum rl_cors_decision rl_cors_decide(struct rl_cors *cors, const char *origin);
/* Whether replies depend on Origin, so that caches need "Vary: Origin": some origins are listed and
 * not all are allowed. Applies to replies to requests without Origin too. */
bool rl_cors_varies(struct rl_cors *cors);

/* Whether a request is a preflight: OPTIONS with both headers. NULL where a header is absent. */
bool rl_cors_is_preflight(const char *method, const char *origin, const char *request_method);

/* Header values, static. */
const char *rl_cors_allow_headers(void);  /* Access-Control-Allow-Headers */
const char *rl_cors_expose_headers(void); /* Access-Control-Expose-Headers */
const char *rl_cors_max_age(void);        /* Access-Control-Max-Age */
/* Access-Control-Allow-Methods is the resource's own Allow value: the router knows it. */

#endif
