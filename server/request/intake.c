/*
 * intake.c: framing, access, route and the announced body.
 */
#include "server/request/intake.h"

#include <string.h>

#include "server/http/auth.h"
#include "server/http/cors.h"
#include "server/http/host.h"
#include "server/request/admit.h"

static void take_ids(struct rl_job *job)
{
    rl_request_id_choose(job->headers.request_id, job->request_id);
    if (!rl_traceparent_parse(job->headers.traceparent, job->trace_id))
        job->trace_id[0] = '\0';
}

static void take_body(struct rl_job *job)
{
    size_t announced = 0;
    rl_headers_body(&job->headers, &announced);
    rl_body_begin(&job->body, announced, rl_coding_of_body(job->headers.content_encoding));
}

enum rl_status rl_intake_check(struct rl_job *job, struct rl_error *error)
{
    const struct rl_settings *const settings = job->context->settings;
    job->format = rl_format_of_path(job->path);
    take_ids(job);
    take_body(job);

    if (job->line.target_length > RL_TARGET_MAX)
        return rl_fail(error, RL_URI_TOO_LONG, "", "the request target is over %d bytes",
                       RL_TARGET_MAX);
    if (job->line.arguments > RL_ARGUMENTS_MAX)
        return rl_fail(error, RL_URI_TOO_LONG, "", "the query has over %d arguments",
                       RL_ARGUMENTS_MAX);
    /* libmicrohttpd needs the rest of the connection's memory for its own records. */
    return rl_headers_check(&job->headers, job->version, settings->max_header_bytes / 4 * 3, error);
}

static bool is_open(const struct rl_words *paths, const char *path)
{
    for (size_t i = 0; i < paths->count; i++)
        if (strcmp(paths->items[i], path) == 0)
            return true;
    return false;
}

enum rl_status rl_intake_access(struct rl_job *job, struct rl_error *error)
{
    const struct rl_context *const context = job->context;
    if (!rl_auth_required(context->auth) &&
        !rl_host_allowed(job->headers.host, &context->settings->allowed_hosts))
        return rl_fail(error, RL_MISDIRECTED, "", "the Host '%.100s' is not among allowed-hosts",
                       job->headers.host);
    if (job->scope == RL_SCOPE_ADMIN || !rl_auth_required(context->auth) ||
        is_open(&context->settings->open_paths, job->path) ||
        rl_cors_is_preflight(job->line.method, job->headers.origin, job->headers.request_method))
        return RL_OK;
    const enum rl_auth_result result = rl_auth_check(context->auth, job->headers.authorization);
    if (result == RL_AUTH_OK)
        return RL_OK;
    job->challenge = rl_auth_challenge(result);
    return rl_fail(error, RL_UNAUTHORIZED, "",
                   result == RL_AUTH_MISSING ? "a bearer token is needed"
                                             : "the bearer token is not known");
}

enum rl_status rl_intake_route(struct rl_job *job, struct rl_error *error)
{
    if (job->method == RL_METHOD_OPTIONS && strcmp(job->path, "*") == 0) {
        job->route.allow = "GET, HEAD, POST, OPTIONS"; /* of the server as a whole */
        return RL_OK;
    }
    const enum rl_status status = rl_route_find(job->path, job->scope, &job->route, error);
    if (status != RL_OK)
        return status;
    return rl_route_check_method(&job->route, job->method, error);
}

static enum rl_status check_type(struct rl_job *job, struct rl_error *error)
{
    const enum rl_status status = rl_format_of_body(job->path, &job->headers, &job->format, error);
    if (status != RL_OK)
        return status;
    if (job->body.coding == RL_CODING_UNKNOWN)
        return rl_fail(error, RL_CONTENT_CODING, "", "the body may be coded with %s",
                       rl_coding_accepted());
    if (job->format->aligned)
        rl_body_align(&job->body, job->format->aligned(&job->headers));
    return RL_OK;
}

static enum rl_status check_length(const struct rl_job *job, size_t max, struct rl_error *error)
{
    if (job->body.announced != SIZE_MAX && job->body.announced > max)
        return rl_fail(error, RL_TOO_LARGE, "", "the body is over max-body-bytes, %zu bytes", max);
    return RL_OK;
}

/* The route takes no body, so a body is discarded. */
static enum rl_status refuse_body(struct rl_job *job, struct rl_error *error)
{
    job->body.discard = true;
    return check_length(job, RL_BODY_DISCARD_MAX, error);
}

enum rl_status rl_intake_body(struct rl_job *job, struct rl_error *error)
{
    if (job->method != RL_METHOD_POST)
        return refuse_body(job, error);
    if (!job->headers.content_length && !job->headers.transfer_encoding)
        return rl_fail(error, RL_LENGTH_REQUIRED, "", "the request has no Content-Length");
    enum rl_status status = check_type(job, error);
    if (status == RL_OK)
        status = check_length(job, job->context->settings->max_body_bytes, error);
    if (status == RL_OK)
        status = rl_admit_announced(job, error);
    if (status == RL_OK)
        status = rl_body_reserve(&job->body, error);
    return status;
}
