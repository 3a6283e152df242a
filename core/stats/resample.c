/*
 * resample.c: resampling of lists: the bootstrap, and the randomization test.
 */
#include "core/stats/resample.h"

#include <math.h>

#include "core/base/elementary.h"

/* Resamples that one piece of work takes. */
enum { PIECE = 16, LANES = 4 };

static const uint64_t GOLDEN = 0x9e3779b97f4a7c15u;

static inline uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* Where the numbers of a resample start. Two rounds keep nearby seeds and resamples apart. */
static uint64_t stream_of(uint64_t seed, uint64_t purpose, size_t resample)
{
    return mix(mix(mix(seed + GOLDEN) + purpose) + GOLDEN * (uint64_t)resample);
}

static inline uint64_t draw(uint64_t stream, size_t counter)
{
    return mix(stream + GOLDEN * (uint64_t)(counter + 1));
}

/* 0 … n - 1. The bias of n / 2^64 is too small for any number of resamples to show. */
static inline size_t below(uint64_t random, size_t n)
{
    return (size_t)(((unsigned __int128)random * n) >> 64);
}

static size_t pieces(size_t resamples)
{
    return (resamples + PIECE - 1) / PIECE;
}

static size_t piece_end(size_t piece, size_t resamples)
{
    return (piece + 1) * PIECE < resamples ? (piece + 1) * PIECE : resamples;
}

/* ---- Bootstrap ------------------------------------------------------------------------------- */

struct bootstrap {
    const struct rl_ratio *ratio;
    uint64_t seed;
    size_t resamples;
    double *values;
};

static double resampled_ratio(const struct rl_ratio *ratio, uint64_t stream)
{
    const double *const a = ratio->a, *const b = ratio->b;
    const size_t n = ratio->lists;
    double sums[LANES] = {0}, divisors[LANES] = {0};
    size_t l = 0;
    for (; l + LANES <= n; l += LANES) {
        for (size_t lane = 0; lane < LANES; lane++) {
            const size_t drawn = below(draw(stream, l + lane), n);
            sums[lane] += a[drawn];
            divisors[lane] += b[drawn];
        }
    }
    for (; l < n; l++) {
        const size_t drawn = below(draw(stream, l), n);
        sums[0] += a[drawn];
        divisors[0] += b[drawn];
    }
    const double sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    const double divisor = (divisors[0] + divisors[1]) + (divisors[2] + divisors[3]);
    return divisor != 0 ? ratio->scale * (sum / divisor) : 0;
}

static void bootstrap_piece(void *context, size_t piece)
{
    const struct bootstrap *const work = context;
    for (size_t r = piece * PIECE; r < piece_end(piece, work->resamples); r++)
        work->values[r] = resampled_ratio(work->ratio, stream_of(work->seed, 'b', r));
}

void rl_bootstrap(const struct rl_ratio *ratio, uint64_t seed, size_t resamples,
                  struct rl_runner *runner, double *ret_values)
{
    struct bootstrap work = {ratio, seed, resamples, ret_values};
    runner->run(runner, pieces(resamples), bootstrap_piece, &work);
}

/* ---- Randomization test ---------------------------------------------------------------------- */

struct flips {
    const double *differences;
    size_t lists, resamples;
    uint64_t seed;
    double observed;  /* |sum|, less a margin for rounding */
    uint64_t *counts; /* [pieces] of sums that reach it */
};

static inline double with_sign(double value, uint64_t sign)
{
    return rl_from_bits(rl_to_bits(value) ^ sign << 63);
}

/* Each number gives the signs of 64 lists. */
static double flipped_sum(const double *differences, size_t lists, uint64_t stream)
{
    double sums[LANES] = {0};
    for (size_t first = 0; first < lists; first += 64) {
        uint64_t signs = draw(stream, first / 64);
        size_t count = lists - first < 64 ? lists - first : 64, i = 0;
        for (; i + LANES <= count; i += LANES, signs >>= LANES)
            for (size_t lane = 0; lane < LANES; lane++)
                sums[lane] += with_sign(differences[first + i + lane], signs >> lane & 1);
        for (; i < count; i++, signs >>= 1)
            sums[0] += with_sign(differences[first + i], signs & 1);
    }
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

static void flip_piece(void *context, size_t piece)
{
    const struct flips *const work = context;
    uint64_t count = 0;
    for (size_t r = piece * PIECE; r < piece_end(piece, work->resamples); r++) {
        const uint64_t stream = stream_of(work->seed, 'f', r);
        count += fabs(flipped_sum(work->differences, work->lists, stream)) >= work->observed;
    }
    work->counts[piece] = count;
}

/* All assignments of signs to the differences that are not 0, of which there are few. */
static double exact_test(const struct flips *work)
{
    double some[RL_EXACT_LISTS];
    size_t n = 0, reached = 0;
    for (size_t l = 0; l < work->lists; l++)
        if (work->differences[l] != 0)
            some[n++] = work->differences[l];
    for (uint64_t signs = 0; signs < (uint64_t)1 << n; signs++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += with_sign(some[i], signs >> i & 1);
        reached += fabs(sum) >= work->observed;
    }
    return (double)reached / (double)((uint64_t)1 << n);
}

size_t rl_randomization_room(size_t resamples)
{
    return pieces(resamples);
}

double rl_randomization_test(const double *differences, size_t lists, uint64_t seed,
                             size_t resamples, struct rl_runner *runner, uint64_t *room)
{
    struct flips work = {differences, lists, resamples, seed, 0, room};
    double sum = 0, size = 0;
    size_t nonzero = 0;
    uint64_t reached = 0;
    for (size_t l = 0; l < lists; l++) {
        sum += differences[l];
        size += fabs(differences[l]);
        nonzero += differences[l] != 0;
    }
    work.observed = fabs(sum) - 1e-14 * size;
    if (nonzero <= RL_EXACT_LISTS)
        return exact_test(&work);
    runner->run(runner, pieces(resamples), flip_piece, &work);
    for (size_t piece = 0; piece < pieces(resamples); piece++)
        reached += room[piece];
    return (1 + (double)reached) / (1 + (double)resamples);
}
