/*
 * loadgen.c: sends one request over many connections, again and again, and reports the replies.
 *
 *   loadgen [-e] ADDRESS PORT PATH BODY-FILE CONNECTIONS SECONDS [RATE]
 *
 * Without RATE each connection sends its next request when the reply to the last one is in (closed
 * loop). With it, requests fall due RATE times a second whatever the replies do, and latency counts
 * from the moment a request fell due, so that a stalled server cannot slow the client and hide its
 * latency (open loop). BODY-FILE "-" sends GET. PATH "idle" only opens the connections and holds
 * them. With -e requests say "Expect: 100-continue", as curl's of over 1 MiB do, and a body is sent
 * only when the server asks for it; a connection on which it did not is closed.
 *
 * Prints one JSON object: for each status the count and the percentiles of its latencies in
 * milliseconds; connections closed without a reply; refused connections; replies of status 200
 * whose body differed from the first one's; requests per second over the time that was really
 * spent.
 *
 * One thread, epoll. Limits: replies without Content-Length are not understood.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { STATUSES = 600, EVENTS = 256, REPLY_FIRST = 16384 };

enum state { CLOSED, CONNECTING, FREE, BUSY };

struct connection {
    int fd;
    enum state state;
    bool listed;           /* among the ready ones */
    uint64_t due;          /* when its request fell due */
    size_t sent, sendable; /* of the request */
    char *reply;
    size_t length, capacity;
};

struct latencies {
    uint32_t *micros;
    size_t count, capacity;
};

static struct {
    struct sockaddr_in peer;
    char *request;
    size_t request_length, head_length;
    bool idle, expects;
    size_t connections;
    uint64_t interval; /* nanoseconds between requests; 0: closed loop */
    int epoll, timer;
    struct connection *all;
    size_t *ready; /* stack of FREE connections (open loop) */
    size_t ready_count;
    uint64_t *backlog; /* ring of due times that no connection has taken yet */
    size_t backlog_head, backlog_count;
    uint64_t next_due, end;
    bool stopping;
    struct latencies by_status[STATUSES];
    uint64_t lost, refused, mismatched, dropped;
    char *first;
    size_t first_length;
} gen;

enum { BACKLOG = 1 << 20 };

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static void *must(void *pointer)
{
    if (!pointer)
        die("memory");
    return pointer;
}

static void record(unsigned status, uint64_t nanos)
{
    struct latencies *const list = &gen.by_status[status < STATUSES ? status : 0];
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 1024;
        list->micros = must(realloc(list->micros, list->capacity * sizeof(*list->micros)));
    }
    list->micros[list->count++] = (uint32_t)(nanos / 1000 < UINT32_MAX ? nanos / 1000 : UINT32_MAX);
}

static void watch(struct connection *connection, uint32_t events, int verb)
{
    struct epoll_event event = {.events = events, .data.ptr = connection};
    if (epoll_ctl(gen.epoll, verb, connection->fd, &event) < 0)
        die("epoll_ctl");
}

static void disconnect(struct connection *connection)
{
    if (connection->state != CLOSED)
        close(connection->fd);
    connection->state = CLOSED;
    connection->length = 0;
}

static void begin_connect(struct connection *connection)
{
    const int one = 1;
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->fd < 0)
        die("socket");
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    connection->state = CONNECTING;
    connection->length = 0;
    if (connect(connection->fd, (struct sockaddr *)&gen.peer, sizeof(gen.peer)) < 0 &&
        errno != EINPROGRESS) {
        gen.refused++;
        disconnect(connection);
        return;
    }
    watch(connection, EPOLLOUT, EPOLL_CTL_ADD);
}

/* Sends what is left of what may be sent; false when the peer has closed. */
static bool push(struct connection *connection)
{
    while (connection->sent < connection->sendable) {
        const ssize_t sent = send(connection->fd, gen.request + connection->sent,
                                  connection->sendable - connection->sent, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
            watch(connection, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
            return true;
        }
        if (sent < 0)
            return false;
        connection->sent += (size_t)sent;
    }
    watch(connection, EPOLLIN, EPOLL_CTL_MOD);
    return true;
}

static void start_request(struct connection *connection, uint64_t due)
{
    connection->state = BUSY;
    connection->due = due;
    connection->sent = connection->length = 0;
    connection->sendable = gen.expects ? gen.head_length : gen.request_length;
    push(connection); /* a closed peer shows at the next read */
}

/* A connection has nothing to do: gives it the next request, or keeps it for one. */
static void make_ready(struct connection *connection)
{
    connection->state = FREE;
    watch(connection, EPOLLIN, EPOLL_CTL_MOD);
    if (gen.idle || gen.stopping)
        return;
    if (gen.interval == 0) {
        start_request(connection, now());
    } else if (gen.backlog_count > 0) {
        const uint64_t due = gen.backlog[gen.backlog_head++ % BACKLOG];
        gen.backlog_count--;
        start_request(connection, due);
    } else if (!connection->listed) {
        connection->listed = true;
        gen.ready[gen.ready_count++] = (size_t)(connection - gen.all);
    }
}

static void fall_due(uint64_t due)
{
    while (gen.ready_count > 0) {
        struct connection *const connection = &gen.all[gen.ready[--gen.ready_count]];
        connection->listed = false;
        if (connection->state == FREE) {
            start_request(connection, due);
            return;
        }
    }
    if (gen.backlog_count == BACKLOG) {
        gen.dropped++;
        return;
    }
    gen.backlog[(gen.backlog_head + gen.backlog_count++) % BACKLOG] = due;
}

/* The value of a header in the reply's head, or NULL. The head is NUL terminated. */
static const char *header(const char *head, const char *name)
{
    const size_t length = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, name, length) == 0)
            return line + 2 + length;
    return NULL;
}

static void compare_body(const char *body, size_t length)
{
    if (!gen.first) {
        gen.first = must(malloc(length + 1));
        memcpy(gen.first, body, length);
        gen.first_length = length;
    } else if (length != gen.first_length || memcmp(body, gen.first, length) != 0) {
        gen.mismatched++;
    }
}

/* Removes a leading 100 Continue from the reply. */
static void go_on(struct connection *connection, size_t length)
{
    connection->length -= length;
    memmove(connection->reply, connection->reply + length, connection->length);
    connection->sendable = gen.request_length;
    push(connection); /* a closed peer shows at the next read */
}

/* Looks whether a whole reply is in. Returns 0 if not, 1 if the connection goes on, -1 if it ends.
 */
static int take_reply(struct connection *connection)
{
    connection->reply[connection->length] = '\0';
    char *blank = strstr(connection->reply, "\r\n\r\n");
    if (!blank)
        return 0;
    if (strncmp(connection->reply, "HTTP/1.1 100", 12) == 0) {
        go_on(connection, (size_t)(blank - connection->reply) + 4);
        return 0;
    }
    *blank = '\0';
    const char *const length_text = header(connection->reply, "Content-Length:");
    const char *const connection_text = header(connection->reply, "Connection:");
    const size_t body = length_text ? strtoul(length_text, NULL, 10) : 0;
    const size_t head = (size_t)(blank - connection->reply) + 4;
    if (connection->length < head + body) {
        *blank = '\r';
        return 0;
    }
    const unsigned status = (unsigned)strtoul(connection->reply + 9, NULL, 10);
    record(status, now() - connection->due);
    if (status == 200)
        compare_body(connection->reply + head, body);
    connection->length = 0;
    const bool ends = connection_text && strncasecmp(connection_text + 1, "close", 5) == 0;
    return ends || connection->sent < gen.request_length ? -1 : 1;
}

static void restart(struct connection *connection)
{
    disconnect(connection);
    if (!gen.stopping)
        begin_connect(connection);
}

static void lose(struct connection *connection)
{
    if (connection->state == BUSY)
        gen.lost++;
    restart(connection);
}

static void on_readable(struct connection *connection)
{
    for (;;) {
        if (connection->capacity - connection->length < 4096) {
            connection->capacity = connection->capacity ? 2 * connection->capacity : REPLY_FIRST;
            connection->reply = must(realloc(connection->reply, connection->capacity + 1));
        }
        const ssize_t got = recv(connection->fd, connection->reply + connection->length,
                                 connection->capacity - connection->length, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0) {
            lose(connection);
            return;
        }
        connection->length += (size_t)got;
        const int done = take_reply(connection);
        if (done < 0)
            restart(connection);
        else if (done > 0)
            make_ready(connection);
        if (done != 0)
            return;
    }
}

static void on_event(struct connection *connection, uint32_t events)
{
    if (connection->state == CONNECTING) {
        int error = 0;
        socklen_t size = sizeof(error);
        getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error) {
            gen.refused++;
            disconnect(connection);
        } else {
            make_ready(connection);
        }
        return;
    }
    if (connection->state == CLOSED)
        return;
    if ((events & EPOLLOUT) && connection->state == BUSY && !push(connection)) {
        lose(connection);
        return;
    }
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        on_readable(connection);
}

static void arm_timer(uint64_t at)
{
    struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(at / 1000000000u), .tv_nsec = (long)(at % 1000000000u)}};
    if (timerfd_settime(gen.timer, TFD_TIMER_ABSTIME, &when, NULL) < 0)
        die("timerfd_settime");
}

static void on_timer(void)
{
    uint64_t fired;
    if (read(gen.timer, &fired, sizeof(fired)) < 0 && errno != EAGAIN)
        die("timer");
    const uint64_t time = now();
    while (gen.interval && gen.next_due <= time && gen.next_due < gen.end) {
        fall_due(gen.next_due);
        gen.next_due += gen.interval;
    }
    arm_timer(gen.interval && gen.next_due < gen.end ? gen.next_due : gen.end);
}

static size_t busy(void)
{
    size_t count = 0;
    for (size_t i = 0; i < gen.connections; i++)
        count += gen.all[i].state == BUSY;
    return count;
}

/* Runs until the time is up and every outstanding reply has arrived, or 10 s more. */
static void run(void)
{
    struct epoll_event events[EVENTS];
    while (!gen.stopping || (busy() > 0 && now() < gen.end + 10000000000u)) {
        const int count = epoll_wait(gen.epoll, events, EVENTS, gen.stopping ? 100 : -1);
        if (count < 0 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr)
                on_event(events[i].data.ptr, events[i].events);
            else
                on_timer();
        }
        if (now() >= gen.end)
            gen.stopping = true;
    }
}

static int by_value(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static double percentile(const struct latencies *list, double part)
{
    const size_t index = (size_t)(part * (double)(list->count - 1) + 0.5);
    return list->micros[index] / 1000.0;
}

static void report(double seconds)
{
    printf("{\"seconds\": %.3f, \"statuses\": {", seconds);
    const char *comma = "";
    for (unsigned status = 0; status < STATUSES; status++) {
        struct latencies *const list = &gen.by_status[status];
        if (!list->count)
            continue;
        qsort(list->micros, list->count, sizeof(*list->micros), by_value);
        printf("%s\"%u\": {\"count\": %zu, \"rate\": %.2f, \"p50\": %.3f, \"p90\": %.3f, "
               "\"p99\": %.3f, \"p999\": %.3f, \"max\": %.3f}",
               comma, status, list->count, (double)list->count / seconds, percentile(list, 0.5),
               percentile(list, 0.9), percentile(list, 0.99), percentile(list, 0.999),
               percentile(list, 1));
        comma = ", ";
    }
    printf("}, \"lost\": %" PRIu64 ", \"refused\": %" PRIu64 ", \"mismatched\": %" PRIu64
           ", \"unsent\": %" PRIu64 "}\n",
           gen.lost, gen.refused, gen.mismatched, gen.dropped + gen.backlog_count);
}

static void make_request(const char *path, const char *file)
{
    char *body = NULL;
    size_t length = 0;
    if (strcmp(file, "-") != 0) {
        FILE *const stream = fopen(file, "rb");
        if (!stream)
            die(file);
        fseek(stream, 0, SEEK_END);
        length = (size_t)ftell(stream);
        rewind(stream);
        body = must(malloc(length + 1));
        if (fread(body, 1, length, stream) != length)
            die(file);
        fclose(stream);
    }
    const size_t room = length + strlen(path) + 256;
    gen.request = must(malloc(room));
    int head = snprintf(gen.request, room, "%s %s HTTP/1.1\r\nHost: localhost\r\n",
                        body ? "POST" : "GET", path);
    if (body)
        head += snprintf(gen.request + head, room - (size_t)head,
                         "Content-Type: application/json\r\nContent-Length: %zu\r\n%s", length,
                         gen.expects ? "Expect: 100-continue\r\n" : "");
    head += snprintf(gen.request + head, room - (size_t)head, "\r\n");
    if (body)
        memcpy(gen.request + head, body, length);
    gen.head_length = (size_t)head;
    gen.request_length = (size_t)head + length;
    free(body);
}

static void set_up(char **arguments, double seconds, double rate)
{
    gen.peer.sin_family = AF_INET;
    gen.peer.sin_port = htons((uint16_t)strtoul(arguments[2], NULL, 10));
    if (inet_pton(AF_INET, arguments[1], &gen.peer.sin_addr) != 1)
        die("address");
    gen.idle = strcmp(arguments[3], "idle") == 0;
    make_request(arguments[3], gen.idle ? "-" : arguments[4]);
    gen.connections = strtoul(arguments[5], NULL, 10);
    gen.interval = rate > 0 ? (uint64_t)(1e9 / rate) : 0;
    gen.all = must(calloc(gen.connections, sizeof(*gen.all)));
    gen.ready = must(calloc(gen.connections + 1, sizeof(*gen.ready)));
    gen.backlog = must(calloc(BACKLOG, sizeof(*gen.backlog)));
    gen.epoll = epoll_create1(EPOLL_CLOEXEC);
    gen.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (gen.epoll < 0 || gen.timer < 0 || epoll_ctl(gen.epoll, EPOLL_CTL_ADD, gen.timer, &event))
        die("epoll");
    gen.next_due = now() + 1000000;
    gen.end = gen.next_due + (uint64_t)(seconds * 1e9);
}

/* A client on the server's machine should measure the server, not its own wait for another
 * process's time slice, so it asks for the shortest slice (sched_setattr(2), Linux 6.12). */
static void take_short_slices(void)
{
    const struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attributes = {.size = sizeof(attributes), .policy = SCHED_OTHER, .runtime = 100000};
    (void)syscall(SYS_sched_setattr, 0, &attributes, 0);
}

int main(int count, char **arguments)
{
    gen.expects = count > 1 && strcmp(arguments[1], "-e") == 0;
    arguments += gen.expects;
    count -= gen.expects;
    if (count < 7) {
        fprintf(stderr,
                "usage: loadgen [-e] ADDRESS PORT PATH BODY-FILE|- CONNECTIONS SECONDS [RATE]\n");
        return 2;
    }
    take_short_slices();
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    set_up(arguments, strtod(arguments[6], NULL), count > 7 ? strtod(arguments[7], NULL) : 0);
    const uint64_t start = now();
    for (size_t i = 0; i < gen.connections; i++)
        begin_connect(&gen.all[i]);
    arm_timer(gen.interval ? gen.next_due : gen.end);
    run();
    report((double)((gen.end < now() ? gen.end : now()) - start) / 1e9);
    return 0;
}
