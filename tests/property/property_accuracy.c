/*
 * property_accuracy.c: how near core comes to long double, by loss, dtype and kind of list.
 *
 * Prints the worst relative errors found, and holds them to the promised bounds: float64 hinge and
 * squared error 1e-12, logistic and soft zero-one 1e-11 per item, losses by list 1e-11; float32
 * 1e-6. LENGTH=20000 in the environment makes the long lists longer than the default run's.
 */
#include "tests/property/expected.h"

#include "tests/property/property.h"

enum { LOSSES = RL_DCG };

struct shape {
    const char *name;
    enum label_style labels;
    enum score_style scores;
    double spread; /* for offset and spread; 0: random */
    size_t length; /* 0: the long one */
};

static const struct shape shapes[] = {
    {"two items", LABELS_DISTINCT, SCORES_NORMAL, 0, 2},
    {"two items, offset", LABELS_DISTINCT, SCORES_OFFSET, 1e-3, 2},
    {"one grade", LABELS_EQUAL, SCORES_NORMAL, 0, 200},
    {"all ties", LABELS_GRADES, SCORES_TIED, 0, 200},
    {"lattice", LABELS_GRADES, SCORES_LATTICE, 0, 200},
    {"short, grades", LABELS_GRADES, SCORES_NORMAL, 0, 100},
    {"short, distinct", LABELS_DISTINCT, SCORES_NORMAL, 0, 100},
    {"short, offset, 1e-6", LABELS_GRADES, SCORES_OFFSET, 1e-6, 100},
    {"short, offset, 1", LABELS_GRADES, SCORES_OFFSET, 1, 100},
    {"short, offset, 1e6", LABELS_GRADES, SCORES_OFFSET, 1e6, 100},
    {"short, spread 1e-6", LABELS_GRADES, SCORES_SPREAD, 1e-6, 100},
    {"short, spread 1e6", LABELS_DISTINCT, SCORES_SPREAD, 1e6, 100},
    {"short, mixed", LABELS_MANY, SCORES_MIXED, 0, 100},
    {"middle, grades", LABELS_GRADES, SCORES_NORMAL, 0, 600},
    {"middle, distinct", LABELS_DISTINCT, SCORES_NORMAL, 0, 600},
    {"long, grades", LABELS_GRADES, SCORES_NORMAL, 0, 0},
    {"long, binary", LABELS_BINARY, SCORES_GRADED, 0, 0},
    {"long, distinct", LABELS_DISTINCT, SCORES_NORMAL, 0, 0},
    {"long, all ties", LABELS_GRADES, SCORES_TIED, 0, 0},
    {"long, lattice", LABELS_GRADES, SCORES_LATTICE, 0, 0},
    {"long, offset, 1e-6", LABELS_GRADES, SCORES_OFFSET, 1e-6, 0},
    {"long, offset, 1", LABELS_MANY, SCORES_OFFSET, 1, 0},
    {"long, offset, 1e6", LABELS_GRADES, SCORES_OFFSET, 1e6, 0},
    {"long, spread 1e-6", LABELS_GRADES, SCORES_SPREAD, 1e-6, 0},
    {"long, spread 1e3", LABELS_GRADES, SCORES_SPREAD, 1e3, 0},
    {"long, spread 1e6", LABELS_DISTINCT, SCORES_SPREAD, 1e6, 0},
    {"long, mixed", LABELS_MANY, SCORES_MIXED, 0, 0},
};

enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

static size_t long_length(void)
{
    const char *const text = getenv("LENGTH");
    return text ? (size_t)strtoul(text, NULL, 10) : 1200;
}

static void fill_scores(struct random *random, const struct shape *shape, struct sample *sample)
{
    for (size_t i = 0; i < sample->batch.items; i++) {
        const double spread = shape->spread != 0 ? shape->spread : 1;
        sample->scores[i] = random_score(random, shape->scores, spread, sample->labels[i]);
    }
}

static void fill_sample(struct random *random, const struct shape *shape, enum rl_dtype dtype,
                        struct sample *sample)
{
    size_t length = shape->length ? shape->length : long_length();
    sample_init(sample, dtype, &length, 1);
    random_labels(random, shape->labels, length, sample->labels);
    fill_scores(random, shape, sample);
    sample_sync(sample);
}

/*
 * Error relative to the value. What rounding of the result below the smallest normal number and,
 * in an item of the hinge whose pairs all stand next to the kink, of 1 - d takes away in double is
 * taken off first; elsewhere that is nothing.
 */
static long double error_of(double got, struct near want, const struct list_task *task)
{
    const enum rl_dtype dtype = task->sample->batch.dtype;
    const long double bound = relative_bound(task->eval->measure->id, dtype);
    long double cancelled = fmaxl(want.tolerance - bound * fabsl(want.value), 0);
    const long double tiny = dtype == RL_FLOAT32 ? FLT_TRUE_MIN : DBL_TRUE_MIN;
    cancelled *= DBL_EPSILON / unit_of(dtype);
    const long double error = fabsl(got - want.value) - cancelled - tiny;
    return error <= 0 ? 0 : error / fabsl(want.value);
}

static long double worst_error(const struct sample *sample, const struct rl_eval *eval,
                               const struct rl_result *result)
{
    struct expected expected;
    long double worst = 0;
    const struct list_task task = {.sample = sample, .eval = eval};
    expected_init(&expected, sample, eval);
    for (size_t i = 0; i < expected.values; i++) {
        const double got = element(result->values, sample->batch.dtype, i);
        worst = fmaxl(worst, error_of(got, expected.items[i], &task));
    }
    worst = fmaxl(worst, error_of(result->totals.sum, expected.sum, &task));
    expected_release(&expected);
    return worst;
}

static long double measure(const struct sample *sample, enum rl_measure_id loss, double temperature)
{
    struct rl_eval eval = {
        .measure = rl_measure_get(loss), .temperature = temperature, .reduction = RL_NONE};
    struct rl_arena arena;
    struct rl_work work;
    rl_arena_init(&arena, SIZE_MAX);
    compute_inline(&sample->batch, &eval, 1, &arena, &work);
    ck_assert_msg(work.status == RL_OK, "%s", work.error.detail);
    const long double worst = worst_error(sample, &eval, &work.results[0]);
    rl_arena_release(&arena);
    return worst;
}

/* One row: each loss's worst error on the shape, against its bound. */
static void check_shape(struct random *random, const struct shape *shape, enum rl_dtype dtype)
{
    struct sample sample;
    size_t beyond = 0;
    fill_sample(random, shape, dtype, &sample);
    printf("%-22s %6zu", shape->name, sample.batch.items);
    for (int loss = 0; loss < LOSSES; loss++) {
        const long double bound = relative_bound((enum rl_measure_id)loss, dtype);
        long double worst = measure(&sample, (enum rl_measure_id)loss, 1);
        worst =
            shape->length ? fmaxl(worst, measure(&sample, (enum rl_measure_id)loss, 0.3)) : worst;
        printf("  %8.1Le", worst);
        beyond += worst > bound;
    }
    printf("\n");
    fflush(stdout);
    sample_release(&sample);
    ck_assert_msg(beyond == 0, "%s: %zu losses beyond their bounds", shape->name, beyond);
}

static void check_dtype(enum rl_dtype dtype)
{
    struct random random = random_init(random_seed() + 1 + (uint64_t)dtype);
    printf("%s: worst relative error\n%-22s %6s  %8s  %8s  %8s  %8s  %8s  %8s  %8s\n",
           dtype == RL_FLOAT32 ? "float32" : "float64", "list", "items", "hinge", "logistic",
           "soft", "squared", "list_mle", "softmax", "approx");
    for (size_t s = 0; s < SHAPES; s++)
        check_shape(&random, &shapes[s], dtype);
}

START_TEST(float64_keeps_its_digits)
{
    check_dtype(RL_FLOAT64);
}
END_TEST

START_TEST(float32_keeps_its_digits)
{
    check_dtype(RL_FLOAT32);
}
END_TEST
