/*
 * format.h: what a format of requests and replies is.
 *
 * A format has a reader (body to query), a writer (results to body), and a form for errors. Each
 * format has a folder of its own; formats.c has one row for each and chooses among them.
 */
#ifndef RL_FORMAT_H
#define RL_FORMAT_H

#include "server/formats/query.h"
#include "server/http/headers.h"
#include "server/http/route.h"
#include "server/text/text.h"

/* What a reader reads, and with what. */
struct rl_input {
    char *body; /* the reader may change it; never NULL */
    size_t length;
    const struct rl_headers *headers; /* of the request; NULL: none */
    const struct rl_target *target;
    const struct rl_limits *limits;
    struct rl_team *team; /* threads to read on, where the body is large; NULL: the caller alone */
    struct rl_arena *arena; /* for all that the query holds */
};

/* The body of a reply and its media type. */
struct rl_output {
    /* Not RL_OK once nobody wants the text: it may end early then; or NULL. Relaxed, as a job's. */
    const _Atomic int *stop;
    struct rl_text text;
    const char *type; /* static */
    size_t header;    /* bytes of JSON before bytes of tensors; 0: there are no tensors */
};

struct rl_format {
    const char *name;   /* unique */
    const char *prefix; /* of the paths that it serves: whole segments */

    /* Whether this is the format of a request with these headers; else RL_MEDIA_TYPE, and
     * `expected` tells the client why. */
    bool (*reads)(const struct rl_headers *headers);
    const char *expected;

    /* Which byte of a body should be aligned, as numbers may begin there; NULL: none. */
    size_t (*aligned)(const struct rl_headers *headers);

    /*
     * Fills *ret_query. RL_SYNTAX (malformed, with the position), RL_INVALID or RL_TOO_LARGE (with
     * the place), RL_NOMEM. With a team, only the thread that owns it may call this, outside of
     * rl_team_run; the result is the same as without.
     */
    enum rl_status (*read)(const struct rl_input *input, struct rl_query *ret_query,
                           struct rl_error *error);

    /* Fills the output, whose text is initialised, from a computed query. results: [query->count].
     * `team` as above. RL_OK or RL_NOMEM. */
    enum rl_status (*write)(const struct rl_query *query, const struct rl_result *results,
                            struct rl_team *team, struct rl_output *output);

    /* Fills the output, whose text is empty, with the reply to a GET of one of the format's paths.
     * Only output->text.failed says that memory was too short. NULL: there are no such paths. */
    void (*describe)(const struct rl_route *route, const struct rl_limits *limits,
                     struct rl_output *output);

    /* Fills the output with an error. `request_id` may be "". Only output->text.failed says that
     * memory was too short even for a reply without detail. */
    void (*write_error)(const struct rl_error *error, const char *request_id,
                        struct rl_output *output);
};

#endif
