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
    body->length = body->lead = 0;
    body->data = body->block;
    body->received = body->dropped = 0;
    body->announced = announced;
    body->coding = coding;
    body->discard = false;
}

void rl_body_align(struct rl_body *body, size_t at)
{
    body->lead = (RL_BODY_ALIGNED - at % RL_BODY_ALIGNED) % RL_BODY_ALIGNED;
    body->data = body->capacity > body->lead ? body->block + body->lead : NULL;
}

void rl_body_release(struct rl_body *body)
{
    free(body->block);
    body->block = body->data = NULL;
    body->length = body->capacity = body->lead = 0;
}

void rl_body_end(struct rl_body *body)
{
    if (body->capacity > RL_BODY_KEEP_MAX)
        rl_body_release(body);
}

static enum rl_status grow(struct rl_body *body, size_t capacity, struct rl_error *error)
{
    char *const block =
        rl_memory_resize(body->block, body->capacity, body->lead + body->length, capacity);
    if (!block)
        return rl_fail(error, RL_NOMEM, "", "no memory for a body of %zu bytes", capacity);
    body->block = block;
    body->data = block + body->lead;
    body->capacity = capacity;
    return RL_OK;
}

enum rl_status rl_body_reserve(struct rl_body *body, struct rl_error *error)
{
    if (body->announced == SIZE_MAX || body->announced + body->lead <= body->capacity)
        return RL_OK;
    return grow(body, body->announced + body->lead, error);
}

static enum rl_status make_room(struct rl_body *body, size_t size, size_t max,
                                struct rl_error *error)
{
    if (size > max || body->length > max - size)
        return rl_fail(error, RL_TOO_LARGE, "", "the body is larger than max-body-bytes, %zu bytes",
                       max);
    const size_t needed = body->lead + body->length + size;
    if (needed <= body->capacity)
        return RL_OK;
    size_t capacity = body->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : body->capacity;
    while (capacity < needed)
        capacity *= 2;
    return grow(body, capacity < max + body->lead ? capacity : max + body->lead, error);
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
    if (body->coding == RL_CODING_IDENTITY)
        return body->length;
    return rl_inflate_claim(body->coding, body->data, body->length, max);
}

enum rl_status rl_body_inflate(struct rl_body *body, size_t max, struct rl_error *error)
{
    if (body->coding == RL_CODING_IDENTITY)
        return RL_OK;
    char *data;
    size_t length;
    const enum rl_status status =
        rl_inflate(body->coding, body->data, body->length, max, &data, &length, error);
    if (status != RL_OK)
        return status;
    free(body->block);
    body->block = body->data = data;
    body->lead = 0;
    body->length = body->capacity = length;
    body->coding = RL_CODING_IDENTITY;
    return RL_OK;
}
