/*
 * test_text.c: the growing text, its numbers, and what it does without memory.
 */
#include "server/text/text.h"

#include <stdlib.h>
#include <string.h>

#include "tests/lib/unittest.h"

static void check_content(const struct rl_text *text, const char *expected)
{
    ck_assert(!text->failed);
    ck_assert_uint_eq(text->length, strlen(expected));
    ck_assert_mem_eq(text->data, expected, text->length);
}

START_TEST(appends_in_order)
{
    struct rl_text text;
    rl_text_init(&text);
    rl_text_string(&text, "a");
    rl_text_append(&text, "bcd", 2);
    rl_text_format(&text, "%d-%s", 42, "x");
    rl_text_append(&text, "", 0);
    rl_text_unsigned(&text, 18446744073709551615u);
    check_content(&text, "abc42-x18446744073709551615");
    rl_text_release(&text);
    ck_assert_ptr_null(text.data);
}
END_TEST

START_TEST(grows_and_keeps_what_was_there)
{
    struct rl_text text;
    rl_text_init(&text);
    for (unsigned i = 0; i < 100000; i++)
        rl_text_format(&text, "%05u", i);
    ck_assert_uint_eq(text.length, 500000);
    for (unsigned i = 0; i < 100000; i += 997)
        ck_assert_uint_eq(
            strtoul((char[]){text.data[5 * i], text.data[5 * i + 1], text.data[5 * i + 2],
                             text.data[5 * i + 3], text.data[5 * i + 4], 0},
                    NULL, 10),
            i);
    rl_text_release(&text);
}
END_TEST

START_TEST(taken_text_leaves_an_empty_one)
{
    struct rl_text text;
    size_t length = 99;
    rl_text_init(&text);
    rl_text_string(&text, "kept");
    char *const data = rl_text_take(&text, &length);
    ck_assert_uint_eq(length, 4);
    ck_assert_mem_eq(data, "kept", 4);
    ck_assert_ptr_null(text.data);
    rl_text_string(&text, "new");
    check_content(&text, "new");
    rl_text_release(&text);
    free(data);
}
END_TEST

START_TEST(numbers_are_short)
{
    struct rl_text text;
    rl_text_init(&text);
    rl_text_double(&text, 0.1);
    rl_text_string(&text, " ");
    rl_text_float(&text, 0.1f);
    rl_text_string(&text, " ");
    rl_text_double(&text, (double)0.1f);
    rl_text_string(&text, " ");
    rl_text_double(&text, 3);
    check_content(&text, "0.1 0.1 0.10000000149011612 3");
    rl_text_release(&text);
}
END_TEST

START_TEST(failure_is_sticky)
{
    struct rl_text text;
    rl_text_init(&text);
    rl_text_string(&text, "before");
    ck_assert(!rl_text_reserve(&text, SIZE_MAX / 2 + 100));
    ck_assert(text.failed);
    rl_text_string(&text, "after");
    rl_text_double(&text, 1);
    ck_assert_uint_eq(text.length, 6);
    ck_assert(!rl_text_reserve(&text, 1));
    rl_text_release(&text);
}
END_TEST

START_TEST(a_pool_counts_the_capacity_and_then_the_length)
{
    struct rl_pool pool;
    rl_pool_init(&pool, 8 << 20);
    struct rl_text text = {.pool = &pool};
    size_t length = 0;
    for (int i = 0; i < 300000; i++)
        rl_text_string(&text, "0123456789");
    ck_assert(!text.failed);
    ck_assert_uint_eq(rl_pool_used(&pool), text.capacity);
    char *const data = rl_text_take(&text, &length);
    ck_assert_uint_eq(length, 3000000);
    ck_assert_mem_eq(data + length - 10, "0123456789", 10);
    ck_assert_uint_eq(rl_pool_used(&pool), length);
    free(data);
    rl_pool_give(&pool, length);
    ck_assert_uint_eq(rl_pool_used(&pool), 0);
}
END_TEST

START_TEST(a_pool_that_refuses_a_doubling_may_give_what_is_needed)
{
    struct rl_pool pool;
    rl_pool_init(&pool, 8 << 20);
    struct rl_text text = {.pool = &pool};
    ck_assert(rl_text_reserve(&text, 4 << 20));
    text.length = text.capacity;
    ck_assert(rl_text_reserve(&text, 1 << 20));
    ck_assert_uint_eq(text.capacity, 5 << 20);
    ck_assert(!text.starved);
    ck_assert(!rl_text_reserve(&text, 4 << 20));
    ck_assert(text.failed && text.starved);
    rl_text_release(&text);
    ck_assert_uint_eq(rl_pool_used(&pool), 0);
}
END_TEST
