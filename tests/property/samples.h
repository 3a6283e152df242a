/*
 * samples.h: random batches, and evaluations of them.
 *
 * A sample keeps its columns in double, rounded to the dtype, beside the batch that core sees.
 * Invalid items hold garbage on purpose: NaN, infinity, huge numbers.
 */
#ifndef RL_TESTS_SAMPLES_H
#define RL_TESTS_SAMPLES_H

#include <assert.h>
#include <string.h>

#include "core/rankloss.h"
#include "tests/property/lists.h"

struct sample {
    struct rl_batch batch;
    size_t *offsets;
    double *labels, *scores, *weights; /* [items]; weights by kind, [lists] or [items] */
    uint8_t *mask;                     /* [items], or NULL */
    float *columns;                    /* what a float32 batch points into */
};

/* What random samples are like. */
struct sample_limits {
    size_t most_lists, longest;
    bool positive_weights; /* no weight is negative */
    bool no_item_weights;
};

static inline void *test_array(size_t count, size_t size)
{
    void *const memory = calloc(count + 1, size);
    assert(memory);
    return memory;
}

static inline void sample_release(struct sample *sample)
{
    free(sample->offsets);
    free(sample->labels);
    free(sample->scores);
    free(sample->weights);
    free(sample->mask);
    free(sample->columns);
}

static inline size_t sample_weight_count(const struct sample *sample)
{
    if (sample->batch.weight_kind == RL_WEIGHT_LIST)
        return sample->batch.lists;
    return sample->batch.weight_kind == RL_WEIGHT_ITEM ? sample->batch.items : 0;
}

static inline bool sample_valid(const struct sample *sample, size_t item)
{
    return (!sample->mask || sample->mask[item]) && sample->labels[item] >= 0;
}

static inline const float *sample_column(double *values, size_t count, float *column)
{
    for (size_t i = 0; i < count; i++) {
        column[i] = (float)values[i];
        values[i] = (double)column[i];
    }
    return column;
}

/* Makes the batch hold what the double columns hold; rounds these to the dtype. */
static inline void sample_sync(struct sample *sample)
{
    struct rl_batch *const batch = &sample->batch;
    size_t items = batch->items, weights = sample_weight_count(sample);
    batch->offsets = sample->offsets;
    batch->mask = sample->mask;
    batch->labels = sample->labels;
    batch->scores = sample->scores;
    batch->weights = weights ? sample->weights : NULL;
    if (batch->dtype == RL_FLOAT64)
        return;
    batch->weight = (double)(float)batch->weight;
    batch->labels = sample_column(sample->labels, items, sample->columns);
    batch->scores = sample_column(sample->scores, items, sample->columns + items);
    if (weights)
        batch->weights = sample_column(sample->weights, weights, sample->columns + 2 * items);
}

/* Room for a batch with lists of these lengths, its columns zero. */
static inline void sample_init(struct sample *sample, enum rl_dtype dtype, const size_t *lengths,
                               size_t lists)
{
    *sample = (struct sample){.batch = {.dtype = dtype, .lists = lists}};
    sample->offsets = test_array(lists + 1, sizeof(size_t));
    for (size_t l = 0; l < lists; l++)
        sample->offsets[l + 1] = sample->offsets[l] + lengths[l];
    const size_t items = sample->batch.items = sample->offsets[lists];
    sample->labels = test_array(items, sizeof(double));
    sample->scores = test_array(items, sizeof(double));
    sample->weights = test_array(items + lists, sizeof(double));
    sample->columns = test_array(3 * items + lists, sizeof(float));
}

static inline void sample_random_mask(struct random *random, struct sample *sample)
{
    const size_t kept = 1 + random_below(random, 8);
    sample->mask = test_array(sample->batch.items, 1);
    for (size_t i = 0; i < sample->batch.items; i++)
        sample->mask[i] = random_below(random, 8) < kept;
}

static inline double sample_random_weight(struct random *random, bool positive)
{
    if (random_below(random, 5) == 0)
        return 0;
    const double weight = random_uniform(random, 0, 3);
    return !positive && random_below(random, 6) == 0 ? -weight : weight;
}

static inline void sample_random_weights(struct random *random, const struct sample_limits *limits,
                                         struct sample *sample)
{
    const size_t kinds = limits->no_item_weights ? RL_WEIGHT_ITEM : RL_WEIGHT_ITEM + 1;
    sample->batch.weight_kind = (enum rl_weight_kind)random_below(random, kinds);
    sample->batch.weight = sample_random_weight(random, limits->positive_weights);
    for (size_t i = 0; i < sample_weight_count(sample); i++)
        sample->weights[i] = sample_random_weight(random, limits->positive_weights);
}

static inline void sample_spoil_invalid(struct random *random, struct sample *sample)
{
    const double garbage[] = {NAN, INFINITY, -INFINITY, 1e30, 0};
    for (size_t i = 0; i < sample->batch.items; i++)
        if (!sample_valid(sample, i))
            sample->scores[i] = garbage[random_below(random, 5)];
}

static inline size_t random_length(struct random *random, size_t longest)
{
    const size_t kind = random_below(random, 8);
    if (kind < 2)
        return random_below(random, 4);
    return kind < 7 ? random_below(random, longest < 40 ? longest + 1 : 40)
                    : random_below(random, longest + 1);
}

static inline void sample_fill_list(struct random *random, struct sample *sample, size_t list,
                                    enum label_style labels, enum score_style scores)
{
    size_t begin = sample->offsets[list], n = sample->offsets[list + 1] - begin;
    random_labels(random, labels, n, sample->labels + begin);
    random_scores(random, scores, n, sample->labels + begin, sample->scores + begin);
}

/* A batch of any dtype, shape, weights and mask. */
static inline void sample_random(struct random *random, const struct sample_limits *limits,
                                 struct sample *sample)
{
    enum { MOST = 64 };
    size_t lists = 1 + random_below(random, limits->most_lists), lengths[MOST];
    for (size_t l = 0; l < lists; l++)
        lengths[l] = random_length(random, limits->longest);
    sample_init(sample, random_below(random, 2) ? RL_FLOAT32 : RL_FLOAT64, lengths, lists);
    for (size_t l = 0; l < lists; l++)
        sample_fill_list(random, sample, l, (enum label_style)random_below(random, LABEL_STYLES),
                         (enum score_style)random_below(random, SCORE_STYLES));
    if (random_below(random, 2))
        sample_random_mask(random, sample);
    sample_random_weights(random, limits, sample);
    sample_spoil_invalid(random, sample);
    sample_sync(sample);
}

static inline double random_temperature(struct random *random)
{
    const double some[] = {1, 1, 0.25, 0.5, 2, 0.1};
    return random_below(random, 2) ? some[random_below(random, 6)]
                                   : pow(10, random_uniform(random, -3, 3));
}

/* A loss with any of its parameters, all parts of the reply asked for. */
static inline struct rl_eval random_loss_eval(struct random *random, bool per_item_weights)
{
    const size_t losses = per_item_weights ? RL_LIST_MLE : RL_DCG;
    const struct rl_measure *loss =
        rl_measure_get((enum rl_measure_id)random_below(random, losses));
    return (struct rl_eval){
        .measure = loss,
        .temperature = random_temperature(random),
        .reduction = (enum rl_reduction)random_below(random, RL_REDUCTIONS),
        .include = RL_PER_LIST | RL_GRADIENT | (loss->has_pairs ? RL_TOP_PAIRS : 0u),
        .top_k = 1 + random_below(random, 12),
    };
}

static inline struct rl_eval random_metric_eval(struct random *random)
{
    const size_t metric = RL_DCG + random_below(random, RL_MEASURES - RL_DCG);
    return (struct rl_eval){
        .measure = rl_measure_get((enum rl_measure_id)metric),
        .k = random_below(random, 3) ? random_below(random, 20) : 0,
        .include = RL_PER_LIST,
        .temperature = 1,
    };
}

/* Prepares a work in the arena and computes it on the calling thread. */
static inline void compute_inline(const struct rl_batch *batch, const struct rl_eval *evals,
                                  size_t count, struct rl_arena *arena, struct rl_work *ret_work)
{
    struct rl_scratch scratch;
    struct rl_error error;
    rl_scratch_init(&scratch);
    const enum rl_status status = rl_work_init(ret_work, batch, evals, count, arena, &error);
    assert(status == RL_OK);
    (void)status;
    rl_compute_inline(&scratch, ret_work);
    rl_scratch_release(&scratch);
}

/* Element i of a result's array of the batch's dtype. */
static inline double element(const void *array, enum rl_dtype dtype, size_t i)
{
    return dtype == RL_FLOAT32 ? (double)((const float *)array)[i] : ((const double *)array)[i];
}

/* One line about a sample, for failures. */
static inline const char *describe(const struct rl_batch *batch, const struct rl_eval *eval)
{
    static char text[200];
    snprintf(text, sizeof(text),
             "%s of %zu lists, %zu items, %s, weight kind %d, T %.17g, reduction %s, k %zu",
             eval->measure->name, batch->lists, batch->items,
             batch->dtype == RL_FLOAT32 ? "float32" : "float64", (int)batch->weight_kind,
             eval->temperature, rl_reduction_name(eval->reduction), eval->k);
    return text;
}

#endif
