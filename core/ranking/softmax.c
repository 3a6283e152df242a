/*
 * softmax.c: the softmax loss of one list.
 *
 * Three passes over fixed blocks: the maximum; e^z and its sum; the terms of the loss, and the
 * gradient. z is taken relative to the maximum, whose own e^z of 1 stays out of the sum: the
 * logarithm of the sum is then log(1 + rest), which keeps its digits where the rest is small, and
 * every term of the loss is a sum of two numbers >= 0.
 */
#include "core/ranking/softmax.h"

#include <math.h>

#include "core/base/blocks.h"
#include "core/base/elementary.h"

struct block {
    size_t first;  /* place of the block's largest score, the first of equal ones */
    double labels; /* sum */
    double rest;   /* sum of e^z without that of the list's maximum */
    double loss;
};

struct softmax {
    const double *labels, *scores;
    size_t n, largest; /* place of the largest score */
    double temperature;
    double *powers;               /* [n]: e^z */
    double *gradient;             /* [n] or NULL */
    struct block *blocks;         /* [rl_block_count(n)] */
    double labels_sum, rest, log; /* of the list; log(1 + rest) */
};

enum { BLOCK_DOUBLES = (sizeof(struct block) + sizeof(double) - 1) / sizeof(double) };

static void block_largest(void *context, size_t block)
{
    struct softmax *const m = context;
    size_t begin = rl_block_begin(block), end = rl_block_end(block, m->n), first = begin;
    for (size_t i = begin; i < end; i++)
        first = m->scores[i] > m->scores[first] ? i : first;
    m->blocks[block].first = first;
    m->blocks[block].labels = rl_sum(m->labels + begin, end - begin);
}

static inline double z_of(const struct softmax *m, size_t i)
{
    return (m->scores[i] - m->scores[m->largest]) / m->temperature;
}

static void block_powers(void *context, size_t block)
{
    struct softmax *const m = context;
    size_t begin = rl_block_begin(block), end = rl_block_end(block, m->n);
    for (size_t i = begin; i < end; i++)
        m->powers[i] = rl_exp(z_of(m, i));
    if (m->largest >= begin && m->largest < end)
        m->powers[m->largest] = 0;
    m->blocks[block].rest = rl_sum(m->powers + begin, end - begin);
}

/* A label of 0 adds nothing, even where z overflows. */
static void block_loss(void *context, size_t block)
{
    struct softmax *const m = context;
    size_t begin = rl_block_begin(block), end = rl_block_end(block, m->n);
    double terms[RL_BLOCK];
    for (size_t i = begin; i < end; i++)
        terms[i - begin] = m->labels[i] > 0 ? m->labels[i] * (m->log - z_of(m, i)) : 0;
    m->blocks[block].loss = rl_sum(terms, end - begin);
}

static void block_gradient(void *context, size_t block)
{
    struct softmax *const m = context;
    const double share = m->labels_sum / (1 + m->rest);
    for (size_t i = rl_block_begin(block); i < rl_block_end(block, m->n); i++) {
        const double power = i == m->largest ? 1 : m->powers[i];
        m->gradient[i] = (share * power - m->labels[i]) / m->temperature;
    }
}

static void find_largest(struct softmax *m)
{
    for (size_t block = 0; block < rl_block_count(m->n); block++) {
        const size_t first = m->blocks[block].first;
        m->largest = m->scores[first] > m->scores[m->largest] ? first : m->largest;
        m->labels_sum += m->blocks[block].labels;
    }
}

static double loss_of(const struct softmax *m)
{
    double loss = 0;
    for (size_t block = 0; block < rl_block_count(m->n); block++)
        loss += m->blocks[block].loss;
    return loss;
}

size_t rl_softmax_scratch(size_t n)
{
    return n + rl_block_count(n) * BLOCK_DOUBLES;
}

double rl_softmax(const double *labels, const double *scores, size_t n, double temperature,
                  struct rl_runner *runner, double *scratch, double *ret_gradient)
{
    const size_t blocks = rl_block_count(n);
    struct softmax m = {
        .labels = labels,
        .scores = scores,
        .n = n,
        .temperature = temperature,
        .powers = scratch,
        .gradient = ret_gradient,
        .blocks = (struct block *)(scratch + n),
    };
    if (n == 0)
        return 0;
    runner->run(runner, blocks, block_largest, &m);
    find_largest(&m);
    runner->run(runner, blocks, block_powers, &m);
    for (size_t block = 0; block < blocks; block++)
        m.rest += m.blocks[block].rest;
    m.log = rl_log1p(m.rest);
    runner->run(runner, blocks, block_loss, &m);
    if (ret_gradient)
        runner->run(runner, blocks, block_gradient, &m);
    return loss_of(&m);
}
