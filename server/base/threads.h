/*
 * threads.h: how many threads this process may keep busy, and which of them the kernel runs first.
 */
#ifndef RL_THREADS_H
#define RL_THREADS_H

/*
 * The smaller of the CPU affinity and the cgroup quota (v2 cpu.max of this cgroup and every one
 * above it; v1 cpu.cfs_quota_us), at least 1. A quota is rounded down: threads beyond it would make
 * the kernel stop all of them for part of each period.
 */
unsigned rl_threads_available(void);

/*
 * Asks for the shortest time slice for this thread and those it starts from now on: since
 * Linux 6.12 one that wakes up with a short slice need not wait for the slice of another to end.
 * Its share of the CPU stays the same. Where the kernel knows no such thing, or does not allow it,
 * nothing changes.
 */
void rl_threads_prompt(void);

/* The quota alone, from the given places (in production /proc/self/cgroup and /sys/fs/cgroup); 0
 * when there is none. */
unsigned rl_threads_quota(const char *membership, const char *mount);

#endif
