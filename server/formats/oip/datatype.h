/*
 * datatype.h: the types of tensors that the protocol names, and how their elements become numbers.
 *
 * Elements are little-endian and need no alignment. A conversion gives the number that the decimal
 * text of the element would have been read as: through double, and to float where that is asked
 * for.
 */
#ifndef RL_DATATYPE_H
#define RL_DATATYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/rankloss.h"

enum rl_datatype {
    RL_BOOL,
    RL_INT8,
    RL_INT16,
    RL_INT32,
    RL_INT64,
    RL_UINT8,
    RL_UINT16,
    RL_UINT32,
    RL_UINT64,
    RL_FP16,
    RL_BF16,
    RL_FP32,
    RL_FP64,
    RL_DATATYPES
};

/* "BOOL", "INT8", …; static. */
const char *rl_datatype_name(enum rl_datatype type);
/* False, *ret untouched, when there is none of this name. */
bool rl_datatype_find(const char *name, enum rl_datatype *ret);
/* Bytes of an element. */
size_t rl_datatype_size(enum rl_datatype type);
/* Whether elements are whole numbers, and which. */
bool rl_datatype_range(enum rl_datatype type, double *ret_least, double *ret_most);
/* The type of numbers of a batch. */
enum rl_datatype rl_datatype_of(enum rl_dtype dtype);

/* Converts `count` elements to numbers of `dtype`. What is beyond float's range becomes infinite.
 */
void rl_datatype_convert(enum rl_datatype type, const char *bytes, size_t count,
                         enum rl_dtype dtype, void *numbers);
/* Element `index` as a double. */
double rl_datatype_value(enum rl_datatype type, const char *bytes, size_t index);

#endif
