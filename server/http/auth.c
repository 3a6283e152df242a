/*
 * auth.c: bearer tokens as digests, compared in constant time.
 */
#include "server/http/auth.h"

#include <gnutls/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/file.h"

enum { DIGEST_SIZE = 32, FILE_MAX = RL_TOKENS_MAX * (RL_TOKEN_MAX + 2) };

static const char setting[] = "auth-tokens-file";

struct tokens {
    size_t count, capacity;
    unsigned char (*digests)[DIGEST_SIZE];
};

struct rl_auth {
    pthread_rwlock_t lock;
    bool required;
    struct tokens tokens;
};

/* ---- The file ------------------------------------------------------------------------------- */

/* Makes room for one more digest. No reader uses the buffer yet: a set is built before it replaces
 * the one in use. */
static bool grow(struct tokens *tokens)
{
    if (tokens->count < tokens->capacity)
        return true;
    const size_t capacity = tokens->capacity ? 2 * tokens->capacity : 8;
    unsigned char(*digests)[DIGEST_SIZE] =
        reallocarray(tokens->digests, capacity, sizeof(*digests));
    if (!digests)
        return false;
    tokens->digests = digests;
    tokens->capacity = capacity;
    return true;
}

static bool is_token(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] >= 0x7f)
            return false;
    return true;
}

/* Adds the token of one line. Errors never show the token. */
static enum rl_status add_line(struct tokens *tokens, const char *path, size_t number,
                               const char *text, size_t length, struct rl_error *error)
{
    const char *wrong = NULL;
    if (length == 0 || text[0] == '#')
        return RL_OK;
    if (length < RL_TOKEN_MIN)
        wrong = "is shorter than 8 bytes";
    else if (length > RL_TOKEN_MAX)
        wrong = "is longer than 1024 bytes";
    else if (!is_token(text, length))
        wrong = "contains a blank or a byte that is not printable ASCII";
    else if (tokens->count == RL_TOKENS_MAX)
        wrong = "exceeds the limit of 10000 tokens";
    if (wrong)
        return rl_fail(error, RL_CONFIG, "", "%s: %.120s, line %zu: the token %s", setting, path,
                       number, wrong);
    if (!grow(tokens) ||
        gnutls_hash_fast(GNUTLS_DIG_SHA256, text, length, tokens->digests[tokens->count]) != 0)
        return rl_fail(error, RL_NOMEM, "", "%s: no memory", setting);
    tokens->count++;
    return RL_OK;
}

/* The length without trailing blanks and carriage returns, which are not part of the token. */
static size_t trimmed(const char *text, size_t length)
{
    while (length && strchr(" \t\r", text[length - 1]))
        length--;
    return length;
}

static enum rl_status parse(const char *path, const char *text, size_t length,
                            struct tokens *tokens, struct rl_error *error)
{
    enum rl_status status = RL_OK;
    const char *const end = text + length;
    for (size_t number = 1; text < end && status == RL_OK; number++) {
        const char *const newline = memchr(text, '\n', (size_t)(end - text));
        const char *const stop = newline ? newline : end;
        status = add_line(tokens, path, number, text, trimmed(text, (size_t)(stop - text)), error);
        text = stop + 1;
    }
    if (status == RL_OK && tokens->count == 0)
        status = rl_fail(error, RL_CONFIG, "", "%s: %.120s contains no token", setting, path);
    return status;
}

static enum rl_status load(const char *path, struct tokens *tokens, struct rl_error *error)
{
    char *text;
    size_t length;
    if (path[0] == '\0')
        return RL_OK;
    enum rl_status status = rl_file_read(path, setting, FILE_MAX, &text, &length, error);
    if (status != RL_OK)
        return status;
    status = parse(path, text, length, tokens, error);
    gnutls_memset(text, 0, length);
    free(text);
    if (status != RL_OK)
        free(tokens->digests);
    return status;
}

/* ---- Life ----------------------------------------------------------------------------------- */

enum rl_status rl_auth_create(const char *path, struct rl_auth **ret_auth, struct rl_error *error)
{
    struct rl_auth *const auth = calloc(1, sizeof(*auth));
    if (!auth || pthread_rwlock_init(&auth->lock, NULL) != 0) {
        free(auth);
        return rl_fail(error, RL_NOMEM, "", "%s: no memory", setting);
    }
    const enum rl_status status = rl_auth_reload(auth, path, error);
    if (status != RL_OK) {
        rl_auth_free(auth);
        return status;
    }
    *ret_auth = auth;
    return RL_OK;
}

void rl_auth_free(struct rl_auth *auth)
{
    if (!auth)
        return;
    pthread_rwlock_destroy(&auth->lock);
    free(auth->tokens.digests);
    free(auth);
}

enum rl_status rl_auth_reload(struct rl_auth *auth, const char *path, struct rl_error *error)
{
    struct tokens fresh = {0};
    const enum rl_status status = load(path, &fresh, error);
    if (status != RL_OK)
        return status;
    pthread_rwlock_wrlock(&auth->lock);
    const struct tokens old = auth->tokens;
    auth->tokens = fresh;
    auth->required = path[0] != '\0';
    pthread_rwlock_unlock(&auth->lock);
    free(old.digests);
    return RL_OK;
}

/* ---- Checking ------------------------------------------------------------------------------- */

bool rl_auth_required(struct rl_auth *auth)
{
    pthread_rwlock_rdlock(&auth->lock);
    const bool required = auth->required;
    pthread_rwlock_unlock(&auth->lock);
    return required;
}

/* The token of "Bearer <token>", or NULL; the scheme is case-insensitive. */
static const char *bearer_token(const char *header, size_t *ret_length)
{
    static const char scheme[] = "Bearer";
    const size_t length = sizeof(scheme) - 1;
    if (strncasecmp(header, scheme, length) != 0 || header[length] != ' ')
        return NULL;
    const char *const token = header + length + strspn(header + length, " ");
    *ret_length = trimmed(token, strnlen(token, RL_TOKEN_MAX + 2));
    return *ret_length ? token : NULL;
}

/* Compares with every digest in full, even after a match. */
static bool is_known(const struct tokens *tokens, const unsigned char digest[DIGEST_SIZE])
{
    int found = 0;
    for (size_t i = 0; i < tokens->count; i++)
        found |= gnutls_memcmp(tokens->digests[i], digest, DIGEST_SIZE) == 0;
    return found != 0;
}

enum rl_auth_result rl_auth_check(struct rl_auth *auth, const char *header)
{
    unsigned char digest[DIGEST_SIZE];
    size_t length = 0;
    const char *const token = header ? bearer_token(header, &length) : NULL;
    /* A token longer than any in the file is not worth hashing. */
    const bool usable = token && length <= RL_TOKEN_MAX &&
                        gnutls_hash_fast(GNUTLS_DIG_SHA256, token, length, digest) == 0;
    pthread_rwlock_rdlock(&auth->lock);
    const bool ok = !auth->required || (usable && is_known(&auth->tokens, digest));
    pthread_rwlock_unlock(&auth->lock);
    if (ok)
        return RL_AUTH_OK;
    return header ? RL_AUTH_INVALID : RL_AUTH_MISSING;
}

const char *rl_auth_challenge(enum rl_auth_result result)
{
    return result == RL_AUTH_INVALID ? "Bearer realm=\"ranklossd\", error=\"invalid_token\""
                                     : "Bearer realm=\"ranklossd\"";
}
