/*
 * negotiate.h: the lists with weights of Accept and Accept-Encoding (RFC 9110, 12.4 and 12.5).
 */
#ifndef RL_NEGOTIATE_H
#define RL_NEGOTIATE_H

#include <stdbool.h>

/*
 * The weight that a list gives to a name, in thousandths (q=0.5 is 500; 1000 without a q), or -1
 * if the list does not mention it. Names are case-insensitive and parameters other than q are
 * ignored. Wildcards in the list match only themselves: the caller asks for them in
 * turn. Malformed elements are ignored. `list` NULL: -1.
 */
int rl_negotiate_weight(const char *list, const char *name);

/* Whether Accept (NULL: none) prefers OpenMetrics to Prometheus' plain text. */
bool rl_negotiate_openmetrics(const char *accept);

#endif
