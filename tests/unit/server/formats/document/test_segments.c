/*
 * test_segments.c: a text cut anywhere gives what one tokenizer makes of it, errors included.
 */
#include "server/formats/document/segments.h"

#include "tests/property/random.h"
#include "tests/unit/server/formats/document/machine.h"

#include "tests/lib/unittest.h"

static struct machine one, many;
static struct rl_team *team;

void test_before_each(void)
{
    struct rl_error error;
    ck_assert_int_eq(rl_init(NULL, &error), RL_OK);
    ck_assert_int_eq(rl_team_create(2, &team, &error), RL_OK);
}

void test_after_each(void)
{
    rl_team_free(team);
}

/* Runs `many` in segments, with as much room between values and rows as they ask for. */
static enum rl_want run_cut(size_t segment, struct rl_team *on)
{
    struct rl_segments *segments;
    struct rl_marks marks;
    struct rl_tokenizer *const tok = &many.tok;
    ck_assert_int_eq(rl_segments_cut(tok, on, segment, &segments, &marks), RL_OK);
    const struct rl_marks whole = rl_count_marks(tok->begin, (size_t)(tok->end - tok->begin));
    ck_assert_uint_eq(marks.commas, whole.commas);
    ck_assert_uint_eq(marks.brackets, whole.brackets);
    const size_t words = marks.commas + marks.brackets + 4 + rl_segments_extra(segments);
    ck_assert_uint_le(words, MACHINE_WORDS);
    tok->row = (size_t *)(void *)(many.block + words);
    return rl_segments_run(segments, tok, rl_tokenizer_begin(tok));
}

static void check_arrays(const char *text, size_t segment)
{
    ck_assert_msg(many.tok.count == one.tok.count, "%s by %zu: %zu arrays, not %zu", text, segment,
                  many.tok.count, one.tok.count);
    for (size_t a = 0; a < one.tok.count; a++) {
        const struct rl_array *const got = &many.tok.arrays[a], *const want = &one.tok.arrays[a];
        ck_assert_int_eq(got->shape, want->shape);
        ck_assert_uint_eq(got->begin, want->begin);
        ck_assert_uint_eq(got->end, want->end);
        ck_assert_uint_eq(got->count, want->count);
        ck_assert_mem_eq(got->values, want->values, got->count * sizeof(double));
        ck_assert_int_eq(got->has_null, want->has_null);
        ck_assert_int_eq(got->has_bool, want->has_bool);
        ck_assert_uint_eq(got->rows, want->rows);
        for (size_t r = 0; got->shape == RL_ARRAY_ROWS && r <= got->rows; r++)
            ck_assert_uint_eq(got->offsets[r], want->offsets[r]);
    }
}

static void check(const char *text, size_t segment, struct rl_team *on)
{
    machine_begin(&one, text);
    machine_begin(&many, text);
    const enum rl_want want =
        rl_tokenizer_run(&one.tok, rl_tokenizer_begin(&one.tok), one.tok.end + 1);
    ck_assert_int_eq(run_cut(segment, on), want);
    if (want == RL_WANT_NOTHING) {
        ck_assert_str_eq(many.error.detail, one.error.detail);
        ck_assert_uint_eq(many.error.offset, one.error.offset);
    } else {
        check_arrays(text, segment);
    }
    machine_end(&one);
    machine_end(&many);
}

static void check_all_cuts(const char *text)
{
    for (size_t segment = 1; segment <= strlen(text); segment++)
        check(text, segment, segment % 4 ? NULL : team);
}

START_TEST(every_cut_of_good_texts)
{
    check_all_cuts("{\"a\":[1,2,3,4,5,6,7,8,9,10,11,12]}");
    check_all_cuts("{\"y_true\":[[1,0],[],[2],[0,1,2]],\"y_pred\":[[0.5,1e3],[],[-7],[1,2,3]]}");
    check_all_cuts("{\"a\":[[1, 2],\n [3, null],\n [true, 4]], \"b\":[5, 6]}");
    check_all_cuts("{\"a\":[\"x,1,2\",[3,4],\"],[\"],\"b\":[7,8],\"c\":{\"d\":[9,[1]]}}");
    check_all_cuts("{\"a\":[[[1,2],[3]],[[4]]],\"b\":\"1,[2,3\",\"c\":[[],[],[]]}");
    check_all_cuts("{\"a\":[1,[2,3],4],\"b\":[[1],2,[3,4]]}");
}
END_TEST

START_TEST(every_cut_of_bad_texts)
{
    check_all_cuts("{\"a\":[[1,2],[3,4]],\"b\":[[5,6],[7,8}");
    check_all_cuts("{\"a\":[[1,2],[3,04]],\"b\":[1,2,3]}");
    check_all_cuts("{\"a\":[[1,2],[3,,4]],\"b\":[1,2,3]}");
    check_all_cuts("{\"a\":[1,2,3,4,5,6,NaN,8],\"b\":[1,2,3]}");
    check_all_cuts("{\"a\":[[1,2],[3,4],[5,6],[7,8]");
}
END_TEST

/* Rows of numbers with a byte changed somewhere, cut somewhere. */
START_TEST(random_rows_with_a_flaw)
{
    static const char flaws[] = "0,[]{}\"x .-";
    struct random random = random_init(random_seed());
    for (int round = 0; round < 3000; round++) {
        char text[600] = "{\"a\":[";
        size_t length = strlen(text), rows = 1 + random_below(&random, 12);
        for (size_t r = 0; r < rows; r++) {
            length += (size_t)sprintf(text + length, "%s[", r ? "," : "");
            for (size_t i = 0, n = random_below(&random, 6); i < n; i++)
                length += (size_t)sprintf(text + length, "%s%zu", i ? "," : "",
                                          (size_t)random_below(&random, 1000));
            length += (size_t)sprintf(text + length, "]");
        }
        sprintf(text + length, "]}");
        if (random_below(&random, 2))
            text[random_below(&random, strlen(text))] =
                flaws[random_below(&random, sizeof(flaws) - 1)];
        check(text, 1 + random_below(&random, strlen(text)), NULL);
    }
}
END_TEST

START_TEST(short_memory_is_told)
{
    struct rl_segments *segments;
    struct rl_marks marks;
    machine_begin(&one, "{\"a\":[1,2,3]}");
    one.arena.limit = 0;
    ck_assert_int_eq(rl_segments_cut(&one.tok, NULL, 4, &segments, &marks), RL_NOMEM);
    machine_end(&one);
}
END_TEST
