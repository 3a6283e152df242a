/*
 * test_field.c: fields of whole lists against the formula, on either side of every crossover.
 *
 * Long lists are compared at some targets only. The bits must not depend on the order in which
 * pieces are carried out.
 */
#include "core/fields/field.h"

#include <string.h>

#include "core/base/cut.h"
#include "tests/unit/backwards.h"
#include "tests/unit/fieldvalue.h"
#include "tests/property/property.h"
#include "tests/property/wideplan.h"

enum { LONGEST = 3 * RL_CUT + 77 };

static double labels[LONGEST], scores[LONGEST], masses[LONGEST];
static double sums[LONGEST], other_sums[LONGEST];
static struct rl_scratch scratch;

enum label_kind { FIVE, BINARY, ONE, FRACTIONS, DISTINCT, LABEL_KINDS };
enum score_kind { NORMAL, OFFSET, NARROW, WIDE, TIED, MIXED, SCORE_KINDS };

static double random_label(struct random *random, enum label_kind kind)
{
    switch (kind) {
    case FIVE:
        return (double)random_below(random, 5);
    case BINARY:
        return random_below(random, 50) == 0;
    case ONE:
        return 3;
    case FRACTIONS:
        return (double)random_below(random, 300) / 7;
    default:
        return random_uniform(random, 0, 1);
    }
}

static double random_score(struct random *random, enum score_kind kind)
{
    const double normal = random_normal(random);
    switch (kind) {
    case NORMAL:
        return normal;
    case OFFSET:
        return 1e6 + normal;
    case NARROW:
        return 1e-6 * normal;
    case WIDE:
        return 1e6 * normal;
    case TIED:
        return (double)random_below(random, 4) / 2;
    default:
        return random_below(random, 2) ? normal : 1e4 * normal;
    }
}

static void fill(struct random *random, size_t n, enum label_kind label, enum score_kind score)
{
    for (size_t v = 0; v < n; v++) {
        labels[v] = random_label(random, label);
        scores[v] = random_score(random, score);
        masses[v] = random_uniform(random, 0, 2);
    }
}

static void sum_field(const struct rl_field *field, size_t n, struct rl_runner runner,
                      double *ret_sums)
{
    size_t offsets[] = {0, n};
    struct rl_batch batch = {.dtype = RL_FLOAT64,
                             .lists = 1,
                             .items = n,
                             .offsets = offsets,
                             .labels = labels,
                             .scores = scores};
    struct rl_plan plan;
    struct rl_room room;
    const size_t bytes = rl_plan_room(n) + rl_field_room(n);
    ck_assert(rl_scratch_reserve(&scratch, bytes, &room));
    wide_plan_init(&plan, &batch, 0, &runner, &room);
    rl_plan_grade(&plan, &runner, room);
    rl_field_sum(field, &plan, &runner, room, ret_sums);
}

static long double expected(const struct rl_field *field, size_t n, size_t target)
{
    long double sum = 0, sign = field->negated ? -1 : 1;
    for (size_t s = 0; s < n; s++) {
        if (field->all_pairs ? s == target : !(sign * labels[target] > sign * labels[s]))
            continue;
        const long double d = sign * ((long double)scores[target] - scores[s]) / field->temperature;
        sum += field_value(field->kind, d) * (field->masses ? field->masses[s] : 1);
    }
    return sum;
}

static void check_target(const struct rl_field *field, size_t n, size_t target)
{
    static const long double bounds[RL_FIELD_KINDS] = {0, 1e-13L, 1e-13L, 4e-13L, 2e-12L, 2.5e-11L};
    long double want = expected(field, n, target), got = sums[target];
    ck_assert_msg(fabsl(got - want) <= bounds[field->kind] * want + 1e-290L,
                  "%s%s%s, n %zu, T %g: item %zu got %.17Lg, want %.17Lg", field_name(field->kind),
                  field->negated ? " negated" : "", field->all_pairs ? " of all pairs" : "", n,
                  field->temperature, target, got, want);
}

static void check_field(struct random *random, const struct rl_field *field, size_t n)
{
    sum_field(field, n, rl_runner_serial(), sums);
    sum_field(field, n, runner_backwards(), other_sums);
    ck_assert_mem_eq(sums, other_sums, n * sizeof(double));
    const size_t sampled = (size_t)test_share(60);
    for (size_t i = 0; i < (n < sampled ? n : sampled); i++)
        check_target(field, n, n < sampled ? i : random_below(random, n));
}

static void check_kind(struct random *random, enum rl_field_kind kind, size_t n)
{
    const double temperature = exp(random_uniform(random, -2, 3));
    for (int negated = 0; negated < 2; negated++) {
        const bool has_masses = field_has_masses(kind) && random_below(random, 2);
        struct rl_field field = {
            .kind = kind,
            .temperature = temperature,
            .masses = has_masses ? masses : NULL,
            .negated = negated,
        };
        check_field(random, &field, n);
    }
}

static void check_all_pairs(struct random *random, size_t n)
{
    for (int kind = RL_FIELD_SOFTPLUS; kind < RL_FIELD_KINDS; kind++) {
        const struct rl_field field = {
            .kind = (enum rl_field_kind)kind,
            .temperature = exp(random_uniform(random, -2, 3)),
            .masses = field_has_masses((enum rl_field_kind)kind) ? masses : NULL,
            .negated = random_below(random, 2),
            .all_pairs = true,
        };
        check_field(random, &field, n);
    }
}

static void check_fields(struct random *random, size_t n)
{
    for (int kind = RL_FIELD_NONE + 1; kind < RL_FIELD_KINDS; kind++)
        check_kind(random, (enum rl_field_kind)kind, n);
}

static void check_lengths(struct random *random, const size_t *lengths, size_t count)
{
    for (size_t l = 0; l < count; l++) {
        for (int label = 0; label < LABEL_KINDS; label++) {
            const enum score_kind score = (enum score_kind)random_below(random, SCORE_KINDS);
            fill(random, lengths[l], (enum label_kind)label, score);
            check_fields(random, lengths[l]);
        }
        check_all_pairs(random, lengths[l]);
    }
}

START_TEST(short_lists_match_the_formula)
{
    static const size_t lengths[] = {1, 2, 3, 5, 15, 16, 17, 33, 100, 255, 257, 512, 640};
    struct random random = random_init(random_seed());
    for (int round = 0; round < test_share(6); round++)
        check_lengths(&random, lengths, sizeof(lengths) / sizeof(lengths[0]));
}
END_TEST

START_TEST(middle_lists_match_the_formula)
{
    if (test_leaves_out_long())
        return;
    static const size_t lengths[] = {641, 700, 2000, 5000, RL_CUT};
    struct random random = random_init(random_seed() + 1);
    for (int round = 0; round < test_share(4); round++)
        check_lengths(&random, lengths, sizeof(lengths) / sizeof(lengths[0]));
}
END_TEST

START_TEST(lists_of_several_pieces_match_the_formula)
{
    if (test_leaves_out_long())
        return;
    static const size_t lengths[] = {RL_CUT + 1, 2 * RL_CUT, LONGEST};
    struct random random = random_init(random_seed() + 2);
    for (int round = 0; round < test_share(2); round++)
        check_lengths(&random, lengths, sizeof(lengths) / sizeof(lengths[0]));
}
END_TEST

/* Scores so far apart that a list which is short enough for pairs must be swept. */
START_TEST(short_lists_of_any_range_match_the_formula)
{
    struct random random = random_init(random_seed() + 3);
    for (int round = 0; round < test_share(40); round++) {
        const size_t n = 2 + random_below(&random, 300);
        fill(&random, n, (enum label_kind)random_below(&random, LABEL_KINDS), MIXED);
        scores[0] = 1e200, scores[1] = -1e200;
        check_fields(&random, n);
        check_all_pairs(&random, n);
    }
}
END_TEST

/* What each of many equal sources gives to a target: any number of them, added up, divided. */
static double share_of(const struct rl_field *field, size_t sources, size_t n)
{
    for (size_t v = 0; v < n; v++) {
        labels[v] = v >= sources;
        scores[v] = v >= sources ? 0.3 : 0;
    }
    sum_field(field, n, rl_runner_serial(), sums);
    return sums[n - 1] / (double)sources;
}

static void check_shares(const struct rl_field *field, double few, double all)
{
    ck_assert_msg(fabs(all - few) <= 4e-13 * few, "%s, T %g: %.17g among few, %.17g in all",
                  field_name(field->kind), field->temperature, few, all);
}

/* Each addition of the same number is rounded the same way; the errors must not add up. One target,
 * some targets: pair by pair; half of the items: by sweeps. */
START_TEST(many_equal_sources_do_not_drift)
{
    for (int kind = RL_FIELD_NONE + 1; kind < RL_FIELD_KINDS; kind++) {
        for (int step = 1; step < 40; step++) {
            const struct rl_field field = {.kind = (enum rl_field_kind)kind,
                                           .temperature = 0.31 + 0.17 * step};
            check_shares(&field, share_of(&field, 1, 2), share_of(&field, RL_CUT - 1, RL_CUT));
            check_shares(&field, share_of(&field, 1, 2), share_of(&field, RL_CUT - 60, RL_CUT));
            check_shares(&field, share_of(&field, 1000, 2000),
                         share_of(&field, RL_CUT / 2, RL_CUT));
        }
    }
}
END_TEST
