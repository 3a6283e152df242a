/*
 * jsonmem.h: a budget for what jansson allocates while it parses one request.
 *
 * jansson takes up to 80 bytes for each byte of "{},{},…". Its allocator (json_set_alloc_funcs) is
 * therefore ours: malloc and free, with a count kept per thread. Outside of a budget it counts
 * nothing, so other uses of jansson are not affected, and memory may pass between threads.
 */
#ifndef RL_JSONMEM_H
#define RL_JSONMEM_H

#include <stddef.h>

/* Once, before any other thread uses jansson. Memory that jansson took earlier stays valid. */
void rl_jsonmem_install(void);

/*
 * From here to rl_jsonmem_end the calling thread's jansson may take `bytes` in all: freeing does
 * not restore the budget, which keeps the bound simple and limits the time as well.
 */
void rl_jsonmem_begin(size_t bytes);
/* Why an allocation has failed since rl_jsonmem_begin. jansson itself does not always say. */
enum rl_jsonmem {
    RL_JSONMEM_OK,
    RL_JSONMEM_SPENT,  /* the budget */
    RL_JSONMEM_FAILED, /* malloc */
};
enum rl_jsonmem rl_jsonmem_end(void);

#endif
