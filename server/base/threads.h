/*
 * threads.h: how many threads this process may keep busy.
 */
#ifndef RL_THREADS_H
#define RL_THREADS_H

/*
 * The smaller of the CPU affinity and the cgroup v2 quota (the lowest cpu.max of this cgroup and
 * its ancestors), at least 1. The quota is rounded down: with more threads than that the kernel
 * would stop all of them for part of each period.
 */
unsigned rl_threads_available(void);

/* The quota alone, in CPUs, or 0 if there is none. Both paths are arguments for the tests;
 * otherwise they are /proc/self/cgroup and /sys/fs/cgroup. */
unsigned rl_threads_quota(const char *membership, const char *mount);

#endif
