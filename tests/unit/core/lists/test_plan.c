/*
 * test_plan.c: gathering the valid items of a list, and their orders.
 */
#include "core/lists/plan.h"

#include "core/base/cut.h"
#include "tests/property/random.h"
#include "tests/property/wideplan.h"
#include "tests/unit/backwards.h"

#include "tests/lib/unittest.h"

enum { LONGEST = 2 * RL_CUT + 500 };

static double labels[LONGEST], scores[LONGEST], weights[LONGEST];
static float float_labels[LONGEST], float_scores[LONGEST], float_weights[LONGEST];
static uint8_t mask[LONGEST];
static struct rl_scratch scratch;

static struct rl_plan make(const struct rl_batch *batch, size_t list, struct rl_runner runner)
{
    struct rl_plan plan;
    struct rl_room room;
    const size_t items = batch->offsets[list + 1] - batch->offsets[list];
    ck_assert(rl_scratch_reserve(&scratch, rl_plan_room(items) + rl_plan_scratch(items), &room));
    wide_plan_init(&plan, batch, list, &runner, &room);
    rl_plan_grade(&plan, &runner, room);
    rl_plan_grade_items(&plan);
    rl_plan_rank(&plan, &runner, room);
    return plan;
}

/* ---- Small lists, by hand -------------------------------------------------------------------- */

START_TEST(invalid_items_are_left_out)
{
    static const double some_labels[] = {9, 2, NAN, 0, -1, 2, -0.0, 1};
    static const double some_scores[] = {9, 1, NAN, -0.0, INFINITY, 3, 2, NAN};
    static const uint8_t some_mask[] = {1, 1, 1, 1, 1, 1, 1, 0};
    static const size_t offsets[] = {0, 1, 8};
    struct rl_batch batch = {.dtype = RL_FLOAT64,
                             .lists = 2,
                             .items = 8,
                             .offsets = offsets,
                             .labels = some_labels,
                             .scores = some_scores,
                             .mask = some_mask};
    struct rl_plan plan = make(&batch, 1, rl_runner_serial());
    static const uint32_t index[] = {0, 2, 4, 5}, graded[] = {1, 3, 0, 2}, starts[] = {0, 2, 4};
    static const uint32_t grade_of[] = {1, 0, 1, 0}, ranked[] = {2, 3, 0, 1};
    ck_assert_uint_eq(plan.items, 7);
    ck_assert_uint_eq(plan.count, 4);
    ck_assert_mem_eq(plan.index, index, sizeof(index));
    ck_assert_uint_eq(plan.grades, 2);
    ck_assert_mem_eq(plan.graded, graded, sizeof(graded));
    ck_assert_mem_eq(plan.starts, starts, sizeof(starts));
    ck_assert_mem_eq(plan.grade_of, grade_of, sizeof(grade_of));
    ck_assert_mem_eq(plan.ranked, ranked, sizeof(ranked));
    ck_assert_uint_eq(rl_plan_pairs(&plan), 4);
    ck_assert(!signbit(plan.scores[1]) && !signbit(plan.labels[3]));
}
END_TEST

START_TEST(weights_of_every_kind)
{
    static const double some_labels[] = {1, -1, 2}, some_weights[] = {5, 6, 7};
    static const size_t offsets[] = {0, 0, 3};
    struct rl_batch batch = {.dtype = RL_FLOAT64,
                             .lists = 2,
                             .items = 3,
                             .offsets = offsets,
                             .labels = some_labels,
                             .scores = some_labels,
                             .weight = 3,
                             .weights = some_weights};
    struct rl_plan plan = make(&batch, 1, rl_runner_serial());
    ck_assert_double_eq(rl_plan_weight(&plan, 1), 1);
    batch.weight_kind = RL_WEIGHT_SCALAR;
    plan = make(&batch, 1, rl_runner_serial());
    ck_assert_double_eq(rl_plan_weight(&plan, 1), 3);
    batch.weight_kind = RL_WEIGHT_LIST;
    plan = make(&batch, 1, rl_runner_serial());
    ck_assert_double_eq(rl_plan_weight(&plan, 1), 6);
    batch.weight_kind = RL_WEIGHT_ITEM;
    plan = make(&batch, 1, rl_runner_serial());
    ck_assert_double_eq(rl_plan_weight(&plan, 0), 5);
    ck_assert_double_eq(rl_plan_weight(&plan, 1), 7);
}
END_TEST

START_TEST(an_empty_list_has_nothing)
{
    static const size_t offsets[] = {0, 0};
    struct rl_batch batch = {.lists = 1, .offsets = offsets};
    struct rl_plan plan = make(&batch, 0, rl_runner_serial());
    ck_assert_uint_eq(plan.count, 0);
    ck_assert_uint_eq(plan.grades, 0);
    ck_assert_uint_eq(rl_plan_pairs(&plan), 0);
}
END_TEST

/* ---- Random lists, against what the orders mean ---------------------------------------------- */

enum label_kind { GRADES, LARGE, FRACTIONS, DISTINCT, LABEL_KINDS };

static double random_label(struct random *random, enum label_kind kind)
{
    if (random_below(random, 9) == 0)
        return random_below(random, 2) ? NAN : -2;
    switch (kind) {
    case GRADES:
        return (double)random_below(random, 64);
    case LARGE: /* past what counting takes */
        return (double)random_below(random, 3) * 40;
    case FRACTIONS:
        return (double)random_below(random, 9) / 2;
    default:
        return random_uniform(random, 0, 1);
    }
}

static struct rl_batch random_list(struct random *random, enum label_kind kind, size_t n,
                                   size_t *offsets)
{
    const bool is_float = random_below(random, 2);
    for (size_t i = 0; i < n; i++) {
        float_labels[i] = (float)random_label(random, kind);
        float_scores[i] = (float)random_normal(random);
        if (random_below(random, 3) == 0)
            float_scores[i] = float_scores[random_below(random, i + 1)];
        float_weights[i] = (float)random_normal(random);
        labels[i] = (double)float_labels[i];
        scores[i] = (double)float_scores[i];
        weights[i] = (double)float_weights[i];
        mask[i] = random_below(random, 7) > 0;
    }
    offsets[0] = 0;
    offsets[1] = n;
    return (struct rl_batch){
        .dtype = is_float ? RL_FLOAT32 : RL_FLOAT64,
        .lists = 1,
        .items = n,
        .offsets = offsets,
        .labels = is_float ? (const void *)float_labels : labels,
        .scores = is_float ? (const void *)float_scores : scores,
        .mask = random_below(random, 2) ? mask : NULL,
        .weight_kind = RL_WEIGHT_ITEM,
        .weights = is_float ? (const void *)float_weights : weights,
    };
}

static void check_items(const struct rl_batch *batch, const struct rl_plan *plan)
{
    size_t v = 0;
    for (size_t i = 0; i < batch->items; i++) {
        if ((batch->mask && !mask[i]) || !(labels[i] >= 0))
            continue;
        ck_assert_uint_lt(v, plan->count);
        ck_assert_uint_eq(rl_plan_item(plan, v), i);
        ck_assert_double_eq(plan->labels[v], labels[i]);
        ck_assert_double_eq(plan->scores[v], scores[i]);
        ck_assert_double_eq(rl_plan_weight(plan, v), weights[i]);
        v++;
    }
    ck_assert_uint_eq(v, plan->count);
}

/* Strictly ascending by (label, v): a permutation in the one right order. */
static void check_grades(const struct rl_plan *plan)
{
    size_t grade = 0;
    for (size_t p = 0; p < plan->count; p++) {
        uint32_t v = plan->graded[p], last = p ? plan->graded[p - 1] : 0;
        if (p) {
            const double step = plan->labels[v] - plan->labels[last];
            ck_assert(step > 0 || (step == 0 && v > last));
            grade += step > 0;
        }
        ck_assert_uint_eq(plan->grade_of[v], grade);
        ck_assert_uint_le(plan->starts[grade], p);
        ck_assert_uint_gt(plan->starts[grade + 1], p);
    }
    ck_assert_uint_eq(plan->grades, plan->count ? grade + 1 : 0);
    ck_assert_uint_eq(plan->starts[plan->grades], plan->count);
}

static void check_ranks(const struct rl_plan *plan)
{
    for (size_t r = 0; r < plan->count; r++)
        ck_assert_double_eq(plan->ranked_scores[r], plan->scores[plan->ranked[r]]);
    for (size_t r = 1; r < plan->count; r++) {
        uint32_t v = plan->ranked[r], last = plan->ranked[r - 1];
        const double step = plan->scores[last] - plan->scores[v];
        ck_assert(step > 0 || (step == 0 && v > last));
    }
}

START_TEST(random_lists_are_ordered)
{
    struct random random = random_init(random_seed());
    for (int round = 0; round < test_share(600); round++) {
        size_t offsets[2], n = round % 60 ? random_below(&random, 400) : LONGEST;
        const enum label_kind kind = (enum label_kind)(round % LABEL_KINDS);
        struct rl_batch batch = random_list(&random, kind, n, offsets);
        struct rl_plan plan = make(&batch, 0, round % 3 ? rl_runner_serial() : runner_backwards());
        check_items(&batch, &plan);
        check_grades(&plan);
        check_ranks(&plan);
    }
}
END_TEST

START_TEST(range_is_that_of_the_scores)
{
    struct random random = random_init(random_seed() + 1);
    size_t offsets[2];
    struct rl_batch batch = random_list(&random, DISTINCT, 300, offsets);
    struct rl_plan plan = make(&batch, 0, rl_runner_serial());
    double lowest, highest;
    rl_plan_range(&plan, &lowest, &highest);
    ck_assert_double_eq(highest, plan.scores[plan.ranked[0]]);
    ck_assert_double_eq(lowest, plan.scores[plan.ranked[plan.count - 1]]);
}
END_TEST

void test_before_all(void)
{
    random_seed();
}
