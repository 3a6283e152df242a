/*
 * test_threads.c: quotas of synthetic cgroup trees, and the affinity of this process.
 */
#include "server/base/threads.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/unittest.h"

enum { PATH_SIZE = 256 };

static char root[64];

/* Each test has a tree of its own. */
static void make_root(void)
{
    snprintf(root, sizeof(root), "/tmp/rl-cgroup-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static void remove_root(void)
{
    char command[PATH_SIZE];
    snprintf(command, sizeof(command), "rm -rf %s", root);
    ck_assert_int_eq(system(command), 0);
}

/* Writes root/path, with the directories above it. */
static void put(const char *path, const char *text)
{
    char full[PATH_SIZE];
    snprintf(full, sizeof(full), "%s/%s", root, path);
    for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        mkdir(full, 0755);
        *slash = '/';
    }
    FILE *const file = fopen(full, "we");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static unsigned quota(void)
{
    char membership[PATH_SIZE], mount[PATH_SIZE];
    snprintf(membership, sizeof(membership), "%s/self", root);
    snprintf(mount, sizeof(mount), "%s/fs", root);
    return rl_threads_quota(membership, mount);
}

START_LOOP_TEST(quotas_are_whole_cpus, 14)
{
    static const struct {
        const char *text;
        unsigned cpus;
    } cases[] = {
        {"max 100000\n", 0},    {"100000 100000\n", 1}, {"400000 100000\n", 4},
        {"150000 100000\n", 1}, {"50000 100000\n", 1},  {"1000 100000\n", 1},
        {"399999 100000\n", 3}, {"200000 50000\n", 4},  {"", 0},
        {"100000", 0},          {"x y\n", 0},           {"-1 100000\n", 0},
        {"100000 0\n", 0},      {"1e300 1\n", 0},
    };
    make_root();
    put("self", "0::/\n");
    put("fs/cpu.max", cases[_i].text);
    ck_assert_uint_eq(quota(), cases[_i].cpus);
    remove_root();
}
END_TEST

/* The lowest quota of a group and its ancestors counts. */
START_TEST(quotas_of_the_groups_above)
{
    make_root();
    put("self", "0::/a/b/c\n");
    put("fs/a/b/c/cpu.max", "max 100000\n");
    put("fs/a/b/cpu.max", "800000 100000\n");
    ck_assert_uint_eq(quota(), 8);
    put("fs/a/cpu.max", "300000 100000\n");
    ck_assert_uint_eq(quota(), 3);
    put("fs/a/b/c/cpu.max", "200000 100000\n");
    ck_assert_uint_eq(quota(), 2);
    put("fs/cpu.max", "100000 100000\n");
    ck_assert_uint_eq(quota(), 1);
    remove_root();
}
END_TEST

/* In a container the path may be the host's, which does not exist here: the mount's own file
 * counts. */
START_TEST(a_group_that_does_not_exist)
{
    make_root();
    put("self", "0::/docker/0123456789abcdef\n");
    put("fs/cpu.max", "250000 100000\n");
    ck_assert_uint_eq(quota(), 2);
    remove_root();
}
END_TEST

/* The lines of version 1 hierarchies beside it are ignored. */
START_TEST(other_hierarchies_are_ignored)
{
    make_root();
    put("self", "4:cpu,cpuacct:/pod\n1:name=systemd:/\n0::/pod\n");
    put("fs/pod/cpu.max", "300000 100000\n");
    ck_assert_uint_eq(quota(), 3);
    remove_root();
}
END_TEST

START_TEST(no_cgroups)
{
    make_root();
    ck_assert_uint_eq(quota(), 0);
    put("self", "nonsense\n:\n::\n");
    ck_assert_uint_eq(quota(), 0);
    remove_root();
}
END_TEST

START_TEST(affinity_limits)
{
    cpu_set_t one;
    const unsigned before = rl_threads_available();
    ck_assert_uint_ge(before, 1);
    ck_assert_uint_le(before, (unsigned)sysconf(_SC_NPROCESSORS_CONF));
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
    ck_assert_uint_eq(rl_threads_available(), 1);
}
END_TEST
