/*
 * moments.c: pairwise mean squared error of one list in O(n).
 *
 * Three passes over fixed blocks: errors relative to the first item, and their sum; deviations
 * from the mean, and the sums over them; losses and gradient. Sums of blocks are added in order.
 */
#include "core/fields/moments.h"

#include "core/base/blocks.h"
#include "core/base/twosum.h"

/* Sums over one block, or over all. */
struct sums {
    double errors;     /* sum of e */
    double deviations; /* D */
    double squares;    /* Q */
    double weights;    /* sum of w */
    double weighted;   /* sum of w * deviation */
};

enum { SUMS = sizeof(struct sums) / sizeof(double) };

struct moments {
    const double *labels, *scores, *weights;
    size_t n;
    struct sums *blocks; /* [rl_block_count(n)] */
    double *values;      /* [n]: errors, then deviations, then losses */
    double *gradient;    /* [n] or NULL */
    double mean;
    struct sums total;
};

size_t rl_moments_scratch(size_t n)
{
    return rl_block_count(n) * SUMS;
}

/* (label - first label) - (score - first score), to within an ulp of the result. */
static inline double relative_error(double label, double first_label, double score,
                                    double first_score)
{
    double label_lost, score_lost, lost;
    const double label_part = rl_difference(label, first_label, &label_lost);
    const double score_part = rl_difference(score, first_score, &score_lost);
    const double error = rl_difference(label_part, score_part, &lost);
    return error + (lost + (label_lost - score_lost));
}

static void block_errors(void *context, size_t block)
{
    struct moments *const m = context;
    size_t begin = rl_block_begin(block), end = rl_block_end(block, m->n);
    double first_label = m->labels[0], first_score = m->scores[0];
    for (size_t i = begin; i < end; i++)
        m->values[i] = relative_error(m->labels[i], first_label, m->scores[i], first_score);
    m->blocks[block].errors = rl_sum(m->values + begin, end - begin);
}

static void block_deviations(void *context, size_t block)
{
    struct moments *const m = context;
    size_t begin = rl_block_begin(block), end = rl_block_end(block, m->n), count = end - begin;
    double *values = m->values + begin, products[RL_BLOCK];
    struct sums *const sums = &m->blocks[block];
    for (size_t i = 0; i < count; i++) {
        values[i] -= m->mean;
        products[i] = values[i] * values[i];
    }
    sums->deviations = rl_sum(values, count);
    sums->squares = rl_sum(products, count);
    sums->weights = (double)count;
    sums->weighted = sums->deviations;
    if (!m->gradient || !m->weights)
        return;
    for (size_t i = 0; i < count; i++)
        products[i] = m->weights[begin + i] * values[i];
    sums->weights = rl_sum(m->weights + begin, count);
    sums->weighted = rl_sum(products, count);
}

/*
 * A pair (i, j) enters the weighted sum as w_i (e_i - e_j)^2 and as w_j (e_i - e_j)^2, so its
 * derivative by s_i is -2 (w_i + w_j)(e_i - e_j); summed over j, with f the deviations,
 * -2 (w_i (n f_i - D) + (W f_i - sum_j w_j f_j)).
 */
static void block_gradient(const struct moments *m, size_t begin, size_t end)
{
    double n = (double)m->n, deviations = m->total.deviations;
    for (size_t i = begin; i < end; i++) {
        double weight = m->weights ? m->weights[i] : 1, f = m->values[i];
        m->gradient[i] =
            -2 * (weight * (n * f - deviations) + (m->total.weights * f - m->total.weighted));
    }
}

static void block_losses(void *context, size_t block)
{
    struct moments *const m = context;
    size_t begin = rl_block_begin(block), end = rl_block_end(block, m->n);
    double n = (double)m->n, twice = 2 * m->total.deviations, squares = m->total.squares;
    if (m->gradient)
        block_gradient(m, begin, end);
    for (size_t i = begin; i < end; i++) {
        const double f = m->values[i];
        m->values[i] = n * (f * f) - twice * f + squares;
    }
}

static void add_blocks(struct moments *m)
{
    m->total = (struct sums){0};
    for (size_t block = 0; block < rl_block_count(m->n); block++) {
        m->total.deviations += m->blocks[block].deviations;
        m->total.squares += m->blocks[block].squares;
        m->total.weights += m->blocks[block].weights;
        m->total.weighted += m->blocks[block].weighted;
    }
}

static double mean_error(const struct moments *m)
{
    double sum = 0;
    for (size_t block = 0; block < rl_block_count(m->n); block++)
        sum += m->blocks[block].errors;
    return sum / (double)m->n;
}

void rl_moments(const double *labels, const double *scores, const double *weights, size_t n,
                struct rl_runner *runner, double *scratch, double *ret_losses, double *ret_gradient)
{
    const size_t blocks = rl_block_count(n);
    struct moments m = {
        .labels = labels,
        .scores = scores,
        .weights = weights,
        .n = n,
        .blocks = (struct sums *)scratch,
        .values = ret_losses,
        .gradient = ret_gradient,
    };
    if (n == 0)
        return;
    if (!rl_runner_until_stopped(runner, blocks, block_errors, &m))
        return;
    m.mean = mean_error(&m);
    if (!rl_runner_until_stopped(runner, blocks, block_deviations, &m))
        return;
    add_blocks(&m);
    rl_runner_until_stopped(runner, blocks, block_losses, &m);
}
