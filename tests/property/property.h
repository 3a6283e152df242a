/*
 * property.h: what every property test starts with: a printed seed, and the kernels that
 * RANKLOSSD_ISA names (all that this CPU has, without it).
 */
#ifndef RL_TESTS_PROPERTY_H
#define RL_TESTS_PROPERTY_H

#include <stdlib.h>

#include "core/rankloss.h"
#include "tests/lib/unittest.h"
#include "tests/property/random.h"

void test_before_all(void)
{
    struct rl_error error;
    random_seed();
    ck_assert_msg(rl_init(getenv("RANKLOSSD_ISA"), &error) == RL_OK, "%s", error.detail);
}

#endif
