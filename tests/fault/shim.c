/*
 * shim.c: failures on demand, preloaded before the C library (LD_PRELOAD).
 *
 * A test and the process under test share one small file, named by SHIM_CONTROL, mapped by both.
 * The test arms it while the process runs, and reads back what happened:
 *
 *   allocations   how many since the test set it to 0
 *   fail_at       0: none fails; N: the Nth from now fails (allocations counts up to it)
 *   persistent    1: so does every one after it, until fail_at is 0 again
 *   failed        how many were made to fail
 *   threads       -1: no limit; N: N more threads can be created, then EAGAIN
 *   accept_error  errno that the next accept_times calls of accept4 fail with
 *
 * With AddressSanitizer the allocations go on to its own functions, so that leaks and overruns are
 * still found. Linux and glibc alone.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

struct control {
    _Atomic long allocations, fail_at, persistent, failed, threads, accept_error, accept_times;
};

static struct control idle = {.threads = -1};
static struct control *control = &idle;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
__attribute__((weak)) void *__interceptor_malloc(size_t size);
__attribute__((weak)) void *__interceptor_calloc(size_t count, size_t size);
__attribute__((weak)) void *__interceptor_realloc(void *old, size_t size);
__attribute__((weak)) void *__interceptor_memalign(size_t alignment, size_t size);

__attribute__((constructor)) static void map_control(void)
{
    const char *const path = getenv("SHIM_CONTROL");
    const int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *const page = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (page != MAP_FAILED)
        control = page;
}

/* Counts one allocation; whether it is to fail. */
static int must_fail(void)
{
    const long fail_at = atomic_load(&control->fail_at);
    const long number = atomic_fetch_add(&control->allocations, 1) + 1;
    if (fail_at == 0 || number < fail_at)
        return 0;
    if (number > fail_at && !atomic_load(&control->persistent))
        return 0;
    atomic_fetch_add(&control->failed, 1);
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size)
{
    if (must_fail())
        return NULL;
    return __interceptor_malloc ? __interceptor_malloc(size) : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    if (must_fail())
        return NULL;
    return __interceptor_calloc ? __interceptor_calloc(count, size) : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    if (must_fail())
        return NULL;
    return __interceptor_realloc ? __interceptor_realloc(old, size) : __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size)
{
    if (must_fail())
        return NULL;
    return __interceptor_memalign ? __interceptor_memalign(alignment, size)
                                  : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **ret, size_t alignment, size_t size)
{
    const int saved = errno;
    void *const block = memalign(alignment, size);
    errno = saved;
    if (!block)
        return ENOMEM;
    *ret = block;
    return 0;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *argument)
{
    static int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "pthread_create");
    if (atomic_load(&control->threads) == 0)
        return EAGAIN;
    if (atomic_load(&control->threads) > 0)
        atomic_fetch_sub(&control->threads, 1);
    return next(thread, attributes, start, argument);
}

int accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict length, int flags)
{
    static int (*next)(int, struct sockaddr *restrict, socklen_t *restrict, int);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "accept4");
    if (atomic_load(&control->accept_times) > 0) {
        atomic_fetch_sub(&control->accept_times, 1);
        errno = (int)atomic_load(&control->accept_error);
        return -1;
    }
    return next(fd, address, length, flags);
}
