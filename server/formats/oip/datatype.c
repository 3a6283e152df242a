/*
 * datatype.c: the table of types. Each conversion is a plain loop over fixed types, which the
 * compiler turns into vector code.
 */
#include "server/formats/oip/datatype.h"

#include <assert.h>
#include <string.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "elements are read as they lie");

/* ---- Elements -------------------------------------------------------------------------------- */

static inline float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* With its exponent in place a half is a float that is 2^112 times too small, subnormal ones
 * included, and the product is exact. Infinities and not-a-numbers get the exponent of a float's.
 */
static inline float float_of_half(uint16_t half)
{
    const uint32_t size = half & 0x7fffu;
    const float finite = float_of(size << 13) * 0x1p112f;
    uint32_t bits;
    memcpy(&bits, &finite, sizeof(bits));
    bits = size >= 0x7c00u ? size << 13 | 0x7f800000u : bits;
    return float_of(bits | (uint32_t)(half & 0x8000u) << 16);
}

static inline float float_of_bf16(uint16_t bits)
{
    return float_of((uint32_t)bits << 16);
}

/* ---- Loops ----------------------------------------------------------------------------------- */

typedef void convert(const char *restrict bytes, size_t count, void *restrict numbers);

#define LOOP(name, element, number, expression)                                                    \
    static void name(const char *restrict bytes, size_t count, void *restrict numbers)             \
    {                                                                                              \
        number *const out = numbers;                                                               \
        for (size_t i = 0; i < count; i++) {                                                       \
            element value;                                                                         \
            memcpy(&value, bytes + i * sizeof(value), sizeof(value));                              \
            out[i] = (number)(expression);                                                         \
        }                                                                                          \
    }
/* Whole numbers go through double: rounding twice is what reading them as text does. */
#define LOOPS(name, element, expression)                                                           \
    LOOP(name##_to_float, element, float, expression)                                              \
    LOOP(name##_to_double, element, double, expression)

LOOPS(int8, int8_t, value)
LOOPS(int16, int16_t, value)
LOOPS(int32, int32_t, (double)value)
LOOPS(int64, int64_t, (double)value)
LOOPS(uint8, uint8_t, value)
LOOPS(uint16, uint16_t, value)
LOOPS(uint32, uint32_t, (double)value)
LOOPS(uint64, uint64_t, (double)value)
LOOPS(fp16, uint16_t, float_of_half(value))
LOOPS(bf16, uint16_t, float_of_bf16(value))
LOOPS(fp32, float, value)
LOOPS(fp64, double, value)

/* ---- The table ------------------------------------------------------------------------------- */

struct row {
    const char *name;
    size_t size;
    convert *to_float, *to_double;
    bool whole;
    double least, most; /* of a whole number */
};

#define WHOLE(text, loops, type, low, high)                                                        \
    {                                                                                              \
        .name = (text), .size = sizeof(type), .to_float = loops##_to_float,                        \
        .to_double = loops##_to_double, .whole = true, .least = (low), .most = (high)              \
    }
#define REAL(text, loops, type)                                                                    \
    {                                                                                              \
        .name = (text), .size = sizeof(type), .to_float = loops##_to_float,                        \
        .to_double = loops##_to_double                                                             \
    }

static const struct row rows[RL_DATATYPES] = {
    [RL_BOOL] = WHOLE("BOOL", uint8, uint8_t, 0, 1),
    [RL_INT8] = WHOLE("INT8", int8, int8_t, INT8_MIN, INT8_MAX),
    [RL_INT16] = WHOLE("INT16", int16, int16_t, INT16_MIN, INT16_MAX),
    [RL_INT32] = WHOLE("INT32", int32, int32_t, INT32_MIN, INT32_MAX),
    [RL_INT64] = WHOLE("INT64", int64, int64_t, -0x1p63, 0x1p63),
    [RL_UINT8] = WHOLE("UINT8", uint8, uint8_t, 0, UINT8_MAX),
    [RL_UINT16] = WHOLE("UINT16", uint16, uint16_t, 0, UINT16_MAX),
    [RL_UINT32] = WHOLE("UINT32", uint32, uint32_t, 0, UINT32_MAX),
    [RL_UINT64] = WHOLE("UINT64", uint64, uint64_t, 0, 0x1p64),
    [RL_FP16] = REAL("FP16", fp16, uint16_t),
    [RL_BF16] = REAL("BF16", bf16, uint16_t),
    [RL_FP32] = REAL("FP32", fp32, float),
    [RL_FP64] = REAL("FP64", fp64, double),
};

const char *rl_datatype_name(enum rl_datatype type)
{
    return rows[type].name;
}

bool rl_datatype_find(const char *name, enum rl_datatype *ret)
{
    for (int type = 0; type < RL_DATATYPES; type++) {
        if (strcmp(rows[type].name, name) == 0) {
            *ret = (enum rl_datatype)type;
            return true;
        }
    }
    return false;
}

size_t rl_datatype_size(enum rl_datatype type)
{
    return rows[type].size;
}

bool rl_datatype_range(enum rl_datatype type, double *ret_least, double *ret_most)
{
    *ret_least = rows[type].least;
    *ret_most = rows[type].most;
    return rows[type].whole;
}

enum rl_datatype rl_datatype_of(enum rl_dtype dtype)
{
    return dtype == RL_FLOAT32 ? RL_FP32 : RL_FP64;
}

void rl_datatype_convert(enum rl_datatype type, const char *bytes, size_t count,
                         enum rl_dtype dtype, void *numbers)
{
    const struct row *const row = &rows[type];
    (dtype == RL_FLOAT32 ? row->to_float : row->to_double)(bytes, count, numbers);
}

double rl_datatype_value(enum rl_datatype type, const char *bytes, size_t index)
{
    double value;
    rows[type].to_double(bytes + index * rows[type].size, 1, &value);
    return value;
}
