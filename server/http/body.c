/*
 * body.c: the buffer of a request's body.
 */
#include "server/http/body.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/memory.h"

enum { FIRST_CAPACITY = 4096 };

void rl_body_begin(struct rl_body *body, size_t announced, enum rl_coding coding)
{
    body->length = 0;
    body->received = body->dropped = 0;
    body->announced = announced;
    body->coding = coding;
    body->discard = false;
}

void rl_body_release(struct rl_body *body)
{
    free(body->data);
    body->data = NULL;
    body->length = body->capacity = 0;
}

void rl_body_end(struct rl_body *body)
{
    if (body->capacity > RL_BODY_KEEP_MAX)
        rl_body_release(body);
}

static enum rl_status grow(struct rl_body *body, size_t capacity, struct rl_error *error)
{
    char *const data = rl_memory_resize(body->data, body->capacity, body->length, capacity);
    if (!data)
        return rl_fail(error, RL_NOMEM, "", "no memory for a body of %zu bytes", capacity);
    body->data = data;
    body->capacity = capacity;
    return RL_OK;
}

enum rl_status rl_body_reserve(struct rl_body *body, struct rl_error *error)
{
    if (body->announced == SIZE_MAX || body->announced <= body->capacity)
        return RL_OK;
    return grow(body, body->announced, error);
}

static enum rl_status make_room(struct rl_body *body, size_t size, size_t max,
                                struct rl_error *error)
{
    if (size > max || body->length > max - size)
        return rl_fail(error, RL_TOO_LARGE, "", "the body is larger than max-body-bytes, %zu bytes",
                       max);
    const size_t needed = body->length + size;
    if (needed <= body->capacity)
        return RL_OK;
    size_t capacity = body->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : body->capacity;
    while (capacity < needed)
        capacity *= 2;
    return grow(body, capacity < max ? capacity : max, error);
}

enum rl_status rl_body_append(struct rl_body *body, const char *data, size_t size, size_t max,
                              struct rl_error *error)
{
    body->received += size;
    if (body->discard) {
        body->dropped += size;
        return RL_OK;
    }
    const enum rl_status status = make_room(body, size, max, error);
    if (status != RL_OK)
        return status;
    memcpy(body->data + body->length, data, size);
    body->length += size;
    return RL_OK;
}

void rl_body_drop(struct rl_body *body)
{
    body->discard = true;
    rl_body_release(body);
}

size_t rl_body_claim(const struct rl_body *body, size_t max)
{
    if (body->coding != RL_CODING_GZIP)
        return body->length;
    return rl_gunzip_claim(body->data, body->length, max);
}

enum rl_status rl_body_inflate(struct rl_body *body, size_t max, struct rl_error *error)
{
    if (body->coding != RL_CODING_GZIP)
        return RL_OK;
    char *data;
    size_t length;
    const enum rl_status status = rl_gunzip(body->data, body->length, max, &data, &length, error);
    if (status != RL_OK)
        return status;
    free(body->data);
    body->data = data;
    body->length = body->capacity = length;
    body->coding = RL_CODING_IDENTITY;
    return RL_OK;
}
