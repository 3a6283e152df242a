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

/* Reads up to two numbers from the start of a cgroup file; returns how many ("max" is not one). */
static int read_numbers(const char *directory, const char *name, double ret_numbers[2])
{
    char path[PATH_SIZE];
    if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
        return 0;
    FILE *const file = fopen(path, "re");
    if (!file)
        return 0;
    const int found = fscanf(file, "%lf %lf", &ret_numbers[0], &ret_numbers[1]);
    fclose(file);
    return found > 0 ? found : 0;
}

/* The smaller of `least` (0: none yet) and the quota of one directory, in CPUs. cpu.max holds the
 * time granted in each period and the period, or "max" and the period. */
static unsigned narrow(const char *directory, unsigned least)
{
    double numbers[2] = {0, 0};
    if (read_numbers(directory, "cpu.max", numbers) != 2 || numbers[0] <= 0 || numbers[1] <= 0 ||
        numbers[0] / numbers[1] >= CPUS_MAX)
        return least;
    unsigned cpus = (unsigned)(numbers[0] / numbers[1]);
    if (cpus == 0)
        cpus = 1;
    return least == 0 || cpus < least ? cpus : least;
}

/* The quotas of a group and of its ancestors, up to the mount. */
static unsigned narrow_upwards(const char *mount, const char *group)
{
    char path[PATH_SIZE];
    unsigned least = 0;
    const size_t root = strlen(mount);
    snprintf(path, sizeof(path), "%s%s", mount, group);
    for (;;) {
        least = narrow(path, least);
        char *const slash = strrchr(path, '/');
        if (!slash || (size_t)(slash - path) < root)
            return least;
        *slash = '\0';
    }
}

unsigned rl_threads_quota(const char *membership, const char *mount)
{
    static const char prefix[] = "0::"; /* the line of cgroup v2 */
    char line[PATH_SIZE];
    unsigned quota = 0;
    FILE *const file = fopen(membership, "re");
    if (!file)
        return 0;
    while (fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, prefix, sizeof(prefix) - 1) == 0)
            quota = narrow_upwards(mount, line + sizeof(prefix) - 1);
    }
    fclose(file);
    return quota;
}

unsigned rl_threads_available(void)
{
    const unsigned cpus = affinity();
    const unsigned quota = rl_threads_quota("/proc/self/cgroup", "/sys/fs/cgroup");
    return quota && quota < cpus ? quota : cpus;
}
