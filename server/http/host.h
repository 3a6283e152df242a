/*
 * host.h: which names a request may be addressed to.
 *
 * A web page can point a name of its own at 127.0.0.1 and so reach a daemon on the reader's machine
 * (DNS rebinding). Its requests carry that name in Host, which a list of known names gives away.
 */
#ifndef RL_HOST_H
#define RL_HOST_H

#include <stdbool.h>

#include "config/settings.h"

/* Whether the value of Host (NULL: none) names an address, localhost or one below it, or one of
 * `names`, in any case and with any port; "*" among them allows every Host. */
bool rl_host_allowed(const char *host, const struct rl_words *names);

#endif
