/*
 * property_merging.c: random weighted batches, cut at random places: the totals of the parts, put
 * together by the formulas of README.md ("Merging"), give the value and the standard error of the
 * whole, for every measure, definition, reduction and shape of weights.
 */
#include <float.h>

#include "tests/property/definitions.h"
#include "tests/lib/unittest.h"

enum { ROUNDS = 3000 };

/* A computed batch with one evaluation. */
struct computed {
    struct rl_arena arena;
    struct rl_work work;
};

static const struct rl_result *compute(const struct rl_batch *batch, const struct rl_eval *eval,
                                       struct computed *ret)
{
    rl_arena_init(&ret->arena, SIZE_MAX);
    compute_inline(batch, eval, 1, &ret->arena, &ret->work);
    ck_assert_int_eq(ret->work.status, RL_OK);
    return &ret->work.results[0];
}

static const void *shifted(const void *column, enum rl_dtype dtype, size_t first)
{
    if (!column)
        return NULL;
    return (const char *)column + first * (dtype == RL_FLOAT32 ? sizeof(float) : sizeof(double));
}

/* Lists first … end - 1 of a batch as a batch of their own; offsets: [end - first + 1]. */
static struct rl_batch part_of(const struct rl_batch *whole, size_t first, size_t end,
                               size_t *offsets)
{
    struct rl_batch part = *whole;
    const size_t items = whole->offsets[first];
    for (size_t l = first; l <= end; l++)
        offsets[l - first] = whole->offsets[l] - items;
    part.lists = end - first;
    part.items = offsets[part.lists];
    part.offsets = offsets;
    part.labels = shifted(whole->labels, whole->dtype, items);
    part.scores = shifted(whole->scores, whole->dtype, items);
    part.mask = whole->mask ? whole->mask + items : NULL;
    if (whole->weight_kind == RL_WEIGHT_LIST)
        part.weights = shifted(whole->weights, whole->dtype, first);
    if (whole->weight_kind == RL_WEIGHT_ITEM)
        part.weights = shifted(whole->weights, whole->dtype, items);
    return part;
}

/* ---- Adding up ------------------------------------------------------------------------------- */

static void add_sums(struct rl_sums *sums, const struct rl_sums *more)
{
    sums->lists += more->lists;
    sums->a += more->a;
    sums->b += more->b;
    sums->aa += more->aa;
    sums->ab += more->ab;
    sums->bb += more->bb;
}

/* Every member is added; the scalar weight is the same everywhere and is kept apart. */
static void add_totals(struct rl_totals *totals, const struct rl_totals *more)
{
    totals->lists += more->lists;
    totals->items += more->items;
    totals->valid_items += more->valid_items;
    totals->pairs += more->pairs;
    totals->values += more->values;
    totals->sum += more->sum;
    totals->weight_sum =
        more->scalar_weight ? more->weight_sum : totals->weight_sum + more->weight_sum;
    totals->scalar_weight = more->scalar_weight;
    add_sums(&totals->own, &more->own);
    add_sums(&totals->averaged, &more->averaged);
}

static void add_parts(const struct sample *sample, const struct rl_eval *eval,
                      struct random *random, struct rl_totals *ret_totals)
{
    size_t offsets[64 + 1], first = 0, lists = sample->batch.lists;
    *ret_totals = (struct rl_totals){0};
    while (first < lists) {
        const size_t end = first + 1 + random_below(random, lists - first);
        struct rl_batch part = part_of(&sample->batch, first, end, offsets);
        struct computed computed;
        add_totals(ret_totals, &compute(&part, eval, &computed)->totals);
        rl_arena_release(&computed.arena);
        first = end;
    }
}

/* ---- README's formulas ----------------------------------------------------------------------- */

struct merged {
    double value, standard_error;
};

static double ratio(double dividend, double divisor)
{
    return divisor != 0 ? dividend / divisor : 0;
}

static double error_of(size_t n, double r, double aa, double ab, double bb, double divisor)
{
    const double square = aa - 2 * r * ab + r * r * bb;
    return ratio(sqrt(fmax((double)n / ((double)n - 1) * square, 0)), fabs(divisor));
}

static struct merged merge_loss(const struct rl_totals *t, enum rl_reduction reduction)
{
    const double divisor = reduction == RL_SUM || reduction == RL_NONE ? 1
                           : reduction == RL_MEAN_WITH_SAMPLE_WEIGHT   ? t->weight_sum
                                                                       : (double)t->values;
    return (struct merged){
        ratio(t->sum, divisor),
        error_of(t->lists, ratio(t->sum, t->own.b), t->own.aa, t->own.ab, t->own.bb, divisor)};
}

static struct merged merge_metric(const struct rl_totals *t)
{
    const struct rl_sums *own = &t->own, *other = &t->averaged;
    const double m = own->lists ? own->b / (double)own->lists : 1;
    double a = own->a + m * other->a, b = own->b + m * (double)other->lists, r = ratio(a, b);
    return (struct merged){r, error_of(own->lists + other->lists, r, own->aa + m * m * other->aa,
                                       own->ab + m * m * other->a,
                                       own->bb + m * m * (double)other->lists, b)};
}

/* ---- The whole, list by list ----------------------------------------------------------------- */

static double weight_of_list(const struct sample *sample, size_t list)
{
    double sum = 0;
    if (sample->batch.weight_kind == RL_WEIGHT_LIST)
        return sample->weights[list];
    for (size_t i = sample->offsets[list]; i < sample->offsets[list + 1]; i++)
        sum += sample->weights[i];
    return sum;
}

/* What a list of a loss adds to the divisor. */
static double share_of(const struct sample *sample, const struct rl_eval *eval, size_t list)
{
    const bool weighted = eval->reduction == RL_MEAN_WITH_SAMPLE_WEIGHT &&
                          sample->batch.weight_kind != RL_WEIGHT_NONE;
    if (eval->reduction == RL_SUM || eval->reduction == RL_NONE ||
        (weighted && sample->batch.weight_kind == RL_WEIGHT_SCALAR))
        return 1;
    if (weighted)
        return weight_of_list(sample, list);
    return eval->measure->value_per_list
               ? 1
               : (double)(sample->offsets[list + 1] - sample->offsets[list]);
}

/* sqrt(n / (n - 1) * sum (a - R b)^2) / D, straight from the lists of one request. Also how far
 * rounding may take the sums of squares that a merged one is computed from. */
static double direct_error(const struct sample *sample, const struct rl_eval *eval,
                           const struct rl_result *result, double *ret_tolerance)
{
    const bool metric = eval->measure->kind == RL_METRIC;
    long double a[64], b[64], sum_a = 0, sum_b = 0, squares = 0, size = 0;
    size_t n = 0;
    for (size_t l = 0; l < sample->batch.lists; l++) {
        const struct rl_list_result *const list = &result->lists[l];
        if (metric && list->weight == 0)
            continue;
        b[n] = metric ? list->weight : share_of(sample, eval, l);
        a[n] = metric ? (long double)list->value * list->weight : list->sum;
        sum_a += a[n];
        sum_b += b[n++];
    }
    const long double r = sum_b != 0 ? sum_a / sum_b : 0;
    for (size_t i = 0; i < n; i++) {
        squares += (a[i] - r * b[i]) * (a[i] - r * b[i]);
        size += (fabsl(a[i]) + fabsl(r * b[i])) * (fabsl(a[i]) + fabsl(r * b[i]));
    }
    double divisor = metric ? (double)sum_b : merge_loss(&result->totals, eval->reduction).value;
    if (!metric)
        divisor = divisor != 0 ? result->totals.sum / divisor : 0;
    const double scale = n > 1 ? sqrt((double)n / ((double)n - 1)) / fabs(divisor) : 0;
    *ret_tolerance = sqrt((double)size * 1e-13 + 1e-300) * scale;
    return n > 1 ? (double)sqrtl(squares) * scale : 0;
}

static void check_merged(const struct sample *sample, const struct rl_eval *eval,
                         const struct rl_result *whole, const struct rl_totals *added)
{
    const enum rl_dtype dtype = sample->batch.dtype;
    const bool metric = eval->measure->kind == RL_METRIC;
    const struct merged merged = metric ? merge_metric(added) : merge_loss(added, eval->reduction);
    double size = 0, tolerance = 0;
    for (size_t l = 0; l < sample->batch.lists; l++)
        size += metric ? 0 : fabs(whole->lists[l].sum);
    const double divisor = metric ? 1 : fabs(ratio(added->sum, merged.value));
    double bound = 1e-12 * fabs(merged.value) + ratio(1e-12 * size, divisor);
    const double got = eval->reduction == RL_NONE && !metric ? whole->totals.sum : whole->value;
    if (dtype == RL_FLOAT32)
        bound += FLT_EPSILON * fabs(merged.value) + FLT_MIN;
    ck_assert_msg(fabs(got - merged.value) <= bound + 1e-290, "value %.17g, merged %.17g (%s)", got,
                  merged.value, describe(&sample->batch, eval));
    /* A divisor that cancels makes errors of any size: weights of both signs. */
    const double error = direct_error(sample, eval, whole, &tolerance);
    if (!isfinite(tolerance) || !isfinite(error) || !isfinite(merged.standard_error))
        return;
    ck_assert_msg(fabs(error - merged.standard_error) <= 1e-9 * error + tolerance,
                  "standard error %.17g, merged %.17g, tolerance %g (%s)", error,
                  merged.standard_error, tolerance, describe(&sample->batch, eval));
}

static void check_counts(const struct rl_totals *whole, const struct rl_totals *added)
{
    ck_assert_uint_eq(whole->lists, added->lists);
    ck_assert_uint_eq(whole->items, added->items);
    ck_assert_uint_eq(whole->valid_items, added->valid_items);
    ck_assert_uint_eq(whole->pairs, added->pairs);
    ck_assert_uint_eq(whole->values, added->values);
    ck_assert_uint_eq(whole->own.lists, added->own.lists);
    ck_assert_uint_eq(whole->averaged.lists, added->averaged.lists);
}

static void check_sample(struct random *random, const struct sample *sample,
                         const struct rl_eval *eval)
{
    struct computed computed;
    struct rl_totals added;
    const struct rl_result *const whole = compute(&sample->batch, eval, &computed);
    add_parts(sample, eval, random, &added);
    check_counts(&whole->totals, &added);
    check_merged(sample, eval, whole, &added);
    rl_arena_release(&computed.arena);
}

static void check_batches(bool positive_weights)
{
    struct sample_limits limits = {
        .most_lists = 40, .longest = 30, .positive_weights = positive_weights};
    struct random random = random_init(random_seed() + positive_weights);
    for (int round = 0; round < ROUNDS; round++) {
        struct sample sample;
        sample_random(&random, &limits, &sample);
        struct rl_eval loss = random_loss_eval(&random, sample.batch.weight_kind == RL_WEIGHT_ITEM);
        struct rl_eval metric = random_metric_eval(&random);
        struct any_definition any;
        check_sample(&random, &sample, &loss);
        check_sample(&random, &sample, &metric);
        random_definition(&random, sample.batch.weight_kind == RL_WEIGHT_ITEM, &any);
        any.definition.gain_count = RANDOM_TABLE;
        metric.definition = &any.definition;
        sample_grade(&sample, RANDOM_TABLE);
        if (any.definition.unretrieved == RL_UNRETRIEVED_COUNT)
            sample_unretrieve(&random, &sample);
        check_sample(&random, &sample, &metric);
        sample_release(&sample);
    }
}

START_TEST(parts_of_batches_with_weights_above_zero_merge)
{
    check_batches(true);
}
END_TEST

START_TEST(parts_of_batches_with_weights_of_both_signs_merge)
{
    check_batches(false);
}
END_TEST

void test_before_all(void)
{
    struct rl_error error;
    random_seed();
    ck_assert_msg(rl_init(getenv("RANKLOSSD_ISA"), &error) == RL_OK, "%s", error.detail);
}
