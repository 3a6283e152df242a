/*
 * catalogue.c: one row for each loss and metric, and the names of the reductions.
 *
 * In the formulas y is the label, s the score, T the temperature and w the sample weight; i and j
 * are valid items of one list.
 */
#include "core/rankloss.h"

#include <string.h>

/* What every metric takes, and what those of a ranking take. */
#define JUDGED (RL_TAKES_WITHOUT_RELEVANT | RL_TAKES_UNRETRIEVED | RL_TAKES_UNLABELLED)
#define RANKED (JUDGED | RL_TAKES_K | RL_TAKES_TIES)

static const struct rl_measure measures[RL_MEASURES] = {
    [RL_PAIRWISE_HINGE] =
        {
            .id = RL_PAIRWISE_HINGE,
            .kind = RL_LOSS,
            .name = "pairwise_hinge",
            .formula = "loss_i = sum over j with y_i > y_j of max(0, 1 - (s_i - s_j) / T)",
            .summary = "Penalises each pair that is ordered wrongly or by less than a margin of T.",
            .takes = RL_TAKES_TEMPERATURE,
            .has_pairs = true,
        },
    [RL_PAIRWISE_LOGISTIC] =
        {
            .id = RL_PAIRWISE_LOGISTIC,
            .kind = RL_LOSS,
            .name = "pairwise_logistic",
            .formula = "loss_i = sum over j with y_i > y_j of log(1 + exp(-(s_i - s_j) / T))",
            .summary = "Negative log likelihood that each pair is ordered as its labels are.",
            .takes = RL_TAKES_TEMPERATURE,
            .has_pairs = true,
        },
    [RL_PAIRWISE_SOFT_ZERO_ONE] =
        {
            .id = RL_PAIRWISE_SOFT_ZERO_ONE,
            .kind = RL_LOSS,
            .name = "pairwise_soft_zero_one",
            .formula = "loss_i = sum over j with y_i > y_j of 1 - 1 / (1 + exp(-(s_i - s_j) / T))",
            .summary = "A smooth count of the pairs that are ordered wrongly.",
            .takes = RL_TAKES_TEMPERATURE,
            .has_pairs = true,
        },
    [RL_PAIRWISE_MEAN_SQUARED_ERROR] =
        {
            .id = RL_PAIRWISE_MEAN_SQUARED_ERROR,
            .kind = RL_LOSS,
            .name = "pairwise_mean_squared_error",
            .formula = "loss_i = sum over j != i of ((y_i - y_j) - (s_i - s_j))^2",
            .summary = "Squared error of score differences against label differences.",
            .has_pairs = true,
        },
    [RL_LIST_MLE] =
        {
            .id = RL_LIST_MLE,
            .kind = RL_LOSS,
            .name = "list_mle",
            .formula = "loss = -sum_i (z_i - log(sum over k >= i of exp(z_k) + 1e-10)), "
                       "items by y descending, z = s / T - max(s / T)",
            .summary = "Negative log likelihood of the order of the labels, one value per list.",
            .takes = RL_TAKES_TEMPERATURE,
            .value_per_list = true,
        },
    [RL_SOFTMAX] =
        {
            .id = RL_SOFTMAX,
            .kind = RL_LOSS,
            .name = "softmax",
            .formula = "loss = -sum_i y_i log(exp(s_i / T) / sum_k exp(s_k / T))",
            .summary = "Cross entropy of the labels and the softmax of the scores, one value per "
                       "list, as TF-Ranking's SoftmaxLoss; 0 where all labels are 0.",
            .takes = RL_TAKES_TEMPERATURE,
            .value_per_list = true,
        },
    [RL_APPROX_NDCG] =
        {
            .id = RL_APPROX_NDCG,
            .kind = RL_LOSS,
            .name = "approx_ndcg",
            .formula = "loss = -sum_i (2^y_i - 1) / log2(1 + r_i) / the same sum for the best "
                       "ranking, r_i = 1 + sum over j != i of 1 / (1 + exp((s_i - s_j) / T))",
            .summary = "Minus the NDCG of smooth ranks, one value per list, as TF-Ranking's "
                       "ApproxNDCGLoss; 0 where all labels are 0.",
            .takes = RL_TAKES_TEMPERATURE,
            .value_per_list = true,
        },
    [RL_DCG] =
        {
            .id = RL_DCG,
            .kind = RL_METRIC,
            .name = "dcg",
            .formula = "sum over ranks r <= k of w_r (2^y_r - 1) / log2(1 + r), "
                       "over the list's weight",
            .summary = "Discounted cumulative gain of the ranking by score.",
            .takes = RANKED | RL_TAKES_GAIN | RL_TAKES_DISCOUNT,
        },
    [RL_NDCG] =
        {
            .id = RL_NDCG,
            .kind = RL_METRIC,
            .name = "ndcg",
            .formula = "DCG of the ranking by score / DCG of the ranking by w (2^y - 1)",
            .summary = "Discounted cumulative gain relative to that of the best ranking.",
            .takes = RANKED | RL_TAKES_GAIN | RL_TAKES_DISCOUNT,
        },
    [RL_MEAN_RECIPROCAL_RANK] =
        {
            .id = RL_MEAN_RECIPROCAL_RANK,
            .kind = RL_METRIC,
            .name = "mean_reciprocal_rank",
            .formula = "1 / r of the first rank r <= k with y_r >= 1, or 0",
            .summary = "The reciprocal of the rank of the first relevant item.",
            .takes = RANKED | RL_TAKES_RELEVANT_FROM,
        },
    [RL_MEAN_AVERAGE_PRECISION] =
        {
            .id = RL_MEAN_AVERAGE_PRECISION,
            .kind = RL_METRIC,
            .name = "mean_average_precision",
            .formula = "sum over ranks r <= k with y_r >= 1 of w_r P(r) / sum of w_i with y_i >= 1,"
                       " P(r) the share of y >= 1 up to r",
            .summary = "Precision at each relevant item, averaged over the relevant items.",
            .takes = RANKED | RL_TAKES_RELEVANT_FROM,
        },
    [RL_PRECISION_AT_K] =
        {
            .id = RL_PRECISION_AT_K,
            .kind = RL_METRIC,
            .name = "precision_at_k",
            .formula = "number of y_r >= 1 among ranks r <= k / min(k, number of valid items)",
            .summary = "The share of the first k items that is relevant.",
            .takes = RANKED | RL_TAKES_RELEVANT_FROM | RL_TAKES_PRECISION_OVER,
        },
    [RL_RECALL_AT_K] =
        {
            .id = RL_RECALL_AT_K,
            .kind = RL_METRIC,
            .name = "recall_at_k",
            .formula = "number of y_r >= 1 among ranks r <= k / number of y_i >= 1",
            .summary = "The share of the relevant items that are among the first k.",
            .takes = RANKED | RL_TAKES_RELEVANT_FROM,
        },
    [RL_HIT_RATE] =
        {
            .id = RL_HIT_RATE,
            .kind = RL_METRIC,
            .name = "hit_rate",
            .formula = "1 if some rank r <= k has y_r >= 1, or 0",
            .summary = "Whether a relevant item is among the first k, as trec_eval's success.",
            .takes = RANKED | RL_TAKES_RELEVANT_FROM,
        },
    [RL_R_PRECISION] =
        {
            .id = RL_R_PRECISION,
            .kind = RL_METRIC,
            .name = "r_precision",
            .formula = "number of y_r >= 1 among ranks r <= R / R, R the number of y_i >= 1",
            .summary = "Precision at the number of relevant items, as trec_eval's Rprec.",
            .takes = JUDGED | RL_TAKES_TIES | RL_TAKES_RELEVANT_FROM,
        },
    [RL_BPREF] =
        {
            .id = RL_BPREF,
            .kind = RL_METRIC,
            .name = "bpref",
            .formula = "sum over ranks r with y_r >= 1 of 1 - min(n_r, R) / min(N, R), over R; "
                       "n_r of the N labelled items with y < 1 rank above r, R items have y >= 1",
            .summary = "How few of the items judged not relevant rank above the relevant ones "
                       "(Buckley and Voorhees 2004, as in trec_eval); unlabelled items do not "
                       "matter.",
            .takes = JUDGED | RL_TAKES_TIES | RL_TAKES_RELEVANT_FROM,
        },
    [RL_AUC] =
        {
            .id = RL_AUC,
            .kind = RL_METRIC,
            .name = "auc",
            .formula = "share of the pairs with y_i >= 1 and y_j < 1 that have s_i > s_j; "
                       "s_i = s_j counts half",
            .summary = "Area under the ROC curve of each list, as scikit-learn's roc_auc_score. A "
                       "list without such pairs counts as one without a relevant item; an item "
                       "that was not retrieved is below all others.",
            .takes = JUDGED | RL_TAKES_RELEVANT_FROM,
        },
    [RL_EXPECTED_RECIPROCAL_RANK] =
        {
            .id = RL_EXPECTED_RECIPROCAL_RANK,
            .kind = RL_METRIC,
            .name = "expected_reciprocal_rank",
            .formula = "sum over ranks r <= k of p_r / r times the product of 1 - p_i over ranks "
                       "i < r, p = (2^min(y, G) - 1) / 2^G, G the max_grade",
            .summary = "1 / rank at which a reader who goes down the list is satisfied (Chapelle "
                       "et al. 2009).",
            .takes = RANKED | RL_TAKES_MAX_GRADE,
        },
    [RL_RANK_BIASED_PRECISION] =
        {
            .id = RL_RANK_BIASED_PRECISION,
            .kind = RL_METRIC,
            .name = "rank_biased_precision",
            .formula = "(1 - p) sum over ranks r with y_r >= 1 of p^(r - 1), p the persistence",
            .summary = "The share of what a reader sees that is relevant, who goes on from each "
                       "item with probability p (Moffat and Zobel 2008).",
            .takes = JUDGED | RL_TAKES_TIES | RL_TAKES_RELEVANT_FROM | RL_TAKES_PERSISTENCE,
        },
};

static const char *const definers[RL_DEFINERS] = {
    [RL_KERAS] = "keras",
    [RL_TREC_EVAL] = "trec_eval",
    [RL_SKLEARN] = "sklearn",
    [RL_XGBOOST] = "xgboost",
};

/* What a preset does not name is 0: the first value of its enumeration. */
static const struct rl_definition definitions[RL_DEFINERS] = {
    [RL_KERAS] = {.relevant_from = 1, .max_grade = 4, .persistence = 0.8},
    [RL_TREC_EVAL] = {.gain = RL_GAIN_LINEAR,
                      .precision_over = RL_PRECISION_OVER_K,
                      .unretrieved = RL_UNRETRIEVED_COUNT,
                      .unlabelled = RL_UNLABELLED_ZERO,
                      .list_weights = RL_LIST_WEIGHTS_AS_SENT,
                      .relevant_from = 1,
                      .max_grade = 4,
                      .persistence = 0.8},
    [RL_SKLEARN] = {.gain = RL_GAIN_LINEAR,
                    .ties = RL_TIES_AVERAGE,
                    .list_weights = RL_LIST_WEIGHTS_AS_SENT,
                    .relevant_from = 1,
                    .max_grade = 4,
                    .persistence = 0.8},
    [RL_XGBOOST] = {.without_relevant = RL_WITHOUT_RELEVANT_ONE,
                    .precision_over = RL_PRECISION_OVER_K,
                    .list_weights = RL_LIST_WEIGHTS_AS_SENT,
                    .relevant_from = 1,
                    .max_grade = 4,
                    .persistence = 0.8},
};

/* pre@k of XGBoost is 0 for a list without a relevant item; its ndcg and map are 1. */
static const struct rl_definition xgboost_precision = {.precision_over = RL_PRECISION_OVER_K,
                                                       .list_weights = RL_LIST_WEIGHTS_AS_SENT,
                                                       .relevant_from = 1,
                                                       .max_grade = 4,
                                                       .persistence = 0.8};

static const char *const reductions[RL_REDUCTIONS] = {
    [RL_SUM_OVER_BATCH_SIZE] = "sum_over_batch_size",         [RL_MEAN] = "mean", [RL_SUM] = "sum",
    [RL_MEAN_WITH_SAMPLE_WEIGHT] = "mean_with_sample_weight", [RL_NONE] = "none",
};

const struct rl_measure *rl_measure_find(enum rl_kind kind, const char *name)
{
    for (size_t i = 0; i < RL_MEASURES; i++)
        if (measures[i].kind == kind && strcmp(measures[i].name, name) == 0)
            return &measures[i];
    return NULL;
}

const struct rl_measure *rl_measure_get(enum rl_measure_id id)
{
    return &measures[id];
}

const char *rl_definer_name(enum rl_definer definer)
{
    return definers[definer];
}

const struct rl_definition *rl_definition_get(enum rl_definer definer)
{
    return &definitions[definer];
}

const struct rl_definition *rl_definition_for(enum rl_definer definer, enum rl_measure_id metric)
{
    if (definer == RL_XGBOOST && metric == RL_PRECISION_AT_K)
        return &xgboost_precision;
    return &definitions[definer];
}

const char *rl_reduction_name(enum rl_reduction reduction)
{
    return reductions[reduction];
}

bool rl_reduction_find(const char *name, enum rl_reduction *ret)
{
    for (size_t i = 0; i < RL_REDUCTIONS; i++) {
        if (strcmp(reductions[i], name) == 0) {
            *ret = (enum rl_reduction)i;
            return true;
        }
    }
    return false;
}
