/*
 * property_invariants.c: what must not change a result, and what must change it in a known way.
 *
 * Bit for bit: garbage at invalid items, other lists in the batch and other evaluations. Within
 * rounding: the order of items, a shift of all scores, removal of invalid items, scores and
 * temperature scaled together, labels replaced by their order. Totals of parts add up to the
 * whole's.
 */

#include "tests/property/samples.h"

#include "tests/property/property.h"

enum { ROUNDS = 600 };

/* One work over a sample: every loss and metric that the weights allow, values asked for. */
struct outcome {
    struct rl_arena arena;
    struct rl_work work;
    struct rl_eval evals[RL_MEASURES];
    size_t count;
};

static double common_temperature;

static void outcome_init(struct outcome *outcome, const struct sample *sample,
                         enum rl_reduction reduction)
{
    outcome->count = 0;
    for (int id = 0; id < RL_MEASURES; id++) {
        const struct rl_measure *const measure = rl_measure_get((enum rl_measure_id)id);
        if (measure->value_per_list && sample->batch.weight_kind == RL_WEIGHT_ITEM)
            continue;
        outcome->evals[outcome->count++] = (struct rl_eval){
            .measure = measure,
            .temperature = common_temperature,
            .reduction = reduction,
            .include = RL_PER_LIST | (measure->kind == RL_LOSS ? RL_GRADIENT : 0u),
            .k = 7,
        };
    }
    rl_arena_init(&outcome->arena, SIZE_MAX);
    compute_inline(&sample->batch, outcome->evals, outcome->count, &outcome->arena, &outcome->work);
    ck_assert_msg(outcome->work.status == RL_OK, "%s", outcome->work.error.detail);
}

static void outcome_release(struct outcome *outcome)
{
    rl_arena_release(&outcome->arena);
}

static size_t dtype_size(enum rl_dtype dtype)
{
    return dtype == RL_FLOAT32 ? sizeof(float) : sizeof(double);
}

static void check_same_bits(const char *what, const void *a, const void *b, size_t size)
{
    ck_assert_msg(size == 0 || memcmp(a, b, size) == 0, "%s: other bits", what);
}

/* Two results of one evaluation: the same to the last bit. */
static void check_identical(const struct rl_eval *eval, const struct rl_batch *batch,
                            const struct rl_result *a, const struct rl_result *b)
{
    const size_t element_size = dtype_size(batch->dtype);
    const char *const name = eval->measure->name;
    const bool none = eval->measure->kind == RL_LOSS && eval->reduction == RL_NONE;
    if (none)
        check_same_bits(name, a->values, b->values, a->totals.values * element_size);
    else
        check_same_bits(name, &a->value, &b->value, sizeof(a->value));
    if (eval->include & RL_GRADIENT)
        check_same_bits(name, a->gradient, b->gradient, batch->items * element_size);
    check_same_bits(name, &a->totals, &b->totals, sizeof(a->totals));
    check_same_bits(name, a->lists, b->lists, batch->lists * sizeof(a->lists[0]));
}

static double largest(const void *array, enum rl_dtype dtype, size_t begin, size_t end)
{
    double most = 0;
    for (size_t i = begin; i < end; i++)
        most = fmax(most, fabs(element(array, dtype, i)));
    return most;
}

/* Equal within what rounding in another order may change, relative to the largest number of the
 * list. */
static void check_near_arrays(const char *what, const struct sample *sample, const void *a,
                              const void *b, const size_t *place_in_b)
{
    const enum rl_dtype dtype = sample->batch.dtype;
    const double bound = dtype == RL_FLOAT32 ? 1e-5 : 1e-10;
    for (size_t l = 0; l < sample->batch.lists; l++) {
        size_t begin = sample->offsets[l], end = sample->offsets[l + 1];
        const double scale = largest(a, dtype, begin, end);
        for (size_t i = begin; i < end; i++) {
            double x = element(a, dtype, i), y = element(b, dtype, place_in_b[i]);
            ck_assert_msg(fabs(x - y) <= bound * scale + 1e-300, "%s: item %zu: %.17g and %.17g",
                          what, i, x, y);
        }
    }
}

/* Two results whose items correspond: item i of a is item place_in_b[i] of b. */
static void check_corresponding(const struct rl_eval *eval, const struct sample *sample,
                                const struct rl_result *a, const struct rl_result *b,
                                const size_t *place_in_b)
{
    const char *const name = eval->measure->name;
    for (size_t l = 0; l < sample->batch.lists; l++) {
        double x = a->lists[l].sum + a->lists[l].value, y = b->lists[l].sum + b->lists[l].value;
        const double bound = sample->batch.dtype == RL_FLOAT32 ? 1e-5 : 1e-10;
        ck_assert_msg(fabs(x - y) <= bound * fabs(x) + 1e-300, "%s: list %zu: %.17g and %.17g",
                      name, l, x, y);
    }
    if (eval->measure->kind == RL_METRIC)
        return;
    if (eval->reduction == RL_NONE && !eval->measure->value_per_list)
        check_near_arrays(name, sample, a->values, b->values, place_in_b);
    check_near_arrays(name, sample, a->gradient, b->gradient, place_in_b);
    ck_assert_uint_eq(a->totals.pairs, b->totals.pairs);
}

static void check_all_corresponding(const struct sample *a, const struct sample *b,
                                    const size_t *place_in_b)
{
    struct outcome first, second;
    outcome_init(&first, a, RL_NONE);
    outcome_init(&second, b, RL_NONE);
    for (size_t e = 0; e < first.count; e++)
        check_corresponding(&first.evals[e], a, &first.work.results[e], &second.work.results[e],
                            place_in_b);
    outcome_release(&first);
    outcome_release(&second);
}

static struct sample sample_copy(const struct sample *sample)
{
    struct sample copy;
    size_t lists = sample->batch.lists, items = sample->batch.items;
    size_t *const lengths = test_array(lists, sizeof(*lengths));
    for (size_t l = 0; l < lists; l++)
        lengths[l] = sample->offsets[l + 1] - sample->offsets[l];
    sample_init(&copy, sample->batch.dtype, lengths, lists);
    copy.batch.weight_kind = sample->batch.weight_kind;
    copy.batch.weight = sample->batch.weight;
    memcpy(copy.labels, sample->labels, items * sizeof(double));
    memcpy(copy.scores, sample->scores, items * sizeof(double));
    memcpy(copy.weights, sample->weights, sample_weight_count(sample) * sizeof(double));
    if (sample->mask) {
        copy.mask = test_array(items, 1);
        memcpy(copy.mask, sample->mask, items);
    }
    sample_sync(&copy);
    free(lengths);
    return copy;
}

static size_t *identity(size_t n)
{
    size_t *const places = test_array(n, sizeof(*places));
    for (size_t i = 0; i < n; i++)
        places[i] = i;
    return places;
}

static const struct sample_limits LIMITS = {.most_lists = 5, .longest = 200};

/* Scores on a grid that float32 holds exactly, also after a shift by a whole number. */
static void put_scores_on_a_grid(struct random *random, struct sample *sample, bool distinct)
{
    for (size_t i = 0; i < sample->batch.items; i++) {
        const double step = distinct ? (double)i : (double)random_below(random, 64);
        sample->scores[i] = 0x1p-6 * step - 1;
    }
}

/* ---- Bit for bit ------------------------------------------------------------------------------
 */

START_TEST(garbage_at_invalid_items_changes_nothing)
{
    struct random random = random_init(random_seed() + 1);
    for (int round = 0; round < ROUNDS; round++) {
        struct sample sample, spoiled;
        struct outcome first, second;
        common_temperature = random_temperature(&random);
        sample_random(&random, &LIMITS, &sample);
        spoiled = sample_copy(&sample);
        sample_spoil_invalid(&random, &spoiled);
        for (size_t i = 0; i < spoiled.batch.items; i++)
            if (spoiled.mask && !spoiled.mask[i])
                spoiled.labels[i] = random_below(&random, 2) ? NAN : 1000;
        sample_sync(&spoiled);
        const enum rl_reduction reduction = (enum rl_reduction)random_below(&random, RL_REDUCTIONS);
        outcome_init(&first, &sample, reduction);
        outcome_init(&second, &spoiled, reduction);
        for (size_t e = 0; e < first.count; e++)
            check_identical(&first.evals[e], &sample.batch, &first.work.results[e],
                            &second.work.results[e]);
        outcome_release(&first);
        outcome_release(&second);
        sample_release(&sample);
        sample_release(&spoiled);
    }
}
END_TEST

START_TEST(other_evaluations_of_the_work_change_nothing)
{
    struct random random = random_init(random_seed() + 2);
    for (int round = 0; round < ROUNDS; round++) {
        struct sample sample;
        struct outcome all;
        common_temperature = random_temperature(&random);
        sample_random(&random, &LIMITS, &sample);
        outcome_init(&all, &sample, (enum rl_reduction)random_below(&random, RL_REDUCTIONS));
        for (size_t e = 0; e < all.count; e++) {
            struct rl_arena arena;
            struct rl_work alone;
            rl_arena_init(&arena, SIZE_MAX);
            compute_inline(&sample.batch, &all.evals[e], 1, &arena, &alone);
            check_identical(&all.evals[e], &sample.batch, &all.work.results[e], &alone.results[0]);
            rl_arena_release(&arena);
        }
        outcome_release(&all);
        sample_release(&sample);
    }
}
END_TEST

/* A batch of the lists first … last - 1 of another, pointing into its columns. */
static struct rl_batch part_of(const struct sample *sample, size_t first, size_t last,
                               size_t *offsets)
{
    struct rl_batch part = sample->batch;
    size_t begin = sample->offsets[first], size = dtype_size(part.dtype);
    for (size_t l = first; l <= last; l++)
        offsets[l - first] = sample->offsets[l] - begin;
    part.lists = last - first;
    part.items = offsets[last - first];
    part.offsets = offsets;
    part.labels = (const char *)part.labels + begin * size;
    part.scores = (const char *)part.scores + begin * size;
    part.mask = part.mask ? part.mask + begin : NULL;
    if (part.weight_kind == RL_WEIGHT_LIST)
        part.weights = (const char *)part.weights + first * size;
    if (part.weight_kind == RL_WEIGHT_ITEM)
        part.weights = (const char *)part.weights + begin * size;
    return part;
}

static void add_totals(struct rl_totals *sum, const struct rl_totals *part)
{
    sum->lists += part->lists;
    sum->items += part->items;
    sum->valid_items += part->valid_items;
    sum->pairs += part->pairs;
    sum->values += part->values;
    sum->sum += part->sum;
    sum->weight_sum += part->weight_sum;
}

static void check_merged(const struct rl_eval *eval, const struct sample *sample,
                         const struct rl_totals *merged, const struct rl_totals *whole)
{
    double scale = 0;
    ck_assert_uint_eq(merged->lists, whole->lists);
    ck_assert_uint_eq(merged->items, whole->items);
    ck_assert_uint_eq(merged->valid_items, whole->valid_items);
    ck_assert_uint_eq(merged->pairs, whole->pairs);
    ck_assert_uint_eq(merged->values, whole->values);
    for (size_t i = 0; i < sample_weight_count(sample); i++)
        scale += fabs(sample->weights[i]);
    /* A metric's weights depend on the batch; a number as weight counts once in each part. */
    if (eval->measure->kind == RL_LOSS && sample->batch.weight_kind != RL_WEIGHT_SCALAR)
        ck_assert_double_le(fabs(merged->weight_sum - whole->weight_sum), 1e-14 * scale);
}

/* Sums over the parts of one sample, by evaluation. */
struct merged {
    struct rl_totals totals[RL_MEASURES];
    double absolute[RL_MEASURES]; /* sum of |list's sum| */
};

/* Computes the lists first … last - 1 alone and adds them to `merged`. */
static void merge_part(const struct sample *sample, const struct outcome *whole, size_t first,
                       size_t last, struct merged *merged)
{
    struct rl_arena arena;
    struct rl_work work;
    size_t offsets[64];
    struct rl_batch part = part_of(sample, first, last, offsets);
    rl_arena_init(&arena, SIZE_MAX);
    compute_inline(&part, whole->evals, whole->count, &arena, &work);
    for (size_t e = 0; e < whole->count; e++) {
        add_totals(&merged->totals[e], &work.results[e].totals);
        for (size_t l = first; l < last; l++) {
            const struct rl_list_result *const in_whole = &whole->work.results[e].lists[l];
            const struct rl_list_result *const in_part = &work.results[e].lists[l - first];
            merged->absolute[e] += fabs(in_part->sum);
            check_same_bits("sum of a list", &in_whole->sum, &in_part->sum, sizeof(double));
            ck_assert_uint_eq(in_whole->pairs, in_part->pairs);
        }
    }
    rl_arena_release(&arena);
}

START_TEST(totals_of_parts_add_up_and_lists_keep_their_bits)
{
    struct random random = random_init(random_seed() + 3);
    for (int round = 0; round < ROUNDS; round++) {
        struct sample sample;
        struct outcome whole;
        struct merged merged = {0};
        common_temperature = random_temperature(&random);
        sample_random(&random, &LIMITS, &sample);
        outcome_init(&whole, &sample, RL_SUM);
        for (size_t first = 0, last; first < sample.batch.lists; first = last) {
            last = first + 1 + random_below(&random, sample.batch.lists - first);
            merge_part(&sample, &whole, first, last, &merged);
        }
        for (size_t e = 0; e < whole.count; e++) {
            const struct rl_totals *const totals = &whole.work.results[e].totals;
            check_merged(&whole.evals[e], &sample, &merged.totals[e], totals);
            if (whole.evals[e].measure->kind == RL_LOSS)
                ck_assert_double_le(fabs(merged.totals[e].sum - totals->sum),
                                    1e-14 * merged.absolute[e]);
        }
        outcome_release(&whole);
        sample_release(&sample);
    }
}
END_TEST

/* ---- Within rounding ---------------------------------------------------------------------------
 */

/* A copy whose items are shuffled inside their lists; *ret_places says where each went. */
static struct sample shuffled_copy(struct random *random, const struct sample *sample,
                                   size_t **ret_places)
{
    struct sample copy = sample_copy(sample);
    size_t *const places = identity(sample->batch.items);
    for (size_t l = 0; l < sample->batch.lists; l++)
        random_shuffle(random, places + sample->offsets[l],
                       sample->offsets[l + 1] - sample->offsets[l]);
    for (size_t i = 0; i < sample->batch.items; i++) {
        copy.labels[places[i]] = sample->labels[i];
        copy.scores[places[i]] = sample->scores[i];
        if (copy.mask)
            copy.mask[places[i]] = sample->mask[i];
        if (copy.batch.weight_kind == RL_WEIGHT_ITEM)
            copy.weights[places[i]] = sample->weights[i];
    }
    sample_sync(&copy);
    *ret_places = places;
    return copy;
}

/* Ties make some results depend on the input's order, so there are none here. */
START_TEST(order_of_items_does_not_matter)
{
    struct random random = random_init(random_seed() + 4);
    for (int round = 0; round < ROUNDS; round++) {
        struct sample sample, shuffled, mixed;
        size_t *places;
        common_temperature = random_temperature(&random);
        sample_random(&random, &LIMITS, &sample);
        put_scores_on_a_grid(&random, &sample, true);
        for (size_t i = 0; i < sample.batch.items; i++)
            if (sample.labels[i] >= 0)
                sample.labels[i] = (double)random_below(&random, 3) + 0x1p-12 * (double)i;
        sample_sync(&sample);
        mixed = shuffled_copy(&random, &sample, &places);
        free(places);
        shuffled = shuffled_copy(&random, &mixed, &places);
        check_all_corresponding(&mixed, &shuffled, places);
        free(places);
        sample_release(&sample);
        sample_release(&mixed);
        sample_release(&shuffled);
    }
}
END_TEST

START_TEST(shift_of_all_scores_does_not_matter)
{
    struct random random = random_init(random_seed() + 5);
    for (int round = 0; round < ROUNDS; round++) {
        struct sample sample, shifted;
        common_temperature = random_temperature(&random);
        sample_random(&random, &LIMITS, &sample);
        put_scores_on_a_grid(&random, &sample, random_below(&random, 2));
        sample_sync(&sample);
        shifted = sample_copy(&sample);
        double shift = (double)random_below(&random, 20000) - 10000;
        shift *= sample.batch.dtype == RL_FLOAT64 ? 1e6 : 1;
        for (size_t i = 0; i < shifted.batch.items; i++)
            shifted.scores[i] += shift;
        sample_sync(&shifted);
        size_t *const same = identity(sample.batch.items);
        check_all_corresponding(&sample, &shifted, same);
        free(same);
        sample_release(&sample);
        sample_release(&shifted);
    }
}
END_TEST

START_TEST(labels_matter_to_pairs_by_their_order_alone)
{
    struct random random = random_init(random_seed() + 6);
    const enum rl_measure_id by_order[] = {RL_PAIRWISE_HINGE, RL_PAIRWISE_LOGISTIC,
                                           RL_PAIRWISE_SOFT_ZERO_ONE};
    for (int round = 0; round < ROUNDS; round++) {
        struct sample sample, stretched;
        struct outcome first, second;
        common_temperature = random_temperature(&random);
        sample_random(&random, &LIMITS, &sample);
        stretched = sample_copy(&sample);
        for (size_t i = 0; i < stretched.batch.items; i++)
            stretched.labels[i] *= stretched.labels[i] >= 0 ? 4 : 1;
        sample_sync(&stretched);
        size_t *const same = identity(sample.batch.items);
        outcome_init(&first, &sample, RL_NONE);
        outcome_init(&second, &stretched, RL_NONE);
        for (size_t e = 0; e < sizeof(by_order) / sizeof(by_order[0]); e++)
            check_corresponding(&first.evals[by_order[e]], &sample,
                                &first.work.results[by_order[e]], &second.work.results[by_order[e]],
                                same);
        free(same);
        outcome_release(&first);
        outcome_release(&second);
        sample_release(&sample);
        sample_release(&stretched);
    }
}
END_TEST

/* Scores and temperature times a power of two: the same d, so the same losses; the gradient is
 * divided by that power, which the temperature of the comparison undoes. */
START_TEST(temperature_is_a_unit_of_scores)
{
    struct random random = random_init(random_seed() + 7);
    for (int round = 0; round < ROUNDS; round++) {
        struct sample sample, scaled;
        struct outcome first, second;
        double factor = ldexp(1, (int)random_below(&random, 12) - 6), kept;
        kept = common_temperature = random_temperature(&random);
        sample_random(&random, &LIMITS, &sample);
        scaled = sample_copy(&sample);
        for (size_t i = 0; i < scaled.batch.items; i++)
            scaled.scores[i] *= factor;
        sample_sync(&scaled);
        outcome_init(&first, &sample, RL_SUM);
        common_temperature = kept * factor;
        outcome_init(&second, &scaled, RL_SUM);
        for (size_t e = 0; e < first.count; e++) {
            double x = first.work.results[e].totals.sum, y = second.work.results[e].totals.sum;
            const double bound = sample.batch.dtype == RL_FLOAT32 ? 1e-6 : 1e-12;
            if (first.evals[e].measure->takes & RL_TAKES_TEMPERATURE)
                ck_assert_msg(fabs(x - y) <= bound * fabs(x) + 1e-300, "%s: %.17g and %.17g",
                              first.evals[e].measure->name, x, y);
        }
        outcome_release(&first);
        outcome_release(&second);
        sample_release(&sample);
        sample_release(&scaled);
    }
}
END_TEST
