/*
 * sorted.h: the items of one list in descending order of score, as the sweeps take them.
 */
#ifndef RL_SORTED_H
#define RL_SORTED_H

#include <stddef.h>
#include <stdint.h>

/*
 * Columns of equal length. An *origin* is a score that items of neighbouring places share: no item
 * is above its origin, nor below it by more than a few temperatures. Differences of scores are
 * taken from the origin, so that no exponential overflows and none loses digits to an offset.
 */
struct rl_sorted {
    double *scores; /* descending within each node */
    uint32_t *grades;
    uint32_t *places; /* in the whole list: ascending within each node; results go there */
    double *masses;   /* NULL for all 1 */
    double *origins;  /* for the series, otherwise NULL */
    double *falls;    /* e^-((origin - score) / T); for the series, otherwise NULL */
};

/* Part of a node: sources and targets, each a run of items, in descending order of score. */
struct rl_span {
    size_t sources, sources_end;
    size_t targets, targets_end;
};

static inline double rl_mass(const struct rl_sorted *sorted, size_t i)
{
    return sorted->masses ? sorted->masses[i] : 1;
}

#endif
