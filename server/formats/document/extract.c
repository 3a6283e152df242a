/*
 * extract.c: counts, reserves memory, scans, and writes the text that remains.
 */
#include "server/formats/document/extract.h"

#include <string.h>

#include "server/formats/document/lex.h"
#include "server/formats/document/segments.h"
#include "server/formats/document/tokenizer.h"
#include "server/text/numwriter.h"

enum {
    SPARE = 64 << 10,     /* bytes beside the text's length that the rows of segments may take */
    WORD = sizeof(double) /* of the block of arrays; a size_t fits too */
};

/* ---- The remaining text ---------------------------------------------------------------------- */

enum { REFERENCE_MAX = 8 }; /* "[4095]" */

static char *write_reference(char *out, size_t index)
{
    *out++ = '[';
    out = rl_write_unsigned(out, index);
    *out++ = ']';
    return out;
}

static enum rl_status write_rest(struct rl_tokenizer *tok, struct rl_extracted *extracted)
{
    size_t length = (size_t)(tok->end - tok->begin), done = 0;
    extracted->text = tok->body;
    extracted->length = length;
    if (tok->count == 0)
        return RL_OK;
    for (size_t i = 0; i < tok->count; i++)
        length = length - (tok->arrays[i].end - tok->arrays[i].begin) + REFERENCE_MAX;
    char *out = rl_arena_alloc(tok->arena, length);
    if (!out)
        return rl_fail(tok->error, RL_NOMEM, "", "no memory for the request");
    extracted->text = out;
    for (size_t i = 0; i < tok->count; i++) {
        struct rl_array *const array = &tok->arrays[i];
        memcpy(out, tok->begin + done, array->begin - done);
        out = write_reference(out + (array->begin - done), i);
        array->mark = (size_t)(out - extracted->text);
        done = array->end;
    }
    memcpy(out, tok->begin + done, (size_t)(tok->end - tok->begin) - done);
    out += (size_t)(tok->end - tok->begin) - done;
    extracted->length = (size_t)(out - extracted->text);
    return RL_OK;
}

size_t rl_extracted_origin(const struct rl_extracted *extracted, size_t position)
{
    size_t origin = position;
    for (size_t i = 0; i < extracted->count && extracted->arrays[i].mark <= position; i++)
        origin = extracted->arrays[i].end + (position - extracted->arrays[i].mark);
    return origin;
}

static bool scan(struct rl_tokenizer *tok, struct rl_segments *segments)
{
    enum rl_want want = rl_tokenizer_begin(tok);
    if (segments)
        want = rl_segments_run(segments, tok, want);
    else
        want = rl_tokenizer_run(tok, want, tok->end + 1);
    return want != RL_WANT_NOTHING && rl_tokenizer_end(tok);
}

/* ---- Whole ----------------------------------------------------------------------------------- */

/* Reserves the block of arrays, with `extra` words between values and rows. */
static enum rl_status reserve(struct rl_tokenizer *tok, struct rl_marks marks, size_t extra)
{
    struct rl_arena *const arena = tok->arena;
    const size_t words = marks.commas + marks.brackets + 4 + extra;
    if (words > (arena->limit - arena->used) / WORD)
        return rl_fail(tok->error, RL_TOO_LARGE, "",
                       "the request's numbers take more memory than max-request-memory");
    tok->values = rl_arena_array(arena, words, WORD);
    if (!tok->values)
        return rl_fail(tok->error, RL_NOMEM, "", "no memory for the request");
    tok->next = tok->values;
    tok->row = (size_t *)(void *)(tok->values + words);
    return RL_OK;
}

/* Counts, reserves and scans, in segments if the text is large enough. */
static enum rl_status extract_arrays(struct rl_tokenizer *tok, struct rl_team *team, size_t segment)
{
    struct rl_segments *segments = NULL;
    struct rl_marks marks;
    size_t extra = 0;
    const size_t length = (size_t)(tok->end - tok->begin);
    if (segment > 0 && length / segment >= 2) {
        if (rl_segments_cut(tok, team, segment, &segments, &marks) != RL_OK)
            return tok->error->status;
        extra = rl_segments_extra(segments);
        if (extra * WORD >
            length + SPARE) { /* rows are so short that their ends would take too much */
            segments = NULL;
            extra = 0;
        }
    } else {
        marks = rl_count_marks(tok->begin, length);
    }
    if (reserve(tok, marks, extra) != RL_OK)
        return tok->error->status;
    return scan(tok, segments) ? RL_OK : tok->error->status;
}

enum rl_status rl_extract(char *body, size_t length, size_t max_depth, struct rl_team *team,
                          size_t segment, struct rl_arena *arena,
                          struct rl_extracted *ret_extracted, struct rl_error *error)
{
    const char *open[RL_TOKENIZER_DEPTH + 1], *mixed[RL_TOKENIZER_DEPTH + 1];
    struct rl_tokenizer tok = {.begin = body,
                               .end = body + length,
                               .at = body,
                               .body = body,
                               .error = error,
                               .arena = arena,
                               .open = open,
                               .mixed = mixed,
                               .mixed_first = 1,
                               .max_depth = max_depth};
    struct rl_extracted extracted = {0};
    if (extract_arrays(&tok, team, segment) != RL_OK)
        return error->status;
    if (tok.too_deep) {
        struct rl_error place;
        rl_error_locate(&place, body, (size_t)(tok.too_deep - body));
        return rl_fail(error, RL_TOO_LARGE, "",
                       "nested deeper than max-depth (%zu levels) at line %zu, column %zu",
                       max_depth, place.line, place.column);
    }
    if (write_rest(&tok, &extracted) != RL_OK)
        return error->status;
    extracted.arrays = tok.arrays;
    extracted.count = tok.count;
    *ret_extracted = extracted;
    return RL_OK;
}
