/*
 * lift.c: one strict pass over the text of a request that takes its numeric arrays out.
 *
 * lifting.h says how it goes. This file is the machine, step by step; pieces.c lets several threads
 * step through one text.
 */
#include "server/formats/json/lift.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/formats/json/lifting.h"
#include "server/text/numreader.h"
#include "server/formats/json/pieces.h"
#include "server/formats/json/scan.h"
#include "server/text/numwriter.h"

enum {
    FIRST_COLUMNS = 8,
    SPARE = 64 << 10,      /* bytes beside the text's length that the rows of pieces may take */
    WORD = sizeof(double), /* of the block of columns; a size_t fits too */
    JANSSON_DIGITS = 18    /* whole numbers with more may not fit into jansson's 64 bits */
};

void rl_error_locate(struct rl_error *error, const char *body, size_t offset)
{
    const char *line = body;
    error->offset = offset;
    error->line = error->column = 1;
    for (const char *p = body; p < body + offset; p++) {
        if (*p == '\n') {
            error->line++;
            line = p + 1;
        }
    }
    for (const char *p = line; p < body + offset; p++)
        error->column += ((unsigned char)*p & 0xc0) != 0x80;
}

/* ---- Failing --------------------------------------------------------------------------------- */

static enum rl_want refuse(struct rl_lifting *lift, const char *at, const char *detail)
{
    if (!lift->error) /* a piece: whoever reads the whole will find the fault too */
        return RL_WANT_NOTHING;
    rl_fail(lift->error, RL_SYNTAX, "", "%s", detail);
    rl_error_locate(lift->error, lift->begin, (size_t)(at - lift->begin));
    return RL_WANT_NOTHING;
}

/* Something else was expected than what stands at `at`. */
static enum rl_want refuse_found(struct rl_lifting *lift, const char *at, const char *expected)
{
    char detail[160];
    if (at == lift->end)
        snprintf(detail, sizeof(detail), "%s was expected, but the text ends", expected);
    else if (*at == 0)
        snprintf(detail, sizeof(detail), "%s was expected, found a NUL byte", expected);
    else if (*at > 0x20 && *at < 0x7f)
        snprintf(detail, sizeof(detail), "%s was expected, found '%c'", expected, *at);
    else
        snprintf(detail, sizeof(detail), "%s was expected, found the byte 0x%02x", expected,
                 (unsigned)(unsigned char)*at);
    return refuse(lift, at, detail);
}

static bool starts_with(const struct rl_lifting *lift, const char *at, const char *word)
{
    const size_t length = strlen(word);
    return (size_t)(lift->end - at) >= length && memcmp(at, word, length) == 0;
}

/* What stands at `at` is no value. */
static enum rl_want refuse_value(struct rl_lifting *lift, const char *at, const char *expected)
{
    static const char *const names[] = {"NaN",  "Infinity",  "-Infinity", "nan",   "inf", "-inf",
                                        "None", "undefined", "True",      "False", "Inf", "-Inf"};
    char detail[160];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (starts_with(lift, at, names[i])) {
            snprintf(detail, sizeof(detail),
                     "%s is no value of JSON; null stands for what is not known", names[i]);
            return refuse(lift, at, detail);
        }
    }
    if (at < lift->end && *at == '\'')
        return refuse(lift, at, "strings stand in double quotes");
    if (at < lift->end && *at == '/')
        return refuse(lift, at, "JSON has no comments");
    if (at < lift->end && (*at == '+' || *at == '.'))
        return refuse(lift, at, "a number begins with a digit or a minus");
    return refuse_found(lift, at, expected);
}

static enum rl_want refuse_number(struct rl_lifting *lift, const char *at, const char *stop)
{
    if (stop > at && stop < lift->end && (unsigned char)(*stop - '0') < 10)
        return refuse(lift, at, "a number has no zeros in front");
    if (starts_with(lift, at, "-Inf") || starts_with(lift, at, "-inf"))
        return refuse_value(lift, at, "a value");
    return refuse_found(lift, stop, "a digit");
}

/* ---- Columns --------------------------------------------------------------------------------- */

static bool reserve_column(struct rl_lifting *lift)
{
    if (lift->count < lift->capacity)
        return true;
    const size_t capacity = lift->capacity ? 4 * lift->capacity : FIRST_COLUMNS;
    struct rl_column *columns = rl_arena_array(lift->arena, capacity, sizeof(*columns));
    if (!columns)
        return false;
    if (lift->count)
        memcpy(columns, lift->columns, lift->count * sizeof(*columns));
    lift->columns = columns;
    lift->capacity = capacity;
    return true;
}

static void begin_column(struct rl_lifting *lift)
{
    lift->base = lift->depth;
    lift->shaped = false;
    lift->first = lift->next;
    lift->row_first = lift->row;
    lift->column = (struct rl_column){.begin = (size_t)(lift->at - lift->begin)};
}

/* Complete rows of the candidate: each has left its end, behind the 0 where the first begins. */
static size_t row_count(const struct rl_lifting *lift)
{
    return (size_t)(lift->row_first - lift->row) - 1;
}

static void reverse(size_t *first, size_t *end)
{
    for (end--; first < end; first++, end--) {
        const size_t other = *first;
        *first = *end;
        *end = other;
    }
}

static enum rl_want end_column(struct rl_lifting *lift)
{
    struct rl_column *column = &lift->column;
    lift->base = 0;
    if (lift->count == RL_COLUMNS_MAX) {
        rl_fail(lift->error, RL_TOO_LARGE, "", "more than %d arrays of numbers", RL_COLUMNS_MAX);
        return RL_WANT_NOTHING;
    }
    if (!reserve_column(lift)) {
        rl_fail(lift->error, RL_NOMEM, "", "no memory for the request");
        return RL_WANT_NOTHING;
    }
    column->end = (size_t)(lift->at - lift->begin);
    column->values = lift->first;
    column->count = (size_t)(lift->next - lift->first);
    if (column->shape == RL_SHAPE_ROWS) {
        reverse(lift->row, lift->row_first);
        column->offsets = lift->row;
        column->rows = row_count(lift);
    }
    lift->columns[lift->count++] = *column;
    return RL_WANT_NEXT;
}

/* The first element that breaks the shape: the values so far are of no more use. */
static void become_irregular(struct rl_lifting *lift, bool inner, const char *found)
{
    struct rl_column *column = &lift->column;
    const bool rows = column->shape == RL_SHAPE_ROWS;
    const size_t values = (size_t)(lift->next - lift->first);
    const size_t row = rows ? row_count(lift) : values;
    const size_t item = inner ? values - *lift->row : 0;
    column->misfit = (struct rl_misfit){.row = row,
                                        .item = item,
                                        .inner = inner,
                                        .expected = rows && !inner ? "a list" : "a number",
                                        .found = found};
    column->shape = RL_SHAPE_IRREGULAR;
    lift->next = lift->first;
    lift->row = lift->row_first;
}

/* Notes a scalar of the candidate. `found` names it for errors. */
static enum rl_want keep_value(struct rl_lifting *lift, double value, const char *found)
{
    if (!lift->shaped) {
        lift->shaped = true; /* RL_SHAPE_LIST, which is 0 */
    } else if (lift->column.shape == RL_SHAPE_ROWS && lift->depth == lift->base) {
        become_irregular(lift, false, found);
    }
    if (lift->column.shape == RL_SHAPE_IRREGULAR)
        return RL_WANT_NEXT;
    *lift->next++ = value;
    return RL_WANT_NEXT;
}

/* Notes that an array opens inside of the candidate. */
static enum rl_want keep_opening(struct rl_lifting *lift)
{
    const size_t level = lift->depth - lift->base;
    if (!lift->shaped) {
        lift->shaped = true;
        lift->column.shape = RL_SHAPE_ROWS;
        *--lift->row = 0;
    } else if (lift->column.shape == RL_SHAPE_LIST) {
        become_irregular(lift, false, "a list");
    } else if (lift->column.shape == RL_SHAPE_ROWS && level == 2) {
        become_irregular(lift, true, "a list");
    }
    return RL_WANT_FIRST_VALUE;
}

/* Notes that an array closes inside of the candidate. */
static enum rl_want keep_closing(struct rl_lifting *lift)
{
    if (lift->column.shape != RL_SHAPE_ROWS)
        return RL_WANT_NEXT;
    *--lift->row = (size_t)(lift->next - lift->first);
    return RL_WANT_NEXT;
}

/* A string or an object stands in the candidate: see the top of the file. */
static enum rl_want go_back(struct rl_lifting *lift)
{
    lift->mixed_first = lift->base;
    lift->mixed_last = lift->depth;
    memcpy(lift->mixed + lift->base, lift->open + lift->base,
           (lift->depth - lift->base + 1) * sizeof(*lift->open));
    lift->at = lift->open[lift->base];
    lift->depth = lift->base - 1;
    lift->base = 0;
    lift->next = lift->first;
    lift->row = lift->row_first;
    return RL_WANT_VALUE;
}

/* ---- Values ---------------------------------------------------------------------------------- */

static bool push(struct rl_lifting *lift)
{
    if (lift->depth == RL_LIFTING_DEPTH)
        return false;
    lift->open[++lift->depth] = lift->at;
    if (lift->depth > lift->max_depth && !lift->too_deep)
        lift->too_deep = lift->at;
    return true;
}

static bool is_mixed(const struct rl_lifting *lift)
{
    const size_t depth = lift->depth;
    return depth >= lift->mixed_first && depth <= lift->mixed_last &&
           lift->mixed[depth] == lift->open[depth];
}

static enum rl_want take_bracket(struct rl_lifting *lift)
{
    const bool array = *lift->at == '[';
    if (!array && lift->base)
        return go_back(lift);
    if (!push(lift)) {
        char detail[80];
        snprintf(detail, sizeof(detail), "nested deeper than %d levels", RL_LIFTING_DEPTH);
        return refuse(lift, lift->at, detail);
    }
    enum rl_want want = array ? RL_WANT_FIRST_VALUE : RL_WANT_FIRST_KEY;
    if (lift->base)
        want = keep_opening(lift);
    else if (array && !is_mixed(lift))
        begin_column(lift);
    lift->at++;
    return want;
}

static enum rl_want take_string(struct rl_lifting *lift, bool key)
{
    struct rl_fault fault;
    if (lift->base)
        return go_back(lift);
    const char *stop = rl_scan_string(lift->at, lift->end, key, &fault);
    if (!stop)
        return refuse(lift, fault.at, fault.why);
    lift->at = stop;
    return RL_WANT_NEXT;
}

static enum rl_want take_word(struct rl_lifting *lift, const char *word, uint64_t bits)
{
    double value;
    if (!starts_with(lift, lift->at, word))
        return refuse_value(lift, lift->at, "a value");
    lift->at += strlen(word);
    if (!lift->base)
        return RL_WANT_NEXT;
    memcpy(&value, &bits, sizeof(value));
    if (bits == RL_BITS_NULL)
        lift->column.has_null = true;
    else
        lift->column.has_bool = true;
    return keep_value(lift, value, word);
}

/* A whole number that may not fit into jansson's integers becomes a real one of the same value and
 * length: the 17 digits that tell a double, an exponent, blanks. */
static void shorten_whole(struct rl_lifting *lift, const char *stop, double value)
{
    char *out = lift->body + (lift->at - lift->begin), *end = lift->body + (stop - lift->begin);
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

/* Any number, by the reader that knows all of them. */
static enum rl_want take_number(struct rl_lifting *lift)
{
    const char *stop;
    double value;
    switch (rl_number_read(lift->at, lift->end, &stop, &value)) {
    case RL_NUMBER_MALFORMED:
        return refuse_number(lift, lift->at, stop);
    case RL_NUMBER_OVERFLOW:
        return refuse(lift, lift->at, "a number beyond the range of double");
    case RL_NUMBER_OK:
        break;
    }
    if (!lift->base)
        shorten_whole(lift, stop, value);
    lift->at = stop;
    return lift->base ? keep_value(lift, value, "a number") : RL_WANT_NEXT;
}

/* How far take_run may begin numbers: rl_number_try must not look beyond the text. */
static const char *run_limit(const struct rl_lifting *lift)
{
    const size_t text = (size_t)(lift->end - lift->at);
    const char *safe = text > RL_NUMBER_AFTER ? lift->end - RL_NUMBER_AFTER : lift->at;
    return safe < lift->limit ? safe : lift->limit;
}

/* What stood between two numbers the last time, up to 8 bytes: most often it stands there again,
 * and one comparison tells. */
struct gap {
    uint64_t mask, text;
    size_t length;
    /* What 16 bytes of numbers of one digit with this gap behind each look like: so many fit, with
     * digits at these bytes, and this text at those of the masks. */
    size_t grades;
    uint32_t digits;
    uint64_t masks[2], texts[2];
};

static bool gap_fits(const struct gap *gap, const char *text)
{
    return (rl_load8(text) & gap->mask) == gap->text;
}

/* Labels mostly are grades, of one digit each: how many of them 16 bytes hold, and how. */
static void learn_grades(struct gap *gap, const char *between)
{
    char mask[16] = {0}, text[16] = {0};
    const size_t stride = 1 + gap->length;
    gap->grades = sizeof(text) / stride;
    gap->digits = 0;
    for (size_t g = 0; g < gap->grades; g++) {
        gap->digits |= 1u << g * stride;
        memset(mask + g * stride + 1, 0xff, gap->length);
        memcpy(text + g * stride + 1, between, gap->length);
    }
    memcpy(gap->masks, mask, sizeof(mask));
    memcpy(gap->texts, text, sizeof(text));
}

/* Remembers what stands at `text`: a comma, or the brackets between two rows, with the blanks
 * around. False when it is something else or too long. */
static bool learn_gap(struct gap *gap, const char *text, const char *end, bool rows)
{
    const char *p = text;
    if (rows && *p == ']')
        p = rl_skip_blanks(p + 1, end);
    if (p == end || *p != ',')
        return false;
    p = rl_skip_blanks(p + 1, end);
    if (rows && (p == end || *p++ != '['))
        return false;
    gap->length = (size_t)(p - text);
    if (gap->length > sizeof(gap->text))
        return false;
    gap->mask = UINT64_MAX >> (64 - 8 * gap->length);
    gap->text = rl_load8(text) & gap->mask;
    if (!rows)
        learn_grades(gap, text);
    return true;
}

static bool grades_fit(const struct gap *gap, const char *text)
{
    uint64_t words[2];
    memcpy(words, text, sizeof(words));
    return ((words[0] & gap->masks[0]) ^ gap->texts[0]) == 0 &&
           ((words[1] & gap->masks[1]) ^ gap->texts[1]) == 0 &&
           (rl_nondigits16(text) & gap->digits) == 0;
}

/* Takes grades as long as 16 bytes hold nothing else; returns where they end. */
static const char *take_grades(const struct gap *gap, const char *text, const char *limit,
                               double **next)
{
    const size_t stride = 1 + gap->length;
    while (limit - text >= 16 && grades_fit(gap, text)) {
        for (size_t g = 0; g < gap->grades; g++)
            (*next)[g] = text[g * stride] - '0';
        *next += gap->grades;
        text += gap->grades * stride;
    }
    return text;
}

/* Reads the number at `at` if the short cut failed on it, or stopped before its exponent. */
static const char *read_other(const struct rl_lifting *lift, const char *at, const char *stop,
                              double *ret_value)
{
    if (stop && (*stop == ',' || *stop == ']' || rl_is_blank(*stop)))
        return stop;
    return rl_number_read(at, lift->end, &stop, ret_value) == RL_NUMBER_OK ? stop : NULL;
}

/*
 * The loop that reads batches: numbers, with the same gaps between them and between rows as
 * before. Stops before the first piece of text that is anything else, wherever that is in a list.
 */
static enum rl_want take_run(struct rl_lifting *lift)
{
    const bool rows = lift->column.shape == RL_SHAPE_ROWS;
    const char *p = lift->at, *const limit = run_limit(lift);
    struct gap comma = {.text = 1}, row = {.text = 1}; /* fit nothing */
    double *next = lift->next;
    bool number_last = false;
    while (p < limit) {
        const char *stop = rl_number_try(p, next);
        if (stop && gap_fits(&comma, stop)) {
            const bool grade = stop == p + 1;
            next++;
            p = stop + comma.length;
            if (grade)
                p = take_grades(&comma, p, limit, &next);
            continue;
        }
        stop = read_other(lift, p, stop, next);
        if (!stop)
            break;
        next++;
        p = stop;
        if (lift->end - p < RL_NUMBER_AFTER) {
            number_last = true;
            break;
        }
        if (learn_gap(&comma, p, lift->end, false)) {
            p += comma.length;
        } else if (rows && (gap_fits(&row, p) || learn_gap(&row, p, lift->end, true))) {
            *--lift->row = (size_t)(next - lift->first);
            p += row.length;
            lift->open[lift->depth] = p - 1;
        } else {
            number_last = true;
            break;
        }
    }
    lift->next = next;
    if (p == lift->at)
        return take_number(lift);
    lift->at = p;
    return number_last ? RL_WANT_NEXT : p[-1] == '[' ? RL_WANT_FIRST_VALUE : RL_WANT_VALUE;
}

/* Whether a run of numbers is what the candidate's shape expects here. */
static bool in_run(const struct rl_lifting *lift)
{
    if (!lift->base || !lift->shaped || lift->at - lift->begin < RL_NUMBER_BEFORE)
        return false;
    const enum rl_shape shape = lift->column.shape;
    return shape == RL_SHAPE_LIST   ? lift->depth == lift->base
           : shape == RL_SHAPE_ROWS ? lift->depth == lift->base + 1
                                    : false;
}

static enum rl_want take_value(struct rl_lifting *lift)
{
    const char c = lift->at < lift->end ? *lift->at : 0;
    if ((unsigned char)(c - '0') < 10 || c == '-') {
        return in_run(lift) ? take_run(lift) : take_number(lift);
    }
    switch (c) {
    case '[':
    case '{':
        return take_bracket(lift);
    case '"':
        return take_string(lift, false);
    case 't':
        return take_word(lift, "true", RL_BITS_TRUE);
    case 'f':
        return take_word(lift, "false", RL_BITS_FALSE);
    case 'n':
        return take_word(lift, "null", RL_BITS_NULL);
    default:
        return refuse_value(lift, lift->at, "a value");
    }
}

/* ---- Structure ------------------------------------------------------------------------------- */

static enum rl_want take_key(struct rl_lifting *lift)
{
    if (lift->at == lift->end || *lift->at != '"')
        return refuse_value(lift, lift->at, "a key in double quotes");
    if (take_string(lift, true) == RL_WANT_NOTHING)
        return RL_WANT_NOTHING;
    lift->at = rl_skip_blanks(lift->at, lift->end);
    if (lift->at == lift->end || *lift->at != ':')
        return refuse_found(lift, lift->at, "a colon behind the key");
    lift->at++;
    return RL_WANT_VALUE;
}

static enum rl_want take_closing(struct rl_lifting *lift)
{
    lift->at++;
    lift->depth--;
    if (lift->base && lift->depth < lift->base)
        return end_column(lift);
    if (lift->base && lift->depth == lift->base)
        return keep_closing(lift);
    return lift->depth ? RL_WANT_NEXT : RL_WANT_END;
}

static bool in_array(const struct rl_lifting *lift)
{
    return *lift->open[lift->depth] == '[';
}

static bool at_closing(const struct rl_lifting *lift)
{
    return lift->at < lift->end && *lift->at == (in_array(lift) ? ']' : '}');
}

static enum rl_want take_next(struct rl_lifting *lift)
{
    if (at_closing(lift))
        return take_closing(lift);
    const bool array = in_array(lift);
    if (lift->at == lift->end || *lift->at != ',')
        return refuse_found(lift, lift->at, array ? "a comma or ]" : "a comma or }");
    lift->at++;
    return array ? RL_WANT_VALUE : RL_WANT_KEY;
}

enum rl_want rl_lifting_step(struct rl_lifting *lift, enum rl_want want)
{
    switch (want) {
    case RL_WANT_FIRST_VALUE:
        return at_closing(lift) ? take_closing(lift) : take_value(lift);
    case RL_WANT_VALUE:
        return take_value(lift);
    case RL_WANT_FIRST_KEY:
        return at_closing(lift) ? take_closing(lift) : take_key(lift);
    case RL_WANT_KEY:
        return take_key(lift);
    default:
        return take_next(lift);
    }
}

enum rl_want rl_lifting_run(struct rl_lifting *lift, enum rl_want want, const char *limit)
{
    lift->limit = limit;
    while (want != RL_WANT_NOTHING && want != RL_WANT_END) {
        lift->at = rl_skip_blanks(lift->at, lift->end);
        if (lift->at >= limit)
            break;
        want = rl_lifting_step(lift, want);
    }
    return want;
}

/* What stands in front of the object, if it is not a blank. */
static enum rl_want begin_text(struct rl_lifting *lift)
{
    if (starts_with(lift, lift->at, "\xef\xbb\xbf"))
        return refuse(lift, lift->at, "a byte order mark, which JSON does not have");
    if (starts_with(lift, lift->at, "\xff\xfe") || starts_with(lift, lift->at, "\xfe\xff"))
        return refuse(lift, lift->at, "UTF-16, where JSON is UTF-8");
    lift->at = rl_skip_blanks(lift->at, lift->end);
    if (lift->at == lift->end)
        return refuse(lift, lift->at, "the body is empty: a JSON object is expected");
    if (*lift->at != '{')
        return refuse_value(lift, lift->at, "a JSON object");
    return take_bracket(lift);
}

static bool scan(struct rl_lifting *lift, struct rl_pieces *pieces)
{
    enum rl_want want = begin_text(lift);
    if (pieces)
        want = rl_pieces_run(pieces, lift, want);
    else
        want = rl_lifting_run(lift, want, lift->end + 1);
    if (want == RL_WANT_NOTHING)
        return false;
    lift->at = rl_skip_blanks(lift->at, lift->end);
    if (lift->at == lift->end)
        return true;
    refuse(lift, lift->at, "more text follows the object");
    return false;
}

/* ---- The remaining text ---------------------------------------------------------------------- */

enum { REFERENCE_MAX = 8 }; /* "[4095]" */

static char *write_reference(char *out, size_t index)
{
    *out++ = '[';
    out = rl_write_unsigned(out, index);
    *out++ = ']';
    return out;
}

static enum rl_status write_rest(struct rl_lifting *lift, struct rl_lifted *lifted)
{
    size_t length = (size_t)(lift->end - lift->begin), done = 0;
    lifted->text = lift->body;
    lifted->length = length;
    if (lift->count == 0)
        return RL_OK;
    for (size_t i = 0; i < lift->count; i++)
        length = length - (lift->columns[i].end - lift->columns[i].begin) + REFERENCE_MAX;
    char *out = rl_arena_alloc(lift->arena, length);
    if (!out)
        return rl_fail(lift->error, RL_NOMEM, "", "no memory for the request");
    lifted->text = out;
    for (size_t i = 0; i < lift->count; i++) {
        struct rl_column *column = &lift->columns[i];
        memcpy(out, lift->begin + done, column->begin - done);
        out = write_reference(out + (column->begin - done), i);
        column->mark = (size_t)(out - lifted->text);
        done = column->end;
    }
    memcpy(out, lift->begin + done, (size_t)(lift->end - lift->begin) - done);
    out += (size_t)(lift->end - lift->begin) - done;
    lifted->length = (size_t)(out - lifted->text);
    return RL_OK;
}

size_t rl_lifted_origin(const struct rl_lifted *lifted, size_t position)
{
    size_t origin = position;
    for (size_t i = 0; i < lifted->count && lifted->columns[i].mark <= position; i++)
        origin = lifted->columns[i].end + (position - lifted->columns[i].mark);
    return origin;
}

/* ---- Whole ----------------------------------------------------------------------------------- */

/* The block of columns, `extra` words between values and rows left to the caller. */
static enum rl_status reserve(struct rl_lifting *lift, struct rl_marks marks, size_t extra)
{
    struct rl_arena *arena = lift->arena;
    const size_t words = marks.commas + marks.brackets + 4 + extra;
    if (words > (arena->limit - arena->used) / WORD)
        return rl_fail(lift->error, RL_TOO_LARGE, "",
                       "the request's numbers take more memory than max-request-memory");
    lift->values = rl_arena_array(arena, words, WORD);
    if (!lift->values)
        return rl_fail(lift->error, RL_NOMEM, "", "no memory for the request");
    lift->next = lift->values;
    lift->row = (size_t *)(void *)(lift->values + words);
    return RL_OK;
}

/* Counts, reserves and scans: alone, or in pieces where the text is large enough for some. */
static enum rl_status lift_columns(struct rl_lifting *lift, struct rl_team *team, size_t piece)
{
    struct rl_pieces *pieces = NULL;
    struct rl_marks marks;
    size_t extra = 0;
    const size_t length = (size_t)(lift->end - lift->begin);
    if (piece > 0 && length / piece >= 2) {
        if (rl_pieces_cut(lift, team, piece, &pieces, &marks) != RL_OK)
            return lift->error->status;
        extra = rl_pieces_extra(pieces);
        if (extra * WORD > length + SPARE) { /* very short rows: their ends would take too much */
            pieces = NULL;
            extra = 0;
        }
    } else {
        marks = rl_count_marks(lift->begin, length);
    }
    if (reserve(lift, marks, extra) != RL_OK)
        return lift->error->status;
    return scan(lift, pieces) ? RL_OK : lift->error->status;
}

enum rl_status rl_lift_in_pieces(char *body, size_t length, size_t max_depth, struct rl_team *team,
                                 size_t piece, struct rl_arena *arena, struct rl_lifted *ret_lifted,
                                 struct rl_error *error)
{
    const char *open[RL_LIFTING_DEPTH + 1], *mixed[RL_LIFTING_DEPTH + 1];
    struct rl_lifting lift = {.begin = body,
                              .end = body + length,
                              .at = body,
                              .body = body,
                              .error = error,
                              .arena = arena,
                              .open = open,
                              .mixed = mixed,
                              .mixed_first = 1,
                              .max_depth = max_depth};
    struct rl_lifted lifted = {0};
    if (lift_columns(&lift, team, piece) != RL_OK)
        return error->status;
    if (lift.too_deep) {
        struct rl_error place;
        rl_error_locate(&place, body, (size_t)(lift.too_deep - body));
        return rl_fail(error, RL_TOO_LARGE, "",
                       "nested deeper than max-depth (%zu levels) at line %zu, column %zu",
                       max_depth, place.line, place.column);
    }
    if (write_rest(&lift, &lifted) != RL_OK)
        return error->status;
    lifted.columns = lift.columns;
    lifted.count = lift.count;
    *ret_lifted = lifted;
    return RL_OK;
}

enum rl_status rl_lift(char *body, size_t length, size_t max_depth, struct rl_arena *arena,
                       struct rl_lifted *ret_lifted, struct rl_error *error)
{
    return rl_lift_in_pieces(body, length, max_depth, NULL, 0, arena, ret_lifted, error);
}
