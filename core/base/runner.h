/*
 * runner.h: how work that was cut into blocks gets carried out, by one thread or by a team.
 *
 * Whoever cuts (a sort, a scan over a long list) does so by the length of the list alone, so that
 * a result has the same bits whoever runs the blocks. A runner only says by whom they are run.
 */
#ifndef RL_RUNNER_H
#define RL_RUNNER_H

#include <stddef.h>

struct rl_runner {
    /* Runs body(context, 0 … count - 1), in any order, each once; returns when all are done. */
    void (*run)(struct rl_runner *runner, size_t count, void (*body)(void *context, size_t index),
                void *context);
};

static inline void rl_runner_run_serial(struct rl_runner *runner, size_t count,
                                        void (*body)(void *context, size_t index), void *context)
{
    (void)runner;
    for (size_t i = 0; i < count; i++)
        body(context, i);
}

/* The runner of the calling thread alone. */
static inline struct rl_runner rl_runner_serial(void)
{
    return (struct rl_runner){.run = rl_runner_run_serial};
}

#endif
