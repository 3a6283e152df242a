/*
 * serverrig.h: a daemon without listeners, for tests that talk to its I/O threads over socket
 * pairs. Everything is real except the acceptor; the test calls the reaper itself.
 */
#ifndef RL_TESTS_SERVERRIG_H
#define RL_TESTS_SERVERRIG_H

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "server/web/assets.h"
#include "server/http/auth.h"
#include "server/net/connections.h"
#include "server/http/cors.h"
#include "server/request/executor.h"
#include "server/request/admit.h"
#include "server/request/transport.h"
#include "server/formats/document/jsonmem.h"
#include "server/net/linger.h"
#include "server/observe/log.h"
#include "server/observe/metrics.h"

enum { RIG_PATIENCE_S = 60 };

struct rig {
    struct rl_settings *settings;
    struct rl_context context;
    struct rl_transport *transport;
};

static inline void rig_must(enum rl_status status, const struct rl_error *error)
{
    ck_assert_msg(status == RL_OK, "%s", error->detail);
}

/* `options` are names and values of settings in turn, ended by NULL. */
static inline void rig_start(struct rig *rig, enum rl_scope scope, const char *const *options)
{
    static const struct rl_deadlines deadlines = {.limits = {[RL_PHASE_BODY] = 1000}};
    struct rl_error error;
    *rig = (struct rig){0};
    rig_must(rl_settings_create(&rig->settings, &error), &error);
    for (; options && options[0]; options += 2)
        rig_must(rl_settings_set(rig->settings, rl_setting_find(options[0]), options[1],
                                 RL_SOURCE_FLAG, &error),
                 &error);
    rl_log_set_level(RL_LOG_ERROR);
    rl_jsonmem_install();
    rig_must(rl_init(NULL, &error), &error);
    rig_must(rl_assets_init(&error), &error);
    rig_must(rl_metrics_init(0, &error), &error);
    struct rl_context *const context = &rig->context;
    context->settings = rig->settings;
    context->limits = (struct rl_limits){.max_lists = rig->settings->max_lists,
                                         .max_items = rig->settings->max_items,
                                         .max_depth = rig->settings->max_depth,
                                         .max_top_k = rig->settings->max_top_k,
                                         .max_evaluations = rig->settings->max_evaluations,
                                         .max_systems = rig->settings->max_systems,
                                         .max_groups = rig->settings->max_groups,
                                         .max_resampled_lists = rig->settings->max_resampled_lists,
                                         .max_json_memory = rig->settings->max_json_memory};
    context->max_connections = 100;
    context->stage = RL_STAGE_READY;
    rig_must(rl_auth_create(rig->settings->auth_tokens_file, &context->auth, &error), &error);
    rig_must(rl_cors_create(&rig->settings->cors_origins, &context->cors, &error), &error);
    rig_must(rl_connections_create(100, 1024, &deadlines, &context->connections, &error), &error);
    rig_must(rl_linger_create(&context->linger, &error), &error);
    rig_must(rl_admission_create(rig->settings, &context->admission, &error), &error);
    const struct rl_executor_options executor = {
        .admission = context->admission, .threads = 2, .resume = rl_transport_resume};
    rig_must(rl_executor_create(&executor, &context->executor, &error), &error);
    const struct rl_transport_options transport = {
        .context = context, .threads = 2, .scope = scope};
    rig_must(rl_transport_start(&transport, &rig->transport, &error), &error);
}

static inline void rig_stop(struct rig *rig)
{
    rl_executor_free(rig->context.executor);
    rl_transport_stop(rig->transport);
    rl_admission_free(rig->context.admission);
    rl_linger_free(rig->context.linger);
    rl_connections_free(rig->context.connections);
    rl_cors_free(rig->context.cors);
    rl_auth_free(rig->context.auth);
    rl_metrics_release();
    rl_assets_release();
    rl_settings_free(rig->settings);
}

/* For an acceptor's binding. */
static inline bool rig_serve(void *server, int fd, const struct sockaddr *address, socklen_t length)
{
    return rl_transport_add(server, fd, address, length);
}

/* A new connection; the client's end, on which a read waits for RIG_PATIENCE_S at most. */
static inline int rig_connect(struct rig *rig)
{
    static const struct timeval timeout = {.tv_sec = RIG_PATIENCE_S};
    int ends[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    setsockopt(ends[1], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    const struct sockaddr none = {.sa_family = AF_UNIX};
    ck_assert(rl_connections_admit(rig->context.connections, ends[0], true, &none));
    ck_assert(rl_transport_add(rig->transport, ends[0], &none, sizeof(none)));
    return ends[1];
}

static inline void rig_send(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        const ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        ck_assert_int_gt(sent, 0);
        bytes += sent;
        length -= (size_t)sent;
    }
}

struct rig_reply {
    unsigned status;
    char *text; /* head and body, NUL terminated, from malloc */
    const char *body;
    size_t length; /* of the body */
};

/* Reads until the text holds `needed` bytes in all; false at the end of the stream. */
static inline bool rig_fill(int fd, char **text, size_t *length, size_t needed)
{
    *text = realloc(*text, needed + 1);
    while (*length < needed) {
        const ssize_t got = recv(fd, *text + *length, needed - *length, 0);
        if (got <= 0)
            return false;
        *length += (size_t)got;
        (*text)[*length] = '\0';
    }
    return true;
}

/* One whole reply, byte by byte up to its body. Status 0: the connection ended. */
static inline struct rig_reply rig_read(int fd)
{
    struct rig_reply reply = {0};
    size_t length = 0;
    do {
        if (!rig_fill(fd, &reply.text, &length, length + 1))
            return reply;
    } while (length < 4 || memcmp(reply.text + length - 4, "\r\n\r\n", 4) != 0);
    const char *const announced = strstr(reply.text, "\r\nContent-Length: ");
    reply.length = announced ? strtoul(announced + 18, NULL, 10) : 0;
    const size_t head = length;
    ck_assert(rig_fill(fd, &reply.text, &length, head + reply.length));
    reply.status = (unsigned)strtoul(reply.text + 9, NULL, 10);
    reply.body = reply.text + head;
    return reply;
}

/* Sends a POST of JSON with further header lines ("" or "Name: value\r\n"…). */
static inline void rig_post(int fd, const char *path, const char *lines, const char *body,
                            size_t length)
{
    char head[1024];
    const int size = snprintf(head, sizeof(head),
                              "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                              "Content-Length: %zu\r\n%s\r\n",
                              path, length, lines);
    rig_send(fd, head, (size_t)size);
    rig_send(fd, body, length);
}

static inline bool rig_has(const struct rig_reply *reply, const char *line)
{
    char whole[512];
    snprintf(whole, sizeof(whole), "\r\n%s\r\n", line);
    return strstr(reply->text, whole) != NULL;
}

/* Whether the peer has ended the connection. */
static inline bool rig_ended(int fd)
{
    char byte;
    const ssize_t got = recv(fd, &byte, 1, 0);
    return got == 0 || (got < 0 && errno == ECONNRESET);
}

#endif
