/*
 * host.c: parses Host and compares it with the allowed names.
 */
#include "server/http/host.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { NAME_SIZE = 256 };

/* The host without its port and trailing dot. False if it is malformed or too long. */
static bool take_name(const char *host, char ret_name[NAME_SIZE])
{
    size_t length =
        host[0] == '[' ? strcspn(host, "]") + (strchr(host, ']') != NULL) : strcspn(host, ":");
    const char *const port = host + length;
    if (*port != '\0' && (*port != ':' || port[1 + strspn(port + 1, "0123456789")] != '\0'))
        return false;
    if (length > 0 && host[length - 1] == '.')
        length--;
    if (length == 0 || length >= NAME_SIZE)
        return false;
    snprintf(ret_name, NAME_SIZE, "%.*s", (int)length, host);
    return true;
}

static bool is_address(char *name)
{
    struct in6_addr address;
    const size_t length = strlen(name);
    if (name[0] != '[')
        return inet_pton(AF_INET, name, &address) == 1;
    if (name[length - 1] != ']')
        return false;
    name[length - 1] = '\0';
    const bool good = inet_pton(AF_INET6, name + 1, &address) == 1;
    name[length - 1] = ']';
    return good;
}

static bool is_localhost(const char *name)
{
    static const char local[] = "localhost";
    const size_t length = strlen(name), tail = sizeof(local) - 1;
    return length >= tail && strcasecmp(name + length - tail, local) == 0 &&
           (length == tail || name[length - tail - 1] == '.');
}

bool rl_host_allowed(const char *host, const struct rl_words *names)
{
    char name[NAME_SIZE];
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], "*") == 0)
            return true;
    if (!host)
        return true;
    if (!take_name(host, name))
        return false;
    for (size_t i = 0; i < names->count; i++)
        if (strcasecmp(names->items[i], name) == 0)
            return true;
    return is_address(name) || is_localhost(name);
}
