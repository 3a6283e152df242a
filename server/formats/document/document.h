/*
 * document.h: JSON text as a tree of jansson's, without its numeric arrays.
 *
 * The numeric arrays are taken out first (extract.h); jansson parses only the small text that
 * remains. Duplicate keys are refused, and jansson's memory has a limit (jsonmem.h).
 */
#ifndef RL_DOCUMENT_H
#define RL_DOCUMENT_H

#include <jansson.h>

#include "server/formats/document/extract.h"
#include "server/formats/query.h"

/* The caller releases it; the arrays lie in the arena. */
struct rl_document {
    json_t *root; /* an object */
    struct rl_extracted extracted;
};

/*
 * Once, before any other thread uses jansson: installs the allocator that keeps its budget
 * (jsonmem.h) and seeds its hash tables. rl_document_read does it too, so tests need not.
 */
void rl_document_init(void);

/* Reads `length` bytes of text, which it may change, but never to another meaning. RL_SYNTAX sets
 * line, column and offset; RL_TOO_LARGE, RL_NOMEM. `team` may be NULL. */
enum rl_status rl_document_read(char *text, size_t length, const struct rl_limits *limits,
                                struct rl_team *team, struct rl_arena *arena,
                                struct rl_document *ret_document, struct rl_error *error);
void rl_document_release(struct rl_document *document);

/* The array that `value` of the tree refers to; NULL if it is not a reference. */
const struct rl_array *rl_array_of(const struct rl_extracted *extracted, const json_t *value);

/* "null", "true" or "false" for the bits of such an element; NULL for those of a number. */
const char *rl_array_word(uint64_t bits);

/* What the array's first element is ("a number", …; static); NULL for an empty array. */
const char *rl_array_first_kind(const struct rl_array *array);

/*
 * Checks that a member is a list of other things than numbers; `expected` says of which. An empty
 * list was taken out as an array: *ret_count is 0 then. RL_INVALID.
 */
enum rl_status rl_document_list(const struct rl_extracted *extracted, const json_t *value,
                                const char *pointer, const char *expected, size_t *ret_count,
                                struct rl_error *error);

/*
 * Where a member of an object of the document is a text that begins with `[`, replaces it by the
 * list that the text is. RL_INVALID if it is none, RL_TOO_LARGE, RL_NOMEM.
 */
enum rl_status rl_document_unpack(struct rl_document *document, json_t *object, const char *key,
                                  const char *pointer, const struct rl_limits *limits,
                                  struct rl_arena *arena, struct rl_error *error);

#endif
