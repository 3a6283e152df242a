/*
 * strategy.c: one row for each loss and metric.
 */
#include "core/strategy.h"

static const struct rl_strategy strategies[RL_MEASURES] = {
    [RL_PAIRWISE_HINGE] =
        {
            .method = RL_METHOD_FIELD,
            .loss = RL_FIELD_HINGE,
            .slope = RL_FIELD_STEP,
            .item_cost = 2,
            .pair_cost = 0.1,
            .sweep_cost = 6,
        },
    [RL_PAIRWISE_LOGISTIC] =
        {
            .method = RL_METHOD_FIELD,
            .loss = RL_FIELD_SOFTPLUS,
            .slope = RL_FIELD_SIGMOID,
            .item_cost = 8,
            .pair_cost = 0.2,
            .sweep_cost = 11,
        },
    [RL_PAIRWISE_SOFT_ZERO_ONE] =
        {
            .method = RL_METHOD_FIELD,
            .loss = RL_FIELD_SIGMOID,
            .slope = RL_FIELD_BUMP,
            .item_cost = 8,
            .pair_cost = 0.2,
            .sweep_cost = 11,
        },
    [RL_PAIRWISE_MEAN_SQUARED_ERROR] =
        {
            .method = RL_METHOD_SQUARED,
            .item_cost = 2,
        },
    [RL_LIST_MLE] =
        {
            .method = RL_METHOD_LISTMLE,
            .item_cost = 8,
        },
    [RL_SOFTMAX] =
        {
            .method = RL_METHOD_SOFTMAX,
            .item_cost = 6,
        },
    [RL_APPROX_NDCG] =
        {
            .method = RL_METHOD_APPROX,
            .item_cost = 16,
            .pair_cost = 0.3,
            .sweep_cost = 45,
        },
    [RL_DCG] =
        {
            .method = RL_METHOD_RANKING,
            .item_cost = 2,
            .rare_cost = 11,
        },
    [RL_NDCG] =
        {
            .method = RL_METHOD_RANKING,
            .item_cost = 2,
            .rare_cost = 11,
        },
    [RL_MEAN_RECIPROCAL_RANK] =
        {
            .method = RL_METHOD_RANKING,
            .item_cost = 0.1,
        },
    [RL_MEAN_AVERAGE_PRECISION] =
        {
            .method = RL_METHOD_RANKING,
            .item_cost = 1.5,
        },
    [RL_PRECISION_AT_K] =
        {
            .method = RL_METHOD_RANKING,
            .item_cost = 0.5,
        },
    [RL_RECALL_AT_K] =
        {
            .method = RL_METHOD_RANKING,
            .item_cost = 0.5,
        },
    [RL_HIT_RATE] =
        {
            .method = RL_METHOD_RANKING,
            .item_cost = 0.1,
        },
    [RL_R_PRECISION] =
        {
            .method = RL_METHOD_RANKING,
            .item_cost = 4,
        },
    [RL_BPREF] =
        {
            .method = RL_METHOD_RANKING,
            .item_cost = 8,
        },
    [RL_AUC] =
        {
            .method = RL_METHOD_RANKING,
            .item_cost = 4,
        },
    [RL_EXPECTED_RECIPROCAL_RANK] =
        {
            .method = RL_METHOD_RANKING,
            .item_cost = 20,
        },
    [RL_RANK_BIASED_PRECISION] =
        {
            .method = RL_METHOD_RANKING,
            .item_cost = 8,
        },
};

const struct rl_strategy *rl_strategy_of(enum rl_measure_id id)
{
    return &strategies[id];
}
