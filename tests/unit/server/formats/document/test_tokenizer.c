/*
 * test_tokenizer.c: the state machine step by step. What it makes of whole texts is test_extract's.
 */
#include "tests/unit/server/formats/document/machine.h"

#include "server/base/status.h"
#include "server/formats/document/lex.h"
#include "tests/lib/unittest.h"

static struct machine machine;

static enum rl_want step(enum rl_want want)
{
    machine.tok.at = rl_skip_blanks(machine.tok.at, machine.tok.end);
    return rl_tokenizer_step(&machine.tok, want);
}

START_TEST(each_token_says_what_may_follow)
{
    machine_begin(&machine, "{\"a\":[1,[]],\"b\":{},\"c\":\"s\"}");
    static const enum rl_want wants[] = {
        RL_WANT_VALUE,       /* the key and its colon */
        RL_WANT_FIRST_VALUE, /* [ */
        RL_WANT_NEXT,        /* 1 */
        RL_WANT_VALUE,       /* , */
        RL_WANT_FIRST_VALUE, /* [ */
        RL_WANT_NEXT,        /* ] */
        RL_WANT_NEXT,        /* ] */
        RL_WANT_KEY,         /* , */
        RL_WANT_VALUE,       /* the key */
        RL_WANT_FIRST_KEY,   /* { */
        RL_WANT_NEXT,        /* } */
        RL_WANT_KEY,         /* , */
        RL_WANT_VALUE,       /* the key */
        RL_WANT_NEXT,        /* the string */
        RL_WANT_END,         /* } */
    };
    enum rl_want want = rl_tokenizer_begin(&machine.tok);
    ck_assert_int_eq(want, RL_WANT_FIRST_KEY);
    for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++) {
        want = step(want);
        ck_assert_msg(want == wants[i], "step %zu: %d, not %d", i, (int)want, (int)wants[i]);
    }
    ck_assert(rl_tokenizer_end(&machine.tok));
    ck_assert_uint_eq(machine.tok.depth, 0);
    machine_end(&machine);
}
END_TEST

START_TEST(values_and_rows_fill_the_block_from_both_ends)
{
    machine_begin(&machine, "{\"a\":[1,2],\"b\":[[3],[],[4,5]]}");
    const size_t *const last = machine.tok.row;
    const enum rl_want want =
        rl_tokenizer_run(&machine.tok, rl_tokenizer_begin(&machine.tok), machine.tok.end + 1);
    ck_assert_int_eq(want, RL_WANT_END);
    ck_assert_uint_eq(machine.tok.count, 2);
    const struct rl_array *const flat = &machine.tok.arrays[0], *const rows = flat + 1;
    ck_assert_int_eq(flat->shape, RL_ARRAY_FLAT);
    ck_assert_ptr_eq(flat->values, machine.block);
    ck_assert_uint_eq(flat->count, 2);
    ck_assert_int_eq(rows->shape, RL_ARRAY_ROWS);
    ck_assert_ptr_eq(rows->values, machine.block + 2);
    ck_assert_uint_eq(rows->rows, 3);
    ck_assert_ptr_eq(rows->offsets, last - 4);
    static const size_t offsets[] = {0, 1, 1, 3};
    ck_assert_mem_eq(rows->offsets, offsets, sizeof(offsets));
    ck_assert_double_eq(machine.block[4], 5);
    machine_end(&machine);
}
END_TEST

/* The machine returns to the outermost bracket that holds the string, and keeps only what is
 * complete within it. */
START_TEST(a_string_sends_it_back)
{
    machine_begin(&machine, "{\"a\":[[1,2],[3,\"x\"],[4]]}");
    enum rl_want want = rl_tokenizer_begin(&machine.tok);
    const char *const outer = machine.text + 5;
    size_t returns = 0;
    for (const char *before = machine.tok.at; want != RL_WANT_END; before = machine.tok.at) {
        want = step(want);
        ck_assert_int_ne(want, RL_WANT_NOTHING);
        if (machine.tok.at < before) {
            ck_assert_ptr_eq(machine.tok.at, outer);
            returns++;
        }
    }
    ck_assert_uint_eq(returns, 1);
    ck_assert_uint_eq(machine.tok.count, 2); /* [1,2] and [4] */
    ck_assert_uint_eq(machine.tok.arrays[0].count, 2);
    ck_assert_double_eq(machine.tok.arrays[1].values[0], 4);
    machine_end(&machine);
}
END_TEST

START_TEST(a_limit_ends_the_run_before_a_token)
{
    machine_begin(&machine, "{\"a\":[1,2,3,4,5]}");
    const enum rl_want first = rl_tokenizer_begin(&machine.tok);
    for (size_t limit = 1; limit < 17; limit++) {
        struct machine copy = machine;
        copy.tok.open = copy.open;
        copy.tok.mixed = copy.mixed;
        const enum rl_want want = rl_tokenizer_run(&copy.tok, first, machine.text + limit);
        ck_assert_int_ne(want, RL_WANT_NOTHING);
        ck_assert(copy.tok.at >= machine.text + limit);
        ck_assert(copy.tok.at <= machine.text + limit + 4); /* the key is the longest token */
    }
    machine_end(&machine);
}
END_TEST

START_TEST(a_step_that_fails_changes_nothing)
{
    static const struct {
        const char *text;
        enum rl_want want;
    } rows[] = {
        {"{\"a\":[1,x", RL_WANT_VALUE},
        {"{\"a\":[1 2", RL_WANT_NEXT},
        {"{\"a\":[1,", RL_WANT_VALUE},
        {"{\"a\":1,2", RL_WANT_KEY},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        machine_begin(&machine, rows[i].text);
        enum rl_want want = rl_tokenizer_begin(&machine.tok);
        struct rl_tokenizer before = machine.tok;
        enum rl_want wanted = want;
        while (want != RL_WANT_NOTHING) {
            machine.tok.at = rl_skip_blanks(machine.tok.at, machine.tok.end);
            before = machine.tok;
            wanted = want;
            want = rl_tokenizer_step(&machine.tok, want);
        }
        ck_assert_int_eq(wanted, rows[i].want);
        ck_assert_mem_eq(&machine.tok, &before, sizeof(before));
        ck_assert_int_eq(machine.error.status, RL_SYNTAX);
        machine_end(&machine);
    }
}
END_TEST

/* A segment's machine has no error to fill: whoever reads the whole will find the fault too. */
START_TEST(without_an_error_it_only_stops)
{
    machine_begin(&machine, "{\"a\":nope}");
    machine.tok.error = NULL;
    ck_assert_int_eq(
        rl_tokenizer_run(&machine.tok, rl_tokenizer_begin(&machine.tok), machine.tok.end + 1),
        RL_WANT_NOTHING);
    machine_end(&machine);
}
END_TEST

START_TEST(depth_is_noted_at_the_first_bracket_beyond_it)
{
    machine_begin(&machine, "{\"a\":[[[1]]]}");
    machine.tok.max_depth = 2;
    ck_assert_int_eq(
        rl_tokenizer_run(&machine.tok, rl_tokenizer_begin(&machine.tok), machine.tok.end + 1),
        RL_WANT_END);
    ck_assert_ptr_eq(machine.tok.too_deep, machine.text + 6);
    machine_end(&machine);
}
END_TEST

START_TEST(nothing_may_follow_the_object)
{
    machine_begin(&machine, "{} \n x");
    ck_assert_int_eq(
        rl_tokenizer_run(&machine.tok, rl_tokenizer_begin(&machine.tok), machine.tok.end + 1),
        RL_WANT_END);
    ck_assert(!rl_tokenizer_end(&machine.tok));
    ck_assert_ptr_nonnull(strstr(machine.error.detail, "text follows the object"));
    ck_assert_uint_eq(machine.error.line, 2);
    machine_end(&machine);
}
END_TEST
