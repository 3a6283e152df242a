/*
 * negotiate.h: the lists with weights of Accept and Accept-Encoding (RFC 9110, 12.4 and 12.5).
 */
#ifndef RL_NEGOTIATE_H
#define RL_NEGOTIATE_H

#include <stdbool.h>

/*
 * The weight a list gives to one name, in thousandths (q=0.5 is 500; 1000 where no q stands), or -1
 * when the list does not mention it. Names compare without case and parameters other than q are
 * passed over; wildcards in the list match nothing but themselves: the caller asks for them in
 * turn. A malformed element is passed over. `list` NULL: -1.
 */
int rl_negotiate_weight(const char *list, const char *name);

/* Whether Accept (NULL: none) prefers OpenMetrics to Prometheus' plain text. */
bool rl_negotiate_openmetrics(const char *accept);

#endif
