/*
 * test_requestid.c: ids of requests, and traceparent.
 */
#include "server/http/requestid.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/unittest.h"

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

START_TEST(client_ids)
{
    char longest[RL_REQUEST_ID_MAX + 2];
    memset(longest, 'a', sizeof(longest));
    longest[RL_REQUEST_ID_MAX] = '\0';
    ck_assert(rl_request_id_valid("a"));
    ck_assert(rl_request_id_valid("A-z_0.9"));
    ck_assert(rl_request_id_valid(longest));
    longest[RL_REQUEST_ID_MAX] = 'a';
    longest[RL_REQUEST_ID_MAX + 1] = '\0';
    ck_assert(!rl_request_id_valid(longest));
    static const char *const bad[] = {"",         " ",   "a b", "a\n", "a\r\nSet-Cookie: x",
                                      "\xc3\xa9", "a\"", "a/b", "a:b"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        ck_assert_msg(!rl_request_id_valid(bad[i]), "%s", bad[i]);
    ck_assert(!rl_request_id_valid(NULL));
}
END_TEST

START_TEST(choosing)
{
    char id[RL_REQUEST_ID_SIZE];
    ck_assert(rl_request_id_choose("mine", id));
    ck_assert_str_eq(id, "mine");
    ck_assert(!rl_request_id_choose("not mine", id));
    ck_assert_uint_eq(strlen(id), 32);
    ck_assert(!rl_request_id_choose(NULL, id));
    ck_assert_uint_eq(strspn(id, "0123456789abcdef"), 32);
}
END_TEST

enum { THREADS = 4, IDS = 25000 };
static char ids[THREADS * IDS][RL_REQUEST_ID_SIZE];

static void *make_ids(void *first)
{
    char(*const own)[RL_REQUEST_ID_SIZE] = first;
    for (int i = 0; i < IDS; i++)
        rl_request_id_make(own[i]);
    return NULL;
}

/* No two ids are equal, across threads too, and every digit is uniformly distributed. */
START_TEST(made_ids_differ)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, make_ids, ids[i * IDS]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int place = 0; place < 32; place++) {
        unsigned counts[256] = {0};
        for (int i = 0; i < THREADS * IDS; i++)
            counts[(unsigned char)ids[i][place]]++;
        for (const char *digit = "0123456789abcdef"; *digit; digit++) {
            /* 6250 expected, standard deviation 77: eight of them. */
            ck_assert_uint_gt(counts[(unsigned char)*digit], 6250 - 620);
            ck_assert_uint_lt(counts[(unsigned char)*digit], 6250 + 620);
        }
    }
    qsort(ids, THREADS * IDS, RL_REQUEST_ID_SIZE, compare);
    for (int i = 1; i < THREADS * IDS; i++)
        ck_assert_str_ne(ids[i - 1], ids[i]);
}
END_TEST

START_TEST(good_traceparents)
{
    static const char trace[] = "0af7651916cd43dd8448eb211c80319c";
    static const char *const headers[] = {
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff",
        "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
        "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-comes-later",
    };
    char id[RL_TRACE_ID_SIZE];
    for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
        ck_assert_msg(rl_traceparent_parse(headers[i], id), "%s", headers[i]);
        ck_assert_str_eq(id, trace);
    }
}
END_TEST

START_TEST(bad_traceparents)
{
    static const char *const headers[] = {
        "",
        "00",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x",
        "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.x",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "0g-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319cb7ad6b71692033310001",
        "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333z-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x",
        " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    };
    char id[RL_TRACE_ID_SIZE] = "untouched";
    for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
        ck_assert_msg(!rl_traceparent_parse(headers[i], id), "%s", headers[i]);
    ck_assert(!rl_traceparent_parse(NULL, id));
    ck_assert_str_eq(id, "untouched");
}
END_TEST
