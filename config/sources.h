/*
 * sources.h: where settings come from: defaults < file < environment < flags.
 *
 * The file is one JSON object, named by --config FILE or RANKLOSSD_CONFIG. An unknown key in it, an
 * unknown RANKLOSSD_ variable and an unknown flag are errors that suggest the nearest name.
 *
 * Variables that are left alone: RANKLOSSD_CONFIG, RANKLOSSD_ISA, and those that Kubernetes puts
 * into every pod beside a Service called ranklossd (RANKLOSSD_PORT…, RANKLOSSD_SERVICE_…).
 *
 * Flags are --name VALUE or --name=VALUE; a BOOL is also --name or --no-name. The last of
 * several wins.
 */
#ifndef RL_SOURCES_H
#define RL_SOURCES_H

#include "config/settings.h"

/* What the command line asks to be done. */
enum rl_action {
    RL_ACTION_SERVE,
    RL_ACTION_HELP,         /* --help, -h */
    RL_ACTION_HELP_JSON,    /* --help=json: the table, for the makers of documentation */
    RL_ACTION_HELP_EXAMPLE, /* --help=example: a file with every default */
    RL_ACTION_VERSION,      /* --version, -V */
    RL_ACTION_CHECK,        /* --check: validate everything, then exit */
    RL_ACTION_PROBE         /* --probe[=URL]: ask a running daemon whether it is ready */
};

/* What the process was started with; all three outlive every use. */
struct rl_sources {
    int argc;
    char *const *argv;
    char *const *environment;
};

/*
 * Which action the flags ask for, looking at nothing else: --help works beside a broken setting.
 * The first such flag wins. *ret_url is the URL of --probe=URL, or NULL; it lies in argv.
 */
enum rl_action rl_sources_action(const struct rl_sources *sources, const char **ret_url);

/* Calls back with a line of text for each variable RANKLOSSD_… that is not known: a mistake,
 * perhaps, but other programs may use the name too. */
void rl_sources_unknown(const struct rl_sources *sources,
                        void (*each)(void *context, const char *text), void *context);

/* Reads every source and checks the whole. RL_CONFIG, RL_NOMEM. The result is the caller's. */
enum rl_status rl_settings_load(const struct rl_sources *sources, struct rl_settings **ret_settings,
                                struct rl_error *error);

#endif
