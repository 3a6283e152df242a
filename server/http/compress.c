/*
 * compress.c: gzip and deflate by libdeflate, which works on whole buffers.
 */
#include "server/http/compress.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/base/memory.h"
#include "server/http/negotiate.h"

enum {
    LEVEL = 1,       /* of compression; the fastest, for latency */
    MEMBER_MIN = 18, /* of gzip: a header and a trailer */
    STREAM_MIN = 6,  /* of zlib */
    FIRST_MIN = 4096,
    RATIO_GUESS = 16, /* JSON numbers compress 2 to 4 times; a larger claim is not trusted */
    RATIO_USUAL = 4
};

/* ---- Codings -------------------------------------------------------------------------------- */

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t")] == '\0';
}

/* Whether the text is this word, ignoring case and surrounding blanks. */
static bool is_word(const char *text, const char *word)
{
    const size_t length = strlen(word);
    text += strspn(text, " \t");
    return strncasecmp(text, word, length) == 0 && is_blank(text + length);
}

enum rl_coding rl_coding_of_body(const char *content_encoding)
{
    if (!content_encoding || is_blank(content_encoding) || is_word(content_encoding, "identity"))
        return RL_CODING_IDENTITY;
    if (is_word(content_encoding, "gzip") || is_word(content_encoding, "x-gzip"))
        return RL_CODING_GZIP;
    return is_word(content_encoding, "deflate") ? RL_CODING_DEFLATE : RL_CODING_UNKNOWN;
}

const char *rl_coding_name(enum rl_coding coding)
{
    static const char *const names[] = {[RL_CODING_IDENTITY] = "identity",
                                        [RL_CODING_GZIP] = "gzip",
                                        [RL_CODING_DEFLATE] = "deflate",
                                        [RL_CODING_UNKNOWN] = "unknown"};
    return names[coding];
}

const char *rl_coding_accepted(void)
{
    return "gzip, deflate, identity";
}

/* A coding that the list does not mention has the weight of "*". */
static int weight_of(const char *list, const char *name, const char *other_name)
{
    int weight = rl_negotiate_weight(list, name);
    if (weight < 0)
        weight = rl_negotiate_weight(list, other_name);
    return weight < 0 ? rl_negotiate_weight(list, "*") : weight;
}

enum rl_coding rl_coding_of_reply(const char *accept_encoding)
{
    const int gzip = weight_of(accept_encoding, "gzip", "x-gzip");
    const int identity = weight_of(accept_encoding, "identity", "identity");
    const int deflate = rl_negotiate_weight(accept_encoding, "deflate");
    if (gzip > 0 && gzip >= identity && gzip >= deflate)
        return RL_CODING_GZIP;
    if (deflate > 0 && deflate >= identity)
        return RL_CODING_DEFLATE;
    return identity == 0 ? RL_CODING_UNKNOWN : RL_CODING_IDENTITY;
}

/* ---- Inflating ------------------------------------------------------------------------------ */

struct inflater {
    enum rl_coding coding;
    struct libdeflate_decompressor *engine;
    const unsigned char *input;
    size_t length, done; /* of the input */
    char *data;          /* the output; capacity includes the NUL */
    size_t used, capacity, max;
    struct rl_error *error;
};

size_t rl_inflate_claim(enum rl_coding coding, const void *data, size_t length, size_t max)
{
    size_t size = 0;
    if (coding == RL_CODING_DEFLATE) {
        size = RATIO_USUAL * length;
    } else if (length >= MEMBER_MIN) {
        const unsigned char *const claim = (const unsigned char *)data + length - 4;
        size = (size_t)claim[0] | (size_t)claim[1] << 8 | (size_t)claim[2] << 16 |
               (size_t)claim[3] << 24;
    }
    if (size / RATIO_GUESS > length)
        size = RATIO_GUESS * length;
    if (size < FIRST_MIN)
        size = FIRST_MIN;
    return size < max ? size : max;
}

static bool set_capacity(struct inflater *inflater, size_t capacity)
{
    char *const data =
        rl_memory_resize(inflater->data, inflater->capacity, inflater->used, capacity);
    if (!data)
        return false;
    inflater->data = data;
    inflater->capacity = capacity;
    return true;
}

/* Doubles, up to the limit. */
static bool grow(struct inflater *inflater)
{
    const size_t limit = inflater->max + 1, now = inflater->capacity;
    return set_capacity(inflater, now > limit / 2 ? limit : 2 * now);
}

static enum rl_status no_memory(struct rl_error *error)
{
    return rl_fail(error, RL_NOMEM, "", "no memory to inflate the body");
}

static enum rl_status not_valid(const struct inflater *inflater)
{
    const enum rl_status status =
        rl_fail(inflater->error, RL_SYNTAX, "", "the body is not valid %s from byte %zu on",
                rl_coding_name(inflater->coding), inflater->done);
    inflater->error->offset = inflater->done;
    return status;
}

static enum rl_status too_large(const struct inflater *inflater)
{
    return rl_fail(inflater->error, RL_TOO_LARGE, "",
                   "the body inflates to more than max-inflated-bytes, %zu", inflater->max);
}

/* Decodes one member, or the stream. */
static enum libdeflate_result decode(const struct inflater *inflater, size_t *ret_taken,
                                     size_t *ret_given)
{
    const unsigned char *const from = inflater->input + inflater->done;
    char *const to = inflater->data + inflater->used;
    const size_t length = inflater->length - inflater->done;
    const size_t room = inflater->capacity - 1 - inflater->used;
    if (inflater->coding == RL_CODING_DEFLATE)
        return libdeflate_zlib_decompress_ex(inflater->engine, from, length, to, room, ret_taken,
                                             ret_given);
    return libdeflate_gzip_decompress_ex(inflater->engine, from, length, to, room, ret_taken,
                                         ret_given);
}

/* Inflates one member. If its output does not fit, it starts again with a buffer twice as large, so
 * the repeated work is less than the final pass. */
static enum rl_status inflate_member(struct inflater *inflater)
{
    size_t taken = 0, given = 0;
    enum libdeflate_result result;
    for (;;) {
        result = decode(inflater, &taken, &given);
        if (result != LIBDEFLATE_INSUFFICIENT_SPACE)
            break;
        if (inflater->capacity > inflater->max)
            return too_large(inflater);
        if (!grow(inflater))
            return no_memory(inflater->error);
    }
    if (result != LIBDEFLATE_SUCCESS)
        return not_valid(inflater);
    inflater->done += taken;
    inflater->used += given;
    return RL_OK;
}

/* Inflates all members; a zlib stream is only one. */
static enum rl_status inflate_all(struct inflater *inflater)
{
    enum rl_status status = RL_OK;
    const size_t claim =
        rl_inflate_claim(inflater->coding, inflater->input, inflater->length, inflater->max);
    if (!set_capacity(inflater, claim + 1))
        return no_memory(inflater->error);
    do
        status = inflate_member(inflater);
    while (status == RL_OK && inflater->done < inflater->length &&
           inflater->coding == RL_CODING_GZIP);
    return status == RL_OK && inflater->done < inflater->length ? not_valid(inflater) : status;
}

enum rl_status rl_inflate(enum rl_coding coding, const void *data, size_t length, size_t max,
                          char **ret_data, size_t *ret_length, struct rl_error *error)
{
    struct inflater inflater = {
        .coding = coding, .input = data, .length = length, .max = max, .error = error};
    if (length < (coding == RL_CODING_GZIP ? MEMBER_MIN : STREAM_MIN))
        return not_valid(&inflater);
    inflater.engine = libdeflate_alloc_decompressor();
    if (!inflater.engine)
        return no_memory(error);
    const enum rl_status status = inflate_all(&inflater);
    libdeflate_free_decompressor(inflater.engine);
    if (status != RL_OK) {
        free(inflater.data);
        return status;
    }
    inflater.data[inflater.used] = '\0';
    *ret_data = inflater.data;
    *ret_length = inflater.used;
    return RL_OK;
}

/* ---- Deflating ------------------------------------------------------------------------------ */

/* The compressed length of `data`, or 0 if it does not fit or memory is short. */
static size_t deflate_into(enum rl_coding coding, const void *data, size_t length, char *out,
                           size_t out_size)
{
    struct libdeflate_compressor *const engine = libdeflate_alloc_compressor(LEVEL);
    if (!engine)
        return 0;
    const size_t packed = coding == RL_CODING_DEFLATE
                              ? libdeflate_zlib_compress(engine, data, length, out, out_size)
                              : libdeflate_gzip_compress(engine, data, length, out, out_size);
    libdeflate_free_compressor(engine);
    return packed;
}

bool rl_deflate(enum rl_coding coding, const void *data, size_t length, char **ret_data,
                size_t *ret_length)
{
    if (length < RL_DEFLATE_MIN)
        return false;
    char *out = malloc(length - 1);
    const size_t packed = out ? deflate_into(coding, data, length, out, length - 1) : 0;
    if (packed == 0) {
        free(out);
        return false;
    }
    /* Return the unused end; if that fails, keep the whole buffer. */
    char *const fitted = realloc(out, packed);
    if (fitted)
        out = fitted;
    *ret_data = out;
    *ret_length = packed;
    return true;
}
