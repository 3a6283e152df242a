/*
 * lifecycle.h: from the first to the last moment of the process.
 *
 *   STARTING -> READY -> LEAVING -> DRAINING -> ENDING -> gone
 *
 * SIGTERM or SIGINT: readiness falls at once; the daemon serves on for shutdown-delay, so that
 * balancers notice; then it accepts nobody and finishes what is in flight, for drain-timeout at
 * most. When that is over, or at a second signal, what is left is answered 503 and closed. SIGHUP
 * reloads. SIGPIPE is ignored.
 */
#ifndef RL_LIFECYCLE_H
#define RL_LIFECYCLE_H

#include "config/sources.h"

/* Serves until told to stop; the exit status of the process. Main thread. */
int rl_lifecycle_serve(const struct rl_sources *sources, const char *version);

/* Validates the settings and the files they name, and prints one line. The exit status. */
int rl_lifecycle_check(const struct rl_sources *sources);

#endif
