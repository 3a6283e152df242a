/*
 * cut.h: how the sorts and sweeps of one long list are cut for many threads: by its length alone,
 * so that the bits of a result do not depend on who runs the pieces.
 *
 * Coarser than blocks.h, because a piece of a sweep first has to learn what came before it.
 */
#ifndef RL_CUT_H
#define RL_CUT_H

#include <stddef.h>

enum {
    RL_CUT = 16384,
    /* A list with more items than this occupies the whole team; each other list takes one thread.
     * */
    RL_CUT_ALONE = 2 * RL_CUT,
};

static inline size_t rl_cut_count(size_t n)
{
    return (n + RL_CUT - 1) / RL_CUT;
}

static inline size_t rl_cut_begin(size_t piece)
{
    return piece * RL_CUT;
}

static inline size_t rl_cut_end(size_t piece, size_t n)
{
    const size_t end = (piece + 1) * RL_CUT;
    return end < n ? end : n;
}

#endif
