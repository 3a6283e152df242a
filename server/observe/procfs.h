/*
 * procfs.h: what the kernel knows about this process, for the process_* metrics.
 */
#ifndef RL_PROCFS_H
#define RL_PROCFS_H

/* Values that cannot be had are negative. */
struct rl_process {
    double cpu_seconds, start_time; /* start_time: seconds since 1970 */
    double resident_bytes, virtual_bytes;
    double open_fds, max_fds;
};

/* Any thread. Opens files of /proc: not for the road of a request. */
void rl_process_read(struct rl_process *ret_process);

#endif
