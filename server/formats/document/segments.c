/*
 * segments.c: one text scanned by several threads.
 */
#include "server/formats/document/segments.h"

#include <string.h>

/* One thread counts the marks of this many bytes in 0.1 to 0.2 ms (bench_codec). For less, waking
 * the others costs more than it gains. */
enum { COUNT_ON_TEAM = 4 << 20 };

/* In a row two brackets are open: that of the array of rows and that of the row. */
enum { OUTER = 1, INNER = 2 };

struct segment {
    struct rl_marks marks; /* in its bytes */
    size_t values, rows;   /* where its values and rows go in the block */
    const char *start;     /* its first value; NULL if it has no comma */
    enum rl_want first;    /* what is wanted there */
    const char *open[INNER + 1];
    struct rl_tokenizer tok; /* its tokenizer, as it stopped … */
    enum rl_want want;       /* … and what it wanted then */
};

struct rl_segments {
    struct rl_team *team;
    size_t size, count;
    struct rl_tokenizer *whole; /* the tokenizer of the whole text */
    enum rl_want want;          /* what that wants at the beginning of the second segment */
    struct rl_marks marks;      /* of the whole text */
    size_t *rows, *rows_end;    /* of all segments, in the block */
    struct segment segments[];
};

static void run(struct rl_segments *segments, struct rl_team *team,
                void (*body)(void *context, size_t index))
{
    if (team) {
        rl_team_run(team, segments->count, body, segments);
        return;
    }
    for (size_t i = 0; i < segments->count; i++)
        body(segments, i);
}

/* ---- Cutting --------------------------------------------------------------------------------- */

/* Finds the first value after a comma, perhaps in a row that opens there. */
static void find_start(struct segment *segment, const char *begin, const char *end,
                       const char *text_end)
{
    const char *const comma = memchr(begin, ',', (size_t)(end - begin));
    segment->start = NULL;
    if (!comma)
        return;
    const char *at = rl_skip_blanks(comma + 1, text_end);
    segment->first = RL_WANT_VALUE;
    if (at < text_end && *at == '[') {
        at = rl_skip_blanks(at + 1, text_end);
        segment->first = RL_WANT_FIRST_VALUE;
    }
    segment->start = at;
}

static void cut_segment(void *context, size_t index)
{
    struct rl_segments *const segments = context;
    struct segment *const segment = &segments->segments[index];
    const struct rl_tokenizer *const whole = segments->whole;
    const size_t length = (size_t)(whole->end - whole->begin), from = index * segments->size;
    const char *const begin = whole->begin + from;
    const char *const end = length - from < segments->size ? whole->end : begin + segments->size;
    segment->marks = rl_count_marks(begin, (size_t)(end - begin));
    if (index > 0)
        find_start(segment, begin, end, whole->end);
    else
        segment->start = NULL;
}

enum rl_status rl_segments_cut(struct rl_tokenizer *tok, struct rl_team *team, size_t segment,
                               struct rl_segments **ret_segments, struct rl_marks *ret_marks)
{
    const size_t length = (size_t)(tok->end - tok->begin);
    const size_t count = length / segment + (length % segment > 0);
    struct rl_marks sum = {0, 0};
    struct rl_segments *segments =
        rl_arena_alloc(tok->arena, sizeof(*segments) + count * sizeof(segments->segments[0]));
    if (!segments)
        return rl_fail(tok->error, RL_NOMEM, "", "no memory for the request");
    segments->team = team;
    segments->size = segment;
    segments->count = count;
    segments->whole = tok;
    run(segments, length >= COUNT_ON_TEAM ? team : NULL, cut_segment);
    for (size_t i = 0; i < count; i++) {
        struct segment *const cut = &segments->segments[i];
        /* After its own comma. A row may open before the cut, and one after the last bracket. */
        cut->values = sum.commas + 1;
        cut->rows = sum.brackets + 2 * i;
        sum.commas += cut->marks.commas;
        sum.brackets += cut->marks.brackets;
    }
    segments->marks = sum;
    *ret_segments = segments;
    *ret_marks = sum;
    return RL_OK;
}

size_t rl_segments_extra(const struct rl_segments *segments)
{
    return segments->marks.brackets + 2 * segments->count;
}

/* ---- Scanning the segments ---------------------------------------------------------------------
 */

/* Whether the next step would leave the rows, or show that there are none. */
static bool leaves(const struct rl_tokenizer *tok, enum rl_want want)
{
    const char c = tok->at < tok->end ? *tok->at : 0;
    if (want == RL_WANT_NEXT)
        return c == ']' && tok->depth == OUTER;
    if (tok->depth == OUTER)
        return c != '[';
    return c == '[' || c == '{' || c == '"';
}

/* The next segment that has a start, or the number of segments. */
static size_t next_segment(const struct rl_segments *segments, size_t index)
{
    do
        index++;
    while (index < segments->count && !segments->segments[index].start);
    return index;
}

/* Where whoever reads segment `index` hands over to the next one. */
static const char *limit_of(const struct rl_segments *segments, size_t index)
{
    const size_t next = next_segment(segments, index);
    return next < segments->count ? segments->segments[next].start : segments->whole->end + 1;
}

static size_t *rows_of(const struct rl_segments *segments, size_t index)
{
    return index < segments->count ? segments->rows + segments->segments[index].rows
                                   : segments->rows_end;
}

static void begin_machine(struct rl_segments *segments, size_t index)
{
    static const char bracket[] = "[";
    const struct rl_tokenizer *const whole = segments->whole;
    struct segment *const segment = &segments->segments[index];
    double *const values = whole->values + segment->values;
    size_t *const rows = rows_of(segments, next_segment(segments, index));
    segment->open[OUTER] = segment->open[INNER] = bracket;
    segment->want = segment->first;
    segment->tok = (struct rl_tokenizer){
        .begin = segment->start, /* it looks at nothing before */
        .end = whole->end,
        .at = segment->start,
        .limit = limit_of(segments, index),
        .depth = INNER,
        .open = segment->open,
        .max_depth = INNER,
        .base = OUTER,
        .array = {.shape = RL_ARRAY_ROWS},
        .shaped = true,
        .first = values,
        .next = values,
        .row_first = rows,
        .row = rows,
    };
}

static void run_machine(struct segment *segment)
{
    struct rl_tokenizer *const tok = &segment->tok;
    for (;;) {
        tok->at = rl_skip_blanks(tok->at, tok->end);
        if (tok->at >= tok->limit || leaves(tok, segment->want))
            return;
        const enum rl_want want = rl_tokenizer_step(tok, segment->want);
        if (want == RL_WANT_NOTHING)
            return;
        segment->want = want;
    }
}

static void scan_segment(void *context, size_t index)
{
    struct rl_segments *const segments = context;
    if (index == 0) {
        segments->want = rl_tokenizer_run(segments->whole, segments->want, limit_of(segments, 0));
    } else if (segments->segments[index].start) {
        begin_machine(segments, index);
        run_machine(&segments->segments[index]);
    }
}

/* ---- Putting them together ------------------------------------------------------------------- */

/* Whether the whole's machine has come to what the segment's machine took for granted. A list
 * without rows is one too, as long as it does not end in the segment. */
static bool can_take_over(const struct rl_tokenizer *whole, enum rl_want want,
                          const struct segment *segment)
{
    if (whole->at != segment->start || want != segment->first || !whole->base || !whole->shaped)
        return false;
    if (whole->array.shape == RL_ARRAY_ROWS)
        return whole->depth == whole->base + 1;
    return whole->array.shape == RL_ARRAY_FLAT && want == RL_WANT_VALUE &&
           segment->tok.row == segment->tok.row_first;
}

static enum rl_want take_over(struct rl_tokenizer *whole, const struct segment *segment)
{
    const struct rl_tokenizer *const tok = &segment->tok;
    const size_t before = (size_t)(whole->next - whole->first);
    const size_t count = (size_t)(tok->next - tok->first);
    if (whole->next != tok->first)
        memmove(whole->next, tok->first, count * sizeof(*whole->next));
    whole->next += count;
    for (const size_t *row = tok->row_first; row > tok->row;)
        *--whole->row = before + *--row;
    whole->array.has_null |= tok->array.has_null;
    whole->array.has_bool |= tok->array.has_bool;
    if (whole->array.shape == RL_ARRAY_ROWS) {
        whole->depth = whole->base + (tok->depth - tok->base);
        if (tok->row < tok->row_first && tok->depth == INNER)
            whole->open[whole->depth] = tok->open[INNER];
    }
    whole->at = tok->at;
    return segment->want;
}

enum rl_want rl_segments_run(struct rl_segments *segments, struct rl_tokenizer *tok,
                             enum rl_want want)
{
    segments->want = want;
    segments->rows = (size_t *)(void *)(tok->values + segments->marks.commas + 2);
    segments->rows_end = segments->rows + rl_segments_extra(segments);
    run(segments, segments->team, scan_segment);
    want = segments->want;
    for (size_t i = next_segment(segments, 0); i < segments->count; i = next_segment(segments, i)) {
        want = rl_tokenizer_run(tok, want, segments->segments[i].start);
        if (can_take_over(tok, want, &segments->segments[i]))
            want = take_over(tok, &segments->segments[i]);
    }
    return rl_tokenizer_run(tok, want, tok->end + 1);
}
