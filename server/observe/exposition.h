/*
 * exposition.h: the counters of metrics.h as text for a Prometheus server to scrape.
 *
 * Formats: Prometheus text 0.0.4, and OpenMetrics 1.0.0 (`open`). Both have the same families and
 * label values, so that a series keeps its identity in either format.
 */
#ifndef RL_EXPOSITION_H
#define RL_EXPOSITION_H

#include <stdbool.h>

#include "server/text/text.h"

/* The Content-Type of the format, static. */
const char *rl_exposition_type(bool open);
/* Appends everything. Errors are the text's own (sticky). Any thread. */
void rl_exposition_write(bool open, struct rl_text *text);

#endif
