/*
 * test_compress.c: inflating and deflating gzip, zip bombs and broken streams.
 */
#include "server/http/compress.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tests/lib/unittest.h"

struct bytes {
    unsigned char *data;
    size_t length;
};

/* One gzip member of `length` bytes. */
static struct bytes member(const void *data, size_t length)
{
    z_stream stream = {0};
    ck_assert_int_eq(deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    struct bytes out = {malloc(length + 1000), 0};
    stream.next_in = (z_const unsigned char *)(uintptr_t)data;
    stream.avail_in = (uInt)length;
    stream.next_out = out.data;
    stream.avail_out = (uInt)(length + 1000);
    ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out.length = stream.total_out;
    deflateEnd(&stream);
    return out;
}

/* Text of a body: numbers, not too regular. */
static char *numbers(size_t length)
{
    char *const text = calloc(length + 16, 1);
    unsigned state = 12345;
    for (size_t used = 0; used < length; used += 8) {
        state = state * 1103515245 + 12345;
        snprintf(text + used, 9, "0.%05u,", state >> 8 & 0xffff);
    }
    return text;
}

static void append(struct bytes *bytes, const void *data, size_t length)
{
    bytes->data = realloc(bytes->data, bytes->length + length);
    memcpy(bytes->data + bytes->length, data, length);
    bytes->length += length;
}

static enum rl_status gunzip(const struct bytes *bytes, size_t max, char **ret_data,
                             size_t *ret_length, struct rl_error *error)
{
    /* A copy of exactly this size lets the sanitizer see a read past its end. */
    char *const copy = malloc(bytes->length ? bytes->length : 1);
    memcpy(copy, bytes->data, bytes->length);
    const enum rl_status status =
        rl_inflate(RL_CODING_GZIP, copy, bytes->length, max, ret_data, ret_length, error);
    free(copy);
    return status;
}

static void expect(const struct bytes *bytes, const void *data, size_t length, size_t max)
{
    struct rl_error error;
    char *got;
    size_t got_length;
    ck_assert_msg(gunzip(bytes, max, &got, &got_length, &error) == RL_OK, "%s", error.detail);
    ck_assert_uint_eq(got_length, length);
    ck_assert_int_eq(memcmp(got, data, length), 0);
    ck_assert_int_eq(got[got_length], '\0');
    free(got);
}

static void expect_failure(const struct bytes *bytes, size_t max, enum rl_status status)
{
    struct rl_error error;
    char *got = NULL;
    size_t got_length = 77;
    ck_assert_int_eq(gunzip(bytes, max, &got, &got_length, &error), status);
    ck_assert_int_eq(error.status, status);
    ck_assert_ptr_null(got);
    ck_assert_uint_eq(got_length, 77);
}

/* ---- Inflating ------------------------------------------------------------------------------ */

/* Lengths around those at which the buffer grows, at a limit that just holds them and one under. */
START_LOOP_TEST(round_trips_and_limits, 9)
{
    static const size_t lengths[] = {1, 100, 4095, 4096, 4097, 8192, 8193, 100000, 1000000};
    const size_t length = lengths[_i];
    char *const text = numbers(length);
    struct bytes packed = member(text, length);
    expect(&packed, text, length, length);
    expect(&packed, text, length, 10 * length);
    expect_failure(&packed, length - 1, RL_TOO_LARGE);
    free(packed.data);
    free(text);
}
END_TEST

START_TEST(an_empty_body)
{
    struct bytes packed = member("", 0);
    expect(&packed, "", 0, 10);
    free(packed.data);
}
END_TEST

START_TEST(several_members)
{
    struct bytes packed = member("one,", 4), more = member("", 0), last = member("two", 3);
    append(&packed, more.data, more.length);
    append(&packed, last.data, last.length);
    expect(&packed, "one,two", 7, 7);
    expect_failure(&packed, 6, RL_TOO_LARGE);
    expect_failure(&packed, 4, RL_TOO_LARGE);
    free(packed.data);
    free(more.data);
    free(last.data);
}
END_TEST

/* The stream may claim any size at its end: memory follows what really comes out. */
START_LOOP_TEST(false_claims_of_size, 4)
{
    static const unsigned char claims[][4] = {
        {0xff, 0xff, 0xff, 0xff}, {0, 0, 0, 0x80}, {0, 0, 0, 0}, {1, 0, 0, 0}};
    char *const text = numbers(20000);
    struct bytes packed = member(text, 20000);
    memcpy(packed.data + packed.length - 4, claims[_i], 4);
    /* The claim is compared with the output, so the stream is not valid gzip. */
    expect_failure(&packed, (size_t)1 << 34, RL_SYNTAX);
    free(packed.data);
    free(text);
}
END_TEST

/* 1 GiB of one byte in about 1 MiB: refused at the limit, with memory bounded by it. */
START_TEST(bombs)
{
    enum { LIMIT = 1 << 20, ZEROS = 1 << 20, PIECES = 1024 };
    static unsigned char zeros[ZEROS];
    z_stream stream = {0};
    struct bytes bomb = {NULL, 0};
    unsigned char chunk[1 << 16];
    ck_assert_int_eq(deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    for (int i = 0; i <= PIECES; i++) {
        stream.next_in = zeros;
        stream.avail_in = i < PIECES ? ZEROS : 0;
        do {
            stream.next_out = chunk;
            stream.avail_out = sizeof(chunk);
            deflate(&stream, i < PIECES ? Z_NO_FLUSH : Z_FINISH);
            append(&bomb, chunk, sizeof(chunk) - stream.avail_out);
        } while (stream.avail_out == 0);
    }
    deflateEnd(&stream);
    ck_assert_uint_gt(bomb.length, 1000000);
    const struct mallinfo2 before = mallinfo2();
    expect_failure(&bomb, LIMIT, RL_TOO_LARGE);
    const struct mallinfo2 after = mallinfo2();
    ck_assert_uint_le(after.uordblks + after.hblkhd, before.uordblks + before.hblkhd + 65536);
    free(bomb.data);
}
END_TEST

/* Cut short anywhere, or with any byte of a small stream changed: an error or the same text, never
 * another one. */
START_TEST(every_cut_and_every_flip)
{
    char *const text = numbers(600);
    struct bytes packed = member(text, 600), broken = {NULL, 0};
    for (size_t length = 0; length < packed.length; length++) {
        const struct bytes cut = {packed.data, length};
        expect_failure(&cut, 1000, RL_SYNTAX);
    }
    append(&broken, packed.data, packed.length);
    for (size_t at = 0; at < 8 * packed.length; at++) {
        struct rl_error error;
        char *got = NULL;
        size_t length;
        broken.data[at / 8] ^= (unsigned char)(1u << at % 8);
        const enum rl_status status = gunzip(&broken, 1000, &got, &length, &error);
        if (status == RL_OK) /* the header's time, operating system and flags mean nothing */
            ck_assert(length == 600 && memcmp(got, text, 600) == 0);
        else
            ck_assert(status == RL_SYNTAX || status == RL_TOO_LARGE);
        free(got);
        broken.data[at / 8] ^= (unsigned char)(1u << at % 8);
    }
    free(packed.data);
    free(broken.data);
    free(text);
}
END_TEST

START_LOOP_TEST(bytes_after_the_end, 5)
{
    static const char *const rests[] = {"x", "\0\0\0\0", "\x1f", "\x1f\x8b\x08",
                                        "garbage, long enough"};
    static const size_t lengths[] = {1, 4, 1, 3, 20};
    struct rl_error error;
    char *got;
    size_t length;
    struct bytes packed = member("body", 4);
    const size_t whole = packed.length;
    append(&packed, rests[_i], lengths[_i]);
    ck_assert_int_eq(gunzip(&packed, 100, &got, &length, &error), RL_SYNTAX);
    ck_assert_uint_ge(error.offset, whole);
    ck_assert_uint_le(error.offset, packed.length);
    free(packed.data);
}
END_TEST

/* Neither zlib's own format nor bare deflate nor plain text is gzip. */
START_TEST(other_formats)
{
    unsigned char packed[200];
    uLongf length = sizeof(packed);
    char *const text = numbers(100);
    ck_assert_int_eq(compress(packed, &length, (const unsigned char *)text, 100), Z_OK);
    const struct bytes zlib_form = {packed, length}, plain = {(unsigned char *)text, 100},
                       bare = {packed + 2, length - 6};
    expect_failure(&zlib_form, 1000, RL_SYNTAX);
    expect_failure(&plain, 1000, RL_SYNTAX);
    expect_failure(&bare, 1000, RL_SYNTAX);
    free(text);
}
END_TEST

/* ---- Deflating ------------------------------------------------------------------------------ */

START_LOOP_TEST(replies_round_trip, 6)
{
    static const size_t lengths[] = {RL_DEFLATE_MIN, 5000, 1000000};
    const enum rl_coding coding = _i < 3 ? RL_CODING_GZIP : RL_CODING_DEFLATE;
    const size_t whole = lengths[_i % 3];
    char *const text = numbers(whole), *packed, *back;
    size_t length, back_length;
    struct rl_error error;
    ck_assert(rl_deflate(coding, text, whole, &packed, &length));
    ck_assert_uint_lt(length, whole);
    ck_assert_int_eq(rl_inflate(coding, packed, length, whole, &back, &back_length, &error), RL_OK);
    ck_assert_uint_eq(back_length, whole);
    ck_assert_int_eq(memcmp(back, text, back_length), 0);
    free(text);
    free(packed);
    free(back);
}
END_TEST

static enum rl_status unzlib(const unsigned char *packed, size_t length, size_t max)
{
    struct rl_error error = {0};
    char *const copy = malloc(length), *back = NULL;
    size_t back_length;
    memcpy(copy, packed, length);
    const enum rl_status status =
        rl_inflate(RL_CODING_DEFLATE, copy, length, max, &back, &back_length, &error);
    ck_assert((status == RL_OK) == (back != NULL));
    ck_assert(status == RL_OK || strstr(error.detail, status == RL_SYNTAX ? "deflate" : "max-"));
    free(copy);
    free(back);
    return status;
}

START_TEST(zlib_streams)
{
    unsigned char packed[200] = {0};
    uLongf length = sizeof(packed);
    char *const zeros = calloc(1, 100000); /* far more than the claim of 4 times */
    ck_assert_int_eq(compress(packed, &length, (const unsigned char *)zeros, 100000), Z_OK);
    ck_assert_int_eq(unzlib(packed, length, 100000), RL_OK);
    ck_assert_int_eq(unzlib(packed, length, 99999), RL_TOO_LARGE);
    ck_assert_int_eq(unzlib(packed, length - 1, 200000), RL_SYNTAX);
    ck_assert_int_eq(unzlib(packed, length + 1, 200000), RL_SYNTAX);     /* a byte follows */
    ck_assert_int_eq(unzlib(packed + 2, length - 6, 200000), RL_SYNTAX); /* without its frame */
    ck_assert_int_eq(unzlib(packed, 5, 200000), RL_SYNTAX);
    packed[length - 1] ^= 1;
    ck_assert_int_eq(unzlib(packed, length, 100000), RL_SYNTAX);
    free(zeros);
}
END_TEST

START_TEST(what_does_not_pay_is_left_alone)
{
    char *const text = numbers(RL_DEFLATE_MIN), *packed = NULL;
    unsigned char noise[4096];
    size_t length = 77;
    unsigned state = 1;
    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (unsigned char)((state = state * 1103515245 + 12345) >> 16);
    ck_assert(!rl_deflate(RL_CODING_GZIP, text, RL_DEFLATE_MIN - 1, &packed, &length));
    ck_assert(!rl_deflate(RL_CODING_GZIP, text, 0, &packed, &length));
    ck_assert(!rl_deflate(RL_CODING_GZIP, noise, sizeof(noise), &packed, &length));
    ck_assert_ptr_null(packed);
    ck_assert_uint_eq(length, 77);
    free(text);
}
END_TEST

/* ---- Headers -------------------------------------------------------------------------------- */

START_TEST(codings_of_bodies)
{
    static const struct {
        const char *header;
        enum rl_coding coding;
    } cases[] = {
        {NULL, RL_CODING_IDENTITY},        {"", RL_CODING_IDENTITY},
        {" ", RL_CODING_IDENTITY},         {"identity", RL_CODING_IDENTITY},
        {"Identity ", RL_CODING_IDENTITY}, {"gzip", RL_CODING_GZIP},
        {" GZIP", RL_CODING_GZIP},         {"x-gzip", RL_CODING_GZIP},
        {"gzip, gzip", RL_CODING_UNKNOWN}, {"identity, gzip", RL_CODING_UNKNOWN},
        {"br", RL_CODING_UNKNOWN},         {"deflate", RL_CODING_DEFLATE},
        {"gzipp", RL_CODING_UNKNOWN},      {"gzip;q=1", RL_CODING_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        ck_assert_msg(rl_coding_of_body(cases[i].header) == cases[i].coding, "%s", cases[i].header);
    ck_assert_str_eq(rl_coding_accepted(), "gzip, deflate, identity");
}
END_TEST

START_TEST(codings_of_replies)
{
    static const struct {
        const char *header;
        enum rl_coding coding;
    } cases[] = {
        {NULL, RL_CODING_IDENTITY},
        {"", RL_CODING_IDENTITY},
        {"gzip", RL_CODING_GZIP},
        {"gzip, deflate, br", RL_CODING_GZIP},
        {"x-gzip", RL_CODING_GZIP},
        {"*", RL_CODING_GZIP},
        {"br", RL_CODING_IDENTITY},
        {"gzip;q=0", RL_CODING_IDENTITY},
        {"gzip;q=0, *", RL_CODING_IDENTITY},
        {"gzip;q=0.5", RL_CODING_GZIP},
        {"gzip;q=0.5, identity", RL_CODING_IDENTITY},
        {"gzip;q=0.5, identity;q=0.5", RL_CODING_GZIP},
        {"identity;q=0, gzip;q=0.1", RL_CODING_GZIP},
        {"identity;q=0", RL_CODING_UNKNOWN},
        {"*;q=0", RL_CODING_UNKNOWN},
        {"*;q=0, identity", RL_CODING_IDENTITY},
        {"br;q=1, *;q=0", RL_CODING_UNKNOWN},
        {"deflate", RL_CODING_DEFLATE},
        {"Deflate;q=0.5, br", RL_CODING_DEFLATE},
        {"gzip;q=0.5, deflate", RL_CODING_DEFLATE},
        {"gzip;q=0, deflate", RL_CODING_DEFLATE},
        {"deflate;q=0.5, identity", RL_CODING_IDENTITY},
        {"deflate;q=0", RL_CODING_IDENTITY},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        ck_assert_msg(rl_coding_of_reply(cases[i].header) == cases[i].coding, "%s",
                      cases[i].header);
}
END_TEST
