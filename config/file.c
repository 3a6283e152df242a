/*
 * file.c: reads a whole small file.
 */
#include "config/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_SIZE = 4096, PATIENCE_MS = 2000 };

struct buffer {
    char *data;
    size_t length, capacity;
};

static enum rl_status fail(struct rl_error *error, const char *setting, const char *path,
                           const char *reason)
{
    return rl_fail(error, RL_CONFIG, "", "%s: cannot read %.120s: %s", setting, path, reason);
}

/* Makes room for one byte more than `max`, so that a file over the limit is detected. */
static bool grow(struct buffer *buffer, size_t max)
{
    size_t capacity = buffer->capacity ? 2 * buffer->capacity : FIRST_SIZE;
    if (capacity > max + 2)
        capacity = max + 2;
    char *const data = realloc(buffer->data, capacity);
    if (!data)
        return false;
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

/* Reads once into the buffer, which keeps a byte free. Returns what read(2) does. */
static ssize_t read_some(int fd, struct buffer *buffer)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    ssize_t got;
    do {
        const int polled = poll(&ready, 1, PATIENCE_MS);
        if (polled == 0)
            errno = ETIMEDOUT;
        if (polled <= 0)
            got = -1;
        else
            got = read(fd, buffer->data + buffer->length, buffer->capacity - buffer->length - 1);
    } while (got < 0 && errno == EINTR);
    return got;
}

static enum rl_status no_memory(struct rl_error *error, const char *setting, const char *path)
{
    return rl_fail(error, RL_NOMEM, "", "%s: no memory to read %.120s", setting, path);
}

/* Reads to the end of the file. */
static enum rl_status read_all(int fd, const char *path, const char *setting, size_t max,
                               struct buffer *buffer, struct rl_error *error)
{
    for (;;) {
        if (buffer->length + 1 >= buffer->capacity && !grow(buffer, max))
            return no_memory(error, setting, path);
        const ssize_t got = read_some(fd, buffer);
        if (got < 0)
            return fail(error, setting, path, strerror(errno));
        if (got == 0)
            return RL_OK;
        buffer->length += (size_t)got;
        if (buffer->length > max)
            return fail(error, setting, path, "it is too large");
    }
}

enum rl_status rl_file_read(const char *path, const char *setting, size_t max, char **ret_data,
                            size_t *ret_length, struct rl_error *error)
{
    struct buffer buffer = {0};
    const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return fail(error, setting, path, strerror(errno));
    if (!grow(&buffer, max)) {
        close(fd);
        return no_memory(error, setting, path);
    }
    const enum rl_status status = read_all(fd, path, setting, max, &buffer, error);
    close(fd);
    if (status != RL_OK) {
        free(buffer.data);
        return status;
    }
    buffer.data[buffer.length] = '\0';
    *ret_data = buffer.data;
    *ret_length = buffer.length;
    return RL_OK;
}
