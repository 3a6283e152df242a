/*
 * assets.h: the files of server/web, embedded in the binary.
 *
 * The playground is one page: style and script are written into it once, at start, and its
 * Content-Security-Policy names exactly these two by their hashes, so nothing else can run in it.
 */
#ifndef RL_ASSETS_H
#define RL_ASSETS_H

#include "server/base/status.h"

enum { RL_ETAG_MAX = 64, RL_POLICY_MAX = 512 };

struct rl_asset {
    const char *path;         /* as in the URL */
    const char *content_type; /* value of the header field */
    const unsigned char *data;
    size_t size;
    char etag[RL_ETAG_MAX];     /* strong, of the content, with its quotes */
    char policy[RL_POLICY_MAX]; /* Content-Security-Policy; "" where the type needs none */
};

/* Once, before any other thread runs. RL_NOMEM, or RL_SYSTEM if hashing fails. */
enum rl_status rl_assets_init(struct rl_error *error);
/* Gives back what init took; harmless without init. */
void rl_assets_release(void);

/* The asset at this path ("/" or "/openapi.json"), or NULL. Any thread, after init; the result
 * lives until release. */
const struct rl_asset *rl_asset_find(const char *path);

#endif
