/*
 * querycheck.c: checks that the batch of a query suits its evaluations.
 */
#include "server/formats/asked/querycheck.h"

#include <math.h>

#include "server/formats/document/members.h"

/* ---- Weights --------------------------------------------------------------------------------- */

/* The place of an evaluation in the body: losses come first. */
static void point_at_eval(const struct rl_query *query, size_t index, const char *base,
                          char pointer[RL_POINTER_MAX])
{
    const enum rl_kind kind = query->evals[index].measure->kind;
    char list[RL_POINTER_MAX];
    size_t first = 0;
    while (query->evals[first].measure->kind != kind)
        first++;
    rl_pointer_key(list, base, kind == RL_LOSS ? "losses" : "metrics");
    rl_pointer_index(pointer, list, index - first);
}

/* Whether an evaluation can use weights of items: a loss with one value per list cannot, nor can a
 * mean over lists that is not weighted as in Keras-RS. */
static bool weighs_items(const struct rl_eval *eval)
{
    if (eval->measure->kind == RL_LOSS)
        return !eval->measure->value_per_list;
    return !eval->definition || eval->definition->list_weights == RL_LIST_WEIGHTS_RELEVANCE;
}

static enum rl_status check_weights(const struct rl_query *query, const struct rl_places *places,
                                    struct rl_error *error)
{
    char pointer[RL_POINTER_MAX];
    size_t i = 0;
    if (query->batch.weight_kind != RL_WEIGHT_ITEM)
        return RL_OK;
    while (i < query->count && weighs_items(&query->evals[i]))
        i++;
    if (i == query->count)
        return RL_OK;
    point_at_eval(query, i, places->asked, pointer);
    return rl_fail(error, RL_INVALID, query->target.measure ? places->weights : pointer,
                   "%s takes a number or one weight per list as sample_weight%s, found one per "
                   "item",
                   query->evals[i].measure->name,
                   query->evals[i].definition ? " with this definition" : "");
}

/* ---- Labels and scores ----------------------------------------------------------------------- */

static double label_at(const struct rl_batch *batch, size_t item)
{
    return batch->dtype == RL_FLOAT32 ? (double)((const float *)batch->labels)[item]
                                      : ((const double *)batch->labels)[item];
}

static enum rl_status refuse_grade(const struct rl_query *query, size_t item, size_t grades,
                                   const struct rl_places *places, struct rl_error *error)
{
    const struct rl_batch *const batch = &query->batch;
    char list_pointer[RL_POINTER_MAX], place[RL_POINTER_MAX];
    size_t list = 0;
    while (batch->offsets[list + 1] <= item)
        list++;
    rl_pointer_index(list_pointer, places->labels, list);
    rl_pointer_index(place, places->by_list ? list_pointer : places->labels,
                     places->by_list ? item - batch->offsets[list] : item);
    return rl_fail(error, RL_INVALID, place,
                   "a grade of the table of gains was expected, a whole number from 0 to %zu, "
                   "found %.9g",
                   grades - 1, label_at(batch, item));
}

/* Checks that the valid labels are grades of a table of gains. */
static enum rl_status check_grades(const struct rl_query *query, size_t grades,
                                   const struct rl_places *places, struct rl_error *error)
{
    const struct rl_batch *const batch = &query->batch;
    for (size_t i = 0; i < batch->items; i++) {
        const double label = label_at(batch, i);
        const bool valid = label >= 0 && (!batch->mask || batch->mask[i]);
        if (valid && (label >= (double)grades || label != floor(label)))
            return refuse_grade(query, i, grades, places, error);
    }
    return RL_OK;
}

static bool has_table(const struct rl_eval *eval)
{
    return eval->definition && (eval->measure->takes & RL_TAKES_GAIN) &&
           eval->definition->gain == RL_GAIN_TABLE;
}

enum rl_status rl_query_check(const struct rl_query *query, const struct rl_places *places,
                              struct rl_error *error)
{
    size_t least = 0; /* entries of the shortest table, which has the fewest grades */
    for (size_t i = 0; i < query->count; i++) {
        const struct rl_eval *const eval = &query->evals[i];
        if (has_table(eval) && (least == 0 || eval->definition->gain_count < least))
            least = eval->definition->gain_count;
    }
    if (check_weights(query, places, error) != RL_OK)
        return error->status;
    return least > 0 ? check_grades(query, least, places, error) : RL_OK;
}

bool rl_query_counts_unretrieved(const struct rl_query *query)
{
    for (size_t i = 0; i < query->count; i++) {
        const struct rl_eval *const eval = &query->evals[i];
        if (!eval->definition || !(eval->measure->takes & RL_TAKES_UNRETRIEVED) ||
            eval->definition->unretrieved != RL_UNRETRIEVED_COUNT)
            return false;
    }
    return true;
}

/* ---- Resamples ------------------------------------------------------------------------------- */

/* Lists are drawn for each result of each system and for each comparison, and again for groups. */
enum rl_status rl_query_check_resamples(const struct rl_query *query,
                                        const struct rl_limits *limits, struct rl_error *error)
{
    const double lists =
        (double)query->batch.lists * (query->target.compare ? 2 : 1) * (query->groups ? 2 : 1);
    const double most = (double)limits->max_resampled_lists;
    double drawn = 0;
    for (size_t i = 0; i < query->count; i++)
        if (query->evals[i].include & RL_CONFIDENCE)
            drawn += lists * (double)query->resamples;
    if (drawn <= most)
        return RL_OK;
    return rl_fail(error, RL_TOO_LARGE, "/resamples",
                   "drawing %.0f lists is more than max-resampled-lists allows (%.0f)", drawn,
                   most);
}
