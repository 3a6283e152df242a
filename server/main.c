/*
 * main.c: ranklossd's command line.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/lifecycle.h"
#include "server/probe.h"
#include "server/base/threads.h"

#include "config/manual.h"
#include "config/sources.h"
#include "server/base/status.h"

extern char **environ;

static int print_version(void)
{
    struct rl_error error;
    if (rl_init(getenv("RANKLOSSD_ISA"), &error) != RL_OK) {
        fprintf(stderr, "ranklossd: %s\n", error.detail);
        return EXIT_FAILURE;
    }
    printf("ranklossd %s (revision %s, isa %s, threads %u)\n", RL_VERSION, RL_REVISION,
           rl_isa_name(), rl_threads_available());
    return EXIT_SUCCESS;
}

static int print_help(void)
{
    rl_settings_help(stdout);
    return EXIT_SUCCESS;
}

static int print_table(enum rl_status (*print)(FILE *out, struct rl_error *error))
{
    struct rl_error error;
    if (print(stdout, &error) == RL_OK)
        return EXIT_SUCCESS;
    fprintf(stderr, "ranklossd: %s\n", error.detail);
    return EXIT_FAILURE;
}

/*
 * OpenMP decides how its threads wait when it is loaded, before main. By default they spin on cores
 * that the I/O threads and other processes need. Unless the environment says otherwise,
 * this makes them sleep by executing the program again; nothing has been opened yet. If that fails,
 * the daemon serves anyway.
 */
static void wait_asleep(char **argv)
{
    char path[PATH_MAX];
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT"))
        return;
    const ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (length < 0 || setenv("OMP_WAIT_POLICY", "passive", 1) != 0)
        return;
    path[length] = '\0';
    execv(path, argv);
}

int main(int argc, char **argv)
{
    const struct rl_sources sources = {.argc = argc, .argv = argv, .environment = environ};
    const char *url = NULL;
    switch (rl_sources_action(&sources, &url)) {
    case RL_ACTION_HELP:
        return print_help();
    case RL_ACTION_HELP_JSON:
        return print_table(rl_settings_help_json);
    case RL_ACTION_HELP_EXAMPLE:
        return print_table(rl_settings_example);
    case RL_ACTION_VERSION:
        return print_version();
    case RL_ACTION_CHECK:
        return rl_lifecycle_check(&sources);
    case RL_ACTION_PROBE:
        return rl_probe(&sources, url);
    case RL_ACTION_SERVE:
        break;
    }
    wait_asleep(argv);
    return rl_lifecycle_serve(&sources, RL_VERSION);
}
