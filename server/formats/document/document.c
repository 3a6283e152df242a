/*
 * document.c: takes the numeric arrays out of a text, and has jansson parse the rest.
 */
#include "server/formats/document/document.h"

#include <pthread.h>
#include <string.h>

#include "server/formats/document/jsonmem.h"
#include "server/formats/document/lex.h"
#include "server/formats/document/members.h"

enum {
    SEGMENT = 64 << 10,        /* bytes of a large text that one thread scans at a time … */
    SEGMENTS_FROM = 256 << 10, /* … and how large it must be */
    JSON_BASE = 4 << 20,       /* jansson's part: this much for any text … */
    JSON_FACTOR = 2 /* … and this many times the text, so that none takes many times its size */
};

/* ---- The remaining text ---------------------------------------------------------------------- */

static pthread_once_t initialised = PTHREAD_ONCE_INIT;

static void initialise(void)
{
    rl_jsonmem_install();
    json_object_seed(0);
}

void rl_document_init(void)
{
    pthread_once(&initialised, initialise);
}

/* Where in the remaining text the key starts that ends before `stop`. */
static size_t key_start(const char *text, size_t stop)
{
    size_t at = stop - 1; /* the closing quote */
    for (;;) {
        size_t slashes = 0;
        while (at > 0 && text[--at] != '"')
            continue;
        while (at > slashes && text[at - 1 - slashes] == '\\')
            slashes++;
        if (at == 0 || slashes % 2 == 0)
            return at;
    }
}

static enum rl_status refuse_duplicate(const struct rl_extracted *extracted, const char *body,
                                       size_t stop, struct rl_error *error)
{
    const char *const text = extracted->text;
    const size_t start = key_start(text, stop);
    const struct rl_excerpt key = rl_excerpt(text + start + 1, stop - start - 2);
    rl_fail(error, RL_SYNTAX, "", "the key \"%s\" occurs twice in its object", key.text);
    rl_error_locate(error, body, rl_extracted_origin(extracted, start));
    return RL_SYNTAX;
}

/* The text is JSON, or extract.h would have refused it: only a duplicate key or memory can fail. */
static enum rl_status refuse_rest(const struct rl_extracted *extracted, const char *body,
                                  const json_error_t *why, enum rl_jsonmem refused,
                                  struct rl_error *error)
{
    if (refused == RL_JSONMEM_SPENT)
        return rl_fail(error, RL_TOO_LARGE, "",
                       "what the request holds beside arrays of numbers takes more memory than "
                       "max-json-memory or its own size allows");
    if (json_error_code(why) == json_error_duplicate_key)
        return refuse_duplicate(extracted, body, (size_t)why->position, error);
    if (refused == RL_JSONMEM_FAILED || json_error_code(why) == json_error_out_of_memory)
        return rl_fail(error, RL_NOMEM, "", "no memory for the request");
    rl_fail(error, RL_SYNTAX, "", "%s", why->text);
    rl_error_locate(error, body, rl_extracted_origin(extracted, (size_t)why->position));
    return RL_SYNTAX;
}

static size_t json_budget(const struct rl_limits *limits, size_t length)
{
    const size_t most = limits->max_json_memory;
    const size_t share = JSON_BASE + JSON_FACTOR * length;
    return share < most ? share : most;
}

enum rl_status rl_document_read(char *text, size_t length, const struct rl_limits *limits,
                                struct rl_team *team, struct rl_arena *arena,
                                struct rl_document *ret_document, struct rl_error *error)
{
    json_error_t why;
    struct rl_extracted extracted;
    const size_t segment = team && length >= SEGMENTS_FROM ? SEGMENT : 0;
    rl_document_init();
    if (rl_extract(text, length, limits->max_depth, team, segment, arena, &extracted, error))
        return error->status;
    rl_jsonmem_begin(json_budget(limits, length));
    json_t *const root =
        json_loadb(extracted.text, extracted.length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    const enum rl_jsonmem refused = rl_jsonmem_end();
    if (!root)
        return refuse_rest(&extracted, text, &why, refused, error);
    *ret_document = (struct rl_document){root, extracted};
    return RL_OK;
}

void rl_document_release(struct rl_document *document)
{
    json_decref(document->root);
    document->root = NULL;
}

/* ---- Arrays -----------------------------------------------------------------------------------
 */

const struct rl_array *rl_array_of(const struct rl_extracted *extracted, const json_t *value)
{
    if (!json_is_array(value) || json_array_size(value) != 1)
        return NULL;
    const json_t *const index = json_array_get(value, 0);
    return json_is_integer(index) ? &extracted->arrays[json_integer_value(index)] : NULL;
}

const char *rl_array_word(uint64_t bits)
{
    return bits == RL_BITS_NULL    ? "null"
           : bits == RL_BITS_TRUE  ? "true"
           : bits == RL_BITS_FALSE ? "false"
                                   : NULL;
}

const char *rl_array_first_kind(const struct rl_array *array)
{
    uint64_t bits;
    if (array->shape == RL_ARRAY_ROWS || array->misfit.inner)
        return "a list";
    if (array->shape == RL_ARRAY_IRREGULAR)
        return strcmp(array->misfit.expected, "a list") == 0 ? "a list" : "a number";
    if (array->count == 0)
        return NULL;
    memcpy(&bits, array->values, sizeof(bits));
    const char *const word = rl_array_word(bits);
    return word ? word : "a number";
}

enum rl_status rl_document_list(const struct rl_extracted *extracted, const json_t *value,
                                const char *pointer, const char *expected, size_t *ret_count,
                                struct rl_error *error)
{
    char first[RL_POINTER_MAX];
    if (!json_is_array(value))
        return rl_refuse_kind(error, pointer, "a list", value);
    const struct rl_array *const array = rl_array_of(extracted, value);
    const char *const found = array ? rl_array_first_kind(array) : NULL;
    if (found) {
        rl_pointer_index(first, pointer, 0);
        return rl_fail(error, RL_INVALID, first, "%s was expected, found %s", expected, found);
    }
    *ret_count = array ? 0 : json_array_size(value);
    return RL_OK;
}

/* ---- Lists as text --------------------------------------------------------------------------- */

/* Makes the references of a value those of a table in which `before` arrays come first. */
static void shift_references(json_t *value, size_t before)
{
    const char *key;
    json_t *element;
    size_t i;
    if (json_is_array(value) && json_array_size(value) == 1 &&
        json_is_integer(json_array_get(value, 0))) {
        element = json_array_get(value, 0);
        json_integer_set(element, json_integer_value(element) + (json_int_t)before);
        return;
    }
    json_array_foreach(value, i, element) shift_references(element, before);
    json_object_foreach(value, key, element) shift_references(element, before);
}

/* Appends the arrays of one document to those of another. */
static bool join_arrays(struct rl_extracted *all, const struct rl_extracted *more,
                        struct rl_arena *arena)
{
    struct rl_array *const arrays =
        rl_arena_array(arena, all->count + more->count, sizeof(*arrays));
    if (!arrays)
        return false;
    for (size_t i = 0; i < all->count; i++)
        arrays[i] = all->arrays[i];
    for (size_t i = 0; i < more->count; i++)
        arrays[all->count + i] = more->arrays[i];
    all->arrays = arrays;
    all->count += more->count;
    return true;
}

/* The text as the only member of an object, which is what rl_document_read takes. */
static enum rl_status read_list(const char *text, size_t length, const struct rl_limits *limits,
                                struct rl_arena *arena, struct rl_document *ret_inner,
                                struct rl_error *error)
{
    static const char before[] = "{\"\":", after[] = "}";
    char *const whole = rl_arena_alloc(arena, length + sizeof(before) + sizeof(after));
    if (!whole)
        return rl_fail(error, RL_NOMEM, "", "no memory for the request");
    char *const at = whole + sizeof(before) - 1;
    memcpy(whole, before, sizeof(before) - 1);
    memcpy(at, text, length);
    memcpy(at + length, after, sizeof(after) - 1);
    return rl_document_read(whole, length + sizeof(before) + sizeof(after) - 2, limits, NULL, arena,
                            ret_inner, error);
}

enum rl_status rl_document_unpack(struct rl_document *document, json_t *object, const char *key,
                                  const char *pointer, const struct rl_limits *limits,
                                  struct rl_arena *arena, struct rl_error *error)
{
    const json_t *const packed = json_object_get(object, key);
    const char *const text = json_string_value(packed);
    struct rl_document inner;
    struct rl_error why;
    if (!text || text[0] != '[')
        return RL_OK;
    const enum rl_status status =
        read_list(text, json_string_length(packed), limits, arena, &inner, &why);
    if (status != RL_OK)
        return rl_fail(error, status == RL_SYNTAX ? RL_INVALID : status, pointer,
                       "the text is not JSON that can be read: %s", why.detail);
    json_t *const list = json_object_get(inner.root, "");
    const size_t before = document->extracted.count;
    enum rl_status joined = RL_OK;
    if (json_object_size(inner.root) != 1)
        joined = rl_fail(error, RL_INVALID, pointer, "the text of one list was expected");
    else if (!join_arrays(&document->extracted, &inner.extracted, arena) ||
             json_object_set(object, key, list) != 0)
        joined = rl_fail(error, RL_NOMEM, "", "no memory for the request");
    else
        shift_references(list, before);
    rl_document_release(&inner);
    return joined;
}
