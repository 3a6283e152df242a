/*
 * sources.h: the sources of settings: flags override the environment, which overrides the file.
 *
 * The file is one JSON object, named by --config FILE or RANKLOSSD_CONFIG. An unknown key in it and
 * an unknown flag are errors that suggest the nearest name; an unknown RANKLOSSD_ variable is a
 * warning.
 *
 * Ignored variables: RANKLOSSD_CONFIG, RANKLOSSD_ISA, and those that Kubernetes sets in every pod
 * for a Service called ranklossd (RANKLOSSD_PORT…, RANKLOSSD_SERVICE_…).
 *
 * Flags are --name VALUE or --name=VALUE; a BOOL may also be --name or --no-name. The last of
 * several wins.
 */
#ifndef RL_SOURCES_H
#define RL_SOURCES_H

#include "config/settings.h"

/* What the command line asks for. */
enum rl_action {
    RL_ACTION_SERVE,
    RL_ACTION_HELP,         /* --help, -h */
    RL_ACTION_HELP_JSON,    /* --help=json: the table, for documentation tools */
    RL_ACTION_HELP_EXAMPLE, /* --help=example: a file with every default */
    RL_ACTION_VERSION,      /* --version, -V */
    RL_ACTION_CHECK,        /* --check: validate the settings, then exit */
    RL_ACTION_PROBE         /* --probe[=URL]: ask a running daemon whether it is ready */
};

/* The arguments and environment of the process. */
struct rl_sources {
    int argc;
    char *const *argv;
    char *const *environment;
};

/*
 * The action that the flags ask for. Ignores everything else: --help works despite a bad setting.
 * The first such flag wins. *ret_url is the URL of --probe=URL, or NULL; it is part of argv.
 */
enum rl_action rl_sources_action(const struct rl_sources *sources, const char **ret_url);

/* Calls back with a line of text for each unknown RANKLOSSD_… variable: perhaps a mistake, but
 * other programs may use such names too. */
void rl_sources_unknown(const struct rl_sources *sources,
                        void (*each)(void *context, const char *text), void *context);

/* Reads every source and checks the result, which the caller frees. RL_CONFIG, RL_NOMEM. */
enum rl_status rl_settings_load(const struct rl_sources *sources, struct rl_settings **ret_settings,
                                struct rl_error *error);

#endif
