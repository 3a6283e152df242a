/*
 * work.h: what core keeps for one request between rl_work_init and its results.
 */
#ifndef RL_WORK_H
#define RL_WORK_H

#include "core/base/cut.h"
#include "core/base/scratch.h"
#include "core/ranking/tiered.h"
#include "core/rankloss.h"

/* What one list adds to the divisor of a reduced loss (struct rl_totals). */
enum rl_share { RL_SHARE_ONE, RL_SHARE_VALUES, RL_SHARE_WEIGHTS };

/* One evaluation, with what each list gave to it. */
struct rl_eval_state {
    double temperature;  /* rounded to the dtype */
    double divisor;      /* losses: what the sum is divided by; 0 makes value and gradient 0 */
    enum rl_share share; /* losses: what a list adds to the divisor */
    double *sums;        /* losses: [lists] of weighted losses */
    struct rl_ranking *rankings; /* metrics: [lists] */
    bool tiered;                 /* metrics: from tiers of this key (tiers.h), not listranks.h */
    size_t tier_key;
};

/* Adding up what a list of so few items needs takes as long as computing it does. */
enum { RL_SHORT_LIST = 64 };

struct rl_work_state {
    bool needs_grades, needs_ranks;  /* by any evaluation */
    bool needs_wide;                 /* scores as double: by any loss */
    bool needs_labels;               /* as double: by losses that look at more than their order */
    struct rl_rank_needs rank_needs; /* of all metrics by listranks.h */
    unsigned tier_keys;              /* of all metrics by tiers, as a set of bits */
    size_t max_top_k;                /* 0 when no evaluation wants top pairs */
    size_t short_room;               /* bytes for a list of RL_SHORT_LIST items or fewer */
    double weight_sum;               /* as sent; 0 when none were */
    /* Of all losses; field_cost: for each item, of those over pairs. See rl_list_cost. */
    double item_cost, field_cost, pair_cost, sweep_cost;
    double all_pair_cost, all_sweep_cost; /* of losses over all pairs, whatever the labels */
    double rank_cost, rare_cost;          /* of metrics by listranks.h, for each ranked item */
    double tier_cost;                     /* of metrics by tiers, for each item */
    struct rl_eval_state *evals;          /* [count] */
    /* Each thread writes the places of the lists it has: */
    uint8_t *outcomes; /* [lists] how each ended; see rl_perlist_compute */
    uint32_t *valid;   /* [lists] valid items */
    uint64_t *pairs;   /* [lists] with label_i > label_j; 0 where no evaluation needs it */
    uint32_t *order;   /* [lists] space for a schedule */
    double *weights;   /* [lists] sums of item weights; NULL where nothing needs them */
    double analysis_cost;
    struct rl_room analysis; /* memory that rl_analyse works with */
};

static inline size_t rl_list_items(const struct rl_batch *batch, size_t list)
{
    return batch->offsets[list + 1] - batch->offsets[list];
}

/* Ordered pairs that an evaluation of a list adds over, once the list is computed. */
uint64_t rl_list_pairs(const struct rl_work *work, size_t eval, size_t list);

static inline void rl_sums_add(struct rl_sums *sums, double a, double b)
{
    sums->lists++;
    sums->a += a;
    sums->b += b;
    sums->aa += a * a;
    sums->ab += a * b;
    sums->bb += b * b;
}

/* What a list adds to the divisor of a loss, once the list is computed. */
double rl_list_share(const struct rl_work *work, size_t eval, size_t list);

/* The sum of the weights of items begin … end - 1; the batch has a weight per item. */
double rl_item_weights(const struct rl_batch *batch, size_t begin, size_t end);

/* Whether the list is so long that it occupies the whole team. */
static inline bool rl_is_alone(const struct rl_batch *batch, size_t list)
{
    return rl_list_items(batch, list) > RL_CUT_ALONE;
}

/* Estimated nanoseconds of one thread for all evaluations of a list of `items`. */
double rl_list_cost(const struct rl_work *work, size_t items);

#endif
