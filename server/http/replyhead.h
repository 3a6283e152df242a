/*
 * replyhead.h: the head of a reply: its status code and its header fields in sending order. Replies
 * through libmicrohttpd and raw ones are both built from it.
 *
 * Names and values are borrowed: they must live until the reply is handed to the transport.
 */
#ifndef RL_REPLYHEAD_H
#define RL_REPLYHEAD_H

#include <assert.h>
#include <stddef.h>

enum { RL_REPLY_FIELDS_MAX = 24 };

struct rl_reply_field {
    const char *name, *value;
};

struct rl_reply_head {
    unsigned code;
    size_t count;
    struct rl_reply_field fields[RL_REPLY_FIELDS_MAX];
};

/* Appends a field. Does nothing when `value` is NULL. */
static inline void rl_reply_head_add(struct rl_reply_head *head, const char *name,
                                     const char *value)
{
    if (!value)
        return;
    assert(head->count < RL_REPLY_FIELDS_MAX);
    head->fields[head->count++] = (struct rl_reply_field){name, value};
}

#endif
