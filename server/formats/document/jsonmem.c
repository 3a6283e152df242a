/*
 * jsonmem.c: a budget for what jansson allocates while it parses one request.
 */
#include "server/formats/document/jsonmem.h"

#include <stdbool.h>
#include <stdlib.h>

#include <jansson.h>

enum { OVERHEAD = 16 }; /* what malloc itself adds to a block */

struct budget {
    size_t left;
    bool active;
    enum rl_jsonmem refused;
};

static _Thread_local struct budget budget;

/*
 * Once refused, always refused until the budget ends. jansson's lexer goes on after a refusal as if
 * the byte it could not save had been saved, and then copies up to a closing quote that is not
 * there; refusing the copy's own memory too is what stops it.
 */
static void *budget_malloc(size_t size)
{
    if (!budget.active)
        return malloc(size);
    if (budget.refused != RL_JSONMEM_OK)
        return NULL;
    if (budget.left < OVERHEAD || size > budget.left - OVERHEAD) {
        budget.refused = RL_JSONMEM_SPENT;
        return NULL;
    }
    budget.left -= size + OVERHEAD;
    void *const block = malloc(size);
    if (!block)
        budget.refused = RL_JSONMEM_FAILED;
    return block;
}

void rl_jsonmem_install(void)
{
    json_set_alloc_funcs(budget_malloc, free);
}

void rl_jsonmem_begin(size_t bytes)
{
    budget = (struct budget){.left = bytes, .active = true};
}

enum rl_jsonmem rl_jsonmem_end(void)
{
    const enum rl_jsonmem refused = budget.refused;
    budget = (struct budget){0};
    return refused;
}
