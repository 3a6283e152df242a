/*
 * body.c: the buffer of a request's body.
 */
#include "server/http/body.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 4096 };

/* ---- Spare buffers --------------------------------------------------------------------------- */

enum {
    SPARES = 4,
    WASTE = 4, /* a spare is used if no more than this part of it, a fourth, stays unused */
    SPARE_BYTES = 64 * 1024 * 1024, /* of all spares together */
};

/* Released large buffers, kept for the next large body of any thread. malloc would keep them
 * only for the thread that read the body. */
static struct {
    pthread_mutex_t lock;
    struct {
        char *data; /* NULL: none */
        size_t capacity;
    } kept[SPARES];
    size_t next;  /* the slot that the next one replaces */
    size_t bytes; /* of all */
} spares = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* A buffer of at least `size` bytes, or NULL if no spare fits. */
static char *take_spare(size_t size, size_t *ret_capacity)
{
    char *data = NULL;
    pthread_mutex_lock(&spares.lock);
    for (size_t i = 0; i < SPARES && data == NULL; i++) {
        const size_t capacity = spares.kept[i].capacity;
        if (spares.kept[i].data == NULL || capacity < size || capacity - size > capacity / WASTE)
            continue;
        data = spares.kept[i].data;
        spares.kept[i].data = NULL;
        spares.bytes -= capacity;
        *ret_capacity = capacity;
    }
    pthread_mutex_unlock(&spares.lock);
    return data;
}

/* Makes a buffer a spare in place of the oldest one, which it returns (NULL: none); returns the
 * buffer itself where the other spares leave no room. */
static char *exchange_spare(char *data, size_t capacity)
{
    pthread_mutex_lock(&spares.lock);
    char *const oldest = spares.kept[spares.next].data;
    const size_t others = spares.bytes - (oldest != NULL ? spares.kept[spares.next].capacity : 0);
    const bool fits = capacity <= SPARE_BYTES && others <= SPARE_BYTES - capacity;
    if (fits) {
        spares.kept[spares.next].data = data;
        spares.kept[spares.next].capacity = capacity;
        spares.bytes = others + capacity;
        spares.next = (spares.next + 1) % SPARES;
    }
    pthread_mutex_unlock(&spares.lock);
    return fits ? oldest : data;
}

static void put_spare(char *data, size_t capacity)
{
    free(exchange_spare(data, capacity));
}

void rl_body_free_spares(void)
{
    for (size_t i = 0; i < SPARES; i++)
        put_spare(NULL, 0);
}

/* ---- One body -------------------------------------------------------------------------------- */

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
    if (body->capacity > RL_BODY_KEEP_MAX)
        put_spare(body->data, body->capacity);
    else
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
    char *const data = realloc(body->data, capacity);
    if (data == NULL)
        return rl_fail(error, RL_NOMEM, "", "no memory for a body of %zu bytes", capacity);
    body->data = data;
    body->capacity = capacity;
    return RL_OK;
}

enum rl_status rl_body_reserve(struct rl_body *body, struct rl_error *error)
{
    if (body->announced == SIZE_MAX || body->announced <= body->capacity)
        return RL_OK;
    size_t capacity;
    char *const spare = take_spare(body->announced, &capacity);
    if (spare == NULL)
        return grow(body, body->announced, error);
    free(body->data);
    body->data = spare;
    body->capacity = capacity;
    return RL_OK;
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
