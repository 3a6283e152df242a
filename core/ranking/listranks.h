/*
 * listranks.h: the ranks of one list that its metrics depend on.
 *
 * An item counts when it is valid and its weight is > 0. Items rank in descending order of score,
 * ties in input order. A metric depends only on the ranks of *positive* items, those with a label
 * above 0, and often only on a few of them. The cheapest of three methods finds them: counting how
 * many scores beat each positive item, selecting the top of the list, or sorting it. Ranks are
 * whole numbers, so the method never changes a result.
 */
#ifndef RL_LISTRANKS_H
#define RL_LISTRANKS_H

#include "core/lists/plan.h"
#include "core/lists/listscan.h"

/* What the metrics of a request need of each list. */
struct rl_rank_needs {
    size_t depth; /* ranks 0 … depth - 1; SIZE_MAX for all */
    bool first;   /* the rank of the first relevant item */
};

#define RL_NO_RANK UINT32_MAX

struct rl_listranks {
    size_t items;  /* of the list */
    size_t count;  /* of the items that count */
    double weight; /* of each, where `weights` is NULL; > 0 if any counts */
    size_t positives;
    /* How many positive items have each label, where all labels are whole numbers below RL_GRADES;
     * else NULL. */
    const uint32_t *grades; /* [highest_grade + 1] */
    uint32_t highest_grade; /* no label is above it */
    /* Of the positive items, in input order. labels is NULL where `grades` and `weight` suffice. */
    const double *labels, *weights; /* [positives] */
    /* The positive items of ranks below the depth. Ranks count from 0 and ascend. */
    size_t found;
    const uint32_t *ranks;                        /* [found] */
    const double *ranked_labels, *ranked_weights; /* [found]; weights NULL as above */
    uint32_t first; /* rank of the first item with a label >= 1; RL_NO_RANK without one, or if not
                       needed */
};

/* Bytes of room for the ranks of a list of `items`, including what finding them needs. */
size_t rl_listranks_room(size_t items);

/* Estimated nanoseconds of one thread to find the ranks of a list of `items`, of which
 * `positives` have a label above 0. */
double rl_listranks_cost(const struct rl_rank_needs *needs, size_t items, size_t positives);

/* The arrays of *list come from *room. */
void rl_listranks_init(struct rl_listranks *list, struct rl_plan *plan,
                       const struct rl_rank_needs *needs, struct rl_runner *runner,
                       struct rl_room *room);

#endif
