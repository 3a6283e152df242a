/*
 * margin.h: hinge and step over one node, in one sweep down the scores.
 *
 * A source counts for a target when margin - (target - source) > 0. Going down the targets,
 * sources only ever enter: the sum of the margins grows by their mass times the step, and by the
 * margin of each source that enters.
 */
#ifndef RL_MARGIN_H
#define RL_MARGIN_H

#include "core/fields/sorted.h"
#include "core/fields/fieldkind.h"
#include "core/fields/ramp.h"

/* A node that was cut into pieces. */
struct rl_margin_pieces {
    size_t count;
    const size_t *starts;        /* [count] sources of the node before each piece */
    const struct rl_ramp *ramps; /* [count] each piece's sources, seen from its last one */
};

struct rl_ramp rl_margin_piece(const struct rl_sorted *sorted, size_t begin, size_t end);

/*
 * Adds to sums[places[t]], for the targets t of the span, the sum over its sources of
 * max(0, margin - (score_t - score_s)) (hinge) or of the masses that count (step). All sources of
 * the node are those of the span; pieces may sum some of them up (count 0 for none).
 */
void rl_margin_sweep(enum rl_field_kind kind, double margin, const struct rl_sorted *sorted,
                     const struct rl_span *span, const struct rl_margin_pieces *pieces,
                     double *sums);

#endif
