/*
 * log.c: builds log lines on the stack and writes each with one system call.
 *
 * Writes do not block. A socket takes send(2) with MSG_DONTWAIT. A pipe or a terminal is reopened
 * through /proc/self/fd with O_NONBLOCK: setting the flag on the descriptor itself would change it
 * for every process that shares it. If that is not allowed, poll(2) is called before each write.
 * A regular file is written directly.
 *
 * A line is at most a pipe's atomic size, so lines of different threads never mix. A socket may
 * accept only part of one; the next line then starts with a newline, so that only one is lost.
 */
#include "server/observe/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "server/text/utf8.h"

enum {
    TAIL = 8,        /* space reserved for the end of a line */
    VALUE_MAX = 1024 /* bytes of one text, so that a long path leaves space for the status */
};

static struct {
    int fd;        /* what is written to */
    bool reopened; /* fd is ours to close */
    bool is_socket;
    bool may_block; /* call poll(2) before each write */
    bool json;
    /* All relaxed: each is a value by itself, and only counts depend on one another. */
    _Atomic int level;
    _Atomic uint64_t dropped;
    _Atomic uint64_t untold; /* lines dropped and not yet reported in the log */
    atomic_bool torn;        /* the last line was written in part */
} sink = {.fd = STDERR_FILENO, .level = RL_LOG_INFO};

static const char *const level_names[] = {"error", "warning", "info", "debug"};

/* ---- Building a line ------------------------------------------------------------------------ */

struct line {
    size_t length;
    char data[RL_LOG_LINE_MAX];
};

static size_t room(const struct line *line)
{
    return RL_LOG_LINE_MAX - TAIL - line->length;
}

/* Adds all of the text or none, so that no escape or number is cut in the middle. */
static void add(struct line *line, const char *bytes, size_t length)
{
    if (length > room(line))
        return;
    memcpy(line->data + line->length, bytes, length);
    line->length += length;
}

static void add_text(struct line *line, const char *text)
{
    add(line, text, strlen(text));
}

static void add_number(struct line *line, uint64_t number, int digits)
{
    char text[20];
    size_t at = sizeof(text);
    for (; number || digits > 0; number /= 10, digits--)
        text[--at] = (char)('0' + number % 10);
    add(line, text + at, sizeof(text) - at);
}

static void add_integer(struct line *line, int64_t integer)
{
    if (integer < 0)
        add_text(line, "-");
    add_number(line, integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer, 1);
}

/* Rounded to microseconds. */
static void add_seconds(struct line *line, double seconds)
{
    const uint64_t micros = seconds > 0 && seconds < 1e12 ? (uint64_t)(seconds * 1e6 + 0.5) : 0;
    add_number(line, micros / 1000000, 1);
    add_text(line, ".");
    add_number(line, micros % 1000000, 6);
}

/* The character code to escape at `text`, or 0: C0, DEL, the C1 controls that terminals obey too,
 * and the line and paragraph separators U+2028 and U+2029, where some readers break a line. */
static unsigned escaped_code(const unsigned char *text, size_t length)
{
    if (text[0] < 0x20 || text[0] == 0x7f)
        return text[0];
    if (length == 2 && text[0] == 0xc2 && text[1] < 0xa0)
        return text[1];
    if (length == 3 && text[0] == 0xe2 && text[1] == 0x80 && (text[2] & 0xfe) == 0xa8)
        return 0x2000u | (text[2] & 0x3fu);
    return 0;
}

static void add_escape(struct line *line, unsigned code)
{
    static const char hex[] = "0123456789abcdef";
    const char escape[] = {
        '\\', 'u', hex[code >> 12], hex[code >> 8 & 15], hex[code >> 4 & 15], hex[code & 15]};
    add(line, escape, sizeof(escape));
}

/* Length of the leading run that needs no escapes: printable ASCII except quote and backslash. */
static size_t plain_length(const unsigned char *text)
{
    size_t length = 0;
    while (text[length] >= 0x20 && text[length] < 0x7f && text[length] != '"' &&
           text[length] != '\\' && length < VALUE_MAX / 2)
        length++;
    return length;
}

/* Adds a text in quotes, as a JSON string; bytes that are not UTF-8 become U+FFFD. A text over
 * VALUE_MAX, or too long for the line, is cut and ends in "…". */
static void add_quoted(struct line *line, const char *text)
{
    static const char cut[] = "\xe2\x80\xa6";
    const unsigned char *c = (const unsigned char *)text;
    const size_t end = line->length + VALUE_MAX;
    add_text(line, "\"");
    while (*c && room(line) > 16 && line->length < end) {
        const size_t plain = plain_length(c);
        if (plain && plain + 16 < room(line) && line->length + plain <= end) {
            add(line, (const char *)c, plain);
            c += plain;
            continue;
        }
        const size_t length = rl_utf8_length((const char *)c, 4);
        if (length == 0)
            add_text(line, "\xef\xbf\xbd");
        else if (escaped_code(c, length))
            add_escape(line, escaped_code(c, length));
        else {
            if (*c == '"' || *c == '\\')
                add_text(line, "\\");
            add(line, (const char *)c, length);
        }
        c += length ? length : 1;
    }
    if (*c)
        add(line, cut, sizeof(cut) - 1);
    add_text(line, "\"");
}

/* Whether a value needs no quotes in text form: no blank, no '=', nothing to escape. */
static bool is_bare(const char *text)
{
    size_t length = 0;
    for (; text[length] > ' ' && text[length] < 0x7f && length < VALUE_MAX; length++)
        if (strchr("\"\\=", text[length]))
            return false;
    return length > 0 && text[length] == '\0';
}

static void add_value(struct line *line, const struct rl_log_field *field, bool json)
{
    if (field->kind == RL_LOG_INTEGER_FIELD)
        add_integer(line, field->integer);
    else if (field->kind == RL_LOG_SECONDS_FIELD)
        add_seconds(line, field->seconds);
    else if (!json && is_bare(field->text))
        add_text(line, field->text);
    else
        add_quoted(line, field->text);
}

static void add_field(struct line *line, const struct rl_log_field *field, bool json)
{
    /* A key without its value would be malformed: leave both out when the line is nearly full. */
    if (!field->text || room(line) < strlen(field->key) + 64)
        return;
    if (json) {
        add_text(line, ",\"");
        add_text(line, field->key);
        add_text(line, "\":");
    } else {
        add_text(line, " ");
        add_text(line, field->key);
        add_text(line, "=");
    }
    add_value(line, field, json);
}

/* Converting a time to a date is slow; lines of the same second share the result. */
static void add_time(struct line *line)
{
    static _Thread_local struct {
        time_t second;
        char text[24];
    } last = {.second = -1};
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != last.second) {
        gmtime_r(&now.tv_sec, &utc);
        strftime(last.text, sizeof(last.text), "%Y-%m-%dT%H:%M:%S", &utc);
        last.second = now.tv_sec;
    }
    add_text(line, last.text);
    add_text(line, ".");
    add_number(line, (uint64_t)now.tv_nsec / 1000000, 3);
    add_text(line, "Z");
}

static void add_head(struct line *line, enum rl_log_level level, const char *message, bool json)
{
    if (!json) {
        add_time(line);
        add_text(line, " ");
        add_text(line, level_names[level]);
        add_text(line, " ");
        add_text(line, message);
        return;
    }
    add_text(line, "{\"time\":\"");
    add_time(line);
    add_text(line, "\",\"level\":\"");
    add_text(line, level_names[level]);
    add_text(line, "\",\"message\":");
    add_quoted(line, message);
}

static void build(struct line *line, enum rl_log_level level, const char *message,
                  const struct rl_log_field *fields, size_t count)
{
    const bool json = sink.json;
    line->length = 0;
    if (atomic_exchange_explicit(&sink.torn, false, memory_order_relaxed))
        add_text(line, "\n");
    add_head(line, level, message, json);
    for (size_t i = 0; i < count; i++)
        add_field(line, &fields[i], json);
    /* TAIL reserves space for this. */
    memcpy(line->data + line->length, json ? "}\n" : "\n", 2);
    line->length += json ? 2 : 1;
}

/* ---- Writing it ----------------------------------------------------------------------------- */

/* Whether a write would not block. */
static bool has_room(void)
{
    struct pollfd target = {.fd = sink.fd, .events = POLLOUT};
    return poll(&target, 1, 0) == 1 && (target.revents & POLLOUT);
}

static ssize_t write_once(const struct line *line)
{
    ssize_t wrote;
    if (sink.may_block && !has_room())
        return -1;
    do {
        if (sink.is_socket)
            wrote = send(sink.fd, line->data, line->length, MSG_DONTWAIT | MSG_NOSIGNAL);
        else
            wrote = write(sink.fd, line->data, line->length);
    } while (wrote < 0 && errno == EINTR);
    return wrote;
}

/* Whether the whole line was written. */
static bool put(const struct line *line)
{
    const int saved = errno;
    const ssize_t wrote = write_once(line);
    const bool whole = wrote == (ssize_t)line->length;
    errno = saved;
    if (whole)
        return true;
    if (wrote > 0)
        atomic_store_explicit(&sink.torn, true, memory_order_relaxed);
    atomic_fetch_add_explicit(&sink.dropped, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&sink.untold, 1, memory_order_relaxed);
    return false;
}

/* The target accepts lines again: report how many were dropped. */
static void tell_dropped(struct line *line)
{
    if (atomic_load_explicit(&sink.untold, memory_order_relaxed) == 0)
        return;
    const uint64_t count = atomic_exchange_explicit(&sink.untold, 0, memory_order_relaxed);
    if (count == 0)
        return; /* another thread reports them */
    const struct rl_log_field field = RL_FIELD_INTEGER("lines", count);
    build(line, RL_LOG_WARNING, "log lines were dropped", &field, 1);
    if (!put(line)) /* do not count the report itself */
        atomic_fetch_add_explicit(&sink.untold, count - 1, memory_order_relaxed);
}

void rl_log_fields(enum rl_log_level level, const char *message, const struct rl_log_field *fields,
                   size_t count)
{
    struct line line;
    if (!rl_log_enabled(level))
        return;
    build(&line, level, message, fields, count);
    if (put(&line))
        tell_dropped(&line);
}

void rl_log(enum rl_log_level level, const char *message)
{
    rl_log_fields(level, message, NULL, 0);
}

void rl_log_access(const struct rl_access *access)
{
    const bool counted = access->lists || access->items;
    const struct rl_log_field fields[] = {
        RL_FIELD_TEXT("request_id", access->request_id),
        RL_FIELD_TEXT("trace_id", access->trace_id),
        RL_FIELD_TEXT("client", access->client),
        RL_FIELD_TEXT("method", access->method),
        RL_FIELD_TEXT("path", access->path),
        RL_FIELD_TEXT("handler", access->handler),
        RL_FIELD_INTEGER("status", access->status),
        RL_FIELD_INTEGER("request_bytes", access->request_bytes),
        RL_FIELD_INTEGER("response_bytes", access->response_bytes),
        RL_FIELD_SECONDS("seconds", access->seconds),
        {"queue", RL_LOG_SECONDS_FIELD, access->queue < 0 ? NULL : "", 0, access->queue},
        {"decode", RL_LOG_SECONDS_FIELD, access->decode < 0 ? NULL : "", 0, access->decode},
        {"compute", RL_LOG_SECONDS_FIELD, access->compute < 0 ? NULL : "", 0, access->compute},
        {"encode", RL_LOG_SECONDS_FIELD, access->encode < 0 ? NULL : "", 0, access->encode},
        {"lists", RL_LOG_INTEGER_FIELD, counted ? "" : NULL, (int64_t)access->lists, 0},
        {"items", RL_LOG_INTEGER_FIELD, counted ? "" : NULL, (int64_t)access->items, 0},
    };
    rl_log_fields(RL_LOG_INFO, "request", fields, sizeof(fields) / sizeof(*fields));
}

/* ---- Setting up ----------------------------------------------------------------------------- */

/* A new descriptor on the same pipe or terminal, or -1. */
static int reopen(int fd)
{
    char path[32];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return open(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

void rl_log_init(int fd, enum rl_log_format format, enum rl_log_level level)
{
    struct stat kind;
    rl_log_release();
    sink.fd = fd;
    sink.json = format == RL_FORMAT_JSON || (format == RL_FORMAT_AUTO && !isatty(fd));
    rl_log_set_level(level);
    if (fstat(fd, &kind) != 0)
        return;
    sink.is_socket = S_ISSOCK(kind.st_mode);
    if (!S_ISFIFO(kind.st_mode) && !S_ISCHR(kind.st_mode))
        return;
    const int own = reopen(fd);
    sink.reopened = own >= 0;
    sink.may_block = own < 0;
    if (own >= 0)
        sink.fd = own;
}

void rl_log_release(void)
{
    if (sink.reopened)
        close(sink.fd);
    sink.fd = STDERR_FILENO;
    sink.reopened = sink.is_socket = sink.may_block = sink.json = false;
}

void rl_log_set_level(enum rl_log_level level)
{
    atomic_store_explicit(&sink.level, (int)level, memory_order_relaxed);
}

bool rl_log_enabled(enum rl_log_level level)
{
    return (int)level <= atomic_load_explicit(&sink.level, memory_order_relaxed);
}

uint64_t rl_log_dropped(void)
{
    return atomic_load_explicit(&sink.dropped, memory_order_relaxed);
}

bool rl_log_limit_pass(struct rl_log_limit *limit, uint64_t *ret_suppressed)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    const uint64_t second = (uint64_t)now.tv_sec + 1; /* never 0, the initial value of a limit */
    uint64_t seen = atomic_load_explicit(&limit->window, memory_order_relaxed), next;
    do {
        next = seen >> 32 == second ? seen + 1 : second << 32 | 1;
        if ((next & UINT32_MAX) > RL_LOG_BURST) {
            atomic_fetch_add_explicit(&limit->suppressed, 1, memory_order_relaxed);
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&limit->window, &seen, next,
                                                    memory_order_relaxed, memory_order_relaxed));
    *ret_suppressed = atomic_exchange_explicit(&limit->suppressed, 0, memory_order_relaxed);
    return true;
}
