/*
 * tiers.c: the items of one list in the order that its metrics rank them, in tiers of equal score.
 */
#include "core/ranking/tiers.h"

#include <math.h>
#include <string.h>

#include "core/base/column.h"
#include "core/lists/order.h"

/* The order of items of equal score; a mean over all orders needs none. */
enum put { PUT_INPUT, PUT_WORST, PUT_BEST, PUTS };

static enum put put_of(const struct rl_eval *eval, const struct rl_definition *definition)
{
    if (eval->measure->id == RL_AUC || definition->ties == RL_TIES_AVERAGE)
        return PUT_INPUT;
    return definition->ties == RL_TIES_WORST  ? PUT_WORST
           : definition->ties == RL_TIES_BEST ? PUT_BEST
                                              : PUT_INPUT;
}

size_t rl_tiers_key(const struct rl_eval *eval)
{
    const struct rl_definition *definition =
        eval->definition ? eval->definition : rl_definition_get(RL_KERAS);
    const bool unlabelled = definition->unlabelled == RL_UNLABELLED_ZERO;
    return (size_t)put_of(eval, definition) + (unlabelled ? PUTS : 0);
}

size_t rl_tiers_room(size_t items)
{
    return 6 * rl_room_bytes(items, sizeof(double)) + rl_room_bytes(items, sizeof(uint8_t)) +
           4 * rl_room_bytes(items + 1, sizeof(uint32_t)) + rl_order_room(items);
}

/* Nanoseconds of one thread: of a list, of each item, and of sorting each by label before. */
static const double LIST = 80, ITEM = 8, SORT_ITEM = 9;

double rl_tiers_cost(size_t key, size_t items)
{
    const double by_label = key % PUTS == PUT_INPUT ? 0 : SORT_ITEM;
    return LIST + (ITEM + by_label) * (double)items;
}

/* ---- Items ----------------------------------------------------------------------------------- */

/* Tiers under construction. */
struct builder {
    struct rl_tiers *tiers;
    const struct rl_batch *batch;
    bool unlabelled; /* an item without a label counts */
    double *labels, *weights;
    uint8_t *judged;
    void *scores;     /* [ranked] of the dtype, in input order */
    uint32_t *places; /* [ranked] of these among the items that count */
    struct rl_runner *runner;
};

static double weight_of(const struct builder *builder, size_t item)
{
    const struct rl_batch *const batch = builder->batch;
    return builder->weights ? rl_column_get(batch->weights, batch->dtype, item)
                            : builder->tiers->weight;
}

/* Adds an item that is not masked and has a weight > 0. */
static void add_item(struct builder *builder, size_t item)
{
    struct rl_tiers *const tiers = builder->tiers;
    const struct rl_batch *const batch = builder->batch;
    const double label = rl_column_get(batch->labels, batch->dtype, item);
    const double score = rl_column_get(batch->scores, batch->dtype, item);
    if (!(label >= 0) && !(builder->unlabelled && isnan(label)))
        return;
    builder->labels[tiers->count] = label >= 0 ? label + 0.0 : 0;
    builder->judged[tiers->count] = label >= 0;
    if (builder->weights)
        builder->weights[tiers->count] = weight_of(builder, item);
    if (!isnan(score)) {
        builder->places[tiers->ranked] = (uint32_t)tiers->count;
        rl_column_set(builder->scores, batch->dtype, tiers->ranked++, score);
    }
    tiers->count++;
}

static double weight_of_list(const struct rl_batch *batch, size_t list)
{
    if (batch->weight_kind == RL_WEIGHT_LIST)
        return rl_column_get(batch->weights, batch->dtype, list);
    return batch->weight_kind == RL_WEIGHT_SCALAR ? batch->weight : 1;
}

static void gather(struct builder *builder, size_t list, struct rl_room *room)
{
    const struct rl_batch *const batch = builder->batch;
    struct rl_tiers *const tiers = builder->tiers;
    const size_t items = tiers->items;
    builder->labels = rl_room_take(room, items, sizeof(double));
    builder->judged = rl_room_take(room, items, sizeof(uint8_t));
    builder->scores = rl_room_take(room, items, rl_dtype_size(batch->dtype));
    builder->places = rl_room_take(room, items, sizeof(uint32_t));
    if (batch->weight_kind == RL_WEIGHT_ITEM)
        builder->weights = rl_room_take(room, items, sizeof(double));
    for (size_t i = batch->offsets[list]; i < batch->offsets[list + 1]; i++)
        if ((!batch->mask || batch->mask[i]) && weight_of(builder, i) > 0)
            add_item(builder, i);
    tiers->labels = builder->labels;
    tiers->weights = builder->weights;
    tiers->judged = builder->unlabelled ? builder->judged : NULL;
}

/* ---- Order ----------------------------------------------------------------------------------- */

/* Sorts by label, so that sorting by score afterwards leaves items of equal score in label order.
 */
static void sort_by_label(struct builder *builder, enum put put, struct rl_room room)
{
    const struct rl_batch *const batch = builder->batch;
    const size_t ranked = builder->tiers->ranked, size = rl_dtype_size(batch->dtype);
    double *const labels = rl_room_take(&room, ranked, sizeof(double));
    void *const scores = rl_room_take(&room, ranked, size);
    uint32_t *const places = rl_room_take(&room, ranked, sizeof(uint32_t));
    uint32_t *const order = rl_room_take(&room, ranked, sizeof(uint32_t));
    for (size_t r = 0; r < ranked; r++)
        labels[r] = builder->labels[builder->places[r]];
    rl_order(RL_FLOAT64, labels, ranked, put == PUT_WORST ? RL_ASCENDING : RL_DESCENDING,
             builder->runner, room, order, NULL);
    for (size_t r = 0; r < ranked; r++) {
        places[r] = builder->places[order[r]];
        rl_column_set(scores, batch->dtype, r,
                      rl_column_get(builder->scores, batch->dtype, order[r]));
    }
    memcpy(builder->places, places, ranked * sizeof(*places));
    memcpy(builder->scores, scores, ranked * size);
}

static void sort_by_score(struct builder *builder, struct rl_room *room)
{
    struct rl_tiers *const tiers = builder->tiers;
    const size_t ranked = tiers->ranked;
    uint32_t *const order = rl_room_take(room, ranked, sizeof(uint32_t));
    uint32_t *const starts = rl_room_take(room, ranked + 1, sizeof(uint32_t));
    struct rl_room once = *room;
    double *const scores = rl_room_take(&once, ranked, sizeof(double));
    rl_order(builder->batch->dtype, builder->scores, ranked, RL_DESCENDING, builder->runner, once,
             order, scores);
    for (size_t r = 0; r < ranked; r++) {
        order[r] = builder->places[order[r]];
        if (r == 0 || scores[r] != scores[r - 1])
            starts[tiers->tiers++] = (uint32_t)r;
    }
    starts[tiers->tiers] = (uint32_t)ranked;
    tiers->order = order;
    tiers->starts = starts;
}

void rl_tiers_init(struct rl_tiers *tiers, const struct rl_batch *batch, size_t list, size_t key,
                   struct rl_runner *runner, struct rl_room *room)
{
    const enum put put = (enum put)(key % PUTS);
    struct builder builder = {
        .tiers = tiers, .batch = batch, .unlabelled = key >= PUTS, .runner = runner};
    *tiers = (struct rl_tiers){
        .items = batch->offsets[list + 1] - batch->offsets[list],
        .weight = weight_of_list(batch, list),
    };
    gather(&builder, list, room);
    if (put != PUT_INPUT)
        sort_by_label(&builder, put, *room);
    sort_by_score(&builder, room);
}
