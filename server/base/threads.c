/*
 * threads.c: CPU affinity and cgroup quotas.
 */
#include "server/base/threads.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CPUS_MAX = 8192, PATH_SIZE = 4096 };

static unsigned affinity(void)
{
    cpu_set_t *const set = CPU_ALLOC(CPUS_MAX);
    int count = 0;
    if (set && sched_getaffinity(0, CPU_ALLOC_SIZE(CPUS_MAX), set) == 0)
        count = CPU_COUNT_S(CPU_ALLOC_SIZE(CPUS_MAX), set);
    CPU_FREE(set);
    return count > 0 ? (unsigned)count : 1;
}

/* ---- Quotas --------------------------------------------------------------------------------- */

/* How many numbers a file of a cgroup starts with, at most two; "max" is none. */
static int read_numbers(const char *directory, const char *name, double ret_numbers[2])
{
    char path[PATH_SIZE];
    if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path)
        return 0;
    FILE *const file = fopen(path, "re");
    if (!file)
        return 0;
    const int found = fscanf(file, "%lf %lf", &ret_numbers[0], &ret_numbers[1]);
    fclose(file);
    return found > 0 ? found : 0;
}

/* Time granted in each period, and the period; false when there is no limit. */
static bool read_quota(const char *directory, double *ret_quota, double *ret_period)
{
    double numbers[2] = {0, 0}, period[2] = {0, 0};
    if (read_numbers(directory, "cpu.max", numbers) != 2) {
        if (read_numbers(directory, "cpu.cfs_quota_us", numbers) < 1 ||
            read_numbers(directory, "cpu.cfs_period_us", period) < 1)
            return false;
        numbers[1] = period[0];
    }
    *ret_quota = numbers[0];
    *ret_period = numbers[1];
    return numbers[0] > 0 && numbers[1] > 0;
}

/* The smaller of `least` (0: none yet) and the quota of one directory, in CPUs. */
static unsigned narrow(const char *directory, unsigned least)
{
    double quota, period;
    if (!read_quota(directory, &quota, &period) || quota / period >= CPUS_MAX)
        return least;
    unsigned cpus = (unsigned)(quota / period);
    if (cpus == 0)
        cpus = 1;
    return least == 0 || cpus < least ? cpus : least;
}

/* The quotas of a group and of all above it, up to the mount. */
static unsigned narrow_upwards(const char *mount, const char *group, unsigned least)
{
    char path[PATH_SIZE];
    const size_t root = strlen(mount);
    snprintf(path, sizeof path, "%s%s", mount, group);
    for (;;) {
        least = narrow(path, least);
        char *const slash = strrchr(path, '/');
        if (!slash || (size_t)(slash - path) < root)
            return least;
        *slash = '\0';
    }
}

/* Whether a list of v1 controllers ("cpu,cpuacct") holds cpu. */
static bool has_cpu(const char *controllers, size_t length)
{
    while (length) {
        const char *const comma = memchr(controllers, ',', length);
        const size_t size = comma ? (size_t)(comma - controllers) : length;
        if (size == 3 && memcmp(controllers, "cpu", 3) == 0)
            return true;
        controllers += size + (comma != NULL);
        length -= size + (comma != NULL);
    }
    return false;
}

/* One line of membership, "id:controllers:/group"; v2 has none, and its own directory is the mount
 * itself, or "unified" beside v1. */
static unsigned narrow_by_line(const char *mount, char *line, unsigned least)
{
    char directory[PATH_SIZE];
    char *const controllers = strchr(line, ':');
    char *const group = controllers ? strchr(controllers + 1, ':') : NULL;
    line[strcspn(line, "\n")] = '\0';
    if (!group)
        return least;
    *group = '\0';
    const size_t length = strlen(controllers + 1);
    if (length == 0) {
        least = narrow_upwards(mount, group + 1, least);
        snprintf(directory, sizeof directory, "%s/unified", mount);
        return narrow_upwards(directory, group + 1, least);
    }
    if (!has_cpu(controllers + 1, length))
        return least;
    snprintf(directory, sizeof directory, "%s/%s", mount, controllers + 1);
    return narrow_upwards(directory, group + 1, least);
}

unsigned rl_threads_quota(const char *membership, const char *mount)
{
    char line[PATH_SIZE];
    unsigned least = 0;
    FILE *const file = fopen(membership, "re");
    if (!file)
        return 0;
    while (fgets(line, sizeof line, file))
        least = narrow_by_line(mount, line, least);
    fclose(file);
    return least;
}

unsigned rl_threads_available(void)
{
    const unsigned cpus = affinity();
    const unsigned quota = rl_threads_quota("/proc/self/cgroup", "/sys/fs/cgroup");
    return quota && quota < cpus ? quota : cpus;
}
