/*
 * configure.h: the settings, read with jansson under guard.
 *
 * jansson 2.14 corrupts memory when an allocation fails inside its lexer and the next one does not.
 * jsonmem.h keeps that from happening; it must stand around every parse, that of the file of
 * settings too.
 */
#ifndef RL_CONFIGURE_H
#define RL_CONFIGURE_H

#include "config/sources.h"

/* rl_settings_load, safe when memory is short. The main thread; the first time, before any other
 * thread starts. RL_CONFIG, RL_NOMEM. */
enum rl_status rl_configure(const struct rl_sources *sources, struct rl_settings **ret_settings,
                            struct rl_error *error);

#endif
