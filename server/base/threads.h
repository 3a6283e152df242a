/*
 * threads.h: how many threads this process may keep busy.
 */
#ifndef RL_THREADS_H
#define RL_THREADS_H

/*
 * The smaller of the CPU affinity and the cgroup quota (v2 cpu.max of this cgroup and every one
 * above it; v1 cpu.cfs_quota_us), at least 1. A quota is rounded down: threads beyond it would make
 * the kernel stop all of them for part of each period.
 */
unsigned rl_threads_available(void);

/* The quota alone, from the given places (in production /proc/self/cgroup and /sys/fs/cgroup); 0
 * when there is none. */
unsigned rl_threads_quota(const char *membership, const char *mount);

#endif
