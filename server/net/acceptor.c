/*
 * acceptor.c: accepts connections, hands them to I/O threads and calls the reaper.
 */
#include "server/net/acceptor.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/net/rawreply.h"
#include "server/observe/log.h"
#include "server/observe/metrics.h"

enum {
    TICK_MS = 100,        /* between two calls of the reaper */
    PAUSE_MS = 100,       /* pause in accepting after descriptors or memory ran out */
    IDLE_MS = 1000,       /* between two rounds when no connection is open */
    BARRED_MS = 20,       /* for pending handshakes to finish before a listener is closed */
    ACCEPT_AT_ONCE = 128, /* connections accepted in one round, so that reaping gets its turn */
};

/* What the thread polls, in this order. */
enum { WAKE, LINGER, BINDINGS };

/* What the thread has been asked to do. */
enum want { WANT_ACCEPT, WANT_CLOSE, WANT_STOP };

struct rl_acceptor {
    struct rl_acceptor_options options;
    /* Relaxed, like the heartbeat: a value by itself, which may be seen a round late. */
    _Atomic int reap; /* of enum rl_reap */
    int wake;         /* eventfd */
    pthread_t thread;
    bool lingering; /* the thread's own, like the times */
    uint64_t reap_at_ms, age_at_ms, resume_at_ms;
    _Atomic uint64_t heartbeat_ms;
    pthread_mutex_t lock; /* wanted, closed */
    pthread_cond_t changed;
    enum want wanted;
    bool closed;
};

/* ---- Accepting ------------------------------------------------------------------------------- */

/* Refuses a connection over the limit. A TLS client gets no reply: that would take a handshake. */
static void turn_away(const struct rl_acceptor *acceptor, const struct rl_binding *binding, int fd)
{
    rl_metrics_connection_rejected();
    if (!binding->plain) {
        close(fd);
        return;
    }
    rl_rawreply_send(fd, RL_CONNECTIONS, "", "");
    rl_linger_add(acceptor->options.linger, fd);
}

static void hand_over(struct rl_acceptor *acceptor, const struct rl_binding *binding, int fd,
                      const struct sockaddr_storage *address, socklen_t length)
{
    struct rl_connections *const connections = acceptor->options.connections;
    if (!rl_connections_admit(connections, fd, binding->plain, (const struct sockaddr *)address)) {
        turn_away(acceptor, binding, fd);
        return;
    }
    const int on = 1;
    if (!binding->listener->is_unix)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (binding->serve(binding->server, fd, (const struct sockaddr *)address, length))
        return;
    RL_LOG_LIMITED(RL_LOG_WARNING, "cannot serve a connection",
                   RL_FIELD_TEXT("reason", strerrordesc_np(errno)));
    rl_connections_withdraw(connections, fd);
}

/* Descriptors or memory ran out. Trying again at once would spin. */
static void pause_accepting(struct rl_acceptor *acceptor, int failure)
{
    acceptor->resume_at_ms = rl_clock_coarse_ms() + PAUSE_MS;
    RL_LOG_LIMITED(RL_LOG_ERROR, "cannot accept connections, pausing",
                   RL_FIELD_TEXT("reason", strerrordesc_np(failure)));
}

/* Accepts one connection. False if none is pending. */
static bool accept_one(struct rl_acceptor *acceptor, const struct rl_binding *binding)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);
    const int fd = accept4(binding->listener->fd, (struct sockaddr *)&address, &length,
                           SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        hand_over(acceptor, binding, fd, &address, length);
        return true;
    }
    switch (errno) {
    case EAGAIN:
        return false;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        pause_accepting(acceptor, errno);
        return false;
    default:
        return true; /* the client has already closed that connection */
    }
}

static void accept_some(struct rl_acceptor *acceptor, const struct rl_binding *binding, int most)
{
    for (int i = 0; i < most; i++)
        if (!accept_one(acceptor, binding))
            return;
}

/* ---- The thread -------------------------------------------------------------------------- */

static void reap(struct rl_acceptor *acceptor, uint64_t now_ms)
{
    if (now_ms >= acceptor->age_at_ms) {
        acceptor->age_at_ms = now_ms + RL_LINGER_PATIENCE_MS;
        acceptor->lingering = rl_linger_age(acceptor->options.linger, now_ms);
    }
    if (now_ms < acceptor->reap_at_ms)
        return;
    acceptor->reap_at_ms = now_ms + TICK_MS;
    if (acceptor->options.tick)
        acceptor->options.tick(acceptor->options.context);
    rl_connections_reap(acceptor->options.connections, now_ms,
                        (enum rl_reap)atomic_load_explicit(&acceptor->reap, memory_order_relaxed));
}

static int wait_ms(const struct rl_acceptor *acceptor, bool paused)
{
    if (acceptor->lingering)
        return RL_LINGER_PATIENCE_MS;
    const bool quiet = rl_connections_count(acceptor->options.connections) == 0 && !paused;
    return quiet ? IDLE_MS : TICK_MS;
}

/* Waits for an event. Returns a bit for each binding with a pending connection. */
static unsigned await(struct rl_acceptor *acceptor, bool accepting)
{
    struct rl_linger *const linger = acceptor->options.linger;
    struct pollfd polled[BINDINGS + RL_BINDINGS_MAX] = {
        [WAKE] = {.fd = acceptor->wake, .events = POLLIN},
        [LINGER] = {.fd = rl_linger_descriptor(linger), .events = POLLIN},
    };
    const bool paused = accepting && rl_clock_coarse_ms() < acceptor->resume_at_ms;
    const size_t watched = accepting && !paused ? acceptor->options.count : 0;
    for (size_t i = 0; i < watched; i++)
        polled[BINDINGS + i] =
            (struct pollfd){.fd = acceptor->options.bindings[i].listener->fd, .events = POLLIN};
    unsigned ready = 0;
    if (poll(polled, BINDINGS + watched, wait_ms(acceptor, paused)) <= 0)
        return 0;
    uint64_t count;
    if (polled[WAKE].revents != 0)
        (void)!read(acceptor->wake, &count, sizeof(count));
    if (polled[LINGER].revents != 0)
        rl_linger_serve(linger);
    for (size_t i = 0; i < watched; i++)
        if (polled[BINDINGS + i].revents != 0)
            ready |= 1u << i;
    return ready;
}

/*
 * Makes the kernel drop new SYN packets. A client whose packet was lost sends it again and is
 * refused once the socket is closed. Without this, a connection established between the last accept
 * and the close would be reset with its request in transit. A listener passed by the service
 * manager stays open there, so it gets no filter.
 */
static void bar(const struct rl_listener *listener)
{
    enum {
        FLAGS_AT = 13,
        SYN = 2,
        ACK = 16
    }; /* in the TCP header, where the filter's packet starts */
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FLAGS_AT),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, SYN | ACK),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYN, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    const struct sock_fprog filter = {.len = sizeof(code) / sizeof(*code), .filter = code};
    if (!listener->is_unix && !listener->is_passed)
        (void)setsockopt(listener->fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter));
}

/* Serves the connections that the kernel has completed, then closes the listeners. */
static void close_bindings(struct rl_acceptor *acceptor)
{
    for (size_t i = 0; i < acceptor->options.count; i++)
        bar(acceptor->options.bindings[i].listener);
    (void)poll(NULL, 0, BARRED_MS);
    for (size_t i = 0; i < acceptor->options.count; i++) {
        accept_some(acceptor, &acceptor->options.bindings[i], RL_BACKLOG);
        rl_listener_close(acceptor->options.bindings[i].listener);
    }
    pthread_mutex_lock(&acceptor->lock);
    acceptor->closed = true;
    pthread_cond_broadcast(&acceptor->changed);
    pthread_mutex_unlock(&acceptor->lock);
}

static enum want wanted(struct rl_acceptor *acceptor)
{
    pthread_mutex_lock(&acceptor->lock);
    const enum want want = acceptor->wanted;
    pthread_mutex_unlock(&acceptor->lock);
    return want;
}

static void *run(void *argument)
{
    struct rl_acceptor *const acceptor = argument;
    bool accepting = true;
    enum want want;
    while ((want = wanted(acceptor)) != WANT_STOP) {
        if (want == WANT_CLOSE && accepting) {
            close_bindings(acceptor);
            accepting = false;
        }
        const unsigned ready = await(acceptor, accepting);
        for (size_t i = 0; i < acceptor->options.count; i++)
            if ((ready & 1u << i) != 0)
                accept_some(acceptor, &acceptor->options.bindings[i], ACCEPT_AT_ONCE);
        const uint64_t now_ms = rl_clock_coarse_ms();
        atomic_store_explicit(&acceptor->heartbeat_ms, now_ms, memory_order_relaxed);
        reap(acceptor, now_ms);
    }
    return NULL;
}

/* ---- Life -------------------------------------------------------------------------------- */

uint64_t rl_acceptor_heartbeat(const struct rl_acceptor *acceptor)
{
    return atomic_load_explicit(&acceptor->heartbeat_ms, memory_order_relaxed);
}

static void ask(struct rl_acceptor *acceptor, enum want want)
{
    const uint64_t one = 1;
    pthread_mutex_lock(&acceptor->lock);
    acceptor->wanted = want;
    pthread_mutex_unlock(&acceptor->lock);
    (void)!write(acceptor->wake, &one, sizeof(one));
}

void rl_acceptor_close(struct rl_acceptor *acceptor)
{
    ask(acceptor, WANT_CLOSE);
    pthread_mutex_lock(&acceptor->lock);
    while (!acceptor->closed)
        pthread_cond_wait(&acceptor->changed, &acceptor->lock);
    pthread_mutex_unlock(&acceptor->lock);
}

static void release(struct rl_acceptor *acceptor)
{
    if (acceptor->wake >= 0)
        close(acceptor->wake);
    pthread_cond_destroy(&acceptor->changed);
    pthread_mutex_destroy(&acceptor->lock);
    free(acceptor);
}

void rl_acceptor_stop(struct rl_acceptor *acceptor)
{
    if (!acceptor)
        return;
    ask(acceptor, WANT_STOP);
    pthread_join(acceptor->thread, NULL);
    release(acceptor);
}

static enum rl_status start(struct rl_acceptor *acceptor, struct rl_error *error)
{
    acceptor->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (acceptor->wake < 0)
        return rl_fail(error, RL_SYSTEM, "", "eventfd: %s", strerrordesc_np(errno));
    const int failure = pthread_create(&acceptor->thread, NULL, run, acceptor);
    if (failure != 0)
        return rl_fail(error, RL_SYSTEM, "", "cannot start the acceptor: %s",
                       strerrordesc_np(failure));
    (void)pthread_setname_np(acceptor->thread, "acceptor");
    return RL_OK;
}

void rl_acceptor_reap(struct rl_acceptor *acceptor, enum rl_reap reap)
{
    atomic_store_explicit(&acceptor->reap, (int)reap, memory_order_relaxed);
}

enum rl_status rl_acceptor_start(const struct rl_acceptor_options *options,
                                 struct rl_acceptor **ret_acceptor, struct rl_error *error)
{
    struct rl_acceptor *const acceptor = calloc(1, sizeof(*acceptor));
    if (!acceptor)
        return rl_fail(error, RL_NOMEM, "", "no memory for the acceptor");
    acceptor->options = *options;
    atomic_init(&acceptor->reap, RL_REAP_OVERDUE);
    pthread_mutex_init(&acceptor->lock, NULL);
    pthread_cond_init(&acceptor->changed, NULL);
    atomic_init(&acceptor->heartbeat_ms, rl_clock_coarse_ms());
    const enum rl_status status = start(acceptor, error);
    if (status == RL_OK)
        *ret_acceptor = acceptor;
    else
        release(acceptor);
    return status;
}
