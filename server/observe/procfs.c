/*
 * procfs.c: reads /proc/self.
 */
#include "server/observe/procfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static double seconds_of(clockid_t clock)
{
    struct timespec time;
    if (clock_gettime(clock, &time) != 0)
        return -1;
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Reads the start of a file as text; false if it is missing or empty. */
static bool read_text(const char *path, char *text, size_t size)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    const ssize_t got = read(fd, text, size - 1);
    close(fd);
    if (got <= 0)
        return false;
    text[got] = '\0';
    return true;
}

/* Field 22 of stat is the start time in ticks since boot; fields are counted from after the name,
 * which may contain anything. */
static double start_time(void)
{
    char text[1024];
    const char *field =
        read_text("/proc/self/stat", text, sizeof(text)) ? strrchr(text, ')') : NULL;
    for (int i = 2; field && i < 22; i++) {
        field = strchr(field, ' ');
        field += field != NULL;
    }
    if (!field)
        return -1;
    const double since_boot = strtod(field, NULL) / (double)sysconf(_SC_CLK_TCK);
    return seconds_of(CLOCK_REALTIME) - seconds_of(CLOCK_BOOTTIME) + since_boot;
}

/* Computed once: the two clocks are read at slightly different moments, and a start time that
 * varies looks like a restart to Prometheus. */
static double first_start;

static void remember_start(void)
{
    first_start = start_time();
}

static void read_memory(struct rl_process *process)
{
    char text[256], *rest;
    const double page = (double)sysconf(_SC_PAGESIZE);
    process->virtual_bytes = process->resident_bytes = -1;
    if (!read_text("/proc/self/statm", text, sizeof(text)))
        return;
    process->virtual_bytes = (double)strtoull(text, &rest, 10) * page;
    process->resident_bytes = (double)strtoull(rest, NULL, 10) * page;
}

static double count_fds(void)
{
    DIR *const directory = opendir("/proc/self/fd");
    double count = -3; /* ".", ".." and the directory's own */
    if (!directory)
        return -1;
    while (
        readdir(directory)) /* cppcheck-suppress readdirCalled ; only this call uses the stream */
        count++;
    closedir(directory);
    return count;
}

void rl_process_read(struct rl_process *ret_process)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct rlimit limit;
    pthread_once(&once, remember_start);
    ret_process->cpu_seconds = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    ret_process->start_time = first_start;
    read_memory(ret_process);
    ret_process->open_fds = count_fds();
    ret_process->max_fds = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (double)limit.rlim_cur : -1;
}
