/*
 * route.c: the table of paths.
 */
#include "server/http/route.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ALLOW_READ "GET, HEAD, OPTIONS"
#define ALLOW_POST "POST, OPTIONS"

static const struct {
    const char *path;
    enum rl_handler handler;
    bool on_main, on_admin; /* if the two are separate */
} reads[] = {
    {"/v2", RL_HANDLER_INFERENCE, true, false},
    {"/v2/", RL_HANDLER_INFERENCE, true, false},
    {"/v2/health/live", RL_HANDLER_INFERENCE_LIVE, true, true},
    {"/v2/health/ready", RL_HANDLER_INFERENCE_READY, true, true},
    {"/livez", RL_HANDLER_LIVEZ, true, true},
    {"/readyz", RL_HANDLER_READYZ, true, true},
    {"/healthz", RL_HANDLER_HEALTHZ, true, true},
    {"/metrics", RL_HANDLER_METRICS, false, true},
    {"/v1/losses", RL_HANDLER_LOSSES, true, false},
    {"/v1/metrics", RL_HANDLER_METRICS_CATALOGUE, true, false},
    {"/openapi.json", RL_HANDLER_OPENAPI, true, false},
    {"/", RL_HANDLER_PAGE, true, false},
};

const char *rl_route_path(const char *target)
{
    if (target[0] == '/')
        return target;
    if (strncasecmp(target, "http://", 7) != 0 && strncasecmp(target, "https://", 8) != 0)
        return target;
    const char *const authority = strchr(target, ':') + 3;
    const char *const path = strchr(authority, '/');
    return path ? path : "/";
}

static const char *const prefixes[] = {[RL_LOSS] = "/v1/losses/", [RL_METRIC] = "/v1/metrics/"};

/* What follows the prefix of a kind of measure, or NULL. */
static const char *name_after(const char *path, enum rl_kind kind)
{
    const size_t length = strlen(prefixes[kind]);
    return strncmp(path, prefixes[kind], length) == 0 ? path + length : NULL;
}

static const struct rl_measure *find_measure(const char *path, enum rl_kind kind)
{
    const char *const name = name_after(path, kind);
    return name ? rl_measure_find(kind, name) : NULL;
}

/* ---- Models of the Open Inference Protocol --------------------------------------------------- */

static const char models[] = "/v2/models/";

/* The model of this name, which ends with `end`: a measure, or evaluate. */
static bool find_model(const char *name, size_t length, struct rl_target *target)
{
    char copy[64];
    if (length >= sizeof(copy))
        return false;
    memcpy(copy, name, length);
    copy[length] = '\0';
    target->evaluate = strcmp(copy, "evaluate") == 0;
    target->measure = rl_measure_find(RL_LOSS, copy);
    if (!target->measure)
        target->measure = rl_measure_find(RL_METRIC, copy);
    return target->evaluate || target->measure;
}

/* /v2/models/{measure}[/versions/1][/ready or /infer] */
static bool find_model_path(const char *path, struct rl_route *route)
{
    static const char version[] = "/versions/1";
    if (strncmp(path, models, sizeof(models) - 1) != 0)
        return false;
    const char *const name = path + sizeof(models) - 1;
    const size_t length = strcspn(name, "/");
    const char *rest = name + length;
    if (strncmp(rest, version, sizeof(version) - 1) == 0)
        rest += sizeof(version) - 1;
    if (!find_model(name, length, &route->target))
        return false;
    route->handler = rest[0] == '\0'               ? RL_HANDLER_MODEL
                     : strcmp(rest, "/ready") == 0 ? RL_HANDLER_MODEL_READY
                     : strcmp(rest, "/infer") == 0 ? RL_HANDLER_INFER
                                                   : RL_HANDLER_OTHER;
    route->allow = route->handler == RL_HANDLER_INFER ? ALLOW_POST : ALLOW_READ;
    return route->handler != RL_HANDLER_OTHER;
}

/* ---- Paths ----------------------------------------------------------------------------------- */

static bool find_batch(const char *path, struct rl_route *route)
{
    const struct rl_measure *measure;
    route->allow = ALLOW_POST;
    if ((measure = find_measure(path, RL_LOSS)) != NULL)
        route->handler = RL_HANDLER_LOSS;
    else if ((measure = find_measure(path, RL_METRIC)) != NULL)
        route->handler = RL_HANDLER_METRIC;
    else if (strcmp(path, "/v1/evaluate") == 0)
        route->handler = RL_HANDLER_EVALUATE;
    else if (strcmp(path, "/v1/compare") == 0)
        route->handler = RL_HANDLER_COMPARE;
    else
        return false;
    route->target.measure = measure;
    route->target.evaluate = route->handler == RL_HANDLER_EVALUATE;
    route->target.compare = route->handler == RL_HANDLER_COMPARE;
    return true;
}

static bool find_read(const char *path, enum rl_scope scope, struct rl_route *route)
{
    for (size_t i = 0; i < sizeof(reads) / sizeof(*reads); i++) {
        if (strcmp(path, reads[i].path) != 0)
            continue;
        if ((scope == RL_SCOPE_MAIN && !reads[i].on_main) ||
            (scope == RL_SCOPE_ADMIN && !reads[i].on_admin))
            return false;
        route->handler = reads[i].handler;
        route->allow = ALLOW_READ;
        route->asset = rl_asset_find(path);
        return true;
    }
    return false;
}

/* Adds the names of a kind of measure to a list of names. */
static void add_names(enum rl_kind kind, char names[RL_DETAIL_MAX])
{
    for (int id = 0; id < RL_MEASURES; id++) {
        const struct rl_measure *const measure = rl_measure_get((enum rl_measure_id)id);
        const size_t used = strlen(names);
        if (measure->kind == kind)
            snprintf(names + used, RL_DETAIL_MAX - used, "%s%s", used > 0 ? ", " : "",
                     measure->name);
    }
}

/* The error for an unknown name lists the known ones. */
static enum rl_status refuse_name(enum rl_kind kind, struct rl_error *error)
{
    char names[RL_DETAIL_MAX] = "";
    add_names(kind, names);
    return rl_fail(error, RL_NOT_FOUND, "", "unknown %s; available: %s",
                   kind == RL_LOSS ? "loss" : "metric", names);
}

/* Of a path below the models: one that is unknown, or something unknown of one. */
static enum rl_status refuse_model(const char *path, struct rl_error *error)
{
    char names[RL_DETAIL_MAX] = "evaluate";
    struct rl_target target;
    const char *const name = path + sizeof(models) - 1;
    if (find_model(name, strcspn(name, "/"), &target))
        return rl_fail(error, RL_NOT_FOUND, "",
                       "no resource at this path; a model has ready, infer and versions/1");
    add_names(RL_LOSS, names);
    add_names(RL_METRIC, names);
    return rl_fail(error, RL_NOT_FOUND, "", "unknown model; available: %s", names);
}

static enum rl_status refuse_path(const char *path, enum rl_scope scope, struct rl_error *error)
{
    if (scope != RL_SCOPE_ADMIN && name_after(path, RL_LOSS))
        return refuse_name(RL_LOSS, error);
    if (scope != RL_SCOPE_ADMIN && name_after(path, RL_METRIC))
        return refuse_name(RL_METRIC, error);
    if (scope != RL_SCOPE_ADMIN && strncmp(path, models, sizeof(models) - 1) == 0)
        return refuse_model(path, error);
    return rl_fail(error, RL_NOT_FOUND, "", "no resource at this path");
}

enum rl_status rl_route_find(const char *path, enum rl_scope scope, struct rl_route *ret_route,
                             struct rl_error *error)
{
    struct rl_route route = {.handler = RL_HANDLER_OTHER, .allow = ALLOW_READ};
    if ((scope != RL_SCOPE_ADMIN && (find_batch(path, &route) || find_model_path(path, &route))) ||
        find_read(path, scope, &route)) {
        *ret_route = route;
        return RL_OK;
    }
    *ret_route = (struct rl_route){.handler = RL_HANDLER_OTHER, .allow = ALLOW_READ};
    return refuse_path(path, scope, error);
}

bool rl_route_takes_body(const struct rl_route *route)
{
    switch (route->handler) {
    case RL_HANDLER_LOSS:
    case RL_HANDLER_METRIC:
    case RL_HANDLER_EVALUATE:
    case RL_HANDLER_COMPARE:
    case RL_HANDLER_INFER:
        return true;
    default:
        return false;
    }
}

enum rl_status rl_route_check_method(const struct rl_route *route, enum rl_method method,
                                     struct rl_error *error)
{
    const bool post = rl_route_takes_body(route);
    if (method == RL_METHOD_OPTIONS || (post && method == RL_METHOD_POST) ||
        (!post && (method == RL_METHOD_GET || method == RL_METHOD_HEAD)))
        return RL_OK;
    return rl_fail(error, RL_METHOD, "", "this path allows %s", route->allow);
}
