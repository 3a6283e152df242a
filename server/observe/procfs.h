/*
 * procfs.h: the kernel's figures for this process, for the process_* metrics.
 */
#ifndef RL_PROCFS_H
#define RL_PROCFS_H

/* Unavailable values are negative. */
struct rl_process {
    double cpu_seconds, start_time; /* start_time: seconds since 1970 */
    double resident_bytes, virtual_bytes;
    double open_fds, max_fds;
};

/* Any thread. Opens files in /proc, so keep it off the request path. */
void rl_process_read(struct rl_process *ret_process);

#endif
