/*
 * descent.h: fields of long lists in O(n log n), by halving the grades.
 *
 * The items are in descending order of score. A node holds the items of a range of grades; its
 * lower half are sources, its upper half targets, and one sweep along the scores (margin.h,
 * series.h) serves every pair between the halves. Then each half, split off stably and so still in
 * order, is a node itself. A node of few items is finished pair by pair (tile.h). With g grades
 * every item takes part in about log2(g) sweeps.
 *
 * Where all pairs count, whatever the grades, one sweep each way serves all items as both.
 *
 * A node longer than a piece (cut.h) is split and swept piece by piece; a piece of a sweep starts
 * from the sums over the pieces before it. Smaller nodes are carried out whole, many at a time.
 */
#ifndef RL_DESCENT_H
#define RL_DESCENT_H

#include <stdbool.h>

#include "core/fields/sorted.h"
#include "core/fields/fieldkind.h"
#include "core/base/runner.h"
#include "core/base/scratch.h"

struct rl_descent {
    enum rl_field_kind kind;
    double temperature;
    size_t n;
    size_t grades;              /* the grades in `sorted` are 0 … grades - 1, none missing */
    bool all_pairs;             /* grades do not matter; not for hinge and step */
    struct rl_sorted sorted[2]; /* the items, and as much space; both are written to */
    double *sums;               /* [n] by places; added to */
};

/* Whether this field needs origins and falls. */
static inline int rl_descent_has_series(enum rl_field_kind kind)
{
    return kind != RL_FIELD_HINGE && kind != RL_FIELD_STEP;
}

/* Bytes of room, beside `sorted`, for n items. */
size_t rl_descent_room(size_t n);

/* The caller divides the hinge by the temperature. When the runner is stopped, the sums are not
 * complete. */
void rl_descent_run(struct rl_descent *descent, struct rl_runner *runner, struct rl_room room);

#endif
