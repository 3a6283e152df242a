/*
 * property_toppairs.c: the worst pairs of random lists against all pairs, sorted.
 *
 * Core may order pairs whose losses differ by rounding alone either way; exactly equal pairs (same
 * weight, same score difference) have one order, which is checked.
 */
#include "tests/property/expected.h"

#include "tests/property/property.h"

enum { ROUNDS = 4000, LONG_ROUNDS = 12, MOST_PAIRS = 400 * 400 };

struct candidate {
    size_t i, j;
    struct near loss; /* weighted */
    long double weight, difference;
};

static struct candidate candidates[MOST_PAIRS];

/* By loss, descending; then difference, i and j, ascending. */
static int by_loss(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->loss.value != y->loss.value)
        return x->loss.value > y->loss.value ? -1 : 1;
    if (x->difference != y->difference)
        return x->difference < y->difference ? -1 : 1;
    if (x->i != y->i)
        return x->i < y->i ? -1 : 1;
    return (x->j > y->j) - (x->j < y->j);
}

static struct candidate candidate_of(const struct list_task *task, size_t i, size_t j)
{
    struct candidate pair = {.i = i, .j = j};
    pair.weight = weight_at(task->sample, task->index, task->begin + i);
    pair.difference = (long double)task->list.scores[i] - task->list.scores[j];
    near_add(&pair.loss, pair.weight, near_pair(task, i, j));
    pair.loss.tolerance += unit_of(task->sample->batch.dtype) * fabsl(pair.loss.value);
    return pair;
}

/* All pairs of the list whose weighted loss is > 0, sorted. */
static size_t fill_candidates(const struct list_task *task)
{
    size_t count = 0;
    for (size_t i = 0; i < task->list.items; i++) {
        for (size_t j = 0; j < task->list.items; j++) {
            if (!pair_counts(task, i, j))
                continue;
            ck_assert_uint_lt(count, MOST_PAIRS);
            candidates[count] = candidate_of(task, i, j);
            count += candidates[count].loss.value > 0;
        }
    }
    qsort(candidates, count, sizeof(candidates[0]), by_loss);
    return count;
}

/* Whether pair b must not come before pair a: by reported losses, then by what breaks ties. */
static bool in_order(const struct rl_pair *a, const struct rl_pair *b, const struct list_task *task)
{
    const double *const scores = task->list.scores;
    if (a->loss != b->loss)
        return a->loss > b->loss;
    double first = scores[a->i] - scores[a->j], second = scores[b->i] - scores[b->j];
    if (first != second)
        return first < second;
    return a->i < b->i || (a->i == b->i && a->j < b->j);
}

static void check_pair(const struct list_task *task, const struct rl_pair *pair,
                       const struct candidate *rank)
{
    ck_assert_uint_lt(pair->i, task->list.items);
    ck_assert_uint_lt(pair->j, task->list.items);
    ck_assert(pair_counts(task, pair->i, pair->j));
    const struct candidate own = candidate_of(task, pair->i, pair->j);
    check_near("pair's own loss", &task->sample->batch, task->eval, pair->i, pair->loss, own.loss);
    const struct near either = {rank->loss.value, rank->loss.tolerance + own.loss.tolerance};
    check_near("loss of this rank", &task->sample->batch, task->eval, pair->i, pair->loss, either);
    /* Exactly as bad as the pair of this rank: then it is that pair. */
    if (own.weight == rank->weight && own.difference == rank->difference) {
        ck_assert_uint_eq(pair->i, rank->i);
        ck_assert_uint_eq(pair->j, rank->j);
    }
}

/* Where losses differ by rounding alone, ranks shift: only the losses can be compared then. */
static bool ranks_are_sharp(size_t count)
{
    for (size_t r = 1; r < count; r++) {
        const struct candidate *a = &candidates[r - 1], *b = &candidates[r];
        const bool equal = a->weight == b->weight && a->difference == b->difference;
        if (!equal && a->loss.value - b->loss.value <= a->loss.tolerance + b->loss.tolerance)
            return false;
    }
    return true;
}

static void check_list(const struct list_task *task, const struct rl_pair *pairs, size_t count)
{
    size_t all = fill_candidates(task), top_k = task->eval->top_k;
    const size_t most = all < top_k ? all : top_k;
    const bool sharp = ranks_are_sharp(all < top_k + 1 ? all : top_k + 1);
    ck_assert_uint_le(count, most);
    for (size_t r = count; r < most; r++)
        ck_assert(candidates[r].loss.value < 1e-280L + candidates[r].loss.tolerance);
    for (size_t r = 0; r < count; r++) {
        struct candidate rank = candidates[r];
        if (!sharp)
            rank.weight = NAN;
        ck_assert(pairs[r].loss > 0);
        check_pair(task, &pairs[r], &rank);
        ck_assert(r == 0 || in_order(&pairs[r - 1], &pairs[r], task));
    }
}

static void check_sample(const struct sample *sample, const struct rl_eval *eval,
                         const struct rl_result *result)
{
    for (size_t l = 0; l < sample->batch.lists; l++) {
        const size_t begin = sample->offsets[l];
        struct list_task task = {
            .sample = sample,
            .eval = eval,
            .index = l,
            .begin = begin,
            .temperature = sample->batch.dtype == RL_FLOAT32 ? (double)(float)eval->temperature
                                                             : eval->temperature,
            .list = {.items = sample->offsets[l + 1] - begin,
                     .labels = sample->labels + begin,
                     .scores = sample->scores + begin,
                     .mask = sample->mask ? sample->mask + begin : NULL},
        };
        check_list(&task, result->top_pairs + result->top_offsets[l], result->top_counts[l]);
    }
}

static void compute_and_check(struct random *random, const struct sample *sample)
{
    struct rl_arena arena;
    struct rl_work work;
    struct rl_eval eval = random_loss_eval(random, true);
    rl_arena_init(&arena, SIZE_MAX);
    compute_inline(&sample->batch, &eval, 1, &arena, &work);
    ck_assert_int_eq(work.status, RL_OK);
    check_sample(sample, &eval, &work.results[0]);
    rl_arena_release(&arena);
}

START_TEST(random_lists_give_their_worst_pairs)
{
    const struct sample_limits limits = {.most_lists = 4, .longest = 40};
    struct random random = random_init(random_seed() + 1);
    for (int round = 0; round < ROUNDS; round++) {
        struct sample sample;
        sample_random(&random, &limits, &sample);
        compute_and_check(&random, &sample);
        sample_release(&sample);
    }
}
END_TEST

START_TEST(longer_lists_give_their_worst_pairs)
{
    struct random random = random_init(random_seed() + 2);
    for (int round = 0; round < LONG_ROUNDS; round++) {
        struct sample sample;
        size_t length = 200 + random_below(&random, 200);
        sample_init(&sample, round % 2 ? RL_FLOAT32 : RL_FLOAT64, &length, 1);
        sample_fill_list(&random, &sample, 0, (enum label_style)random_below(&random, LABEL_STYLES),
                         (enum score_style)random_below(&random, SCORE_STYLES));
        sample_random_weights(&random, &(struct sample_limits){0}, &sample);
        sample_spoil_invalid(&random, &sample);
        sample_sync(&sample);
        compute_and_check(&random, &sample);
        sample_release(&sample);
    }
}
END_TEST
