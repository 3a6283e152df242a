/*
 * unittest.c: main of every unit and property test (unittest.h).
 */
#include "tests/lib/unittest.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_S = 600 };

static struct rl_unittest *tests, **tests_end = &tests;

/* Called by constructors, which run in the order of the source. */
void rl_unittest_add(struct rl_unittest *test)
{
    *tests_end = test;
    tests_end = &test->next;
}

__attribute__((weak)) void test_before_all(void)
{
}

__attribute__((weak)) void test_before_each(void)
{
}

__attribute__((weak)) void test_after_each(void)
{
}

int test_share(int rounds)
{
    const char *const text = getenv("TEST_SHARE");
    const int share = text ? (int)strtol(text, NULL, 10) : 1;
    const int rest = share > 1 ? rounds / share : rounds;
    return rest > 0 ? rest : 1;
}

void test_skip(const char *why)
{
    printf("skipped: %s\n", why);
    fflush(stdout);
}

bool test_leaves_out_long(void)
{
    const bool leaves_out = test_share(2) < 2;
    if (leaves_out)
        test_skip("the plain reference takes too long here for long lists");
    return leaves_out;
}

static bool is_chosen(const char *name, int count, char **words)
{
    for (int i = 0; i < count; i++)
        if (strstr(name, words[i]))
            return true;
    return count == 0;
}

int main(int argc, char **argv)
{
    Suite *const suite = suite_create(program_invocation_short_name);
    TCase *const tcase = tcase_create(program_invocation_short_name);
    int chosen = 0;
    if (!getenv("CK_DEFAULT_TIMEOUT"))
        tcase_set_timeout(tcase, LIMIT_S);
    tcase_add_unchecked_fixture(tcase, test_before_all, NULL);
    tcase_add_checked_fixture(tcase, test_before_each, test_after_each);
    for (const struct rl_unittest *test = tests; test; test = test->next)
        if (is_chosen(test->test.name, argc - 1, argv + 1)) {
            tcase_add_loop_test(tcase, &test->test, 0, test->repeats);
            chosen++;
        }
    suite_add_tcase(suite, tcase);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    if (chosen == 0)
        fprintf(stderr, "%s: no test has such a name\n", program_invocation_short_name);
    return failed > 0 || chosen == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
