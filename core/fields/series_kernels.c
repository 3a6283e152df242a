/*
 * series_kernels.c: the kernels of series.h; the Makefile compiles this once for each instruction
 * set.
 */
#include "core/fields/series.h"

#include "core/base/elementary.h"
#include "core/base/vector.h"

enum { VECTORS = RL_SERIES_TERMS / VEC_WIDTH };

/* A number for each term. */
struct terms {
    vec v[VECTORS];
};

/* Adding a million equal sources one by one would round each addition the same way, so this many
 * are first added to a sum of their own. */
enum { FRESH = 64 };

/* A series during a sweep. */
struct sweep {
    const struct rl_series_field *field;
    const struct rl_sorted *sorted;
    struct terms coefficients;
    struct terms terms, fresh; /* the value is the sum of both */
    int fresh_left;            /* sources that may still go into `fresh` */
    double origin;
    struct rl_ramp ramp;
};

/* Which side of a target the sources lie on. */
enum side { ABOVE, BELOW };

static inline struct terms load_terms(const double *from)
{
    struct terms terms;
    memcpy(&terms, from, sizeof(terms));
    return terms;
}

/* All bits set in the lanes whose number has the bit. */
static const int64_t HAS_BIT[3][8] = {
    {0, -1, 0, -1, 0, -1, 0, -1},
    {0, 0, -1, -1, 0, 0, -1, -1},
    {0, 0, 0, 0, -1, -1, -1, -1},
};

/* The factor in the lanes whose number has the bit, 1 in the others. */
static inline vec where_bit(int bit, double factor)
{
    vec_mask has_bit;
    memcpy(&has_bit, HAS_BIT[bit], sizeof(has_bit));
    return (vec)((has_bit & (vec_mask)vec_all(factor)) | (~has_bit & (vec_mask)vec_all(1)));
}

/* x^0 … x^15: the product of x, x^2, x^4 and x^8, in this order, by the bits of the exponent. */
static inline struct terms powers_of(double x)
{
    double squares[4] = {x, x * x};
    squares[2] = squares[1] * squares[1];
    squares[3] = squares[2] * squares[2];
    struct terms powers = {{where_bit(0, x)}};
    int bit = 1;
    for (; 1 << bit < VEC_WIDTH; bit++)
        powers.v[0] *= where_bit(bit, squares[bit]);
    for (int v = 1; v < VECTORS; v *= 2, bit++)
        for (int low = 0; low < v; low++)
            powers.v[v + low] = powers.v[low] * vec_all(squares[bit]);
    return powers;
}

/* The sum of all terms, each times its power. */
static inline double evaluate(const struct sweep *sweep, const struct terms *powers)
{
    struct terms products;
    for (int v = 0; v < VECTORS; v++)
        products.v[v] = (sweep->terms.v[v] + sweep->fresh.v[v]) * powers->v[v];
    for (int half = VECTORS / 2; half > 0; half /= 2)
        for (int v = 0; v < half; v++)
            products.v[v] += products.v[v + half];
    return vec_sum(products.v[0]);
}

/* The terms relative to an origin that is `gap` temperatures further on. Seldom needed, and by
 * value, so that a sweep can keep its terms in registers. */
static __attribute__((noinline)) struct terms terms_beyond(struct terms terms, double gap)
{
    const double fall = rl_exp(-gap);
    const struct terms powers = powers_of(fall);
    for (int v = 0; v < VECTORS; v++)
        terms.v[v] *= fall * powers.v[v];
    return terms;
}

static inline void fold(struct sweep *sweep)
{
    for (int v = 0; v < VECTORS; v++)
        sweep->terms.v[v] += sweep->fresh.v[v];
    sweep->fresh = (struct terms){0};
    sweep->fresh_left = FRESH;
}

static inline void move_to(struct sweep *sweep, double origin)
{
    if (origin == sweep->origin)
        return;
    fold(sweep);
    const double gap = origin < sweep->origin ? sweep->origin - origin : origin - sweep->origin;
    sweep->terms = terms_beyond(sweep->terms, gap / sweep->field->temperature);
    sweep->origin = origin;
}

static inline void enter(struct sweep *sweep, enum side side, size_t source)
{
    const struct rl_sorted *const sorted = sweep->sorted;
    double fall = sorted->falls[source], mass = rl_mass(sorted, source);
    const double x = side == ABOVE ? 1 / fall : fall;
    move_to(sweep, sorted->origins[source]);
    const struct terms powers = powers_of(x);
    for (int v = 0; v < VECTORS; v++)
        sweep->fresh.v[v] += (mass * x) * sweep->coefficients.v[v] * powers.v[v];
    if (--sweep->fresh_left == 0)
        fold(sweep);
    if (side == ABOVE) {
        rl_ramp_move(&sweep->ramp, sorted->scores[source]);
        rl_ramp_enter(&sweep->ramp, mass, 0);
    }
}

static inline double value_at(struct sweep *sweep, enum side side, size_t target)
{
    const struct rl_sorted *const sorted = sweep->sorted;
    double fall = sorted->falls[target], x = side == ABOVE ? fall : 1 / fall;
    move_to(sweep, sorted->origins[target]);
    struct terms powers = powers_of(x);
    return x * evaluate(sweep, &powers);
}

/* The linear part of the function for the sources above. */
static inline double straight_at(struct sweep *sweep, double score)
{
    if (sweep->field->kind == RL_FIELD_SIGMOID)
        return rl_total_value(&sweep->ramp.mass);
    if (sweep->field->kind != RL_FIELD_SOFTPLUS)
        return 0;
    rl_ramp_move(&sweep->ramp, score);
    return rl_total_value(&sweep->ramp.moment) / sweep->field->temperature;
}

static struct sweep sweep_from(const struct rl_series_field *field, enum side side,
                               const struct rl_sorted *sorted, const struct rl_series *start)
{
    struct terms coefficients = load_terms(field->coefficients);
    for (int v = 0; v < VECTORS; v++)
        coefficients.v[v] *= side == ABOVE ? field->sign_above : 1;
    return (struct sweep){
        .field = field,
        .sorted = sorted,
        .coefficients = coefficients,
        .terms = load_terms(start->terms),
        .fresh_left = FRESH,
        .origin = start->origin,
        .ramp = start->ramp,
    };
}

static void sweep_to(struct sweep *sweep, size_t count, struct rl_series *ret_series)
{
    fold(sweep);
    ret_series->count = count;
    ret_series->origin = sweep->origin;
    memcpy(ret_series->terms, &sweep->terms, sizeof(ret_series->terms));
    ret_series->ramp = sweep->ramp;
}

static void sum_above(const struct rl_series_field *field, const struct rl_sorted *sorted,
                      size_t begin, size_t end, struct rl_series *ret_series)
{
    const struct rl_series empty = rl_series_empty();
    struct sweep sweep = sweep_from(field, ABOVE, sorted, &empty);
    for (size_t source = begin; source < end; source++)
        enter(&sweep, ABOVE, source);
    sweep_to(&sweep, end - begin, ret_series);
}

static void sum_below(const struct rl_series_field *field, const struct rl_sorted *sorted,
                      size_t begin, size_t end, struct rl_series *ret_series)
{
    const struct rl_series empty = rl_series_empty();
    struct sweep sweep = sweep_from(field, BELOW, sorted, &empty);
    for (size_t source = end; source-- > begin;)
        enter(&sweep, BELOW, source);
    sweep_to(&sweep, end - begin, ret_series);
}

static void sweep_above(const struct rl_series_field *field, const struct rl_sorted *sorted,
                        const struct rl_span *span, const struct rl_series *start, double *sums)
{
    const uint32_t *const places = sorted->places;
    struct sweep sweep = sweep_from(field, ABOVE, sorted, start);
    size_t next = span->sources;
    for (size_t target = span->targets; target < span->targets_end; target++) {
        for (; next < span->sources_end && places[next] < places[target]; next++)
            enter(&sweep, ABOVE, next);
        const double sum = value_at(&sweep, ABOVE, target);
        sums[places[target]] += sum + straight_at(&sweep, sorted->scores[target]);
    }
}

static void sweep_below(const struct rl_series_field *field, const struct rl_sorted *sorted,
                        const struct rl_span *span, const struct rl_series *start, double *sums)
{
    const uint32_t *const places = sorted->places;
    struct sweep sweep = sweep_from(field, BELOW, sorted, start);
    size_t next = span->sources_end;
    for (size_t target = span->targets_end; target-- > span->targets;) {
        for (; next > span->sources && places[next - 1] > places[target]; next--)
            enter(&sweep, BELOW, next - 1);
        sums[places[target]] += value_at(&sweep, BELOW, target);
    }
}

const struct rl_series_kernels RL_OF_ISA(rl_series) = {
    .sum_above = sum_above,
    .sum_below = sum_below,
    .sweep_above = sweep_above,
    .sweep_below = sweep_below,
};
