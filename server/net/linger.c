/*
 * linger.c: a ring of sockets that are being closed.
 */
#include "server/net/linger.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/base/clock.h"

struct slot {
    int fd; /* -1: free */
    bool reading;
    uint64_t since_ms;
};

struct rl_linger {
    pthread_mutex_t lock; /* slots, next */
    struct slot slots[RL_LINGER_SOCKETS];
    size_t next; /* the oldest slot, which the next socket replaces */
    int epoll;   /* of all slots; an event's data is the slot's index */
};

enum rl_status rl_linger_create(struct rl_linger **ret_linger, struct rl_error *error)
{
    struct rl_linger *const linger = calloc(1, sizeof(*linger));
    if (!linger)
        return rl_fail(error, RL_NOMEM, "", "no memory for lingering connections");
    linger->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (linger->epoll < 0) {
        free(linger);
        return rl_fail(error, RL_SYSTEM, "", "epoll_create1: %s", strerrordesc_np(errno));
    }
    pthread_mutex_init(&linger->lock, NULL);
    for (size_t i = 0; i < RL_LINGER_SOCKETS; i++)
        linger->slots[i].fd = -1;
    *ret_linger = linger;
    return RL_OK;
}

static void release(struct slot *slot)
{
    if (slot->fd >= 0)
        close(slot->fd);
    slot->fd = -1;
}

void rl_linger_free(struct rl_linger *linger)
{
    if (!linger)
        return;
    for (size_t i = 0; i < RL_LINGER_SOCKETS; i++)
        release(&linger->slots[i]);
    close(linger->epoll);
    pthread_mutex_destroy(&linger->lock);
    free(linger);
}

int rl_linger_descriptor(const struct rl_linger *linger)
{
    return linger->epoll;
}

/* Watches the slot's socket for the client's close, and for input once it is being read. */
static bool watch(struct rl_linger *linger, size_t index, int operation)
{
    const struct slot *const slot = &linger->slots[index];
    struct epoll_event event = {.events = EPOLLRDHUP | (slot->reading ? EPOLLIN : 0),
                                .data.u64 = index};
    return epoll_ctl(linger->epoll, operation, slot->fd, &event) == 0;
}

void rl_linger_add(struct rl_linger *linger, int fd)
{
    shutdown(fd, SHUT_WR);
    pthread_mutex_lock(&linger->lock);
    const size_t index = linger->next;
    struct slot *const slot = &linger->slots[index];
    linger->next = (index + 1) % RL_LINGER_SOCKETS;
    release(slot);
    *slot = (struct slot){.fd = fd, .since_ms = rl_clock_coarse_ms()};
    if (!watch(linger, index, EPOLL_CTL_ADD))
        release(slot);
    pthread_mutex_unlock(&linger->lock);
}

/* Discards a bounded amount of input without copying it. False once the client has finished. */
static bool drop_input(int fd)
{
    enum { PIECE = 1 << 20, ROUNDS = 16 };
    for (int round = 0; round < ROUNDS; round++) {
        const ssize_t got = recv(fd, NULL, PIECE, MSG_DONTWAIT | MSG_TRUNC);
        if (got <= 0)
            return got < 0 && (errno == EAGAIN || errno == EINTR);
    }
    return true;
}

void rl_linger_serve(struct rl_linger *linger)
{
    struct epoll_event events[64];
    pthread_mutex_lock(&linger->lock);
    const int count = epoll_wait(linger->epoll, events, 64, 0);
    for (int i = 0; i < count; i++) {
        struct slot *const slot = &linger->slots[events[i].data.u64];
        const bool done = (events[i].events & ~(unsigned)EPOLLIN) != 0;
        if (slot->fd >= 0 && (done || !drop_input(slot->fd)))
            release(slot);
    }
    pthread_mutex_unlock(&linger->lock);
}

static void age_one(struct rl_linger *linger, size_t index, uint64_t now_ms)
{
    struct slot *const slot = &linger->slots[index];
    if (slot->since_ms + RL_LINGER_MS <= now_ms) {
        release(slot);
    } else if (!slot->reading && slot->since_ms + RL_LINGER_PATIENCE_MS <= now_ms) {
        slot->reading = true;
        if (!watch(linger, index, EPOLL_CTL_MOD))
            release(slot);
    }
}

bool rl_linger_age(struct rl_linger *linger, uint64_t now_ms)
{
    bool left = false;
    pthread_mutex_lock(&linger->lock);
    for (size_t i = 0; i < RL_LINGER_SOCKETS; i++) {
        if (linger->slots[i].fd >= 0)
            age_one(linger, i, now_ms);
        left = left || linger->slots[i].fd >= 0;
    }
    pthread_mutex_unlock(&linger->lock);
    return left;
}
