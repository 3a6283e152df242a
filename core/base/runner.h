/*
 * runner.h: runs work that was cut into blocks, on one thread or on a team.
 *
 * The caller cuts the work (a sort, a scan over a long list) by the length of the list alone, so
 * the result has the same bits whichever threads run the blocks.
 */
#ifndef RL_RUNNER_H
#define RL_RUNNER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct rl_runner {
    /* Runs body(context, 0 … count - 1), in any order, each once; returns when all are done. */
    void (*run)(struct rl_runner *runner, size_t count, void (*body)(void *context, size_t index),
                void *context);
    /* The work ends early once this is not 0; it never returns to 0. NULL: it never ends early. */
    const _Atomic int *stop;
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

/* Relaxed order is enough: the flag announces no other data. A block that saw it set is joined
 * before its runner returns, so the caller sees it set too. */
static inline bool rl_runner_stopped(const struct rl_runner *runner)
{
    return runner->stop && atomic_load_explicit(runner->stop, memory_order_relaxed) != 0;
}

struct rl_stoppable {
    const struct rl_runner *runner;
    void (*body)(void *context, size_t index);
    void *context;
};

static inline void rl_runner_run_one(void *context, size_t index)
{
    const struct rl_stoppable *const stoppable = context;
    if (!rl_runner_stopped(stoppable->runner))
        stoppable->body(stoppable->context, index);
}

/* Like run, but skips blocks that have not begun when the work is stopped. Returns false if it was:
 * then some blocks may not have run, and what they write must not be read. */
static inline bool rl_runner_until_stopped(struct rl_runner *runner, size_t count,
                                           void (*body)(void *context, size_t index), void *context)
{
    struct rl_stoppable stoppable = {runner, body, context};
    runner->run(runner, count, rl_runner_run_one, &stoppable);
    return !rl_runner_stopped(runner);
}

#endif
