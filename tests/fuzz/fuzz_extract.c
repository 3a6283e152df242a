/*
 * fuzz_extract.c: a text extracted in segments of any size gives what it gives in one, errors
 * included.
 *
 * The first byte is the size of the segments.
 */
#include "server/formats/document/extract.h"

#include "tests/fuzz/fuzzer.h"

enum { DEPTH = 40 };

struct outcome {
    struct rl_arena arena;
    struct rl_extracted extracted;
    struct rl_error error;
    enum rl_status status;
    char *body;
};

static void extract(struct outcome *outcome, const uint8_t *data, size_t size, size_t segment)
{
    memset(outcome, 0, sizeof(*outcome));
    rl_arena_init(&outcome->arena, 1 << 28);
    outcome->body = fuzz_copy(data, size);
    outcome->status = rl_extract(outcome->body, size, DEPTH, NULL, segment, &outcome->arena,
                                 &outcome->extracted, &outcome->error);
}

static void compare_arrays(const struct rl_array *a, const struct rl_array *b)
{
    REQUIRE(a->shape == b->shape && a->count == b->count && a->rows == b->rows);
    REQUIRE(a->has_null == b->has_null && a->has_bool == b->has_bool);
    REQUIRE(a->begin == b->begin && a->end == b->end && a->mark == b->mark);
    REQUIRE(a->count == 0 || memcmp(a->values, b->values, a->count * sizeof(double)) == 0);
    if (a->shape == RL_ARRAY_ROWS)
        REQUIRE(memcmp(a->offsets, b->offsets, (a->rows + 1) * sizeof(size_t)) == 0);
    REQUIRE(a->misfit.row == b->misfit.row && a->misfit.item == b->misfit.item);
    REQUIRE(a->misfit.inner == b->misfit.inner && a->misfit.found == b->misfit.found);
}

static void compare(const struct outcome *a, const struct outcome *b)
{
    REQUIRE(a->status == b->status);
    REQUIRE(strcmp(a->error.detail, b->error.detail) == 0);
    REQUIRE(a->error.offset == b->error.offset && a->error.line == b->error.line);
    REQUIRE(a->extracted.length == b->extracted.length && a->extracted.count == b->extracted.count);
    REQUIRE(a->extracted.length == 0 ||
            memcmp(a->extracted.text, b->extracted.text, a->extracted.length) == 0);
    for (size_t i = 0; i < a->extracted.count; i++)
        compare_arrays(&a->extracted.arrays[i], &b->extracted.arrays[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome one, many;
    if (size == 0)
        return 0;
    const size_t skip = data[0] == '{' ? 0 : 1; /* a golden body is whole */
    extract(&one, data + skip, size - skip, 0);
    extract(&many, data + skip, size - skip, (size_t)data[0] % 60 + 1);
    compare(&one, &many);
    rl_arena_release(&one.arena);
    rl_arena_release(&many.arena);
    free(one.body);
    free(many.body);
    return 0;
}
