/*
 * tile_kernels.c: the kernels of tile.h; the Makefile compiles this once for each instruction set.
 *
 * The kernels use only additions, multiplications, divisions and comparisons, each exactly rounded
 * and never fused.
 */
#include "core/fields/tile.h"

#include <stdbool.h>
#include <string.h>

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
    size_t all; /* sources below every target */
    size_t any; /* sources below at least one target */
    struct lanes below, scores;
    struct lanes high, low;  /* T - score, exactly, as a sum of two */
    struct lanes rise, fall; /* not for hinge and step */
};

/* What source j gives to the targets of vector v. */
typedef vec pair_fn(const struct rl_tile *tile, const struct targets *targets, int v, size_t j);

static ALWAYS_INLINE void load_reach(const struct rl_tile *tile, struct targets *targets)
{
    const vec t = vec_all(tile->temperature);
    for (int v = 0; v < targets->vectors; v++) {
        vec score = targets->scores.v[v], high = t - score;
        const vec low = RL_LOST_OF_DIFFERENCE(t, score, high);
        targets->high.v[v] = high;
        targets->low.v[v] = vec_keep(low == low, low); /* NaN where high overflowed */
    }
}

static ALWAYS_INLINE struct targets load_targets(const struct rl_tile *tile, size_t first,
                                                 int vectors)
{
    const size_t lanes = (size_t)vectors * VEC_WIDTH;
    const size_t last = first + lanes < tile->n ? first + lanes - 1 : tile->n - 1;
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

/* Terms of a sum that are added up before they join the others: many equal ones, added one by one,
 * would all be rounded the same way. */
enum { PART = 1024 };

/* What becomes of the targets from `first` on. */
typedef void chunk_fn(const struct rl_tile *tile, pair_fn *pair, size_t first, int vectors);

static ALWAYS_INLINE void sum_chunk(const struct rl_tile *tile, pair_fn *pair, size_t first,
                                    int vectors)
{
    const struct targets targets = load_targets(tile, first, vectors);
    struct lanes sum = {0};
    for (size_t j = 0, stop; j < targets.all; j = stop) {
        struct lanes part = {0};
        stop = targets.all - j > PART ? j + PART : targets.all;
        for (; j < stop; j++)
            for (int v = 0; v < vectors; v++)
                part.v[v] += pair(tile, &targets, v, j);
        for (int v = 0; v < vectors; v++)
            sum.v[v] += part.v[v];
    }
    for (size_t j = targets.all; j < targets.any; j++)
        for (int v = 0; v < vectors; v++)
            sum.v[v] += vec_keep(has_source(&targets, v, j), pair(tile, &targets, v, j));
    store_lanes(tile->sums + first, &sum, vectors);
}

/* ---- Rows: many sources, few targets --------------------------------------------------------- */

/*
 * One target with its sources in the lanes, since a vector of targets would hold few. There are
 * ROW_LANES of them on every instruction set, added up in one order.
 */
enum {
    ROW_LANES = 16,
    ROW_VECTORS = ROW_LANES / VEC_WIDTH,
    ROW_TARGETS = 8,   /* no more targets than this, */
    ROW_SOURCES = 128, /* each with at least as many sources, go as rows */
};

struct row {
    struct targets target; /* in every lane of vector 0 */
    size_t sources;
};

/* A number for each lane. */
struct row_lanes {
    vec v[ROW_VECTORS];
};

/* What the target gets from the sources j … j + VEC_WIDTH - 1. */
typedef vec row_fn(const struct rl_tile *tile, const struct row *row, size_t j);

static ALWAYS_INLINE struct row load_row(const struct rl_tile *tile, size_t target)
{
    struct row row = {
        .target = {.vectors = 1,
                   .scores.v[0] = vec_all(tile->scores[target]),
                   .rise.v[0] = vec_all(tile->rise[target]),
                   .fall.v[0] = vec_all(tile->fall[target])},
        .sources = (size_t)tile->below[target],
    };
    load_reach(tile, &row.target);
    return row;
}

/* Lanes whose source, of those from j on, exists. */
static ALWAYS_INLINE vec_mask is_source(const struct row *row, size_t j)
{
    static const double places[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    return vec_load(places) < (double)(row->sources - j);
}

static ALWAYS_INLINE double sum_lanes(const struct row_lanes *lanes)
{
    double sums[ROW_LANES];
    memcpy(sums, lanes, sizeof(sums));
    for (int half = ROW_LANES / 2; half > 0; half /= 2)
        for (int lane = 0; lane < half; lane++)
            sums[lane] += sums[lane + half];
    return sums[0];
}

static ALWAYS_INLINE void sum_row(const struct rl_tile *tile, row_fn *pairs, size_t target)
{
    const struct row row = load_row(tile, target);
    struct row_lanes sum = {0};
    size_t j = 0;
    while (row.sources - j >= ROW_LANES) {
        const size_t whole = (row.sources - j) / ROW_LANES * ROW_LANES;
        const size_t stop = j + (whole > PART ? PART : whole);
        struct row_lanes part = {0};
        for (; j < stop; j += ROW_LANES)
            for (int v = 0; v < ROW_VECTORS; v++)
                part.v[v] += pairs(tile, &row, j + (size_t)v * VEC_WIDTH);
        for (int v = 0; v < ROW_VECTORS; v++)
            sum.v[v] += part.v[v];
    }
    for (int v = 0; j < row.sources; v++, j += VEC_WIDTH)
        sum.v[v] += vec_keep(is_source(&row, j), pairs(tile, &row, j));
    tile->sums[target] = sum_lanes(&sum);
}

/* What becomes of one target. */
typedef void row_chunk_fn(const struct rl_tile *tile, row_fn *pairs, size_t target);

/* ---- All targets ----------------------------------------------------------------------------- */

/* Every kernel is this function, inlined; the compiler leaves out what a kernel does not use of the
 * targets. The last chunk has no more vectors than it needs. */
static ALWAYS_INLINE void each_chunk(const struct rl_tile *tile, chunk_fn *chunk, pair_fn *pair,
                                     row_chunk_fn *row, row_fn *pairs)
{
    size_t first = tile->first;
    if (tile->n - first <= ROW_TARGETS && first < tile->n && tile->below[first] >= ROW_SOURCES) {
        for (; first < tile->n; first++)
            row(tile, pairs, first);
        return;
    }
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

static ALWAYS_INLINE vec row_margin(const struct rl_tile *tile, const struct row *row, size_t j)
{
    return (row->target.high.v[0] + vec_load(tile->scores + j)) + row->target.low.v[0];
}

static ALWAYS_INLINE vec hinge_row(const struct rl_tile *tile, const struct row *row, size_t j)
{
    return vec_larger(row_margin(tile, row, j), (vec){0});
}

static ALWAYS_INLINE vec step_row(const struct rl_tile *tile, const struct row *row, size_t j)
{
    return vec_keep(row_margin(tile, row, j) > 0, vec_load(tile->masses + j));
}

static void hinge(const struct rl_tile *tile)
{
    each_chunk(tile, sum_chunk, hinge_pair, sum_row, hinge_row);
}

static void step(const struct rl_tile *tile)
{
    each_chunk(tile, sum_chunk, step_pair, sum_row, step_row);
}

/* ---- Sigmoid and bump ------------------------------------------------------------------------ */

/* e^d is the target's rise times the source's fall: no exponential of a pair is ever taken. */
static void fill_powers(const struct rl_tile *tile)
{
    const size_t padded = tile->n + RL_TILE_PAD;
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

static ALWAYS_INLINE vec sigmoid_row(const struct rl_tile *tile, const struct row *row, size_t j)
{
    return vec_load(tile->masses + j) / (1 + row->target.rise.v[0] * vec_load(tile->fall + j));
}

static ALWAYS_INLINE vec bump_row(const struct rl_tile *tile, const struct row *row, size_t j)
{
    vec power = row->target.rise.v[0] * vec_load(tile->fall + j), above = 1 + power;
    return vec_load(tile->masses + j) * power / (above * above);
}

static void sigmoid(const struct rl_tile *tile)
{
    fill_powers(tile);
    each_chunk(tile, sum_chunk, sigmoid_pair, sum_row, sigmoid_row);
}

static void bump(const struct rl_tile *tile)
{
    fill_powers(tile);
    each_chunk(tile, sum_chunk, bump_pair, sum_row, bump_row);
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

/* Takes logarithms of the excess before it overflows. They go into the straight part, which is
 * not yet divided by the temperature. */
static void take_logs(const struct rl_tile *tile, double *linear, double *excess, size_t lanes)
{
    for (size_t lane = 0; lane < lanes; lane++) {
        linear[lane] += tile->temperature * rl_log1p(excess[lane]);
        excess[lane] = 0;
    }
}

/* The sources begin … end - 1; `masked`: some targets have only some of them. */
static ALWAYS_INLINE void soft_sources(const struct rl_tile *tile, const struct targets *targets,
                                       size_t begin, size_t end, bool masked, struct lanes *linear,
                                       struct lanes *excess)
{
    const size_t lanes = (size_t)targets->vectors * VEC_WIDTH;
    for (size_t j = begin, stop; j < end; j = stop) {
        stop = (j / RL_TILE_MOST + 1) * RL_TILE_MOST;
        for (stop = stop < end ? stop : end; j < stop; j++) {
            for (int v = 0; v < targets->vectors; v++) {
                const vec power = soft_power(tile, targets, v, j);
                const vec straight = soft_linear(tile, targets, v, j);
                const vec_mask where = has_source(targets, v, j);
                linear->v[v] += masked ? vec_keep(where, straight) : straight;
                excess->v[v] += (masked ? vec_keep(where, power) : power) * (1 + excess->v[v]);
            }
        }
        if (stop % RL_TILE_MOST == 0)
            take_logs(tile, (double *)linear, (double *)excess, lanes);
    }
}

static ALWAYS_INLINE void soft_chunk(const struct rl_tile *tile, pair_fn *pair, size_t first,
                                     int vectors)
{
    (void)pair;
    const struct targets targets = load_targets(tile, first, vectors);
    struct lanes linear = {0}, excess = {0};
    soft_sources(tile, &targets, 0, targets.all, false, &linear, &excess);
    soft_sources(tile, &targets, targets.all, targets.any, true, &linear, &excess);
    store_lanes(tile->sums + first, &linear, vectors);
    store_lanes(tile->spare + first, &excess, vectors);
}

static ALWAYS_INLINE vec soft_row_linear(const struct rl_tile *tile, const struct row *row,
                                         size_t j)
{
    return vec_larger(vec_load(tile->scores + j) - row->target.scores.v[0], (vec){0});
}

static ALWAYS_INLINE vec soft_row_power(const struct rl_tile *tile, const struct row *row, size_t j)
{
    return vec_lesser(row->target.rise.v[0] * vec_load(tile->fall + j),
                      row->target.fall.v[0] * vec_load(tile->rise + j));
}

static ALWAYS_INLINE void soft_row(const struct rl_tile *tile, row_fn *pairs, size_t target)
{
    (void)pairs;
    const struct row row = load_row(tile, target);
    struct row_lanes linear = {0}, excess = {0};
    size_t j = 0;
    for (size_t groups = 0; row.sources - j >= ROW_LANES; j += ROW_LANES) {
        for (int v = 0; v < ROW_VECTORS; v++) {
            const size_t of_vector = j + (size_t)v * VEC_WIDTH;
            linear.v[v] += soft_row_linear(tile, &row, of_vector);
            excess.v[v] += soft_row_power(tile, &row, of_vector) * (1 + excess.v[v]);
        }
        if (++groups % (RL_TILE_MOST - 1) == 0)
            take_logs(tile, (double *)&linear, (double *)&excess, ROW_LANES);
    }
    for (int v = 0; j < row.sources; v++, j += VEC_WIDTH) {
        const vec_mask where = is_source(&row, j);
        const vec power = vec_keep(where, soft_row_power(tile, &row, j));
        linear.v[v] += vec_keep(where, soft_row_linear(tile, &row, j));
        excess.v[v] += power * (1 + excess.v[v]);
    }
    take_logs(tile, (double *)&linear, (double *)&excess, ROW_LANES);
    tile->sums[target] = sum_lanes(&linear);
    tile->spare[target] = 0;
}

static void softplus(const struct rl_tile *tile)
{
    fill_powers(tile);
    each_chunk(tile, soft_chunk, NULL, soft_row, NULL);
    for (size_t i = tile->first; i < tile->n; i++)
        tile->sums[i] = tile->sums[i] / tile->temperature + rl_log1p(tile->spare[i]);
}

rl_tile_fn *const RL_OF_ISA(rl_tile)[RL_FIELD_KINDS] = {
    [RL_FIELD_HINGE] = hinge,     [RL_FIELD_STEP] = step, [RL_FIELD_SOFTPLUS] = softplus,
    [RL_FIELD_SIGMOID] = sigmoid, [RL_FIELD_BUMP] = bump,
};
