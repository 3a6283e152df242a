/*
 * configure.h: loads the settings safely with jansson.
 *
 * jansson 2.14 corrupts memory if an allocation fails inside its lexer and the next one succeeds.
 * jsonmem.h prevents that, so every parse must have a budget, including that of the settings file.
 */
#ifndef RL_CONFIGURE_H
#define RL_CONFIGURE_H

#include "config/sources.h"

/* rl_settings_load, safe when memory is short. Main thread; the first time, before any other
 * thread starts. RL_CONFIG, RL_NOMEM. */
enum rl_status rl_configure(const struct rl_sources *sources, struct rl_settings **ret_settings,
                            struct rl_error *error);

#endif
