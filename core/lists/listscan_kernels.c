/*
 * listscan_kernels.c: the kernels of listscan.h; the Makefile compiles this once for each
 * instruction set.
 */
#include "core/lists/listscan.h"

#include <stdbool.h>
#include <string.h>

#include "core/base/vector.h"

#define NUMBER        float
#define WHOLE         int32_t
#define SHIFT         0x1p23f
#define OF_TYPE(name) name##_float
#include "core/lists/listscan_body.h"

#define NUMBER        double
#define WHOLE         int64_t
#define SHIFT         0x1p52
#define OF_TYPE(name) name##_double
#include "core/lists/listscan_body.h"

const struct rl_listscan RL_OF_ISA(rl_listscan)[] = {
    [RL_FLOAT32] = {grades_float, ranks_float, above_float},
    [RL_FLOAT64] = {grades_double, ranks_double, above_double},
};
