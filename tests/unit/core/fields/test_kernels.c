/*
 * test_kernels.c: choosing an instruction set.
 */
#include "core/fields/kernels.h"

#include <string.h>

#include "core/base/cpu.h"
#include "core/rankloss.h"
#include "tests/lib/unittest.h"

START_TEST(every_available_set_can_be_forced)
{
    struct rl_error error;
    for (int i = 0; i < RL_ISAS; i++) {
        const char *const name = rl_isa_text((enum rl_isa)i);
        if (!rl_isa_available((enum rl_isa)i)) {
            ck_assert_int_eq(rl_init(name, &error), RL_CONFIG);
            ck_assert_ptr_nonnull(strstr(error.detail, name));
            continue;
        }
        ck_assert_int_eq(rl_init(name, &error), RL_OK);
        ck_assert_str_eq(rl_isa_name(), name);
        for (int kind = RL_FIELD_NONE + 1; kind < RL_FIELD_KINDS; kind++)
            ck_assert(rl_kernels_tile()[kind] != NULL);
        ck_assert(rl_kernels_series()->sweep_above != NULL);
    }
    ck_assert(rl_isa_available(RL_ISA_BASELINE));
}
END_TEST

START_TEST(the_best_set_is_the_default)
{
    struct rl_error error;
    ck_assert_int_eq(rl_init(NULL, &error), RL_OK);
    enum rl_isa best = RL_ISA_BASELINE;
    for (int i = 0; i < RL_ISAS; i++)
        if (rl_isa_available((enum rl_isa)i))
            best = (enum rl_isa)i;
    ck_assert_str_eq(rl_isa_name(), rl_isa_text(best));
}
END_TEST

START_TEST(unknown_sets_are_refused_and_change_nothing)
{
    struct rl_error error;
    ck_assert_int_eq(rl_init("baseline", &error), RL_OK);
    ck_assert_int_eq(rl_init("sse9", &error), RL_CONFIG);
    ck_assert_int_eq(error.status, RL_CONFIG);
    ck_assert_ptr_nonnull(strstr(error.detail, "sse9"));
    ck_assert_int_eq(rl_init("", &error), RL_CONFIG);
    ck_assert_str_eq(rl_isa_name(), "baseline");
}
END_TEST
