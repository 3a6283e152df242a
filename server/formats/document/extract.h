/*
 * extract.h: takes the numeric arrays out of the text of a request, in one strict pass over it
 * (RFC 8259, UTF-8).
 *
 * An array is numeric if it holds only numbers, booleans, nulls and numeric arrays. Each outermost
 * numeric array becomes a struct rl_array, and `[k]`, its index, replaces it in a small remaining
 * text, which jansson parses. A `[5]` that the client sent is numeric and was taken out itself, so
 * in the remaining text `[k]` is always such a reference.
 *
 *   {"y_pred": [[0.1, 0.2], [3]], "include": ["gradient"]}
 *   {"y_pred": [0], "include": ["gradient"]}        arrays[0] = 0.1 0.2 3, offsets 0 2 3
 *
 * The pass refuses everything that is not JSON. On purpose it also refuses what no request needs: a
 * top level other than an object, numbers beyond the range of double, U+0000 in a key. It leaves
 * duplicate keys to jansson.
 */
#ifndef RL_EXTRACT_H
#define RL_EXTRACT_H

#include "server/base/status.h"
#include "server/formats/document/array.h"

#include "core/rankloss.h"

/* All of it lies in the arena, except that `text` is the body itself if nothing was taken out. */
struct rl_extracted {
    char *text;
    size_t length;
    struct rl_array *arrays;
    size_t count;
};

/*
 * Scans `length` bytes of `body`. With `segment` > 0 and a text of at least two segments of that
 * many bytes, the threads of `team` scan the segments at the same time (`team` NULL: the calling
 * thread scans them in turn); the result is the same. Only the thread that owns a team may pass it.
 *
 * Whole numbers outside of numeric arrays with more digits than jansson takes are rewritten in the
 * body as the same double, in the same length. The stack used does not depend on the text.
 *
 * RL_SYNTAX with the position; RL_TOO_LARGE for nesting beyond max_depth, for more than
 * RL_ARRAYS_MAX arrays, and for more memory than the arena's limit; RL_NOMEM.
 */
enum rl_status rl_extract(char *body, size_t length, size_t max_depth, struct rl_team *team,
                          size_t segment, struct rl_arena *arena,
                          struct rl_extracted *ret_extracted, struct rl_error *error);

/* The byte of the body from which byte `position` of the remaining text comes. */
size_t rl_extracted_origin(const struct rl_extracted *extracted, size_t position);

#endif
