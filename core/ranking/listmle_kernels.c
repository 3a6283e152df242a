/*
 * listmle_kernels.c: list_mle of one list; the Makefile compiles this once for each instruction
 * set.
 *
 * Four passes over fixed blocks: the maximum; z, e^z and their sums; the tails S with the sum of
 * log S - z and of 1 / S; the gradient. Between passes one thread carries sums across blocks,
 * from the last to the first for S and from the first to the last for C.
 */
#include "core/ranking/listmle.h"

#include <math.h>
#include <stdbool.h>

#include "core/base/blocks.h"
#include "core/base/elementary.h"
#include "core/base/vector.h"

/* What Keras-RS adds inside the logarithm. */
static const double EPSILON = 1e-10;

struct block {
    double largest;  /* score */
    double powers;   /* sum of e^z */
    double tail;     /* sum of e^z over all later blocks, and EPSILON */
    double loss;     /* sum of log S - z */
    double inverses; /* sum of 1 / S */
    double head;     /* sum of 1 / S over all earlier blocks */
    double holders;  /* items that hold the maximum */
};

_Static_assert(sizeof(struct block) == RL_LISTMLE_SUMS * sizeof(double), "the scratch suffices");

struct listmle {
    const double *scores;
    size_t n;
    double temperature, largest;
    double *powers;         /* [n]: e^z */
    double *tails;          /* [n]: S */
    double *gradient;       /* [n] or NULL */
    struct block *blocks;   /* [rl_block_count(n)] */
    double through_maximum; /* added to the gradient of each item that holds the maximum */
};

static void block_largest(void *context, size_t block)
{
    struct listmle *const m = context;
    double largest = -INFINITY;
    for (size_t i = rl_block_begin(block); i < rl_block_end(block, m->n); i++)
        largest = m->scores[i] > largest ? m->scores[i] : largest;
    m->blocks[block].largest = largest;
}

static inline double z_of(const struct listmle *m, size_t i)
{
    return (m->scores[i] - m->largest) / m->temperature;
}

static void block_powers(void *context, size_t block)
{
    struct listmle *const m = context;
    size_t begin = rl_block_begin(block), end = rl_block_end(block, m->n), holders = 0;
    for (size_t i = begin; i < end; i++)
        m->powers[i] = rl_exp(z_of(m, i));
    for (size_t i = begin; i < end; i++)
        holders += m->scores[i] == m->largest;
    m->blocks[block].powers = rl_sum(m->powers + begin, end - begin);
    m->blocks[block].holders = (double)holders;
}

/*
 * log S - z, where `after` is S without this item's e^z. Where that is the smaller part the
 * logarithm is near z, and the loss is log(1 + after / e^z) instead, which keeps its digits. Both
 * are one logarithm and a correction, without a branch, so that the loop over it becomes vectors.
 */
static inline double item_loss(double after, double power, double tail, double z)
{
    const bool small = after < power;
    const double x = after / power, sum = 1 + x, lost = x - (sum - 1);
    const double logarithm = rl_log(small ? sum : tail);
    return logarithm + (small ? lost / sum : -z);
}

static void block_tails(void *context, size_t block)
{
    struct listmle *const m = context;
    size_t begin = rl_block_begin(block), end = rl_block_end(block, m->n), count = end - begin;
    double tail = m->blocks[block].tail, sum = 0, terms[RL_BLOCK];
    for (size_t i = end; i-- > begin;) {
        terms[i - begin] = tail + sum;
        sum += m->powers[i];
        m->tails[i] = tail + sum;
    }
    const double *powers = m->powers + begin, *tails = m->tails + begin;
    for (size_t i = 0; i < count; i++)
        terms[i] = item_loss(terms[i], powers[i], tails[i], z_of(m, begin + i));
    m->blocks[block].loss = rl_sum(terms, count);
    if (!m->gradient)
        return;
    for (size_t i = 0; i < count; i++)
        terms[i] = 1 / m->tails[begin + i];
    m->blocks[block].inverses = rl_sum(terms, count);
}

static void block_gradient(void *context, size_t block)
{
    struct listmle *const m = context;
    double head = m->blocks[block].head, sum = 0;
    for (size_t i = rl_block_begin(block); i < rl_block_end(block, m->n); i++) {
        sum += 1 / m->tails[i];
        double slope = m->powers[i] * (head + sum) - 1;
        slope += m->scores[i] == m->largest ? m->through_maximum : 0;
        m->gradient[i] = slope / m->temperature;
    }
}

static void carry_tails(struct listmle *m)
{
    double tail = EPSILON;
    for (size_t block = rl_block_count(m->n); block-- > 0;) {
        m->blocks[block].tail = tail;
        tail += m->blocks[block].powers;
    }
}

static void carry_heads(struct listmle *m)
{
    double head = 0, holders = 0;
    for (size_t block = 0; block < rl_block_count(m->n); block++) {
        m->blocks[block].head = head;
        head += m->blocks[block].inverses;
        holders += m->blocks[block].holders;
    }
    m->through_maximum = EPSILON * head / holders;
}

static double largest_of(const struct listmle *m)
{
    double largest = -INFINITY;
    for (size_t block = 0; block < rl_block_count(m->n); block++)
        largest = m->blocks[block].largest > largest ? m->blocks[block].largest : largest;
    return largest;
}

static double loss_of(const struct listmle *m)
{
    double loss = 0;
    for (size_t block = 0; block < rl_block_count(m->n); block++)
        loss += m->blocks[block].loss;
    return loss;
}

double RL_OF_ISA(rl_listmle)(const double *scores, size_t n, double temperature,
                             struct rl_runner *runner, double *scratch, double *ret_gradient)
{
    const size_t blocks = rl_block_count(n);
    struct listmle m = {
        .scores = scores,
        .n = n,
        .temperature = temperature,
        .powers = scratch,
        .tails = scratch + n,
        .gradient = ret_gradient,
        .blocks = (struct block *)(scratch + 2 * n),
    };
    if (n == 0)
        return 0;
    runner->run(runner, blocks, block_largest, &m);
    m.largest = largest_of(&m);
    runner->run(runner, blocks, block_powers, &m);
    carry_tails(&m);
    runner->run(runner, blocks, block_tails, &m);
    if (ret_gradient) {
        carry_heads(&m);
        runner->run(runner, blocks, block_gradient, &m);
    }
    return loss_of(&m);
}
