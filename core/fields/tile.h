/*
 * tile.h: fields of short lists, pair by pair: faster than sorting up to about a thousand items.
 *
 * Items are in ascending order of label, so the sources of a target are the first `below` items. A
 * vector holds neighbouring targets, one each lane, and walks the sources one by one: a target's
 * sum is added in the order of its sources whatever the width of the vector, which gives the same
 * bits with every instruction set.
 */
#ifndef RL_TILE_H
#define RL_TILE_H

#include "core/fields/fieldkind.h"

#include <stdbool.h>
#include <stddef.h>

/* Columns are read and written up to this many items past the last; what is there must be finite
 * and is ignored. */
enum { RL_TILE_PAD = 8 };

/* Softplus multiplies this many factors of at most 2 before it takes a logarithm. */
enum { RL_TILE_MOST = 1000 };

/* Range of the scores, in temperatures, up to which the powers below neither overflow nor vanish;
 * not for hinge and step, which take any. */
static const double RL_TILE_RANGE = 300;

struct rl_tile {
    size_t n;
    size_t first; /* targets before this one have no sources */
    double temperature;
    double centre;        /* of the scores' range */
    const double *below;  /* [n] how many items have a lower label; never descends */
    const double *scores; /* [n] */
    const double *masses; /* [n], where rl_tile_has_masses; else not looked at, and 1 */
    double *rise, *fall;  /* [n] space for e^((score - centre) / T) and its inverse */
    double *spare;        /* [n] space */
    double *sums;         /* [n] out, from `first` on; hinge is not yet divided by T */
};

/* Fills the padding after n items so that nothing overflows in it. */
static inline void rl_tile_pad(double *below, double *scores, size_t n, double centre)
{
    for (size_t i = n; i < n + RL_TILE_PAD; i++) {
        below[i] = 0;
        scores[i] = centre;
    }
}

/* Hinge and softplus are summed over masses of 1 alone. */
static inline bool rl_tile_has_masses(enum rl_field_kind kind)
{
    return kind != RL_FIELD_HINGE && kind != RL_FIELD_SOFTPLUS;
}

typedef void rl_tile_fn(const struct rl_tile *tile);

/* The kernels of one instruction set. */
extern rl_tile_fn *const rl_tile_baseline[RL_FIELD_KINDS];
#if defined(__x86_64__)
extern rl_tile_fn *const rl_tile_avx2[RL_FIELD_KINDS];
extern rl_tile_fn *const rl_tile_avx512[RL_FIELD_KINDS];
#endif

#endif
