/*
 * approxndcg.c: NDCG of one list with smooth ranks, as a loss.
 *
 * The field gives the ranks; scans over fixed blocks add up the gains, of the list and of its best
 * ranking; two more fields give the gradient.
 */
#include "core/ranking/approxndcg.h"

#include "core/base/blocks.h"
#include "core/base/elementary.h"
#include "core/fields/field.h"

struct approxndcg {
    struct rl_plan *plan;
    double temperature;
    double *ranks;  /* [m] less 1 */
    double *slopes; /* [m] d loss / d rank; NULL without a gradient */
    double *others; /* [m] for the gradient: what an item's own rank adds to it */
    double *gradient;
    double *gains; /* of each block: its sum of discounted gains */
    double best;   /* M */
};

size_t rl_approxndcg_room(size_t items)
{
    return 3 * rl_room_bytes(items, sizeof(double)) +
           rl_room_bytes(rl_block_count(items), sizeof(double)) + rl_field_room(items);
}

static double gain_of(double label)
{
    return rl_exp2(label) - 1;
}

/* rank counts from 0. */
static double discount_of(double rank)
{
    return 1 / rl_log2(2 + rank);
}

static void block_best(void *context, size_t block)
{
    const struct approxndcg *const a = context;
    const struct rl_plan *const plan = a->plan;
    const size_t begin = rl_block_begin(block), end = rl_block_end(block, plan->count);
    double terms[RL_BLOCK];
    for (size_t rank = begin; rank < end; rank++) {
        const double label = plan->labels[plan->graded[plan->count - 1 - rank]];
        terms[rank - begin] = gain_of(label) * discount_of((double)rank);
    }
    a->gains[block] = rl_sum(terms, end - begin);
}

static void block_gains(void *context, size_t block)
{
    const struct approxndcg *const a = context;
    const size_t begin = rl_block_begin(block), end = rl_block_end(block, a->plan->count);
    double terms[RL_BLOCK];
    for (size_t v = begin; v < end; v++)
        terms[v - begin] = gain_of(a->plan->labels[v]) * discount_of(a->ranks[v]);
    a->gains[block] = rl_sum(terms, end - begin);
}

/* The derivative of -g / log2(1 + r) is g / (ln 2 (1 + r) log2(1 + r)^2). */
static void block_slopes(void *context, size_t block)
{
    const struct approxndcg *const a = context;
    const double ln2 = 0x1.62e42fefa39efp-1;
    for (size_t v = rl_block_begin(block); v < rl_block_end(block, a->plan->count); v++) {
        const double discount = discount_of(a->ranks[v]);
        const double share = gain_of(a->plan->labels[v]) / a->best;
        a->slopes[v] = share * discount * discount / (ln2 * (2 + a->ranks[v]));
    }
}

static void block_gradient(void *context, size_t block)
{
    const struct approxndcg *const a = context;
    for (size_t v = rl_block_begin(block); v < rl_block_end(block, a->plan->count); v++)
        a->gradient[v] = (a->gradient[v] - a->slopes[v] * a->others[v]) / a->temperature;
}

static double sum_gains(struct approxndcg *a, struct rl_runner *runner,
                        void (*of_block)(void *context, size_t block))
{
    const size_t blocks = rl_block_count(a->plan->count);
    double sum = 0;
    if (!rl_runner_until_stopped(runner, blocks, of_block, a))
        return 0;
    for (size_t block = 0; block < blocks; block++)
        sum += a->gains[block];
    return sum;
}

static void find_gradient(struct approxndcg *a, struct rl_runner *runner, struct rl_room room)
{
    const size_t blocks = rl_block_count(a->plan->count);
    struct rl_field field = {
        .kind = RL_FIELD_BUMP, .temperature = a->temperature, .all_pairs = true};
    if (!rl_runner_until_stopped(runner, blocks, block_slopes, a))
        return;
    rl_field_sum(&field, a->plan, runner, room, a->others);
    field.masses = a->slopes;
    rl_field_sum(&field, a->plan, runner, room, a->gradient);
    rl_runner_until_stopped(runner, blocks, block_gradient, a);
}

double rl_approxndcg(struct rl_plan *plan, double temperature, struct rl_runner *runner,
                     struct rl_room room, double *ret_gradient)
{
    const size_t n = plan->count;
    const struct rl_field field = {
        .kind = RL_FIELD_SIGMOID, .temperature = temperature, .all_pairs = true};
    struct approxndcg a = {
        .plan = plan,
        .temperature = temperature,
        .ranks = rl_room_take(&room, n, sizeof(double)),
        .slopes = rl_room_take(&room, n, sizeof(double)),
        .others = rl_room_take(&room, n, sizeof(double)),
        .gradient = ret_gradient,
        .gains = rl_room_take(&room, rl_block_count(n), sizeof(double)),
    };
    a.best = sum_gains(&a, runner, block_best);
    for (size_t v = 0; v < n && ret_gradient; v++)
        ret_gradient[v] = 0;
    if (a.best == 0)
        return 0;
    rl_field_sum(&field, plan, runner, room, a.ranks);
    const double gains = sum_gains(&a, runner, block_gains);
    if (ret_gradient)
        find_gradient(&a, runner, room);
    return -gains / a.best;
}
