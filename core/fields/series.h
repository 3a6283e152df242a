/*
 * series.h: softplus, sigmoid and bump over one node, as sums of exponentials of the score.
 *
 * With d the score difference over the temperature and u = e^-|d|, each is, apart from a piecewise
 * linear part, a polynomial in u without constant term:
 *
 *   softplus  log(1 + e^-d)     = max(0, -d) + u P(u)
 *   sigmoid   1 / (1 + e^d)     = u Q(u) for d >= 0, 1 - u Q(u) for d < 0
 *   bump      e^d / (1 + e^d)^2 = u R(u)
 *
 * P, Q and R approximate log(1 + u) / u, 1 / (1 + u) and 1 / (1 + u)^2 on [0, 1]. A power of u is a
 * power of the target's e^score times one of the source's: all sources above a target are summed up
 * in one number for each power, and so are all below it. One sweep down the scores gives the sums
 * of the sources above, one up those of the sources below.
 */
#ifndef RL_SERIES_H
#define RL_SERIES_H

#include "core/fields/sorted.h"
#include "core/fields/fieldkind.h"
#include "core/fields/ramp.h"
#include "core/fields/series_terms.h"

/* An origin serves scores down to this many temperatures below it. */
static const double RL_SERIES_REACH = 4;

/* Sources that were summed up. */
struct rl_series {
    size_t count;  /* of sources; if 0, the rest is meaningless */
    double origin; /* what the terms are relative to */
    /* Term k: coefficient k times the sum over the sources of mass * e^(-(k + 1) |d|), d from the
     * source to the origin. */
    double terms[RL_SERIES_TERMS];
    struct rl_ramp ramp; /* of the sources above: mass, and distances for the linear part */
};

/* A field that is swept. */
struct rl_series_field {
    enum rl_field_kind kind;
    double temperature;
    const double *coefficients; /* [RL_SERIES_TERMS] of the polynomial */
    double sign_above;          /* of the polynomial for d < 0: 1, or -1 for the sigmoid */
};

/* kind: softplus, sigmoid or bump. */
struct rl_series_field rl_series_field(enum rl_field_kind kind, double temperature);

/*
 * The kernels of one instruction set. The first two sum up the sources begin … end - 1, for targets
 * below them and for targets above them. The others add to sums[places[t]], for each target of a
 * span, the contribution of those of the span's sources that come before it (sweep_below: after it)
 * in the order of places, and of the sources of `start`, which come before (after) the whole span.
 */
struct rl_series_kernels {
    void (*sum_above)(const struct rl_series_field *field, const struct rl_sorted *sorted,
                      size_t begin, size_t end, struct rl_series *ret_series);
    void (*sum_below)(const struct rl_series_field *field, const struct rl_sorted *sorted,
                      size_t begin, size_t end, struct rl_series *ret_series);
    void (*sweep_above)(const struct rl_series_field *field, const struct rl_sorted *sorted,
                        const struct rl_span *span, const struct rl_series *start, double *sums);
    void (*sweep_below)(const struct rl_series_field *field, const struct rl_sorted *sorted,
                        const struct rl_span *span, const struct rl_series *start, double *sums);
};

extern const struct rl_series_kernels rl_series_baseline;
#if defined(__x86_64__)
extern const struct rl_series_kernels rl_series_avx2, rl_series_avx512;
#endif

/* No sources yet. */
struct rl_series rl_series_empty(void);

/* Adds to `series` the sources of `more`, which lie further on in the direction of the sweep. */
void rl_series_join(const struct rl_series_field *field, struct rl_series *series,
                    const struct rl_series *more);

#endif
