/*
 * capacity.h: the most memory that a daemon with these settings takes.
 */
#ifndef RL_CAPACITY_H
#define RL_CAPACITY_H

#include <stddef.h>

#include "config/settings.h"

/* Bytes, whatever its clients send: what a container's or a service's limit has to allow. */
size_t rl_capacity_memory(const struct rl_settings *settings, size_t threads, size_t io_threads,
                          size_t max_connections);

#endif
