/*
 * endpoint.c: the names of methods and handlers.
 */
#include "server/base/endpoint.h"

#include <string.h>

#define TEXT_OF(name, text) text,
static const char *const method_names[] = {RL_METHOD_MAP(TEXT_OF)};
static const char *const handler_names[] = {RL_HANDLER_MAP(TEXT_OF)};
#undef TEXT_OF

enum rl_method rl_method_find(const char *name)
{
    for (unsigned i = 0; i < RL_METHOD_OTHER; i++)
        if (strcmp(method_names[i], name) == 0)
            return (enum rl_method)i;
    return RL_METHOD_OTHER;
}

const char *rl_method_name(enum rl_method method)
{
    return method_names[method];
}

const char *rl_handler_name(enum rl_handler handler)
{
    return handler_names[handler];
}
