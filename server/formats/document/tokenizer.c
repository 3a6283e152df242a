/*
 * tokenizer.c: the state machine that checks a text and collects its numeric arrays.
 */
#include "server/formats/document/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/formats/document/lex.h"
#include "server/formats/document/numrun.h"
#include "server/base/status.h"
#include "server/text/numreader.h"
#include "server/text/numwriter.h"

enum {
    FIRST_ARRAYS = 8,
    JANSSON_DIGITS = 18 /* whole numbers with more may not fit into jansson's 64 bits */
};

/* ---- Failing --------------------------------------------------------------------------------- */

static enum rl_want refuse(struct rl_tokenizer *tok, const char *at, const char *detail)
{
    if (!tok->error) /* a segment: whoever reads the whole will find the fault too */
        return RL_WANT_NOTHING;
    rl_fail(tok->error, RL_SYNTAX, "", "%s", detail);
    rl_error_locate(tok->error, tok->begin, (size_t)(at - tok->begin));
    return RL_WANT_NOTHING;
}

/* Fails because `expected` is not what is at `at`. */
static enum rl_want refuse_found(struct rl_tokenizer *tok, const char *at, const char *expected)
{
    char detail[160];
    if (at == tok->end)
        snprintf(detail, sizeof(detail), "%s was expected, but the text ends", expected);
    else if (*at == 0)
        snprintf(detail, sizeof(detail), "%s was expected, found a NUL byte", expected);
    else if (*at > 0x20 && *at < 0x7f)
        snprintf(detail, sizeof(detail), "%s was expected, found '%c'", expected, *at);
    else
        snprintf(detail, sizeof(detail), "%s was expected, found the byte 0x%02x", expected,
                 (unsigned)(unsigned char)*at);
    return refuse(tok, at, detail);
}

static bool starts_with(const struct rl_tokenizer *tok, const char *at, const char *word)
{
    const size_t length = strlen(word);
    return (size_t)(tok->end - at) >= length && memcmp(at, word, length) == 0;
}

/* Fails because there is no value at `at`. */
static enum rl_want refuse_value(struct rl_tokenizer *tok, const char *at, const char *expected)
{
    static const char *const names[] = {"NaN",  "Infinity",  "-Infinity", "nan",   "inf", "-inf",
                                        "None", "undefined", "True",      "False", "Inf", "-Inf"};
    char detail[160];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (starts_with(tok, at, names[i])) {
            snprintf(detail, sizeof(detail),
                     "%s is not a JSON value; use null for what is not known", names[i]);
            return refuse(tok, at, detail);
        }
    }
    if (at < tok->end && *at == '\'')
        return refuse(tok, at, "strings need double quotes");
    if (at < tok->end && *at == '/')
        return refuse(tok, at, "JSON has no comments");
    if (at < tok->end && (*at == '+' || *at == '.'))
        return refuse(tok, at, "a number begins with a digit or a minus");
    return refuse_found(tok, at, expected);
}

static enum rl_want refuse_number(struct rl_tokenizer *tok, const char *at, const char *stop)
{
    if (stop > at && stop < tok->end && (unsigned char)(*stop - '0') < 10)
        return refuse(tok, at, "a number must not have leading zeros");
    if (starts_with(tok, at, "-Inf") || starts_with(tok, at, "-inf"))
        return refuse_value(tok, at, "a value");
    return refuse_found(tok, stop, "a digit");
}

/* ---- Arrays ---------------------------------------------------------------------------------- */

static bool reserve_array(struct rl_tokenizer *tok)
{
    if (tok->count < tok->capacity)
        return true;
    const size_t capacity = tok->capacity ? 4 * tok->capacity : FIRST_ARRAYS;
    struct rl_array *const arrays = rl_arena_array(tok->arena, capacity, sizeof(*arrays));
    if (!arrays)
        return false;
    if (tok->count)
        memcpy(arrays, tok->arrays, tok->count * sizeof(*arrays));
    tok->arrays = arrays;
    tok->capacity = capacity;
    return true;
}

static void begin_array(struct rl_tokenizer *tok)
{
    tok->base = tok->depth;
    tok->shaped = false;
    tok->first = tok->next;
    tok->row_first = tok->row;
    tok->array = (struct rl_array){.begin = (size_t)(tok->at - tok->begin)};
}

/* Complete rows of the candidate: each has left its end, after the 0 where the first begins. */
static size_t row_count(const struct rl_tokenizer *tok)
{
    return (size_t)(tok->row_first - tok->row) - 1;
}

static void reverse(size_t *first, size_t *end)
{
    for (end--; first < end; first++, end--) {
        const size_t other = *first;
        *first = *end;
        *end = other;
    }
}

static enum rl_want end_array(struct rl_tokenizer *tok)
{
    struct rl_array *const array = &tok->array;
    tok->base = 0;
    if (tok->count == RL_ARRAYS_MAX) {
        rl_fail(tok->error, RL_TOO_LARGE, "", "more than %d arrays of numbers", RL_ARRAYS_MAX);
        return RL_WANT_NOTHING;
    }
    if (!reserve_array(tok)) {
        rl_fail(tok->error, RL_NOMEM, "", "no memory for the request");
        return RL_WANT_NOTHING;
    }
    array->end = (size_t)(tok->at - tok->begin);
    array->values = tok->first;
    array->count = (size_t)(tok->next - tok->first);
    if (array->shape == RL_ARRAY_ROWS) {
        reverse(tok->row, tok->row_first);
        array->offsets = tok->row;
        array->rows = row_count(tok);
    }
    tok->arrays[tok->count++] = *array;
    return RL_WANT_NEXT;
}

/* An element deviates from the shape. The values so far are no longer needed. */
static void become_irregular(struct rl_tokenizer *tok, bool inner, const char *found)
{
    struct rl_array *const array = &tok->array;
    const bool rows = array->shape == RL_ARRAY_ROWS;
    const size_t values = (size_t)(tok->next - tok->first);
    const size_t row = rows ? row_count(tok) : values;
    const size_t item = inner ? values - *tok->row : 0;
    array->misfit = (struct rl_misfit){.row = row,
                                       .item = item,
                                       .inner = inner,
                                       .expected = rows && !inner ? "a list" : "a number",
                                       .found = found};
    array->shape = RL_ARRAY_IRREGULAR;
    tok->next = tok->first;
    tok->row = tok->row_first;
}

/* Keeps a scalar of the candidate. `found` names it for errors. */
static enum rl_want keep_value(struct rl_tokenizer *tok, double value, const char *found)
{
    if (!tok->shaped) {
        tok->shaped = true; /* RL_ARRAY_FLAT, which is 0 */
    } else if (tok->array.shape == RL_ARRAY_ROWS && tok->depth == tok->base) {
        become_irregular(tok, false, found);
    }
    if (tok->array.shape == RL_ARRAY_IRREGULAR)
        return RL_WANT_NEXT;
    *tok->next++ = value;
    return RL_WANT_NEXT;
}

/* An array opens inside the candidate. */
static enum rl_want keep_opening(struct rl_tokenizer *tok)
{
    const size_t level = tok->depth - tok->base;
    if (!tok->shaped) {
        tok->shaped = true;
        tok->array.shape = RL_ARRAY_ROWS;
        *--tok->row = 0;
    } else if (tok->array.shape == RL_ARRAY_FLAT) {
        become_irregular(tok, false, "a list");
    } else if (tok->array.shape == RL_ARRAY_ROWS && level == 2) {
        become_irregular(tok, true, "a list");
    }
    return RL_WANT_FIRST_VALUE;
}

/* An array closes inside the candidate. */
static enum rl_want keep_closing(struct rl_tokenizer *tok)
{
    if (tok->array.shape != RL_ARRAY_ROWS)
        return RL_WANT_NEXT;
    *--tok->row = (size_t)(tok->next - tok->first);
    return RL_WANT_NEXT;
}

/* The candidate holds a string or an object: returns to its beginning (tokenizer.h). */
static enum rl_want go_back(struct rl_tokenizer *tok)
{
    tok->mixed_first = tok->base;
    tok->mixed_last = tok->depth;
    memcpy(tok->mixed + tok->base, tok->open + tok->base,
           (tok->depth - tok->base + 1) * sizeof(*tok->open));
    tok->at = tok->open[tok->base];
    tok->depth = tok->base - 1;
    tok->base = 0;
    tok->next = tok->first;
    tok->row = tok->row_first;
    return RL_WANT_VALUE;
}

/* ---- Values ---------------------------------------------------------------------------------- */

static bool push(struct rl_tokenizer *tok)
{
    if (tok->depth == RL_TOKENIZER_DEPTH)
        return false;
    tok->open[++tok->depth] = tok->at;
    if (tok->depth > tok->max_depth && !tok->too_deep)
        tok->too_deep = tok->at;
    return true;
}

static bool is_mixed(const struct rl_tokenizer *tok)
{
    const size_t depth = tok->depth;
    return depth >= tok->mixed_first && depth <= tok->mixed_last &&
           tok->mixed[depth] == tok->open[depth];
}

static enum rl_want take_bracket(struct rl_tokenizer *tok)
{
    const bool array = *tok->at == '[';
    if (!array && tok->base)
        return go_back(tok);
    if (!push(tok)) {
        char detail[80];
        snprintf(detail, sizeof(detail), "nested deeper than %d levels", RL_TOKENIZER_DEPTH);
        return refuse(tok, tok->at, detail);
    }
    enum rl_want want = array ? RL_WANT_FIRST_VALUE : RL_WANT_FIRST_KEY;
    if (tok->base)
        want = keep_opening(tok);
    else if (array && !is_mixed(tok))
        begin_array(tok);
    tok->at++;
    return want;
}

static enum rl_want take_string(struct rl_tokenizer *tok, bool key)
{
    struct rl_fault fault;
    if (tok->base)
        return go_back(tok);
    const char *const stop = rl_lex_string(tok->at, tok->end, key, &fault);
    if (!stop)
        return refuse(tok, fault.at, fault.why);
    tok->at = stop;
    return RL_WANT_NEXT;
}

static enum rl_want take_word(struct rl_tokenizer *tok, const char *word, uint64_t bits)
{
    double value;
    if (!starts_with(tok, tok->at, word))
        return refuse_value(tok, tok->at, "a value");
    tok->at += strlen(word);
    if (!tok->base)
        return RL_WANT_NEXT;
    memcpy(&value, &bits, sizeof(value));
    if (bits == RL_BITS_NULL)
        tok->array.has_null = true;
    else
        tok->array.has_bool = true;
    return keep_value(tok, value, word);
}

/* Rewrites a whole number that may not fit into jansson's integers as a real one of the same value
 * and length: the 17 digits that identify a double, an exponent, blanks. */
static void shorten_whole(struct rl_tokenizer *tok, const char *stop, double value)
{
    char *out = tok->body + (tok->at - tok->begin), *end = tok->body + (stop - tok->begin);
    char text[32]; /* d.dddddddddddddddde+18 or more */
    out += *out == '-';
    if (end - out <= JANSSON_DIGITS || memchr(out, '.', (size_t)(end - out)) ||
        memchr(out, 'e', (size_t)(end - out)) || memchr(out, 'E', (size_t)(end - out)))
        return;
    snprintf(text, sizeof(text), "%.16e", value < 0 ? -value : value);
    const long exponent = strtol(text + 20, NULL, 10) - 16;
    *out++ = text[0];
    memcpy(out, text + 2, 16);
    out += 16;
    *out++ = 'e';
    out = rl_write_unsigned(out, (uint64_t)exponent);
    memset(out, ' ', (size_t)(end - out));
}

/* Takes a number with the general reader. */
static enum rl_want take_number(struct rl_tokenizer *tok)
{
    const char *stop;
    double value;
    switch (rl_number_read(tok->at, tok->end, &stop, &value)) {
    case RL_NUMBER_MALFORMED:
        return refuse_number(tok, tok->at, stop);
    case RL_NUMBER_OVERFLOW:
        return refuse(tok, tok->at, "a number beyond the range of double");
    case RL_NUMBER_OK:
        break;
    }
    if (!tok->base)
        shorten_whole(tok, stop, value);
    tok->at = stop;
    return tok->base ? keep_value(tok, value, "a number") : RL_WANT_NEXT;
}

static enum rl_want take_scalar(struct rl_tokenizer *tok)
{
    switch (*tok->at) {
    case 't':
        return take_word(tok, "true", RL_BITS_TRUE);
    case 'f':
        return take_word(tok, "false", RL_BITS_FALSE);
    case 'n':
        return take_word(tok, "null", RL_BITS_NULL);
    default:
        return take_number(tok);
    }
}

/* Takes values of a known shape with the fast loop. */
static enum rl_want take_run(struct rl_tokenizer *tok)
{
    struct rl_numrun run = {.at = tok->at,
                            .end = tok->end,
                            .limit = tok->limit,
                            .rows = tok->array.shape == RL_ARRAY_ROWS,
                            .first = tok->first,
                            .next = tok->next,
                            .row = tok->row};
    const bool value_last = rl_numrun_read(&run);
    if (run.at == tok->at)
        return take_scalar(tok);
    if (run.opened)
        tok->open[tok->depth] = run.opened;
    tok->array.has_null |= run.has_null;
    tok->array.has_bool |= run.has_bool;
    tok->next = run.next;
    tok->row = run.row;
    tok->at = run.at;
    return value_last ? RL_WANT_NEXT : run.at[-1] == '[' ? RL_WANT_FIRST_VALUE : RL_WANT_VALUE;
}

/* Whether the candidate's shape is known and expects values here. */
static bool in_run(const struct rl_tokenizer *tok)
{
    if (!tok->base || !tok->shaped || tok->at - tok->begin < RL_NUMBER_BEFORE)
        return false;
    const enum rl_array_shape shape = tok->array.shape;
    return shape == RL_ARRAY_FLAT   ? tok->depth == tok->base
           : shape == RL_ARRAY_ROWS ? tok->depth == tok->base + 1
                                    : false;
}

static enum rl_want take_value(struct rl_tokenizer *tok)
{
    const char c = tok->at < tok->end ? *tok->at : 0;
    if ((unsigned char)(c - '0') < 10 || c == '-' || c == 't' || c == 'f' || c == 'n')
        return in_run(tok) ? take_run(tok) : take_scalar(tok);
    if (c == '[' || c == '{')
        return take_bracket(tok);
    if (c == '"')
        return take_string(tok, false);
    return refuse_value(tok, tok->at, "a value");
}

/* ---- Structure ------------------------------------------------------------------------------- */

static enum rl_want take_key(struct rl_tokenizer *tok)
{
    if (tok->at == tok->end || *tok->at != '"')
        return refuse_value(tok, tok->at, "a key in double quotes");
    if (take_string(tok, true) == RL_WANT_NOTHING)
        return RL_WANT_NOTHING;
    tok->at = rl_skip_blanks(tok->at, tok->end);
    if (tok->at == tok->end || *tok->at != ':')
        return refuse_found(tok, tok->at, "a colon after the key");
    tok->at++;
    return RL_WANT_VALUE;
}

static enum rl_want take_closing(struct rl_tokenizer *tok)
{
    tok->at++;
    tok->depth--;
    if (tok->base && tok->depth < tok->base)
        return end_array(tok);
    if (tok->base && tok->depth == tok->base)
        return keep_closing(tok);
    return tok->depth ? RL_WANT_NEXT : RL_WANT_END;
}

static bool in_array(const struct rl_tokenizer *tok)
{
    return *tok->open[tok->depth] == '[';
}

static bool at_closing(const struct rl_tokenizer *tok)
{
    return tok->at < tok->end && *tok->at == (in_array(tok) ? ']' : '}');
}

static enum rl_want take_next(struct rl_tokenizer *tok)
{
    if (at_closing(tok))
        return take_closing(tok);
    const bool array = in_array(tok);
    if (tok->at == tok->end || *tok->at != ',')
        return refuse_found(tok, tok->at, array ? "a comma or ]" : "a comma or }");
    tok->at++;
    return array ? RL_WANT_VALUE : RL_WANT_KEY;
}

enum rl_want rl_tokenizer_step(struct rl_tokenizer *tok, enum rl_want want)
{
    switch (want) {
    case RL_WANT_FIRST_VALUE:
        return at_closing(tok) ? take_closing(tok) : take_value(tok);
    case RL_WANT_VALUE:
        return take_value(tok);
    case RL_WANT_FIRST_KEY:
        return at_closing(tok) ? take_closing(tok) : take_key(tok);
    case RL_WANT_KEY:
        return take_key(tok);
    default:
        return take_next(tok);
    }
}

enum rl_want rl_tokenizer_run(struct rl_tokenizer *tok, enum rl_want want, const char *limit)
{
    tok->limit = limit;
    while (want != RL_WANT_NOTHING && want != RL_WANT_END) {
        tok->at = rl_skip_blanks(tok->at, tok->end);
        if (tok->at >= limit)
            break;
        want = rl_tokenizer_step(tok, want);
    }
    return want;
}

enum rl_want rl_tokenizer_begin(struct rl_tokenizer *tok)
{
    if (starts_with(tok, tok->at, "\xef\xbb\xbf"))
        return refuse(tok, tok->at, "a byte order mark, which JSON does not allow");
    if (starts_with(tok, tok->at, "\xff\xfe") || starts_with(tok, tok->at, "\xfe\xff"))
        return refuse(tok, tok->at, "UTF-16; JSON must be UTF-8");
    tok->at = rl_skip_blanks(tok->at, tok->end);
    if (tok->at == tok->end)
        return refuse(tok, tok->at, "the body is empty: a JSON object is expected");
    if (*tok->at != '{')
        return refuse_value(tok, tok->at, "a JSON object");
    return take_bracket(tok);
}

bool rl_tokenizer_end(struct rl_tokenizer *tok)
{
    tok->at = rl_skip_blanks(tok->at, tok->end);
    if (tok->at == tok->end)
        return true;
    refuse(tok, tok->at, "more text follows the object");
    return false;
}
