/*
 * tile_body.h: the kernels of tile.h, compiled once for each instruction set.
 *
 * The including file says which by its compiler flags and defines RL_TILE_TABLE. Only additions,
 * multiplications, divisions and comparisons are used, each exactly rounded, and never fused.
 */
#include "tile.h"

#include "elementary.h"
#include "vector.h"

/* How many vectors of targets go along together: enough to hide the time that an addition takes,
 * few enough for the registers. */
#if defined(__AVX512F__)
enum { VECTORS = 2 };
#else
enum { VECTORS = 4 };
#endif

enum { LANES = VEC_WIDTH * VECTORS };
_Static_assert(RL_TILE_PAD % LANES == 0, "chunks of targets stay within the padding");

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* Some number of each target of a chunk. */
struct lanes {
    vec v[VECTORS];
};

static inline struct lanes load_lanes(const double *from)
{
    struct lanes lanes;
    for (int v = 0; v < VECTORS; v++)
        lanes.v[v] = vec_load(from + v * VEC_WIDTH);
    return lanes;
}

static inline void store_lanes(double *to, const struct lanes *lanes)
{
    memcpy(to, lanes->v, sizeof(lanes->v));
}

/* A chunk of targets on its way past the sources. */
struct targets {
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
    for (int v = 0; v < VECTORS; v++) {
        vec score = targets->scores.v[v], high = t - score;
        vec score_part = t - high, t_part = high + score_part;
        vec low = (t - t_part) + (score_part - score);
        targets->high.v[v] = high;
        targets->low.v[v] = vec_keep(low == low, low); /* NaN where high overflowed */
    }
}

static ALWAYS_INLINE struct targets load_targets(const struct rl_tile *tile, size_t first)
{
    size_t last = first + LANES < tile->n ? first + LANES - 1 : tile->n - 1;
    struct targets targets = {
        .all = (size_t)tile->below[first],
        .any = (size_t)tile->below[last],
        .below = load_lanes(tile->below + first),
        .scores = load_lanes(tile->scores + first),
        .rise = load_lanes(tile->rise + first),
        .fall = load_lanes(tile->fall + first),
    };
    load_reach(tile, &targets);
    return targets;
}

/* Lanes whose target has source j below it. */
static ALWAYS_INLINE vec_mask has_source(const struct targets *targets, int v, size_t j)
{
    return targets->below.v[v] > (double)j;
}

/* The kernels are this, with what they do not use of the targets left out by the compiler. */
static ALWAYS_INLINE void sum_pairs(const struct rl_tile *tile, pair_fn *pair)
{
    for (size_t first = 0; first < tile->n; first += LANES) {
        const struct targets targets = load_targets(tile, first);
        struct lanes sum = {0};
        for (size_t j = 0; j < targets.all; j++)
            for (int v = 0; v < VECTORS; v++)
                sum.v[v] += pair(tile, &targets, v, j);
        for (size_t j = targets.all; j < targets.any; j++)
            for (int v = 0; v < VECTORS; v++)
                sum.v[v] += vec_keep(has_source(&targets, v, j), pair(tile, &targets, v, j));
        store_lanes(tile->sums + first, &sum);
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
    sum_pairs(tile, hinge_pair);
}

static void step(const struct rl_tile *tile)
{
    sum_pairs(tile, step_pair);
}

/* ---- Sigmoid and bump ------------------------------------------------------------------------ */

/* e^d is the target's rise times the source's fall: no exponential of a pair is ever taken. */
static void fill_powers(const struct rl_tile *tile)
{
    size_t padded = (tile->n + RL_TILE_PAD - 1) / RL_TILE_PAD * RL_TILE_PAD;
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
    sum_pairs(tile, sigmoid_pair);
}

static void bump(const struct rl_tile *tile)
{
    fill_powers(tile);
    sum_pairs(tile, bump_pair);
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

static ALWAYS_INLINE void soft_chunk(const struct rl_tile *tile, size_t first)
{
    const struct targets targets = load_targets(tile, first);
    struct lanes linear = {0}, excess = {0};
    for (size_t j = 0; j < targets.all; j++) {
        for (int v = 0; v < VECTORS; v++) {
            linear.v[v] += soft_linear(tile, &targets, v, j);
            excess.v[v] += soft_power(tile, &targets, v, j) * (1 + excess.v[v]);
        }
    }
    for (size_t j = targets.all; j < targets.any; j++) {
        for (int v = 0; v < VECTORS; v++) {
            vec_mask where = has_source(&targets, v, j);
            vec power = vec_keep(where, soft_power(tile, &targets, v, j));
            linear.v[v] += vec_keep(where, soft_linear(tile, &targets, v, j));
            excess.v[v] += power * (1 + excess.v[v]);
        }
    }
    store_lanes(tile->sums + first, &linear);
    store_lanes(tile->spare + first, &excess);
}

static void softplus(const struct rl_tile *tile)
{
    fill_powers(tile);
    for (size_t first = 0; first < tile->n; first += LANES)
        soft_chunk(tile, first);
    for (size_t i = 0; i < tile->n; i++)
        tile->sums[i] = tile->sums[i] / tile->temperature + rl_log1p(tile->spare[i]);
}

rl_tile_fn *const RL_TILE_TABLE[RL_FIELD_KINDS] = {
    [RL_FIELD_HINGE] = hinge,     [RL_FIELD_STEP] = step, [RL_FIELD_SOFTPLUS] = softplus,
    [RL_FIELD_SIGMOID] = sigmoid, [RL_FIELD_BUMP] = bump,
};
