/*
 * test_datatype.c: every half and every bfloat16, the ends of whole numbers, and rounding, against
 * plain arithmetic; at every alignment.
 */
#include "server/formats/oip/datatype.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/unittest.h"

enum { ALL = 65536 };

static double plain_half(unsigned half)
{
    const unsigned exponent = half >> 10 & 31, fraction = half & 1023;
    const double size = exponent == 31 ? (fraction ? (double)NAN : (double)INFINITY)
                        : exponent     ? ldexp(1024 + (double)fraction, (int)exponent - 25)
                                       : ldexp(fraction, -24);
    return half & 0x8000 ? -size : size;
}

static double plain_bf16(unsigned bits)
{
    const uint32_t wide = bits << 16;
    float value;
    memcpy(&value, &wide, sizeof(value));
    return (double)value;
}

static void check_all(enum rl_datatype type, double (*plain)(unsigned bits))
{
    uint16_t *const elements = malloc(ALL * sizeof(*elements));
    float *const floats = malloc(ALL * sizeof(*floats));
    double *const doubles = malloc(ALL * sizeof(*doubles));
    for (unsigned i = 0; i < ALL; i++)
        elements[i] = (uint16_t)i;
    rl_datatype_convert(type, (const char *)elements, ALL, RL_FLOAT32, floats);
    rl_datatype_convert(type, (const char *)elements, ALL, RL_FLOAT64, doubles);
    for (unsigned i = 0; i < ALL; i++) {
        const double want = plain(i);
        ck_assert_msg((isnan(want) && isnan(floats[i]) && isnan(doubles[i])) ||
                          ((double)floats[i] == want && doubles[i] == want &&
                           !signbit(floats[i]) == !signbit(want)),
                      "%#x", i);
    }
    free(elements);
    free(floats);
    free(doubles);
}

START_TEST(every_half)
{
    check_all(RL_FP16, plain_half);
}
END_TEST

START_TEST(every_bfloat16)
{
    check_all(RL_BF16, plain_bf16);
}
END_TEST

/* The element at an odd address, alone and behind others that fill vectors. */
static void check_element(enum rl_datatype type, const void *element, float narrow, double wide)
{
    enum { COUNT = 37 };
    const size_t size = rl_datatype_size(type);
    char bytes[COUNT * 8 + 1];
    float floats[COUNT];
    double doubles[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        memcpy(bytes + 1 + i * size, element, size);
    rl_datatype_convert(type, bytes + 1, COUNT, RL_FLOAT32, floats);
    rl_datatype_convert(type, bytes + 1, COUNT, RL_FLOAT64, doubles);
    for (size_t i = 0; i < COUNT; i++) {
        ck_assert_msg(floats[i] == narrow, "%s %zu", rl_datatype_name(type), i);
        ck_assert_msg(doubles[i] == wide, "%s %zu", rl_datatype_name(type), i);
        ck_assert(rl_datatype_value(type, bytes + 1, i) == wide);
    }
}

START_TEST(ends_of_whole_numbers)
{
    check_element(RL_BOOL, &(uint8_t){1}, 1, 1);
    check_element(RL_INT8, &(int8_t){INT8_MIN}, -128, -128);
    check_element(RL_UINT8, &(uint8_t){UINT8_MAX}, 255, 255);
    check_element(RL_INT16, &(int16_t){INT16_MIN}, -32768, -32768);
    check_element(RL_UINT16, &(uint16_t){UINT16_MAX}, 65535, 65535);
    check_element(RL_INT32, &(int32_t){INT32_MIN}, -0x1p31f, -0x1p31);
    check_element(RL_INT32, &(int32_t){INT32_MAX}, 0x1p31f, 2147483647.0);
    check_element(RL_UINT32, &(uint32_t){UINT32_MAX}, 0x1p32f, 4294967295.0);
    check_element(RL_INT64, &(int64_t){INT64_MIN}, -0x1p63f, -0x1p63);
    check_element(RL_UINT64, &(uint64_t){UINT64_MAX}, 0x1p64f, 0x1p64);
}
END_TEST

/* 2^62 + 2^38 + 1 is a hair above the middle of two floats. Rounded to double first it is the
 * middle itself, which rounds to even, as the text of the number does. */
START_TEST(large_whole_numbers_round_as_their_text)
{
    const int64_t above = ((int64_t)1 << 62) + ((int64_t)1 << 38) + 1;
    const uint64_t high = ((uint64_t)1 << 63) + ((uint64_t)1 << 39) + 1;
    check_element(RL_INT64, &above, 0x1p62f, 0x1p62 + 0x1p38);
    check_element(RL_UINT64, &high, 0x1p63f, 0x1p63 + 0x1p39);
    check_element(RL_INT64, &(int64_t){9007199254740993}, 0x1p53f, 0x1p53);
}
END_TEST

START_TEST(floats)
{
    check_element(RL_FP32, &(float){-0.1f}, -0.1f, (double)-0.1f);
    check_element(RL_FP64, &(double){0.1}, 0.1f, 0.1);
    check_element(RL_FP64, &(double){1e39}, INFINITY, 1e39);
    check_element(RL_FP64, &(double){1e-46}, 0, 1e-46);
}
END_TEST

START_TEST(names)
{
    enum rl_datatype found = RL_FP64;
    double least, most;
    for (int type = 0; type < RL_DATATYPES; type++) {
        ck_assert(rl_datatype_find(rl_datatype_name((enum rl_datatype)type), &found));
        ck_assert_int_eq(found, type);
    }
    ck_assert(!rl_datatype_find("BYTES", &found));
    ck_assert(!rl_datatype_find("fp32", &found));
    ck_assert_int_eq(found, RL_FP64);
    ck_assert(rl_datatype_range(RL_INT8, &least, &most) && least == -128 && most == 127);
    ck_assert(!rl_datatype_range(RL_FP16, &least, &most));
    ck_assert_int_eq(rl_datatype_of(RL_FLOAT32), RL_FP32);
    ck_assert_int_eq(rl_datatype_of(RL_FLOAT64), RL_FP64);
}
END_TEST
