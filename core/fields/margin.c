/*
 * margin.c: hinge and step over one node, in one sweep down the scores.
 */
#include "core/fields/margin.h"

#include <stdbool.h>

#include "core/base/twosum.h"

/* margin - target, exactly, as a sum of two. */
struct reach {
    double high, low;
};

static inline struct reach reach_of(double margin, double target)
{
    double low, high = rl_difference(margin, target, &low);
    return (struct reach){high, low == low ? low : 0}; /* NaN where high overflowed */
}

/* margin - (target - source): next to 0 the first sum is exact, so no digit is lost. */
static inline double margin_of(struct reach reach, double source)
{
    return (reach.high + source) + reach.low;
}

struct rl_ramp rl_margin_piece(const struct rl_sorted *sorted, size_t begin, size_t end)
{
    struct rl_ramp ramp = {.at = begin < end ? sorted->scores[begin] : 0};
    for (size_t i = begin; i < end; i++) {
        rl_ramp_move(&ramp, sorted->scores[i]);
        rl_ramp_enter(&ramp, rl_mass(sorted, i), 0);
    }
    return ramp;
}

/* Adds whole pieces as long as even their last source counts; returns how many sources. */
static size_t join_pieces(const struct rl_margin_pieces *pieces, size_t sources, struct reach reach,
                          struct rl_ramp *ramp)
{
    size_t taken = 0;
    for (size_t piece = 0; piece < pieces->count; piece++) {
        const bool is_last = piece + 1 == pieces->count;
        const size_t next = is_last ? sources : pieces->starts[piece + 1];
        const double margin = margin_of(reach, pieces->ramps[piece].at);
        if (next == taken)
            continue; /* no sources in it */
        if (!(margin > 0))
            break;
        rl_ramp_join(ramp, &pieces->ramps[piece], margin);
        taken = next;
    }
    return taken;
}

void rl_margin_sweep(enum rl_field_kind kind, double margin, const struct rl_sorted *sorted,
                     const struct rl_span *span, const struct rl_margin_pieces *pieces,
                     double *sums)
{
    if (span->targets == span->targets_end)
        return;
    const double *const scores = sorted->scores;
    struct rl_ramp ramp = {.at = scores[span->targets]};
    size_t next = span->sources + join_pieces(pieces, span->sources_end - span->sources,
                                              reach_of(margin, ramp.at), &ramp);
    for (size_t t = span->targets; t < span->targets_end; t++) {
        const struct reach reach = reach_of(margin, scores[t]);
        rl_ramp_move(&ramp, scores[t]);
        for (double gap; next < span->sources_end && (gap = margin_of(reach, scores[next])) > 0;
             next++)
            rl_ramp_enter(&ramp, rl_mass(sorted, next), gap);
        sums[sorted->places[t]] +=
            rl_total_value(kind == RL_FIELD_STEP ? &ramp.mass : &ramp.moment);
    }
}
