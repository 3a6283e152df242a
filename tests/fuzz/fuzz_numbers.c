/*
 * fuzz_numbers.c: the number reader against strtod and against its fast path; the writers against
 * the reader.
 *
 * First byte even: the rest is text. Odd: its first 8 bytes are the bits of a double and a float.
 */
#include "server/text/numreader.h"

#include <math.h>

#include "server/text/numwriter.h"
#include "tests/fuzz/fuzzer.h"

static void check_text(const char *text, size_t length)
{
    enum { AROUND = 64 };
    const char *stop = NULL;
    char *expected_stop;
    double value = 0, quick = 0;
    const enum rl_number_status status = rl_number_read(text, text + length, &stop, &value);
    REQUIRE(stop >= text && stop <= text + length);
    if (status == RL_NUMBER_MALFORMED)
        return;
    /* The number alone, with room around it for the fast path. */
    const size_t taken = (size_t)(stop - text);
    char *const copy = malloc(taken + 2 * AROUND);
    memset(copy, ' ', taken + 2 * AROUND);
    memcpy(copy + AROUND, text, taken);
    copy[AROUND + taken + AROUND - 1] = '\0';
    const double expected = strtod(copy + AROUND, &expected_stop);
    REQUIRE(expected_stop == copy + AROUND + taken);
    REQUIRE((status == RL_NUMBER_OVERFLOW) == (isinf(expected) != 0));
    if (status == RL_NUMBER_OK) {
        REQUIRE(memcmp(&value, &expected, sizeof(value)) == 0);
        stop = rl_number_try(copy + AROUND, &quick);
        if (stop == copy + AROUND + taken)
            REQUIRE(memcmp(&value, &quick, sizeof(value)) == 0);
    }
    free(copy);
}

static void check_bits(const char *bytes)
{
    char text[RL_NUMBER_ROOM + 1], plain[64];
    const char *stop;
    double number, value = 0;
    float small;
    memcpy(&number, bytes, sizeof(number));
    memcpy(&small, bytes, sizeof(small));
    if (isfinite(number)) {
        char *const end = rl_write_double(text, number);
        REQUIRE(rl_number_read(text, end, &stop, &value) == RL_NUMBER_OK && stop == end);
        REQUIRE(memcmp(&value, &number, sizeof(value)) == 0);
        REQUIRE(end - text <= snprintf(plain, sizeof(plain), "%.17g", number));
    }
    if (isfinite(small)) {
        char *const end = rl_write_float(text, small);
        REQUIRE(rl_number_read(text, end, &stop, &value) == RL_NUMBER_OK && stop == end);
        REQUIRE((float)value == small);
        REQUIRE(end - text <= snprintf(plain, sizeof(plain), "%.9g", (double)small));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *const copy = fuzz_copy(data + 1, size - 1);
    if (data[0] % 2 == 0)
        check_text(copy, size - 1);
    else if (size > 8)
        check_bits(copy);
    free(copy);
    return 0;
}
