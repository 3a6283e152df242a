/*
 * log.h: levelled, structured log lines on standard error.
 *
 * A line is a level, a message and fields; as text ("2026-01-02T03:04:05.678Z info listening
 * address=127.0.0.1:8080") or as one JSON object ({"time":…,"level":…,"message":…,"address":…}).
 * Times are RFC 3339, UTC, in milliseconds. Text is escaped: a value can neither start a new line
 * nor contain a terminal sequence. A line longer than RL_LOG_LINE_MAX has its values cut and stays
 * well formed.
 *
 * The daemon never waits for its log. Each line is one non-blocking write(2). If the
 * target is full, closed or read-only, the line is dropped and counted; the next line that is
 * written is followed by one that says how many were dropped.
 *
 * Any thread may log, without a lock. Before rl_log_init, lines go to standard error as text at
 * level info. Do not pass secrets.
 */
#ifndef RL_LOG_H
#define RL_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/settings.h"

/* Most bytes of a line, with its newline: what a pipe accepts atomically. */
enum { RL_LOG_LINE_MAX = 4096 };

enum rl_log_kind { RL_LOG_TEXT_FIELD, RL_LOG_INTEGER_FIELD, RL_LOG_SECONDS_FIELD };

struct rl_log_field {
    const char *key; /* [a-z_]+ */
    enum rl_log_kind kind;
    const char *text; /* NULL: the field is left out */
    int64_t integer;
    double seconds;
};

#define RL_FIELD_TEXT(key, value) ((struct rl_log_field){key, RL_LOG_TEXT_FIELD, value, 0, 0})
#define RL_FIELD_INTEGER(key, value)                                                               \
    ((struct rl_log_field){key, RL_LOG_INTEGER_FIELD, "", (int64_t)(value), 0})
#define RL_FIELD_SECONDS(key, value)                                                               \
    ((struct rl_log_field){key, RL_LOG_SECONDS_FIELD, "", 0, value})

/*
 * Call once, before other threads log. `fd` is never changed or closed: a pipe or a terminal is
 * reopened in non-blocking mode, so that its other users see no change.
 * RL_FORMAT_AUTO: text on a terminal, otherwise JSON.
 */
void rl_log_init(int fd, enum rl_log_format format, enum rl_log_level level);
void rl_log_release(void);

/* Changes the level. Any thread, at any time. */
void rl_log_set_level(enum rl_log_level level);
bool rl_log_enabled(enum rl_log_level level);

/* Lines dropped since the start. */
uint64_t rl_log_dropped(void);

/* One line with a message (static text) and `count` fields. */
void rl_log_fields(enum rl_log_level level, const char *message, const struct rl_log_field *fields,
                   size_t count);

/* One line without fields. */
void rl_log(enum rl_log_level level, const char *message);

/* One line with fields: RL_LOG_WITH(RL_LOG_INFO, "listening", RL_FIELD_TEXT("address", text)). */
#define RL_LOG_WITH(level, message, ...)                                                           \
    do {                                                                                           \
        if (rl_log_enabled(level)) {                                                               \
            const struct rl_log_field rl_log_list[] = {__VA_ARGS__};                               \
            rl_log_fields(level, message, rl_log_list,                                             \
                          sizeof(rl_log_list) / sizeof(*rl_log_list));                             \
        }                                                                                          \
    } while (0)

/* A rate limit for one line: the first RL_LOG_BURST lines of each second pass; the others are
 * counted in the field "suppressed" of the next line that passes. */
enum { RL_LOG_BURST = 5 };
struct rl_log_limit {
    /* Relaxed: lines of two threads may pass in either order. */
    _Atomic uint64_t window; /* second << 32 | lines seen in it */
    _Atomic uint64_t suppressed;
};
/* Whether a line may pass now; *ret_suppressed is how many were suppressed since the last one. */
bool rl_log_limit_pass(struct rl_log_limit *limit, uint64_t *ret_suppressed);

/* RL_LOG_WITH for lines that may repeat; each place in the source has its own limit. */
#define RL_LOG_LIMITED(level, message, ...)                                                        \
    do {                                                                                           \
        static struct rl_log_limit rl_log_allowance;                                               \
        uint64_t rl_log_held;                                                                      \
        if (rl_log_enabled(level) && rl_log_limit_pass(&rl_log_allowance, &rl_log_held)) {         \
            const struct rl_log_field rl_log_list[] = {__VA_ARGS__,                                \
                                                       {"suppressed", RL_LOG_INTEGER_FIELD,        \
                                                        rl_log_held ? "" : NULL,                   \
                                                        (int64_t)rl_log_held, 0}};                 \
            rl_log_fields(level, message, rl_log_list,                                             \
                          sizeof(rl_log_list) / sizeof(*rl_log_list));                             \
        }                                                                                          \
    } while (0)

/* The fields of the line of an answered request. NULL texts are left out. */
struct rl_access {
    const char *request_id, *method, *path, *handler, *client, *trace_id;
    unsigned status;
    uint64_t request_bytes, response_bytes;
    double seconds;                        /* total, from the first byte of the headers */
    double queue, decode, compute, encode; /* seconds; negative: the stage was not reached */
    uint64_t lists, items;                 /* both 0: left out */
};

/* One line "request" at level info. */
void rl_log_access(const struct rl_access *access);

#endif
