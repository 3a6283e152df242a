/*
 * unittest.h: libcheck with a main that is written once (tests/lib/unittest.c).
 *
 * A test program includes this header and defines its tests; each START_TEST registers itself.
 *
 *     build/tests/unit/.../test_NAME           runs every test
 *     build/tests/unit/.../test_NAME WORD...   runs those whose names contain a WORD
 *
 * libcheck's variables work: CK_FORK=no for a debugger, CK_VERBOSITY=verbose to list the tests,
 * CK_DEFAULT_TIMEOUT for seconds per test (600 unless set).
 */
#ifndef RL_TESTS_UNITTEST_H
#define RL_TESTS_UNITTEST_H

#include <check.h>
#include <stdbool.h>

/* One test. Static storage, linked in the order of the source. */
struct rl_unittest {
    TTest test;
    int repeats;
    struct rl_unittest *next;
};

void rl_unittest_add(struct rl_unittest *test);

/* What a program may define. Failed assertions in these are reported as failures. */
void test_before_all(void);  /* once, in the parent of all tests */
void test_before_each(void); /* in the child that runs the test */
void test_after_each(void);

/* How many of `rounds` on random input a test makes: all, or one of TEST_SHARE of them, which an
 * emulator sets. At least one. */
int test_share(int rounds);
/* Whether a test of long lists against the plain reference is left out, where TEST_SHARE is set: it
 * is O(n^2) in long double, for which aarch64 has no instructions. Says so. */
bool test_leaves_out_long(void);

/* For a test that cannot run here: prints why, so that it counts as skipped. The test then returns.
 */
void test_skip(const char *why);

/* Runs `repeats_` times (a constant), with _i = 0, 1, …. */
#define START_LOOP_TEST(name_, repeats_)                                                           \
    static void name_##_fn(int _i);                                                                \
    static struct rl_unittest name_##_unittest = {                                                 \
        .test = {#name_, name_##_fn, __FILE__, __LINE__}, .repeats = (repeats_)};                  \
    __attribute__((constructor)) static void name_##_register(void)                                \
    {                                                                                              \
        rl_unittest_add(&name_##_unittest);                                                        \
    }                                                                                              \
    static void name_##_fn(int _i CK_ATTRIBUTE_UNUSED)

#undef START_TEST
#define START_TEST(name_) START_LOOP_TEST(name_, 1)

#endif
