/*
 * property_left_out.c: a list that a definition leaves out of the mean is as if it had not been
 * sent: in the value, totals, confidence, summary, groups and comparisons.
 */
#include "tests/property/definitions.h"
#include "tests/property/property.h"

enum { ROUNDS = 1500, LISTS = 14, LONGEST = 6, SYSTEMS = 2, GROUPS = 2, SPARE = LISTS * LONGEST };

/* SYSTEMS times the same lists, with scores of their own. */
struct compared {
    size_t lists, lengths[LISTS];
    double labels[LISTS][LONGEST], scores[SYSTEMS][LISTS][LONGEST], weights[LISTS];
    uint32_t groups[LISTS];
};

/* What core sees of it. */
struct flat {
    struct rl_batch batch;
    size_t offsets[SYSTEMS * LISTS + 1];
    double labels[SYSTEMS * SPARE], scores[SYSTEMS * SPARE], weights[SYSTEMS * LISTS];
};

static void fill(struct random *random, struct compared *compared)
{
    compared->lists = 1 + random_below(random, LISTS);
    for (size_t l = 0; l < compared->lists; l++) {
        const size_t relevant = random_below(random, 2) ? 2 : 0;
        compared->lengths[l] = random_below(random, LONGEST + 1);
        compared->weights[l] = (double)random_below(random, 4);
        compared->groups[l] = (uint32_t)random_below(random, GROUPS);
        for (size_t i = 0; i < compared->lengths[l]; i++) {
            compared->labels[l][i] = (double)random_below(random, 1 + relevant);
            for (size_t s = 0; s < SYSTEMS; s++)
                compared->scores[s][l][i] =
                    random_below(random, 8) ? (double)random_below(random, 4) : NAN;
        }
    }
}

static void flatten(struct compared *compared, bool weighted, struct flat *flat)
{
    size_t list = 0, item = 0;
    flat->offsets[0] = 0;
    for (size_t s = 0; s < SYSTEMS; s++)
        for (size_t l = 0; l < compared->lists; l++) {
            for (size_t i = 0; i < compared->lengths[l]; i++) {
                flat->labels[item] = compared->labels[l][i];
                flat->scores[item++] = compared->scores[s][l][i];
            }
            flat->weights[list++] = compared->weights[l];
            flat->offsets[list] = item;
        }
    flat->batch = (struct rl_batch){
        .dtype = RL_FLOAT64,
        .lists = list,
        .items = item,
        .offsets = flat->offsets,
        .labels = flat->labels,
        .scores = flat->scores,
        .weight_kind = weighted ? RL_WEIGHT_LIST : RL_WEIGHT_NONE,
        .weights = flat->weights,
        .systems = SYSTEMS,
        .groups = compared->groups,
        .group_count = GROUPS,
    };
}

/* Takes the lists out that have no weight in the result; returns how many those are. */
static size_t take_out(const struct rl_result *result, struct compared *compared)
{
    size_t kept = 0, lists = compared->lists;
    for (size_t l = 0; l < lists; l++) {
        if (result->lists[l].weight == 0)
            continue;
        compared->lengths[kept] = compared->lengths[l];
        compared->weights[kept] = compared->weights[l];
        compared->groups[kept] = compared->groups[l];
        memcpy(compared->labels[kept], compared->labels[l], sizeof(compared->labels[l]));
        for (size_t s = 0; s < SYSTEMS; s++)
            memcpy(compared->scores[s][kept], compared->scores[s][l],
                   sizeof(compared->scores[s][l]));
        kept++;
    }
    compared->lists = kept;
    return lists - kept;
}

static void check_same(double a, double b)
{
    ck_assert_msg(a == b || (isnan(a) && isnan(b)), "%.17g and %.17g", a, b);
}

static void check_confidence(const struct rl_confidence *a, const struct rl_confidence *b)
{
    ck_assert_uint_eq(a->lists, b->lists);
    check_same(a->standard_error, b->standard_error);
    for (size_t side = 0; side < 2; side++) {
        check_same(a->t[side], b->t[side]);
        check_same(a->bootstrap[side], b->bootstrap[side]);
    }
}

static void check_part(const struct rl_part *a, const struct rl_part *b)
{
    check_same(a->value, b->value);
    check_same(a->totals.sum, b->totals.sum);
    check_same(a->totals.weight_sum, b->totals.weight_sum);
    ck_assert(memcmp(&a->totals.own, &b->totals.own, sizeof(a->totals.own)) == 0);
    ck_assert_uint_eq(a->totals.averaged.lists, b->totals.averaged.lists);
    check_confidence(&a->confidence, &b->confidence);
    ck_assert_uint_eq(a->summary.worst_count, b->summary.worst_count);
    for (size_t q = 0; q < RL_QUANTILES; q++)
        check_same(a->summary.quantiles[q], b->summary.quantiles[q]);
}

static void check_comparison(const struct rl_comparison *a, const struct rl_comparison *b)
{
    check_same(a->difference, b->difference);
    check_same(a->p_t, b->p_t);
    check_same(a->p_randomization, b->p_randomization);
    check_confidence(&a->confidence, &b->confidence);
    ck_assert_uint_eq(a->better, b->better);
    ck_assert_uint_eq(a->equal, b->equal);
    ck_assert_uint_eq(a->worse, b->worse);
}

static const struct rl_result *compute(const struct flat *flat, const struct rl_eval *eval,
                                       struct rl_arena *arena)
{
    struct rl_work *const work = rl_arena_alloc(arena, sizeof(*work));
    compute_inline(&flat->batch, eval, 1, arena, work);
    ck_assert_int_eq(work->status, RL_OK);
    return &work->results[0];
}

/* Returns how many lists were left out. */
static size_t check_round(struct random *random, int round)
{
    static struct flat all, kept;
    struct compared compared;
    struct any_definition any;
    struct rl_arena arena;
    struct rl_eval eval = random_metric_eval(random);
    random_definition(random, false, &any);
    any.definition.gain_count = RANDOM_TABLE;
    any.definition.without_relevant = RL_WITHOUT_RELEVANT_SKIP;
    any.definition.unretrieved = RL_UNRETRIEVED_COUNT;
    eval.definition = &any.definition;
    eval.include = RL_PER_LIST | RL_CONFIDENCE | RL_SUMMARY;
    eval.level = 0.9;
    eval.resamples = 20;
    eval.seed = (uint64_t)round;
    eval.top_k = 3;
    rl_arena_init(&arena, SIZE_MAX);
    fill(random, &compared);
    flatten(&compared, round % 2, &all);
    const struct rl_result *const of_all = compute(&all, &eval, &arena);
    const size_t out = take_out(of_all, &compared);
    flatten(&compared, round % 2, &kept);
    const struct rl_result *const of_kept = compared.lists ? compute(&kept, &eval, &arena) : of_all;
    for (size_t part = 0; part < SYSTEMS * (1 + GROUPS); part++) {
        check_part(&of_all->parts[part], &of_kept->parts[part]);
        if (part > GROUPS)
            check_comparison(&of_all->comparisons[part], &of_kept->comparisons[part]);
    }
    rl_arena_release(&arena);
    return out;
}

START_TEST(a_list_left_out_is_as_if_it_had_not_been_sent)
{
    struct random random = random_init(random_seed());
    size_t out = 0;
    for (int round = 0; round < ROUNDS; round++)
        out += check_round(&random, round);
    ck_assert_uint_gt(out, ROUNDS);
}
END_TEST
