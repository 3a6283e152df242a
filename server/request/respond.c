/*
 * respond.c: the bodies of replies to reads, and the header fields of all replies.
 */
#include "server/request/respond.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/formats/json/encode.h"
#include "server/http/compress.h"
#include "server/http/cors.h"
#include "server/http/negotiate.h"
#include "server/http/problem.h"
#include "server/observe/exposition.h"
#include "server/observe/metrics.h"
#include "server/request/admit.h"

/* ---- Replies to reads ------------------------------------------------------------------------ */

static enum rl_status give_text(struct rl_job *job, const char *type, struct rl_text *text,
                                struct rl_error *error)
{
    if (text->failed) {
        rl_text_release(text);
        return rl_fail(error, RL_NOMEM, "", "no memory for the reply");
    }
    job->reply.data = rl_text_take(text, &job->reply.length);
    job->reply.owned = true;
    job->reply.content_type = type;
    return RL_OK;
}

/* Whether a reply of 200 says that the server is ready. */
static bool asks_ready(const struct rl_job *job)
{
    const enum rl_handler handler = job->route.handler;
    return handler == RL_HANDLER_READYZ || handler == RL_HANDLER_INFERENCE_READY ||
           handler == RL_HANDLER_MODEL_READY;
}

static enum rl_status give_health(struct rl_job *job)
{
    static char alive[] = "{\"status\":\"alive\"}", ready[] = "{\"status\":\"ready\"}";
    job->reply.data = asks_ready(job) ? ready : alive;
    job->reply.length = strlen(job->reply.data);
    job->reply.content_type = RL_JSON_TYPE;
    return RL_OK;
}

static enum rl_status give_metrics(struct rl_job *job, struct rl_error *error)
{
    const bool open = rl_negotiate_openmetrics(job->headers.accept);
    struct rl_admission *const admission = job->context->admission;
    rl_metrics_set_queue(rl_admission_waiting(admission), rl_admission_held(admission));
    const struct rl_pool *const pool = job->context->pool;
    rl_metrics_set_memory(rl_pool_used(pool), pool ? pool->limit : 0);
    struct rl_text text;
    rl_text_init(&text);
    rl_exposition_write(open, &text);
    return give_text(job, rl_exposition_type(open), &text, error);
}

/* What a format tells of itself. */
static enum rl_status give_description(struct rl_job *job, struct rl_error *error)
{
    struct rl_output output = {0};
    job->format->describe(&job->route, &job->context->limits, &output);
    return give_text(job, output.type, &output.text, error);
}

static enum rl_status give_asset(struct rl_job *job)
{
    const struct rl_asset *const asset = job->route.asset;
    union {
        const unsigned char *bytes;
        char *data;
    } pun = {.bytes = asset->data}; /* rl_reply holds bytes that may be owned */
    job->reply.data = pun.data;
    job->reply.length = asset->size;
    job->reply.content_type = asset->content_type;
    job->reply.etag = asset->etag;
    job->reply.policy = asset->policy[0] != '\0' ? asset->policy : NULL;
    return RL_OK;
}

static enum rl_status give(struct rl_job *job, struct rl_error *error)
{
    if (asks_ready(job) && rl_context_stage(job->context) != RL_STAGE_READY)
        return rl_fail(error, RL_DRAINING, "", "the server is not ready");
    switch (job->route.handler) {
    case RL_HANDLER_METRICS:
        return give_metrics(job, error);
    case RL_HANDLER_LIVEZ:
    case RL_HANDLER_READYZ:
    case RL_HANDLER_HEALTHZ:
        return give_health(job);
    case RL_HANDLER_PAGE:
    case RL_HANDLER_OPENAPI:
        return give_asset(job);
    default:
        return give_description(job, error);
    }
}

/* A reply that was made for this request takes memory until it is sent. */
static enum rl_status count_reply(struct rl_job *job, struct rl_error *error)
{
    const size_t length = job->reply.owned ? job->reply.length : 0;
    if (!rl_pool_take(job->context->pool, length, length <= RL_POOL_SMALL))
        return rl_fail(error, RL_NOMEM, "",
                       "there is no room in max-total-memory beside other requests");
    job->reply.counted = length;
    return RL_OK;
}

enum rl_status rl_respond_read(struct rl_job *job, struct rl_error *error)
{
    if (job->method == RL_METHOD_OPTIONS)
        return RL_OK;
    enum rl_status status = give(job, error);
    if (status == RL_OK)
        status = count_reply(job, error);
    if (status == RL_OK)
        rl_respond_compress(job);
    return status;
}

/* Whether the client already has this reply (If-None-Match). */
static bool is_unchanged(const struct rl_job *job)
{
    return job->reply.etag && rl_headers_matches(&job->headers, job->reply.etag);
}

void rl_respond_compress(struct rl_job *job)
{
    struct rl_reply *const reply = &job->reply;
    struct rl_pool *const pool = job->context->pool;
    const size_t room = reply->length;
    char *data;
    size_t length;
    reply->varies = job->context->settings->compression && reply->length >= RL_DEFLATE_MIN;
    const enum rl_coding coding = rl_coding_of_reply(job->headers.accept_encoding);
    if (!reply->varies || is_unchanged(job) ||
        (coding != RL_CODING_GZIP && coding != RL_CODING_DEFLATE) ||
        !rl_pool_take(pool, room, room <= RL_POOL_SMALL))
        return;
    if (!rl_deflate(coding, reply->data, room, &data, &length)) {
        rl_pool_give(pool, room);
        return;
    }
    if (reply->owned)
        free(reply->data);
    rl_pool_give(pool, reply->counted + room - length);
    reply->data = data;
    reply->length = reply->counted = length;
    reply->owned = true;
    reply->coding = coding;
}

/* ---- Header fields --------------------------------------------------------------------------- */

static enum rl_cors_decision decide_origin(const struct rl_job *job)
{
    return rl_cors_decide(job->context->cors, job->headers.origin);
}

const char *rl_respond_allow_origin(const struct rl_job *job)
{
    switch (decide_origin(job)) {
    case RL_CORS_ANY:
        return "*";
    case RL_CORS_ORIGIN:
        return job->headers.origin;
    default:
        return "";
    }
}

static void add_cors(struct rl_reply_head *head, const struct rl_job *job)
{
    const char *const origin = rl_respond_allow_origin(job);
    if (origin[0] == '\0')
        return;
    rl_reply_head_add(head, "Access-Control-Allow-Origin", origin);
    if (rl_cors_is_preflight(job->line.method, job->headers.origin, job->headers.request_method)) {
        rl_reply_head_add(head, "Access-Control-Allow-Methods", job->route.allow);
        rl_reply_head_add(head, "Access-Control-Allow-Headers", rl_cors_allow_headers());
        rl_reply_head_add(head, "Access-Control-Max-Age", rl_cors_max_age());
    } else {
        rl_reply_head_add(head, "Access-Control-Expose-Headers", rl_cors_expose_headers());
    }
}

static void add_vary(struct rl_reply_head *head, const struct rl_job *job)
{
    const bool origin = rl_cors_varies(job->context->cors);
    if (job->reply.varies)
        rl_reply_head_add(head, "Vary", origin ? "Accept-Encoding, Origin" : "Accept-Encoding");
    else if (origin)
        rl_reply_head_add(head, "Vary", "Origin");
}

static void add_storage(struct rl_reply_head *head, struct rl_reply *reply)
{
    if (!reply->etag) {
        rl_reply_head_add(head, "Cache-Control", "no-store");
        return;
    }
    /* The tag was made of the bytes before compression. */
    snprintf(reply->weak_etag, sizeof(reply->weak_etag), "W/%s", reply->etag);
    rl_reply_head_add(head, "ETag",
                      reply->coding != RL_CODING_IDENTITY ? reply->weak_etag : reply->etag);
    rl_reply_head_add(head, "Cache-Control", "no-cache");
    rl_reply_head_add(head, "X-Content-Type-Options", "nosniff");
    rl_reply_head_add(head, "Referrer-Policy", "no-referrer");
    rl_reply_head_add(head, "Content-Security-Policy", reply->policy);
}

static void add_refusal(struct rl_reply_head *head, const struct rl_job *job)
{
    rl_reply_head_add(head, "Retry-After", rl_problem_retry_after(job->status));
    if (job->status == RL_METHOD)
        rl_reply_head_add(head, "Allow", job->route.allow);
    if (job->status == RL_UNAUTHORIZED)
        rl_reply_head_add(head, "WWW-Authenticate", job->challenge);
    if (job->status == RL_CONTENT_CODING)
        rl_reply_head_add(head, "Accept-Encoding", rl_coding_accepted());
}

/* Whether the connection closes after this reply. */
static bool closes(const struct rl_job *job)
{
    return job->close || rl_problem_closes(job->status) ||
           rl_context_stage(job->context) >= RL_STAGE_DRAINING;
}

static void add_fields(struct rl_reply_head *head, struct rl_job *job)
{
    struct rl_reply *const reply = &job->reply;
    rl_reply_head_add(head, "X-Request-Id", job->request_id);
    rl_reply_head_add(head, "Content-Type", reply->content_type);
    if (reply->coding != RL_CODING_IDENTITY)
        rl_reply_head_add(head, "Content-Encoding", rl_coding_name(reply->coding));
    if (reply->header > 0) {
        snprintf(reply->header_text, sizeof(reply->header_text), "%zu", reply->header);
        rl_reply_head_add(head, "Inference-Header-Content-Length", reply->header_text);
    }
    if (job->trace_id[0] != '\0')
        rl_reply_head_add(head, "traceparent", job->headers.traceparent);
    if (job->method == RL_METHOD_OPTIONS && job->status == RL_OK)
        rl_reply_head_add(head, "Allow", job->route.allow);
    add_cors(head, job);
    add_vary(head, job);
    add_storage(head, reply);
    if (job->status != RL_OK)
        add_refusal(head, job);
    if (closes(job))
        rl_reply_head_add(head, "Connection", "close");
}

/* ---- The whole ------------------------------------------------------------------------------- */

/* Turns a failed job's error into its reply. False when memory is too short for that. */
static bool give_problem(struct rl_job *job)
{
    struct rl_output output = {0};
    job->error.status = job->status;
    job->format->write_error(&job->error, job->request_id, &output);
    rl_job_drop_reply(job);
    return give_text(job, output.type, &output.text, &job->error) == RL_OK;
}

static unsigned code_of(const struct rl_job *job)
{
    const struct rl_reply *const reply = &job->reply;
    if (job->status != RL_OK)
        return rl_problem_code(job->status);
    if (!reply->content_type)
        return 204;
    return is_unchanged(job) ? 304 : 200;
}

bool rl_respond(struct rl_job *job, struct rl_reply_head *ret_head)
{
    if (job->status == RL_GONE || (job->status != RL_OK && !give_problem(job)))
        return false;
    job->code = code_of(job);
    job->sent = job->reply.length;
    job->times.replied = rl_clock_now();
    ret_head->code = job->code;
    ret_head->count = 0;
    add_fields(ret_head, job);
    return true;
}
