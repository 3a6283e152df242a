/*
 * plan.h: one list made ready: its valid items, and their orders, shared by all evaluations.
 *
 * Items are named by their place v among the valid ones, 0 … count - 1, in input order. The
 * *grades* are the distinct labels, ascending.
 */
#ifndef RL_PLAN_H
#define RL_PLAN_H

#include "core/base/runner.h"
#include "core/base/scratch.h"

struct rl_plan {
    size_t items;    /* of the list */
    size_t count;    /* of its valid items, m */
    double *weights; /* [m], or NULL when all weigh `weight` */
    double weight;
    /* The columns of the valid items, of the dtype: those of the batch where every item is valid,
     * else copies. -0.0 may occur. */
    enum rl_dtype dtype;
    const void *own_labels, *own_scores; /* [m] */
    /* The labels as bytes, if all are whole numbers below RL_GRADES (listscan.h); else NULL. No
     * label is above highest_grade. */
    const uint8_t *bytes; /* [m] */
    uint32_t highest_grade;
    bool all_valid;  /* every item of the list is: v is also the place in the list */
    uint32_t *index; /* [m] place in the list, where not all are valid; see rl_plan_item */
    /* After rl_plan_widen_scores and rl_plan_widen_labels: the same as double, -0.0 as 0.0. */
    bool is_wide;
    double *labels, *scores; /* [m] */
    /* After rl_plan_grade: v in ascending order of label, stable; grade g holds
     * graded[starts[g]] … graded[starts[g + 1] - 1], and starts[grades] == count. */
    bool is_graded;
    uint32_t *graded; /* [m] */
    uint32_t *starts; /* [grades + 1] */
    size_t grades;
    /* After rl_plan_grade_items: the grade of each item. */
    bool has_grades;
    uint32_t *grade_of; /* [m] */
    /* After rl_plan_rank: v in descending order of score, stable, and, of a widened plan, the
     * scores in this order. */
    bool is_ranked;
    uint32_t *ranked;      /* [m] */
    double *ranked_scores; /* [m] */
};

/* Bytes of room that a plan keeps for a list of `items`, and that making it needs temporarily. */
size_t rl_plan_room(size_t items);
size_t rl_plan_scratch(size_t items);

/* Gathers the valid items of a list: the columns of the dtype, bytes and weights. The plan's arrays
 * come from *room. */
void rl_plan_gather(struct rl_plan *plan, const struct rl_batch *batch, size_t list,
                    struct rl_runner *runner, struct rl_room *room);

/* Losses need the scores, few of them the labels, and metrics neither. */
void rl_plan_widen_scores(struct rl_plan *plan, struct rl_runner *runner);
void rl_plan_widen_labels(struct rl_plan *plan, struct rl_runner *runner);

/* Each does its work once and nothing when called again. A plan need not be widened. */
void rl_plan_grade(struct rl_plan *plan, struct rl_runner *runner, struct rl_room room);
void rl_plan_grade_items(struct rl_plan *plan); /* of a graded plan */
void rl_plan_rank(struct rl_plan *plan, struct rl_runner *runner, struct rl_room room);

/* Ordered pairs (i, j) with label_i > label_j, of a graded plan. */
uint64_t rl_plan_pairs(const struct rl_plan *plan);

/* Lowest and highest score of a widened plan; not for a plan without items. */
void rl_plan_range(const struct rl_plan *plan, double *ret_lowest, double *ret_highest);

/* The place in the list of valid item v. */
static inline size_t rl_plan_item(const struct rl_plan *plan, size_t v)
{
    return plan->all_valid ? v : plan->index[v];
}

static inline double rl_plan_weight(const struct rl_plan *plan, size_t v)
{
    return plan->weights ? plan->weights[v] : plan->weight;
}

#endif
