/*
 * ways.c: one row for each loss and metric.
 */
#include "core/ways.h"

/* Shape; loss and slope; cost by item, pair and sweep. */
static const struct rl_way ways[RL_MEASURES] = {
    [RL_PAIRWISE_HINGE] = {RL_SHAPE_FIELD, RL_FIELD_HINGE, RL_FIELD_STEP, 4, 0.05, 4},
    [RL_PAIRWISE_LOGISTIC] = {RL_SHAPE_FIELD, RL_FIELD_SOFTPLUS, RL_FIELD_SIGMOID, 15, 0.1, 7},
    [RL_PAIRWISE_SOFT_ZERO_ONE] = {RL_SHAPE_FIELD, RL_FIELD_SIGMOID, RL_FIELD_BUMP, 8, 0.1, 7},
    [RL_PAIRWISE_MEAN_SQUARED_ERROR] = {.shape = RL_SHAPE_SQUARED, .item_cost = 2},
    [RL_LIST_MLE] = {.shape = RL_SHAPE_LISTMLE, .item_cost = 20},
    [RL_DCG] = {RL_SHAPE_RANKING, 0, 0, 20, 0.16, 1.5},
    [RL_NDCG] = {RL_SHAPE_RANKING, 0, 0, 30, 0.16, 1.5},
    [RL_MEAN_RECIPROCAL_RANK] = {RL_SHAPE_RANKING, 0, 0, 20, 0.16, 1.5},
    [RL_MEAN_AVERAGE_PRECISION] = {RL_SHAPE_RANKING, 0, 0, 20, 0.16, 1.5},
    [RL_PRECISION_AT_K] = {RL_SHAPE_RANKING, 0, 0, 20, 0.16, 1.5},
    [RL_RECALL_AT_K] = {RL_SHAPE_RANKING, 0, 0, 20, 0.16, 1.5},
};

const struct rl_way *rl_way_of(enum rl_measure_id id)
{
    return &ways[id];
}
