/*
 * lex.c: the smallest parts of JSON text.
 */
#include "server/formats/document/lex.h"

#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "server/text/utf8.h"

#ifdef __SSE2__

/* Adds the number of bytes of 16 that equal `mark` to both halves of `sums`, together. */
static __m128i add_equal(__m128i sums, __m128i bytes, char mark)
{
    const __m128i equal = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(mark));
    const __m128i ones = _mm_and_si128(equal, _mm_set1_epi8(1));
    return _mm_add_epi64(sums, _mm_sad_epu8(ones, _mm_setzero_si128()));
}

static size_t add_halves(__m128i sums)
{
    return (size_t)_mm_cvtsi128_si64(sums) +
           (size_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(sums, sums));
}

#endif

struct rl_marks rl_count_marks(const char *text, size_t length)
{
    struct rl_marks marks = {0, 0};
    size_t i = 0;
#ifdef __SSE2__
    __m128i commas = _mm_setzero_si128(), brackets = commas;
    for (; length - i >= 16; i += 16) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(text + i));
        commas = add_equal(commas, bytes, ',');
        brackets = add_equal(brackets, bytes, '[');
    }
    marks = (struct rl_marks){add_halves(commas), add_halves(brackets)};
#endif
    for (; i < length; i++) {
        marks.commas += text[i] == ',';
        marks.brackets += text[i] == '[';
    }
    return marks;
}

static const char *refuse(struct rl_fault *fault, const char *at, const char *why)
{
    *fault = (struct rl_fault){at, why};
    return NULL;
}

/* The value of the 4 hexadecimal digits at `text`, or UINT32_MAX. */
static uint32_t hex4(const char *text, const char *end)
{
    uint32_t value = 0;
    if (end - text < 4)
        return UINT32_MAX;
    for (int i = 0; i < 4; i++) {
        const char c = text[i];
        if (c >= '0' && c <= '9')
            value = value << 4 | (uint32_t)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            value = value << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
        else
            return UINT32_MAX;
    }
    return value;
}

static bool is_high_surrogate(uint32_t unit)
{
    return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low_surrogate(uint32_t unit)
{
    return unit >= 0xdc00 && unit <= 0xdfff;
}

/* Checks \uXXXX, whose backslash is at `text`. */
static const char *scan_unicode_escape(const char *text, const char *end, bool key,
                                       struct rl_fault *fault)
{
    const uint32_t unit = hex4(text + 2, end);
    if (unit == UINT32_MAX)
        return refuse(fault, text, "\\u takes four hexadecimal digits");
    if (unit == 0 && key)
        return refuse(fault, text, "a key cannot hold the character U+0000");
    if (is_low_surrogate(unit))
        return refuse(fault, text, "a low surrogate without a high one before it");
    if (!is_high_surrogate(unit))
        return text + 6;
    const bool paired = end - text >= 12 && text[6] == '\\' && text[7] == 'u' &&
                        is_low_surrogate(hex4(text + 8, end));
    return paired ? text + 12 : refuse(fault, text, "a high surrogate without a low one after it");
}

static const char *scan_escape(const char *text, const char *end, bool key, struct rl_fault *fault)
{
    if (end - text < 2)
        return refuse(fault, end, "the text ends within a string");
    switch (text[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return text + 2;
    case 'u':
        return scan_unicode_escape(text, end, key, fault);
    default:
        return refuse(fault, text, "not a JSON escape: one of \"\\/bfnrtu must follow \\");
    }
}

/* One past the special segment at `text`: an escape or a character beyond ASCII. */
static const char *scan_special(const char *text, const char *end, bool key, struct rl_fault *fault)
{
    const unsigned char c = (unsigned char)*text;
    if (c == '\\')
        return scan_escape(text, end, key, fault);
    if (c == 0)
        return refuse(fault, text, "a NUL byte");
    if (c < 0x20)
        return refuse(fault, text, "a control character, which a string must escape");
    const size_t length = rl_utf8_length(text, (size_t)(end - text));
    return length ? text + length : refuse(fault, text, "not valid UTF-8");
}

const char *rl_lex_string(const char *text, const char *end, bool key, struct rl_fault *fault)
{
    text++;
    while (text < end && *text != '"') {
        const unsigned char c = (unsigned char)*text;
        if (c >= 0x20 && c < 0x80 && c != '\\')
            text++;
        else if (!(text = scan_special(text, end, key, fault)))
            return NULL;
    }
    return text < end ? text + 1 : refuse(fault, end, "the text ends within a string");
}

void rl_error_locate(struct rl_error *error, const char *body, size_t offset)
{
    const char *line = body;
    error->offset = offset;
    error->line = error->column = 1;
    for (const char *p = body; p < body + offset; p++) {
        if (*p == '\n') {
            error->line++;
            line = p + 1;
        }
    }
    for (const char *p = line; p < body + offset; p++)
        error->column += ((unsigned char)*p & 0xc0) != 0x80;
}
