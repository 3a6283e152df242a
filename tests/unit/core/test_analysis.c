/*
 * test_analysis.c: groups, systems, confidence, summaries and comparisons of a batch that is small
 * enough to compute them by hand.
 */
#include "core/analysis.h"

#include <math.h>

#include "tests/lib/unittest.h"

enum { LISTS = 3, SYSTEMS = 2, GROUPS = 2, PARTS = 1 + GROUPS };

/* Lists of two items, the first relevant. Their reciprocal ranks are 0.5, 0.5, 1 in system 0, the
 * baseline, and 1, 0.5, 0.5 in system 1; their hinge losses 2, 1.5, 0 and 0, 1.5, 2. */
static const size_t offsets[] = {0, 2, 4, 6, 8, 10, 12};
static const double labels[] = {1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0};
static const double scores[] = {0, 1, 0.5, 1, 1, 0, 1, 0, 0.5, 1, 0, 1};
static const uint32_t groups[] = {0, 0, 1};
static struct rl_arena arena;
static struct rl_scratch scratch;
static struct rl_error error;

void test_before_each(void)
{
    ck_assert_int_eq(rl_init(NULL, &error), RL_OK);
    rl_arena_init(&arena, SIZE_MAX);
    rl_scratch_init(&scratch);
}

void test_after_each(void)
{
    rl_arena_release(&arena);
    rl_scratch_release(&scratch);
}

static struct rl_eval eval_of(enum rl_measure_id id, unsigned include)
{
    return (struct rl_eval){.measure = rl_measure_get(id),
                            .temperature = 1,
                            .include = include,
                            .top_k = 2,
                            .level = 0.95,
                            .resamples = 200,
                            .seed = 1};
}

static struct rl_result analyse(const struct rl_batch *batch, const struct rl_eval *eval)
{
    static struct rl_work work;
    ck_assert_int_eq(rl_work_init(&work, batch, eval, 1, &arena, &error), RL_OK);
    rl_compute_inline(&scratch, &work);
    ck_assert_int_eq(work.status, RL_OK);
    return work.results[0];
}

static struct rl_batch systems_in_groups(void)
{
    return (struct rl_batch){.dtype = RL_FLOAT64,
                             .lists = SYSTEMS * LISTS,
                             .items = 2 * SYSTEMS * LISTS,
                             .offsets = offsets,
                             .labels = labels,
                             .scores = scores,
                             .systems = SYSTEMS,
                             .baseline = 0,
                             .groups = groups,
                             .group_count = GROUPS};
}

static void near(double got, double want)
{
    ck_assert_msg(fabs(got - want) <= 1e-12 * fabs(want), "got %.17g, want %.17g", got, want);
}

/* A number for each list of the baseline, then of the other system: the mean of each part. */
static void check_means(const struct rl_part *parts, const double *values)
{
    for (size_t s = 0; s < SYSTEMS; s++, values += LISTS, parts += PARTS) {
        near(parts[0].value, (values[0] + values[1] + values[2]) / 3);
        near(parts[1].value, (values[0] + values[1]) / 2);
        near(parts[2].value, values[2]);
    }
}

START_TEST(each_part_has_the_mean_of_its_lists)
{
    static const double ranks[] = {0.5, 0.5, 1, 1, 0.5, 0.5};
    static const double losses[] = {1, 0.75, 0, 0, 0.75, 1}; /* two values to each list */
    const struct rl_batch batch = systems_in_groups();
    struct rl_eval eval = eval_of(RL_MEAN_RECIPROCAL_RANK, 0);
    check_means(analyse(&batch, &eval).parts, ranks);
    eval = eval_of(RL_PAIRWISE_HINGE, 0);
    const struct rl_result result = analyse(&batch, &eval);
    check_means(result.parts, losses);
    ck_assert_double_eq(result.parts[1].totals.sum, 3.5);
    ck_assert_uint_eq(result.parts[1].totals.lists, 2);
    ck_assert_uint_eq(result.parts[1].totals.items, 4);
    ck_assert_uint_eq(result.parts[1].totals.valid_items, 4);
    ck_assert_uint_eq(result.parts[1].totals.pairs, 2);
    ck_assert_uint_eq(result.parts[1].totals.values, 4);
}
END_TEST

START_TEST(a_comparison_counts_lists_that_changed)
{
    const struct rl_batch batch = systems_in_groups();
    const enum rl_measure_id ids[] = {RL_MEAN_RECIPROCAL_RANK, RL_PAIRWISE_HINGE};
    for (size_t i = 0; i < 2; i++) { /* list 0 is better, list 2 worse; a loss falls */
        const struct rl_eval eval = eval_of(ids[i], RL_CONFIDENCE);
        const struct rl_comparison *const whole = &analyse(&batch, &eval).comparisons[PARTS];
        ck_assert_double_eq(whole->difference, 0);
        ck_assert_uint_eq(whole->better, 1);
        ck_assert_uint_eq(whole->equal, 1);
        ck_assert_uint_eq(whole->worse, 1);
        ck_assert_uint_eq(whole->most_better_count, 1);
        ck_assert_uint_eq(whole->most_better[0].list, 0);
        ck_assert_double_eq(whole->most_better[0].value, i == 0 ? 0.5 : -1);
        ck_assert_uint_eq(whole->most_worse_count, 1);
        ck_assert_uint_eq(whole->most_worse[0].list, 2);
        ck_assert_double_eq(whole->most_worse[0].value, i == 0 ? -0.5 : 1);
    }
}
END_TEST

/* Group 0: the reciprocal ranks of its two lists differ by 0.5 and 0. */
START_TEST(a_comparison_says_how_sure_it_is)
{
    const struct rl_batch batch = systems_in_groups();
    const struct rl_eval eval = eval_of(RL_MEAN_RECIPROCAL_RANK, RL_CONFIDENCE);
    const struct rl_comparison *const group = &analyse(&batch, &eval).comparisons[PARTS + 1];
    const double reach = 12.706204736432095 * 0.25; /* Student's t, one degree of freedom */
    near(group->difference, 0.25);
    ck_assert_uint_eq(group->confidence.lists, 2);
    near(group->confidence.standard_error, 0.25);
    ck_assert_double_eq_tol(group->confidence.t[0], 0.25 - reach, 1e-9);
    ck_assert_double_eq_tol(group->confidence.t[1], 0.25 + reach, 1e-9);
    ck_assert_double_eq(group->confidence.bootstrap[0], 0);
    ck_assert_double_eq(group->confidence.bootstrap[1], 0.5);
    ck_assert_double_eq_tol(group->p_t, 0.5, 1e-12); /* t = 1 */
    ck_assert_double_eq(group->p_holm, group->p_t);  /* the only test */
    ck_assert_double_eq(group->p_randomization, 1);  /* either sign is as far from 0 */
}
END_TEST

START_TEST(a_single_list_is_never_sure)
{
    const struct rl_batch batch = systems_in_groups();
    const struct rl_eval eval = eval_of(RL_MEAN_RECIPROCAL_RANK, RL_CONFIDENCE);
    const struct rl_result result = analyse(&batch, &eval);
    const struct rl_confidence *const own = &result.parts[2].confidence;
    ck_assert_uint_eq(own->lists, 1);
    ck_assert_double_nan(own->standard_error);
    ck_assert_double_nan(own->t[0]);
    ck_assert_double_nan(result.comparisons[PARTS + 2].p_t);
    ck_assert_double_nan(result.comparisons[PARTS + 2].p_holm);
}
END_TEST

START_TEST(a_summary_has_quantiles_and_the_worst_lists)
{
    struct rl_batch batch = systems_in_groups();
    batch.lists = LISTS; /* system 0 alone, without groups */
    batch.items = 2 * LISTS;
    batch.systems = 0;
    batch.groups = NULL;
    batch.group_count = 0;
    struct rl_eval eval = eval_of(RL_PAIRWISE_HINGE, RL_SUMMARY);
    const struct rl_result result = analyse(&batch, &eval);
    const struct rl_summary *const summary = &result.parts[0].summary;
    ck_assert_ptr_null(result.comparisons);
    ck_assert_double_eq(summary->quantiles[0], 0);
    ck_assert_double_eq(summary->quantiles[3], 0.75);
    near(summary->quantiles[4], 0.875);
    ck_assert_double_eq(summary->quantiles[RL_QUANTILES - 1], 1);
    ck_assert_uint_eq(summary->worst_count, 2);
    ck_assert_uint_eq(summary->worst[0].list, 0);
    ck_assert_double_eq(summary->worst[0].value, 1);
    ck_assert_uint_eq(summary->worst[1].list, 1);
    eval = eval_of(RL_MEAN_RECIPROCAL_RANK, RL_SUMMARY); /* the lowest are the worst, in order */
    const struct rl_result ranks = analyse(&batch, &eval);
    ck_assert_uint_eq(ranks.parts[0].summary.worst[0].list, 0);
    ck_assert_uint_eq(ranks.parts[0].summary.worst[1].list, 1);
    ck_assert_double_eq(ranks.parts[0].summary.worst[1].value, 0.5);
}
END_TEST

START_TEST(lists_without_a_relevant_item_do_not_count)
{
    struct rl_batch batch = systems_in_groups();
    double fewer[12];
    for (size_t i = 0; i < 12; i++)
        fewer[i] = i % 6 < 2 ? 0 : labels[i]; /* list 0 of each system */
    batch.labels = fewer;
    struct rl_definition definition = *rl_definition_get(RL_KERAS);
    definition.without_relevant = RL_WITHOUT_RELEVANT_SKIP;
    struct rl_eval eval = eval_of(RL_MEAN_RECIPROCAL_RANK, RL_CONFIDENCE);
    eval.definition = &definition;
    const struct rl_result result = analyse(&batch, &eval);
    ck_assert_uint_eq(result.parts[1].confidence.lists, 1);
    near(result.parts[0].value, 0.75);
    ck_assert_uint_eq(result.comparisons[PARTS].better, 0);
    ck_assert_uint_eq(result.comparisons[PARTS].equal, 1);
    ck_assert_uint_eq(result.comparisons[PARTS].worse, 1);
}
END_TEST
