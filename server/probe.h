/*
 * probe.h: --probe checks whether a running daemon is ready, for images without a shell or curl.
 */
#ifndef RL_PROBE_H
#define RL_PROBE_H

#include "config/sources.h"

/*
 * Requests /readyz, or the path of `url` if it has one, and prints the result on one line.
 * `url` is http://HOST:PORT[/path], https://… or unix:/path; NULL: the address in the settings
 * (admin-listen if set), with TLS if tls-cert is set. The certificate is not
 * verified, and the probe presents none: if clients need one, probe a separate admin address.
 * Waits a few seconds at most. Returns the exit status: success if the answer is 200.
 */
int rl_probe(const struct rl_sources *sources, const char *url);

#endif
