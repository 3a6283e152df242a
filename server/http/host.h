/*
 * host.h: which host names requests may use.
 *
 * A web page can point its own host name at 127.0.0.1 and so reach a daemon on the visitor's
 * machine (DNS rebinding). Its requests carry that name in Host, so a list of known names detects
 * them.
 */
#ifndef RL_HOST_H
#define RL_HOST_H

#include <stdbool.h>

#include "config/settings.h"

/* Whether the value of Host (NULL: none) is an address, localhost or a subdomain of it, or one of
 * `names`, ignoring case and port; "*" in `names` allows every Host. */
bool rl_host_allowed(const char *host, const struct rl_words *names);

#endif
