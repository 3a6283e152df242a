/*
 * auth.h: bearer tokens (RFC 6750), read from a file.
 *
 * The file has one token per line: printable ASCII without blanks, RL_TOKEN_MIN to RL_TOKEN_MAX
 * bytes. Blank lines and lines that start with '#' are ignored. Only SHA-256 digests are kept.
 * A check hashes the client's token and compares it with every digest in constant time, so that
 * timing reveals neither how much of a token matched nor which one. Tokens are never logged
 * and never appear in errors.
 *
 * Threads: checks may run in any thread while another reloads; they share a read lock held for one
 * check.
 */
#ifndef RL_AUTH_H
#define RL_AUTH_H

#include <stdbool.h>

#include "server/base/status.h"

enum { RL_TOKEN_MIN = 8, RL_TOKEN_MAX = 1024, RL_TOKENS_MAX = 10000 };

enum rl_auth_result {
    RL_AUTH_OK,      /* a token of the file, or no token is required */
    RL_AUTH_MISSING, /* no Authorization header */
    RL_AUTH_INVALID, /* a scheme other than Bearer, or an unknown token */
};

struct rl_auth;

/* `path` "": no token is required. RL_CONFIG (naming auth-tokens-file and the line), RL_NOMEM. */
enum rl_status rl_auth_create(const char *path, struct rl_auth **ret_auth, struct rl_error *error);
void rl_auth_free(struct rl_auth *auth); /* takes NULL */

/* Replaces the tokens by those of `path`. On failure the old ones stay. */
enum rl_status rl_auth_reload(struct rl_auth *auth, const char *path, struct rl_error *error);

/* Whether a token is required. */
bool rl_auth_required(struct rl_auth *auth);

/* `header` is the value of Authorization, or NULL when there is none. */
enum rl_auth_result rl_auth_check(struct rl_auth *auth, const char *header);

/* The value of WWW-Authenticate for a refusal (RFC 6750, 3), static. */
const char *rl_auth_challenge(enum rl_auth_result result);

#endif
