/*
 * probe.h: --probe: whether a running daemon is ready, for images without a shell or curl.
 */
#ifndef RL_PROBE_H
#define RL_PROBE_H

#include "config/sources.h"

/*
 * Asks GET /readyz, or the path of `url` where it has one, and prints what it got in one line.
 * `url` is http://HOST:PORT[/path], https://… or unix:/path; NULL: the address the settings name
 * (admin-listen where there is one), with TLS where it has a certificate. The certificate is not
 * verified, and none is shown: where clients must show one, an own admin address is what to probe.
 * Waits a few seconds at most. The exit status: success for an answer of 200.
 */
int rl_probe(const struct rl_sources *sources, const char *url);

#endif
