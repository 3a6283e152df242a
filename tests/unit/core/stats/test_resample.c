/*
 * test_resample.c: the bootstrap draws every list alike, and the randomization test counts what it
 * should.
 */
#include "core/stats/resample.h"

#include <math.h>

#include "tests/lib/unittest.h"
#include "tests/property/random.h"
#include "tests/unit/backwards.h"

enum { LISTS = 37, RESAMPLES = 20000, MOST_LISTS = 12 };

static double a[LISTS], ones[LISTS], values[RESAMPLES], others[RESAMPLES];
static uint64_t room[RESAMPLES];

static const struct rl_ratio ratio = {a, ones, LISTS, 1};

static void fill(struct random *random)
{
    for (size_t l = 0; l < LISTS; l++) {
        a[l] = random_normal(random);
        ones[l] = 1;
    }
}

static void resample(uint64_t seed)
{
    struct rl_runner runner = rl_runner_serial();
    rl_bootstrap(&ratio, seed, RESAMPLES, &runner, values);
}

/* How often a list is drawn in a resample is binomial: mean 1, variance 1 - 1 / n. */
START_TEST(each_list_is_drawn_alike)
{
    struct random random = random_init(random_seed());
    fill(&random);
    for (size_t l = 0; l < LISTS; l++) {
        double sum = 0, squares = 0;
        for (size_t other = 0; other < LISTS; other++)
            a[other] = other == l;
        resample(l);
        for (size_t r = 0; r < RESAMPLES; r++) {
            const double times = values[r] * LISTS;
            sum += times;
            squares += (times - 1) * (times - 1);
        }
        ck_assert_double_eq_tol(sum / RESAMPLES, 1, 6 / sqrt(RESAMPLES));
        ck_assert_double_eq_tol(squares / RESAMPLES, 1 - 1.0 / LISTS, 6 * 1.8 / sqrt(RESAMPLES));
    }
}
END_TEST

START_TEST(resamples_depend_on_the_seed_alone)
{
    struct random random = random_init(random_seed() + 1);
    struct rl_runner backwards = runner_backwards();
    fill(&random);
    resample(5);
    rl_bootstrap(&ratio, 5, RESAMPLES, &backwards, others);
    ck_assert_mem_eq(values, others, sizeof(values));
    size_t same = 0;
    resample(6);
    for (size_t r = 0; r < RESAMPLES; r++)
        same += values[r] == others[r];
    ck_assert_uint_le(same, 2);
}
END_TEST

/* The share of all assignments of signs whose |sum| is at least the observed one. */
static double enumerated(const double *differences, size_t n)
{
    double observed = 0, reached = 0;
    for (size_t i = 0; i < n; i++)
        observed += differences[i];
    for (unsigned signs = 0; signs < 1u << n; signs++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += signs >> i & 1 ? -differences[i] : differences[i];
        reached += fabs(sum) >= fabs(observed) - 1e-13;
    }
    return reached / (1u << n);
}

static double tested(const double *differences, size_t n, size_t resamples)
{
    struct rl_runner runner = rl_runner_serial(), backwards = runner_backwards();
    const double p = rl_randomization_test(differences, n, 3, resamples, &runner, room);
    ck_assert_double_eq(rl_randomization_test(differences, n, 3, resamples, &backwards, room), p);
    return p;
}

START_TEST(few_lists_are_enumerated)
{
    struct random random = random_init(random_seed() + 2);
    for (size_t n = 1; n <= RL_EXACT_LISTS; n++) {
        double differences[MOST_LISTS];
        for (size_t i = 0; i < n; i++)
            differences[i] = (double)random_below(&random, 9) / 4 - 0.5;
        ck_assert_double_eq(tested(differences, n, 1), enumerated(differences, n));
    }
}
END_TEST

START_TEST(lists_without_a_difference_do_not_count)
{
    const double differences[] = {1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0};
    ck_assert_double_eq(tested(differences, MOST_LISTS, 1), 0.5);
    ck_assert_double_eq(tested(differences + 4, 8, 1), 1);
}
END_TEST

START_TEST(more_lists_are_sampled)
{
    struct random random = random_init(random_seed() + 3);
    for (int round = 0; round < test_share(10); round++) {
        double differences[MOST_LISTS];
        for (size_t i = 0; i < MOST_LISTS; i++)
            differences[i] = random_normal(&random) + 0.3;
        const double want = enumerated(differences, MOST_LISTS);
        const double error = sqrt(want * (1 - want) / RESAMPLES) + 1.0 / RESAMPLES;
        ck_assert_double_eq_tol(tested(differences, MOST_LISTS, RESAMPLES), want, 6 * error);
    }
}
END_TEST

void test_before_all(void)
{
    random_seed();
}
