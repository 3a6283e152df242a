/*
 * cors.c: the allow list of origins.
 */
#include "server/http/cors.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct origins {
    struct rl_words words;
    bool any;
};

struct rl_cors {
    pthread_rwlock_t lock;
    struct origins origins;
};

static void origins_release(struct origins *origins)
{
    for (size_t i = 0; i < origins->words.count; i++)
        free((char *)origins->words.items[i]);
    free(origins->words.items);
}

/* scheme://host[:port] as browsers send it: lower case, no path. */
static bool is_origin(const char *text)
{
    const char *const colon = strstr(text, "://");
    if (!colon || colon == text || colon[3] == '\0')
        return false;
    for (const char *c = text; *c; c++)
        if (isupper((unsigned char)*c) || !isgraph((unsigned char)*c) || strchr("?#@*\\", *c))
            return false;
    return strchr(colon + 3, '/') == NULL;
}

static enum rl_status copy(const struct rl_words *words, struct origins *origins,
                           struct rl_error *error)
{
    origins->words.items = calloc(words->count + 1, sizeof(*origins->words.items));
    if (!origins->words.items)
        return rl_fail(error, RL_NOMEM, "", "cors-origins: no memory");
    for (size_t i = 0; i < words->count; i++) {
        const char *const origin = words->items[i];
        if (strcmp(origin, "*") == 0)
            origins->any = true;
        else if (!is_origin(origin))
            return rl_fail(error, RL_CONFIG, "",
                           "cors-origins: '%.80s' is not scheme://host[:port] in lower case, nor *",
                           origin);
        origins->words.items[i] = strdup(origin);
        if (!origins->words.items[i])
            return rl_fail(error, RL_NOMEM, "", "cors-origins: no memory");
        origins->words.count++;
    }
    return RL_OK;
}

enum rl_status rl_cors_create(const struct rl_words *origins, struct rl_cors **ret_cors,
                              struct rl_error *error)
{
    struct rl_cors *const cors = calloc(1, sizeof(*cors));
    if (!cors || pthread_rwlock_init(&cors->lock, NULL) != 0) {
        free(cors);
        return rl_fail(error, RL_NOMEM, "", "cors-origins: no memory");
    }
    const enum rl_status status = rl_cors_reload(cors, origins, error);
    if (status != RL_OK) {
        rl_cors_free(cors);
        return status;
    }
    *ret_cors = cors;
    return RL_OK;
}

void rl_cors_free(struct rl_cors *cors)
{
    if (!cors)
        return;
    pthread_rwlock_destroy(&cors->lock);
    origins_release(&cors->origins);
    free(cors);
}

enum rl_status rl_cors_reload(struct rl_cors *cors, const struct rl_words *origins,
                              struct rl_error *error)
{
    struct origins fresh = {0};
    const enum rl_status status = copy(origins, &fresh, error);
    if (status != RL_OK) {
        origins_release(&fresh);
        return status;
    }
    pthread_rwlock_wrlock(&cors->lock);
    struct origins old = cors->origins;
    cors->origins = fresh;
    pthread_rwlock_unlock(&cors->lock);
    origins_release(&old);
    return RL_OK;
}

static bool is_listed(const struct rl_words *words, const char *origin)
{
    for (size_t i = 0; i < words->count; i++)
        if (strcmp(words->items[i], origin) == 0)
            return true;
    return false;
}

enum rl_cors_decision rl_cors_decide(struct rl_cors *cors, const char *origin)
{
    enum rl_cors_decision decision = RL_CORS_NONE;
    if (!origin)
        return decision;
    pthread_rwlock_rdlock(&cors->lock);
    if (cors->origins.any)
        decision = RL_CORS_ANY;
    else if (is_listed(&cors->origins.words, origin))
        decision = RL_CORS_ORIGIN;
    pthread_rwlock_unlock(&cors->lock);
    return decision;
}

bool rl_cors_varies(struct rl_cors *cors)
{
    pthread_rwlock_rdlock(&cors->lock);
    const bool varies = !cors->origins.any && cors->origins.words.count > 0;
    pthread_rwlock_unlock(&cors->lock);
    return varies;
}

bool rl_cors_is_preflight(const char *method, const char *origin, const char *request_method)
{
    return strcmp(method, "OPTIONS") == 0 && origin && request_method;
}

const char *rl_cors_allow_headers(void)
{
    return "Authorization, Content-Encoding, Content-Type, Inference-Header-Content-Length, "
           "traceparent, X-Request-Id";
}

const char *rl_cors_expose_headers(void)
{
    return "ETag, Inference-Header-Content-Length, Retry-After, traceparent, WWW-Authenticate, "
           "X-Request-Id";
}

const char *rl_cors_max_age(void)
{
    return "7200"; /* browsers accept no more */
}
