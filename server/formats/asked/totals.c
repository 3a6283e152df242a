/*
 * totals.c: the totals of a result under the names that replies give them.
 */
#include "server/formats/asked/totals.h"

#include <math.h>
#include <string.h>

#define COUNT(text, value)                                                                         \
    {                                                                                              \
        .name = (text), .whole = true, .count = (value)                                            \
    }
#define NUMBER(text, value)                                                                        \
    {                                                                                              \
        .name = (text), .number = (value)                                                          \
    }

/* What merging needs besides the sums (README.md, "Merging") comes last. */
static size_t list_loss(const struct rl_totals *totals, struct rl_total *out)
{
    const struct rl_sums *const own = &totals->own;
    const struct rl_total all[] = {
        COUNT("lists", totals->lists),
        COUNT("items", totals->items),
        COUNT("valid_items", totals->valid_items),
        COUNT("pairs", totals->pairs),
        COUNT("values", totals->values),
        NUMBER("loss_sum", totals->sum),
        NUMBER("weight_sum", totals->weight_sum),
        NUMBER("scalar_weight", totals->scalar_weight ? totals->weight_sum : (double)INFINITY),
        NUMBER("loss_squares", own->aa),
        NUMBER("loss_divisors", own->ab),
        NUMBER("divisor_sum", own->b),
        NUMBER("divisor_squares", own->bb),
    };
    memcpy(out, all, sizeof(all));
    return sizeof(all) / sizeof(*all);
}

static size_t list_metric(const struct rl_totals *totals, struct rl_total *out)
{
    const struct rl_sums *const own = &totals->own, *const averaged = &totals->averaged;
    const struct rl_total all[] = {
        COUNT("lists", totals->lists),
        COUNT("items", totals->items),
        COUNT("valid_items", totals->valid_items),
        NUMBER("metric_sum", totals->sum),
        NUMBER("weight_sum", totals->weight_sum),
        COUNT("relevant_lists", own->lists),
        NUMBER("relevant_metric_sum", own->a),
        NUMBER("relevant_weight_sum", own->b),
        NUMBER("relevant_metric_squares", own->aa),
        NUMBER("relevant_metric_weights", own->ab),
        NUMBER("relevant_weight_squares", own->bb),
        COUNT("other_lists", averaged->lists),
        NUMBER("other_metric_sum", averaged->a),
        NUMBER("other_metric_squares", averaged->aa),
    };
    memcpy(out, all, sizeof(all));
    return sizeof(all) / sizeof(*all);
}

size_t rl_totals_list(bool loss, const struct rl_totals *totals,
                      struct rl_total ret_totals[RL_TOTALS_MOST])
{
    return loss ? list_loss(totals, ret_totals) : list_metric(totals, ret_totals);
}
