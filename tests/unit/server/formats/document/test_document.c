/*
 * test_document.c: lists that are members as text become part of the document, arrays and all.
 */
#include "server/formats/document/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/unittest.h"

static const struct rl_limits limits = {.max_depth = 8, .max_json_memory = 1 << 20};

static struct rl_arena arena;
static struct rl_document document;
static struct rl_error error;
static char text[4096];

/* ' stands for ", and ` for an escaped one. */
static void read_document(const char *source)
{
    size_t length = 0;
    for (; *source; source++) {
        if (*source == '`')
            text[length++] = '\\';
        text[length++] = *source == '\'' || *source == '`' ? '"' : *source;
    }
    rl_arena_init(&arena, 1 << 20);
    ck_assert_int_eq(rl_document_read(text, length, &limits, NULL, &arena, &document, &error),
                     RL_OK);
}

static enum rl_status unpack(const char *key)
{
    return rl_document_unpack(&document, document.root, key, "/p", &limits, &arena, &error);
}

static void end(void)
{
    rl_document_release(&document);
    rl_arena_release(&arena);
}

static void check_array(const json_t *value, const double *numbers, size_t count)
{
    const struct rl_array *const array = rl_array_of(&document.extracted, value);
    ck_assert_ptr_nonnull(array);
    ck_assert_uint_eq(array->count, count);
    if (count > 0)
        ck_assert_mem_eq(array->values, numbers, count * sizeof(*numbers));
}

START_TEST(several_lists_with_arrays)
{
    read_document("{'a':[1,2],'b':'[3, [4]]','c':'[{`x`:[5],`y`:[[6],[7]]},`t`,[8,9]]','d':[10]}");
    ck_assert_int_eq(unpack("c"), RL_OK);
    ck_assert_int_eq(unpack("b"), RL_OK);
    check_array(json_object_get(document.root, "a"), (double[]){1, 2}, 2);
    check_array(json_object_get(document.root, "d"), (double[]){10}, 1);
    const json_t *const list = json_object_get(document.root, "c");
    ck_assert_uint_eq(json_array_size(list), 3);
    const json_t *const first = json_array_get(list, 0);
    check_array(json_object_get(first, "x"), (double[]){5}, 1);
    check_array(json_object_get(first, "y"), (double[]){6, 7}, 2);
    ck_assert_str_eq(json_string_value(json_array_get(list, 1)), "t");
    check_array(json_array_get(list, 2), (double[]){8, 9}, 2);
    end();
}
END_TEST

START_TEST(a_list_of_numbers_and_an_empty_one)
{
    read_document("{'a':'[1,2.5]','b':'[]','c':[7]}");
    ck_assert_int_eq(unpack("a"), RL_OK);
    ck_assert_int_eq(unpack("b"), RL_OK);
    check_array(json_object_get(document.root, "a"), (double[]){1, 2.5}, 2);
    check_array(json_object_get(document.root, "b"), NULL, 0);
    check_array(json_object_get(document.root, "c"), (double[]){7}, 1);
    end();
}
END_TEST

START_TEST(what_is_no_list_stays_as_it_is)
{
    read_document("{'a':'x','b':7,'c':' [1]','d':null}");
    static const char *const keys[] = {"a", "b", "c", "d", "missing"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        ck_assert_int_eq(unpack(keys[i]), RL_OK);
    ck_assert(json_is_string(json_object_get(document.root, "c")));
    end();
}
END_TEST

START_LOOP_TEST(texts_that_are_no_list, 7)
{
    static const char *const texts[] = {"{'a':'[1'}",
                                        "{'a':'[1]]'}",
                                        "{'a':'[1],2'}",
                                        "{'a':'[1],`b`:[2]'}",
                                        "{'a':'[[[[[[[[[1'}",
                                        "{'a':'[[[[[[[[[1]]]]]]]]]'}",
                                        "{'a':'[{`k`:1,`k`:2}]'}"};
    read_document(texts[_i]);
    const enum rl_status status = unpack("a");
    ck_assert_int_eq(status, _i == 5 ? RL_TOO_LARGE : RL_INVALID);
    ck_assert_str_eq(error.pointer, "/p");
    ck_assert_uint_gt(strlen(error.detail), 10);
    ck_assert(json_is_string(json_object_get(document.root, "a")));
    end();
}
END_TEST
