/*
 * lifecycle.h: the life of the process, from start to exit.
 *
 *   STARTING -> READY -> LEAVING -> DRAINING -> ENDING -> gone
 *
 * On SIGTERM or SIGINT /readyz fails at once. The daemon keeps serving for shutdown-delay, so that
 * load balancers notice; then it stops accepting and finishes requests in flight, for drain-timeout
 * at most. After that, or at a second signal, the remaining requests are answered 503. SIGHUP
 * reloads the settings. SIGPIPE is ignored.
 */
#ifndef RL_LIFECYCLE_H
#define RL_LIFECYCLE_H

#include "config/sources.h"

/* Serves until told to stop; the exit status of the process. Main thread. */
int rl_lifecycle_serve(const struct rl_sources *sources, const char *version);

/* Validates the settings and the files they name, and prints one line. The exit status. */
int rl_lifecycle_check(const struct rl_sources *sources);

#endif
