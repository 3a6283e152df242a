/*
 * backwards.h: a runner that runs pieces in reverse order, to show that the order does not matter.
 */
#ifndef RL_TESTS_BACKWARDS_H
#define RL_TESTS_BACKWARDS_H

#include "core/base/runner.h"

static inline void run_backwards(struct rl_runner *runner, size_t count,
                                 void (*body)(void *context, size_t index), void *context)
{
    (void)runner;
    for (size_t i = count; i-- > 0;)
        body(context, i);
}

static inline struct rl_runner runner_backwards(void)
{
    return (struct rl_runner){.run = run_backwards};
}

#endif
