/*
 * test_emit.c: weighted sums, and the columns of results with their holes.
 */
#include "core/lists/emit.h"

#include "core/base/column.h"
#include "core/base/cut.h"
#include "tests/property/random.h"
#include "tests/unit/backwards.h"

#include "tests/lib/unittest.h"

enum { LONGEST = 2 * RL_CUT + 300 };

static uint32_t index_of[LONGEST];
static double weights[LONGEST], losses[LONGEST], kept[LONGEST], doubles[LONGEST + 4];
static float floats[LONGEST + 4];
static struct rl_scratch scratch;

/* Random holes among the items, or none; with_weights: one each. */
static struct rl_plan random_plan(struct random *random, size_t items, bool with_weights)
{
    const bool all_valid = random_below(random, 2);
    struct rl_plan plan = {.items = items,
                           .all_valid = all_valid,
                           .index = all_valid ? NULL : index_of,
                           .weight = 1.5};
    for (size_t i = 0; i < items; i++) {
        if (!all_valid && random_below(random, 4) == 0)
            continue;
        weights[plan.count] = random_normal(random);
        losses[plan.count] = kept[plan.count] = random_normal(random);
        index_of[plan.count++] = (uint32_t)i;
    }
    if (with_weights)
        plan.weights = weights;
    return plan;
}

static struct rl_room take_room(size_t items)
{
    struct rl_room room;
    ck_assert(rl_scratch_reserve(&scratch, rl_emit_room(items), &room));
    return room;
}

/* Column [1 … items]: what belongs there, 0 in the holes; nothing written beside it. */
static void check_column(const struct rl_plan *plan, const void *column, enum rl_dtype dtype,
                         const double *want)
{
    ck_assert_double_eq(rl_column_get(column, dtype, 0), 99);
    ck_assert_double_eq(rl_column_get(column, dtype, plan->items + 1), 99);
    for (size_t i = 0, v = 0; i < plan->items; i++) {
        const bool valid = v < plan->count && rl_plan_item(plan, v) == i;
        const double value = valid ? rl_round(want[v++], dtype) : 0;
        ck_assert_double_eq(rl_column_get(column, dtype, i + 1), value);
    }
}

static void emit_random(struct random *random, size_t items, enum rl_dtype dtype,
                        struct rl_runner runner)
{
    struct rl_plan plan = random_plan(random, items, random_below(random, 2));
    void *const column = dtype == RL_FLOAT32 ? (void *)floats : doubles;
    struct rl_emission emission = {&plan, &runner, dtype, 1, 4, column};
    long double want = 0;
    double sum;
    for (size_t i = 0; i < items + 2; i++)
        rl_column_set(column, dtype, i, 99);
    ck_assert(rl_emit_losses(&emission, take_room(items), losses, &sum));
    for (size_t v = 0; v < plan.count; v++) {
        kept[v] *= rl_plan_weight(&plan, v);
        want += kept[v];
    }
    ck_assert_double_eq_tol(sum, (double)want, 1e-10);
    check_column(&plan, column, dtype, kept);
    ck_assert(rl_emit_gradient(&emission, take_room(items), losses));
    for (size_t v = 0; v < plan.count; v++)
        kept[v] /= 4;
    check_column(&plan, column, dtype, kept);
    emission.divisor = 0;
    ck_assert(rl_emit_gradient(&emission, take_room(items), losses));
    for (size_t v = 0; v < plan.count; v++)
        ck_assert_double_eq(losses[v], 0);
}

START_TEST(columns_have_zeros_in_their_holes)
{
    struct random random = random_init(random_seed());
    for (int round = 0; round < test_share(200); round++) {
        const size_t items = round % 20 ? random_below(&random, 40) : LONGEST;
        const enum rl_dtype dtype = round % 2 ? RL_FLOAT32 : RL_FLOAT64;
        emit_random(&random, items, dtype, round % 3 ? rl_runner_serial() : runner_backwards());
    }
}
END_TEST

START_TEST(sums_do_not_depend_on_the_runner)
{
    struct random random = random_init(random_seed() + 1);
    struct rl_runner serial = rl_runner_serial(), backwards = runner_backwards();
    struct rl_plan plan = random_plan(&random, LONGEST, false);
    struct rl_emission emission = {.plan = &plan, .runner = &serial, .dtype = RL_FLOAT64};
    double first, second;
    plan.weight = 1;
    rl_emit_losses(&emission, take_room(LONGEST), losses, &first);
    emission.runner = &backwards;
    rl_emit_losses(&emission, take_room(LONGEST), losses, &second);
    ck_assert_double_eq(first, second);
}
END_TEST

START_TEST(what_is_not_finite_in_the_dtype_is_seen)
{
    struct rl_runner serial = rl_runner_serial();
    struct rl_plan plan = {.items = 2, .count = 2, .index = index_of, .weight = 1};
    struct rl_emission emission = {&plan, &serial, RL_FLOAT32, 0, 1, floats};
    double sum;
    index_of[0] = 0, index_of[1] = 1;
    losses[0] = 1e39, losses[1] = 1;
    ck_assert(!rl_emit_losses(&emission, take_room(2), losses, &sum));
    emission.column = NULL; /* only the sum is asked for, and that is a double */
    ck_assert(rl_emit_losses(&emission, take_room(2), losses, &sum));
    losses[0] = NAN;
    ck_assert(!rl_emit_losses(&emission, take_room(2), losses, &sum));
    emission.column = floats;
    losses[0] = INFINITY;
    ck_assert(!rl_emit_gradient(&emission, take_room(2), losses));
}
END_TEST

void test_before_all(void)
{
    random_seed();
}
