/*
 * pool.c: an atomic counter with a bound.
 */
#include "core/rankloss.h"

#include <stdatomic.h>

enum { RESERVE = 8 /* the part of the pool, an eighth, that is left to small takers */ };

void rl_pool_init(struct rl_pool *pool, size_t limit)
{
    atomic_init(&pool->used, 0);
    pool->limit = limit;
}

size_t rl_pool_most(const struct rl_pool *pool)
{
    return pool->limit - pool->limit / RESERVE;
}

bool rl_pool_take(struct rl_pool *pool, size_t bytes, bool small)
{
    if (!pool)
        return true;
    const size_t limit = small ? pool->limit : rl_pool_most(pool);
    size_t used = atomic_load_explicit(&pool->used, memory_order_relaxed);
    do {
        if (used > limit || bytes > limit - used)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&pool->used, &used, used + bytes,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

void rl_pool_give(struct rl_pool *pool, size_t bytes)
{
    if (pool)
        atomic_fetch_sub_explicit(&pool->used, bytes, memory_order_relaxed);
}

size_t rl_pool_used(const struct rl_pool *pool)
{
    return pool ? atomic_load_explicit(&pool->used, memory_order_relaxed) : 0;
}
