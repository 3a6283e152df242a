/*
 * auth.h: bearer tokens (RFC 6750), read from a file.
 *
 * The file holds one token a line: printable ASCII without blanks, RL_TOKEN_MIN to RL_TOKEN_MAX
 * bytes. Lines that start with '#' and blank lines are passed over. Only SHA-256 digests are kept.
 * A check hashes what the client sent and compares it with every digest in constant time, so that
 * neither how far a token matched nor which one shows in the time taken. Tokens are never logged
 * and never stand in an error's text.
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
    RL_AUTH_OK,      /* a token of the file, or none is asked for */
    RL_AUTH_MISSING, /* no Authorization header */
    RL_AUTH_INVALID, /* another scheme, or an unknown token */
};

struct rl_auth;

/* `path` "" asks for no token. RL_CONFIG (naming auth-tokens-file and the line), RL_NOMEM. */
enum rl_status rl_auth_create(const char *path, struct rl_auth **ret_auth, struct rl_error *error);
void rl_auth_free(struct rl_auth *auth); /* takes NULL */

/* Takes the tokens of `path` in place of the present ones, or fails and keeps those. */
enum rl_status rl_auth_reload(struct rl_auth *auth, const char *path, struct rl_error *error);

/* Whether a token is asked for at all. */
bool rl_auth_required(struct rl_auth *auth);

/* `header` is the value of Authorization, or NULL when there is none. */
enum rl_auth_result rl_auth_check(struct rl_auth *auth, const char *header);

/* The value of WWW-Authenticate for a refusal (RFC 6750, 3), static. */
const char *rl_auth_challenge(enum rl_auth_result result);

#endif
