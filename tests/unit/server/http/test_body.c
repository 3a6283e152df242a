/*
 * test_body.c: bodies whole and in pieces, within the cap and past it.
 */
#include "server/http/body.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tests/lib/unittest.h"

static struct rl_body body;
static struct rl_error error;

void test_before_each(void)
{
    body = (struct rl_body){0};
}

void test_after_each(void)
{
    rl_body_release(&body);
}

START_TEST(pieces_come_together)
{
    for (size_t announced = 0; announced <= 1; announced++) {
        rl_body_begin(&body, announced ? 300000 : SIZE_MAX, RL_CODING_IDENTITY);
        ck_assert_int_eq(rl_body_reserve(&body, &error), RL_OK);
        size_t failed = 0, wrong = 0;
        for (size_t i = 0; i < 100000; i++)
            failed += rl_body_append(&body, "abc", 3, 1 << 20, &error) != RL_OK;
        ck_assert_uint_eq(failed, 0);
        ck_assert_uint_eq(body.length, 300000);
        ck_assert_uint_eq(body.received, 300000);
        for (size_t i = 0; i < 300000; i++)
            wrong += body.data[i] != "abc"[i % 3];
        ck_assert_uint_eq(wrong, 0);
        if (announced)
            ck_assert_uint_eq(body.capacity, 300000);
        rl_body_end(&body);
    }
}
END_TEST

START_TEST(the_cap_is_kept_to_the_byte)
{
    rl_body_begin(&body, SIZE_MAX, RL_CODING_IDENTITY);
    ck_assert_int_eq(rl_body_append(&body, "0123456789", 10, 15, &error), RL_OK);
    ck_assert_int_eq(rl_body_append(&body, "01234", 5, 15, &error), RL_OK);
    ck_assert_int_eq(rl_body_append(&body, "5", 1, 15, &error), RL_TOO_LARGE);
    ck_assert_ptr_nonnull(strstr(error.detail, "max-body-bytes"));
    ck_assert_uint_eq(body.length, 15);
    ck_assert_uint_le(body.capacity, 15);
}
END_TEST

START_TEST(what_is_dropped_takes_no_memory)
{
    static char piece[65536];
    rl_body_begin(&body, SIZE_MAX, RL_CODING_IDENTITY);
    ck_assert_int_eq(rl_body_append(&body, piece, sizeof(piece), 1 << 20, &error), RL_OK);
    rl_body_drop(&body);
    ck_assert_ptr_null(body.data);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(rl_body_append(&body, piece, sizeof(piece), 1, &error), RL_OK);
    ck_assert_ptr_null(body.data);
    ck_assert_uint_eq(body.dropped, 100 * sizeof(piece));
    ck_assert_uint_eq(body.received, 101 * sizeof(piece));
}
END_TEST

START_TEST(small_buffers_are_kept_and_large_ones_are_not)
{
    rl_body_begin(&body, RL_BODY_KEEP_MAX, RL_CODING_IDENTITY);
    ck_assert_int_eq(rl_body_reserve(&body, &error), RL_OK);
    const char *const kept = body.data;
    rl_body_end(&body);
    ck_assert_ptr_eq(body.data, kept);
    rl_body_begin(&body, 100, RL_CODING_IDENTITY);
    ck_assert_int_eq(rl_body_reserve(&body, &error), RL_OK);
    ck_assert_ptr_eq(body.data, kept);
    ck_assert_uint_eq(body.length, 0);
    rl_body_begin(&body, RL_BODY_KEEP_MAX + 1, RL_CODING_IDENTITY);
    ck_assert_int_eq(rl_body_reserve(&body, &error), RL_OK);
    rl_body_end(&body);
    ck_assert_ptr_null(body.data);
}
END_TEST

/* Fills the body with `length` zeros in gzip. */
static void take_zeros(size_t length)
{
    char *const plain = calloc(1, length);
    const size_t room = length + 1000;
    unsigned char *const coded = malloc(room);
    z_stream stream = {.next_in = (unsigned char *)plain,
                       .avail_in = (unsigned)length,
                       .next_out = coded,
                       .avail_out = (unsigned)room};
    ck_assert_int_eq(deflateInit2(&stream, 9, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY), Z_OK);
    ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    rl_body_begin(&body, stream.total_out, RL_CODING_GZIP);
    ck_assert_int_eq(rl_body_append(&body, (const char *)coded, stream.total_out, SIZE_MAX, &error),
                     RL_OK);
    deflateEnd(&stream);
    free(coded);
    free(plain);
}

START_LOOP_TEST(a_byte_is_aligned_where_that_is_asked_for, 20)
{
    static const size_t sizes[] = {100, 200000, 90, 0};
    const size_t at = (size_t)_i;
    for (size_t i = 0; i < 4; i++) { /* the block of one is used again by the next */
        const size_t size = sizes[i] ? sizes[i] : 70000;
        char *const bytes = malloc(size);
        memset(bytes, 'a' + (int)i, size);
        rl_body_begin(&body, sizes[i] ? size : SIZE_MAX, RL_CODING_IDENTITY);
        rl_body_align(&body, at);
        ck_assert_int_eq(rl_body_reserve(&body, &error), RL_OK);
        for (size_t done = 0; done < size; done += size / 10)
            ck_assert_int_eq(rl_body_append(&body, bytes + done, size / 10, size, &error), RL_OK);
        ck_assert_uint_eq(body.length, size);
        ck_assert_uint_eq((uintptr_t)(body.data + at) % RL_BODY_ALIGNED, 0);
        ck_assert_int_eq(memcmp(body.data, bytes, size), 0);
        ck_assert_uint_ge(body.capacity, body.lead + size);
        free(bytes);
        rl_body_end(&body);
    }
}
END_TEST

START_TEST(gzip_is_undone_within_its_own_cap)
{
    take_zeros(100000);
    ck_assert_uint_lt(body.length, 1000);
    ck_assert_int_eq(rl_body_inflate(&body, 100000, &error), RL_OK);
    ck_assert_uint_eq(body.length, 100000);
    ck_assert_int_eq(rl_body_inflate(&body, 1, &error), RL_OK); /* once is enough */
    rl_body_release(&body);
    take_zeros(100000);
    ck_assert_int_eq(rl_body_inflate(&body, 99999, &error), RL_TOO_LARGE);
}
END_TEST
