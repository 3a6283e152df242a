/*
 * pieces.c: one text scanned by several threads.
 */
#include "server/formats/json/pieces.h"

#include <string.h>

/* Bytes of text that one thread counts in a tenth of a millisecond or two (bench_codec): below
 * that, waking the others would cost more than it gains. */
enum { COUNT_ON_TEAM = 4 << 20 };

/* A row's machine has two brackets open: the array of rows and the row. */
enum { OUTER = 1, INNER = 2 };

struct piece {
    struct rl_marks marks; /* in its bytes */
    size_t values, rows;   /* where its values and rows go in the block */
    const char *start;     /* its first value; NULL where it has no comma */
    enum rl_want first;    /* what is wanted there */
    const char *open[INNER + 1];
    struct rl_lifting lift; /* its machine, where that stopped … */
    enum rl_want want;      /* … and what it wanted then */
};

struct rl_pieces {
    struct rl_team *team;
    size_t size, count;
    struct rl_lifting *whole; /* the machine of the whole text */
    enum rl_want want;        /* what that wants where it hands over to the second piece */
    struct rl_marks marks;    /* of the whole text */
    size_t *rows, *rows_end;  /* of all pieces, in the block */
    struct piece pieces[];
};

static void run(struct rl_pieces *pieces, struct rl_team *team,
                void (*body)(void *context, size_t index))
{
    if (team) {
        rl_team_run(team, pieces->count, body, pieces);
        return;
    }
    for (size_t i = 0; i < pieces->count; i++)
        body(pieces, i);
}

/* ---- Cutting --------------------------------------------------------------------------------- */

/* The first value behind a comma, perhaps in a row that opens there. The first piece is read by the
 * machine of the whole. */
static void find_start(struct piece *piece, const char *begin, const char *end,
                       const char *text_end)
{
    const char *comma = memchr(begin, ',', (size_t)(end - begin));
    piece->start = NULL;
    if (!comma)
        return;
    const char *at = rl_skip_blanks(comma + 1, text_end);
    piece->first = RL_WANT_VALUE;
    if (at < text_end && *at == '[') {
        at = rl_skip_blanks(at + 1, text_end);
        piece->first = RL_WANT_FIRST_VALUE;
    }
    piece->start = at;
}

static void cut_piece(void *context, size_t index)
{
    struct rl_pieces *pieces = context;
    struct piece *piece = &pieces->pieces[index];
    const struct rl_lifting *whole = pieces->whole;
    const size_t length = (size_t)(whole->end - whole->begin), from = index * pieces->size;
    const char *begin = whole->begin + from;
    const char *end = length - from < pieces->size ? whole->end : begin + pieces->size;
    piece->marks = rl_count_marks(begin, (size_t)(end - begin));
    if (index > 0)
        find_start(piece, begin, end, whole->end);
    else
        piece->start = NULL;
}

enum rl_status rl_pieces_cut(struct rl_lifting *lift, struct rl_team *team, size_t piece,
                             struct rl_pieces **ret_pieces, struct rl_marks *ret_marks)
{
    const size_t length = (size_t)(lift->end - lift->begin);
    const size_t count = length / piece + (length % piece > 0);
    struct rl_marks sum = {0, 0};
    struct rl_pieces *pieces =
        rl_arena_alloc(lift->arena, sizeof(*pieces) + count * sizeof(pieces->pieces[0]));
    if (!pieces)
        return rl_fail(lift->error, RL_NOMEM, "", "no memory for the request");
    pieces->team = team;
    pieces->size = piece;
    pieces->count = count;
    pieces->whole = lift;
    run(pieces, length >= COUNT_ON_TEAM ? team : NULL, cut_piece);
    for (size_t i = 0; i < count; i++) {
        struct piece *cut = &pieces->pieces[i];
        /* Behind its own comma. A row may open before the cut and one behind the last one. */
        cut->values = sum.commas + 1;
        cut->rows = sum.brackets + 2 * i;
        sum.commas += cut->marks.commas;
        sum.brackets += cut->marks.brackets;
    }
    pieces->marks = sum;
    *ret_pieces = pieces;
    *ret_marks = sum;
    return RL_OK;
}

size_t rl_pieces_extra(const struct rl_pieces *pieces)
{
    return pieces->marks.brackets + 2 * pieces->count;
}

/* ---- Scanning the pieces --------------------------------------------------------------------- */

/* Whether the next step would leave the rows, or show that there are none. */
static bool leaves(const struct rl_lifting *lift, enum rl_want want)
{
    const char c = lift->at < lift->end ? *lift->at : 0;
    if (want == RL_WANT_NEXT)
        return c == ']' && lift->depth == OUTER;
    if (lift->depth == OUTER)
        return c != '[';
    return c == '[' || c == '{' || c == '"';
}

/* The next piece that has a start, or the number of pieces. */
static size_t next_piece(const struct rl_pieces *pieces, size_t index)
{
    do
        index++;
    while (index < pieces->count && !pieces->pieces[index].start);
    return index;
}

/* Where whoever reads piece `index` hands over to the next one. */
static const char *limit_of(const struct rl_pieces *pieces, size_t index)
{
    const size_t next = next_piece(pieces, index);
    return next < pieces->count ? pieces->pieces[next].start : pieces->whole->end + 1;
}

static size_t *rows_of(const struct rl_pieces *pieces, size_t index)
{
    return index < pieces->count ? pieces->rows + pieces->pieces[index].rows : pieces->rows_end;
}

static void begin_machine(struct rl_pieces *pieces, size_t index)
{
    static const char bracket[] = "[";
    const struct rl_lifting *whole = pieces->whole;
    struct piece *piece = &pieces->pieces[index];
    double *values = whole->values + piece->values;
    size_t *rows = rows_of(pieces, next_piece(pieces, index));
    piece->open[OUTER] = piece->open[INNER] = bracket;
    piece->want = piece->first;
    piece->lift = (struct rl_lifting){
        .begin = piece->start, /* it looks at nothing before */
        .end = whole->end,
        .at = piece->start,
        .limit = limit_of(pieces, index),
        .depth = INNER,
        .open = piece->open,
        .max_depth = INNER,
        .base = OUTER,
        .column = {.shape = RL_SHAPE_ROWS},
        .shaped = true,
        .first = values,
        .next = values,
        .row_first = rows,
        .row = rows,
    };
}

static void run_machine(struct piece *piece)
{
    struct rl_lifting *lift = &piece->lift;
    for (;;) {
        lift->at = rl_skip_blanks(lift->at, lift->end);
        if (lift->at >= lift->limit || leaves(lift, piece->want))
            return;
        const enum rl_want want = rl_lifting_step(lift, piece->want);
        if (want == RL_WANT_NOTHING)
            return;
        piece->want = want;
    }
}

static void scan_piece(void *context, size_t index)
{
    struct rl_pieces *pieces = context;
    if (index == 0) {
        pieces->want = rl_lifting_run(pieces->whole, pieces->want, limit_of(pieces, 0));
    } else if (pieces->pieces[index].start) {
        begin_machine(pieces, index);
        run_machine(&pieces->pieces[index]);
    }
}

/* ---- Putting them together ------------------------------------------------------------------- */

/* Whether the whole's machine has come to what the piece's machine took for granted. A list without
 * rows is one too, as long as it does not end in the piece. */
static bool can_take_over(const struct rl_lifting *whole, enum rl_want want,
                          const struct piece *piece)
{
    if (whole->at != piece->start || want != piece->first || !whole->base || !whole->shaped)
        return false;
    if (whole->column.shape == RL_SHAPE_ROWS)
        return whole->depth == whole->base + 1;
    return whole->column.shape == RL_SHAPE_LIST && want == RL_WANT_VALUE &&
           piece->lift.row == piece->lift.row_first;
}

static enum rl_want take_over(struct rl_lifting *whole, const struct piece *piece)
{
    const struct rl_lifting *lift = &piece->lift;
    const size_t before = (size_t)(whole->next - whole->first);
    const size_t count = (size_t)(lift->next - lift->first);
    if (whole->next != lift->first)
        memmove(whole->next, lift->first, count * sizeof(*whole->next));
    whole->next += count;
    for (const size_t *row = lift->row_first; row > lift->row;)
        *--whole->row = before + *--row;
    whole->column.has_null |= lift->column.has_null;
    whole->column.has_bool |= lift->column.has_bool;
    if (whole->column.shape == RL_SHAPE_ROWS) {
        whole->depth = whole->base + (lift->depth - lift->base);
        if (lift->row < lift->row_first && lift->depth == INNER)
            whole->open[whole->depth] = lift->open[INNER];
    }
    whole->at = lift->at;
    return piece->want;
}

enum rl_want rl_pieces_run(struct rl_pieces *pieces, struct rl_lifting *lift, enum rl_want want)
{
    pieces->want = want;
    pieces->rows = (size_t *)(void *)(lift->values + pieces->marks.commas + 2);
    pieces->rows_end = pieces->rows + rl_pieces_extra(pieces);
    run(pieces, pieces->team, scan_piece);
    want = pieces->want;
    for (size_t i = next_piece(pieces, 0); i < pieces->count; i = next_piece(pieces, i)) {
        want = rl_lifting_run(lift, want, pieces->pieces[i].start);
        if (can_take_over(lift, want, &pieces->pieces[i]))
            want = take_over(lift, &pieces->pieces[i]);
    }
    return rl_lifting_run(lift, want, lift->end + 1);
}
