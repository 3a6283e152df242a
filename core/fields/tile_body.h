/*
 * tile_body.h: the kernels of tile.h, compiled once for each instruction set.
 *
 * The including file says which by its compiler flags and defines RL_TILE_TABLE. Only additions,
 * multiplications, divisions and comparisons are used, each exactly rounded, and never fused.
 */
#include "core/fields/tile.h"

#include "core/base/elementary.h"
#include "core/base/twosum.h"
#include "core/base/vector.h"

/* How many vectors of targets go along together: enough to hide the time that an addition takes,
 * few enough for the registers. */
#if defined(__AVX512F__)
#define VECTORS 2
#else
#define VECTORS 4
#endif

enum { LANES = VEC_WIDTH * VECTORS };
_Static_assert(RL_TILE_PAD >= VEC_WIDTH - 1, "the last vector stays within the padding");

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* Some number of each target of a chunk; the last chunk may fill fewer vectors. */
struct lanes {
    vec v[VECTORS];
};

static ALWAYS_INLINE struct lanes load_lanes(const double *from, int vectors)
{
    struct lanes lanes = {0};
    for (int v = 0; v < vectors; v++)
        lanes.v[v] = vec_load(from + v * VEC_WIDTH);
    return lanes;
}

static ALWAYS_INLINE void store_lanes(double *to, const struct lanes *lanes, int vectors)
{
    for (int v = 0; v < vectors; v++)
        vec_store(to + v * VEC_WIDTH, lanes->v[v]);
}

/* A chunk of targets on its way past the sources. */
struct targets {
    int vectors;
    size_t all; /* so many sources lie below every target, */
    size_t any; /* so many below some */
    struct lanes below, scores;
    struct lanes high, low;  /* T - score, exactly, as a sum of two */
    struct lanes rise, fall; /* not for hinge and step */
};

/* What source j gives to the targets of vector v. */
typedef vec pair_fn(const struct rl_tile *tile, const struct targets *targets, int v, size_t j);

static ALWAYS_INLINE void load_reach(const struct rl_tile *tile, struct targets *targets)
{
    vec t = vec_all(tile->temperature);
    for (int v = 0; v < targets->vectors; v++) {
        vec score = targets->scores.v[v], high = t - score;
        vec low = RL_LOST_OF_DIFFERENCE(t, score, high);
        targets->high.v[v] = high;
        targets->low.v[v] = vec_keep(low == low, low); /* NaN where high overflowed */
    }
}

static ALWAYS_INLINE struct targets load_targets(const struct rl_tile *tile, size_t first,
                                                 int vectors)
{
    size_t lanes = (size_t)vectors * VEC_WIDTH;
    size_t last = first + lanes < tile->n ? first + lanes - 1 : tile->n - 1;
    struct targets targets = {
        .vectors = vectors,
        .all = (size_t)tile->below[first],
        .any = (size_t)tile->below[last],
        .below = load_lanes(tile->below + first, vectors),
        .scores = load_lanes(tile->scores + first, vectors),
        .rise = load_lanes(tile->rise + first, vectors),
        .fall = load_lanes(tile->fall + first, vectors),
    };
    load_reach(tile, &targets);
    return targets;
}

/* Lanes whose target has source j below it. */
static ALWAYS_INLINE vec_mask has_source(const struct targets *targets, int v, size_t j)
{
    return targets->below.v[v] > (double)j;
}

/* What becomes of the targets from `first` on. */
typedef void chunk_fn(const struct rl_tile *tile, pair_fn *pair, size_t first, int vectors);

static ALWAYS_INLINE void sum_chunk(const struct rl_tile *tile, pair_fn *pair, size_t first,
                                    int vectors)
{
    const struct targets targets = load_targets(tile, first, vectors);
    struct lanes sum = {0};
    for (size_t j = 0; j < targets.all; j++)
        for (int v = 0; v < vectors; v++)
            sum.v[v] += pair(tile, &targets, v, j);
    for (size_t j = targets.all; j < targets.any; j++)
        for (int v = 0; v < vectors; v++)
            sum.v[v] += vec_keep(has_source(&targets, v, j), pair(tile, &targets, v, j));
    store_lanes(tile->sums + first, &sum, vectors);
}

/* The kernels are this, with what they do not use of the targets left out by the compiler. The
 * lowest targets have no sources, and the last chunk has no more vectors than it needs. */
static ALWAYS_INLINE void each_chunk(const struct rl_tile *tile, chunk_fn *chunk, pair_fn *pair)
{
    size_t first = 0;
    for (; first < tile->n && tile->below[first] == 0; first++)
        tile->sums[first] = tile->spare[first] = 0;
    for (; tile->n - first >= LANES; first += LANES)
        chunk(tile, pair, first, VECTORS);
    switch ((tile->n - first + VEC_WIDTH - 1) / VEC_WIDTH) {
    case 1:
        chunk(tile, pair, first, 1);
        break;
    case 2:
        chunk(tile, pair, first, 2);
        break;
#if VECTORS == 4
    case 3:
        chunk(tile, pair, first, 3);
        break;
    case 4:
        chunk(tile, pair, first, 4);
        break;
#endif
    default:
        break;
    }
}

/* ---- Hinge and step -------------------------------------------------------------------------- */

/* T - (target - source): `high + source` is exact where it nearly vanishes, so the pair's loss
 * keeps all its digits next to the kink. */
static ALWAYS_INLINE vec margin(const struct targets *targets, int v, double source)
{
    return (targets->high.v[v] + source) + targets->low.v[v];
}

static ALWAYS_INLINE vec hinge_pair(const struct rl_tile *tile, const struct targets *targets,
                                    int v, size_t j)
{
    return vec_larger(margin(targets, v, tile->scores[j]), (vec){0});
}

static ALWAYS_INLINE vec step_pair(const struct rl_tile *tile, const struct targets *targets, int v,
                                   size_t j)
{
    return vec_keep(margin(targets, v, tile->scores[j]) > 0, vec_all(tile->masses[j]));
}

static void hinge(const struct rl_tile *tile)
{
    each_chunk(tile, sum_chunk, hinge_pair);
}

static void step(const struct rl_tile *tile)
{
    each_chunk(tile, sum_chunk, step_pair);
}

/* ---- Sigmoid and bump ------------------------------------------------------------------------ */

/* e^d is the target's rise times the source's fall: no exponential of a pair is ever taken. */
static void fill_powers(const struct rl_tile *tile)
{
    size_t padded = tile->n + RL_TILE_PAD;
    for (size_t i = 0; i < padded; i++)
        tile->rise[i] = rl_exp((tile->scores[i] - tile->centre) / tile->temperature);
    for (size_t i = 0; i < padded; i++)
        tile->fall[i] = 1 / tile->rise[i];
}

static ALWAYS_INLINE vec sigmoid_pair(const struct rl_tile *tile, const struct targets *targets,
                                      int v, size_t j)
{
    return tile->masses[j] / (1 + targets->rise.v[v] * tile->fall[j]);
}

static ALWAYS_INLINE vec bump_pair(const struct rl_tile *tile, const struct targets *targets, int v,
                                   size_t j)
{
    vec power = targets->rise.v[v] * tile->fall[j], above = 1 + power;
    return tile->masses[j] * power / (above * above);
}

static void sigmoid(const struct rl_tile *tile)
{
    fill_powers(tile);
    each_chunk(tile, sum_chunk, sigmoid_pair);
}

static void bump(const struct rl_tile *tile)
{
    fill_powers(tile);
    each_chunk(tile, sum_chunk, bump_pair);
}

/* ---- Softplus -------------------------------------------------------------------------------- */

/*
 * log(1 + e^-d) = max(0, -d) + log(1 + u), u = e^-|d|. The logarithms become one, of the product
 * of the 1 + u; what is kept is the product less 1, so that factors close to 1 keep their digits.
 */
static ALWAYS_INLINE vec soft_linear(const struct rl_tile *tile, const struct targets *targets,
                                     int v, size_t j)
{
    return vec_larger(tile->scores[j] - targets->scores.v[v], (vec){0});
}

static ALWAYS_INLINE vec soft_power(const struct rl_tile *tile, const struct targets *targets,
                                    int v, size_t j)
{
    return vec_lesser(targets->rise.v[v] * tile->fall[j], targets->fall.v[v] * tile->rise[j]);
}

static ALWAYS_INLINE void soft_chunk(const struct rl_tile *tile, pair_fn *pair, size_t first,
                                     int vectors)
{
    (void)pair;
    const struct targets targets = load_targets(tile, first, vectors);
    struct lanes linear = {0}, excess = {0};
    for (size_t j = 0; j < targets.all; j++) {
        for (int v = 0; v < vectors; v++) {
            linear.v[v] += soft_linear(tile, &targets, v, j);
            excess.v[v] += soft_power(tile, &targets, v, j) * (1 + excess.v[v]);
        }
    }
    for (size_t j = targets.all; j < targets.any; j++) {
        for (int v = 0; v < vectors; v++) {
            vec_mask where = has_source(&targets, v, j);
            vec power = vec_keep(where, soft_power(tile, &targets, v, j));
            linear.v[v] += vec_keep(where, soft_linear(tile, &targets, v, j));
            excess.v[v] += power * (1 + excess.v[v]);
        }
    }
    store_lanes(tile->sums + first, &linear, vectors);
    store_lanes(tile->spare + first, &excess, vectors);
}

static void softplus(const struct rl_tile *tile)
{
    fill_powers(tile);
    each_chunk(tile, soft_chunk, NULL);
    for (size_t i = 0; i < tile->n; i++)
        tile->sums[i] = tile->sums[i] / tile->temperature + rl_log1p(tile->spare[i]);
}

rl_tile_fn *const RL_TILE_TABLE[RL_FIELD_KINDS] = {
    [RL_FIELD_HINGE] = hinge,     [RL_FIELD_STEP] = step, [RL_FIELD_SOFTPLUS] = softplus,
    [RL_FIELD_SIGMOID] = sigmoid, [RL_FIELD_BUMP] = bump,
};
