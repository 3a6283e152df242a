/*
 * route.h: from the target of a request to its handler.
 *
 * Paths are compared byte for byte. None of ours needs escaping, so a path with '%' in it (an
 * encoded slash, an encoded NUL) or with ".." is not found.
 */
#ifndef RL_ROUTE_H
#define RL_ROUTE_H

#include "server/base/endpoint.h"
#include "server/web/assets.h"
#include "server/http/target.h"

/* The address that a request arrived on. With a separate admin address, /metrics is served only
 * there, and health on both. */
enum rl_scope { RL_SCOPE_ALL, RL_SCOPE_MAIN, RL_SCOPE_ADMIN };

struct rl_route {
    enum rl_handler handler;
    const char *allow;            /* value of Allow: the methods it accepts */
    struct rl_target target;      /* if the handler takes a batch or tells of a model */
    const struct rl_asset *asset; /* if it is an embedded file */
};

/* The path of a request target in origin form or absolute form: "http://host/livez" -> "/livez". */
const char *rl_route_path(const char *target);

/* RL_NOT_FOUND; ret_route->handler is RL_HANDLER_OTHER then. */
enum rl_status rl_route_find(const char *path, enum rl_scope scope, struct rl_route *ret_route,
                             struct rl_error *error);

/* RL_METHOD. HEAD is allowed where GET is; OPTIONS everywhere. */
enum rl_status rl_route_check_method(const struct rl_route *route, enum rl_method method,
                                     struct rl_error *error);

/* Whether the route takes a batch by POST. */
bool rl_route_takes_body(const struct rl_route *route);

#endif
