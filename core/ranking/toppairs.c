/*
 * toppairs.c: the pairs of one list with the largest weighted loss, without forming all pairs.
 */
#include "core/ranking/toppairs.h"

#include <assert.h>
#include <string.h>

#include "core/base/elementary.h"
#include "core/ways.h"

/* The k best partners seen so far, best first. */
struct partners {
    uint32_t *items; /* [k] */
    size_t count;
};

/* The k worst pairs seen so far, worst first. i and j are v. */
struct pairs {
    struct rl_pair *pairs; /* [k] */
    size_t count;
};

struct search {
    const struct rl_way *way;
    double temperature;
    const struct rl_plan *plan;
    size_t k;
    double *errors; /* [m] y - s, less that of the first item, for the squared error */
    uint8_t *found; /* [m] whether the item is the first of one of the worst pairs so far */
};

size_t rl_toppairs_bound(enum rl_measure_id loss, size_t items, size_t top_k)
{
    uint64_t pairs = (uint64_t)items * (items ? items - 1 : 0);
    if (rl_way_of(loss)->shape == RL_SHAPE_FIELD)
        pairs /= 2;
    return pairs < top_k ? (size_t)pairs : top_k;
}

size_t rl_toppairs_room(size_t items, size_t top_k)
{
    size_t k = top_k < items ? top_k : items;
    return rl_room_bytes(items, sizeof(double)) + rl_room_bytes(items, sizeof(uint8_t)) +
           2 * rl_room_bytes(k, sizeof(uint32_t));
}

/* ---- One pair -------------------------------------------------------------------------------- */

static double difference_of(const struct search *search, uint32_t i, uint32_t j)
{
    return search->plan->scores[i] - search->plan->scores[j];
}

/* max(0, T - difference) / T with all digits next to the kink: what rounding takes from the
 * difference is given back. */
static double hinge_of(double score, double other, double temperature)
{
    double difference = score - other;
    double other_part = score - difference, score_part = difference + other_part;
    double lost = (score - score_part) + (other_part - other);
    double margin = (temperature - difference) - (lost == lost ? lost : 0);
    return margin > 0 ? margin / temperature : 0;
}

static double loss_of(const struct search *search, uint32_t i, uint32_t j)
{
    const struct rl_plan *plan = search->plan;
    double difference = difference_of(search, i, j), d = difference / search->temperature;
    double u = rl_exp(d < 0 ? d : -d);
    double error = (plan->labels[i] - plan->labels[j]) - difference;
    if (search->way->shape == RL_SHAPE_SQUARED)
        return error * error;
    switch (search->way->loss) {
    case RL_FIELD_HINGE:
        return hinge_of(plan->scores[i], plan->scores[j], search->temperature);
    case RL_FIELD_SOFTPLUS:
        return (d < 0 ? -d : 0) + rl_log1p(u);
    case RL_FIELD_SIGMOID:
        return (d < 0 ? 1 : u) / (1 + u);
    default:
        assert(false && "a function that falls as the difference grows");
        return 0;
    }
}

static struct rl_pair pair_of(const struct search *search, uint32_t i, uint32_t j)
{
    return (struct rl_pair){i, j, rl_plan_weight(search->plan, i) * loss_of(search, i, j)};
}

/* Whether pair a stands before pair b. */
static bool is_worse(const struct search *search, const struct rl_pair *a, const struct rl_pair *b)
{
    if (a->loss != b->loss)
        return a->loss > b->loss;
    double a_difference = difference_of(search, a->i, a->j);
    double b_difference = difference_of(search, b->i, b->j);
    if (a_difference != b_difference)
        return a_difference < b_difference;
    return a->i != b->i ? a->i < b->i : a->j < b->j;
}

/* Puts the pair where it belongs; false when it does not belong to the k worst. */
static bool add_pair(const struct search *search, struct pairs *kept, struct rl_pair pair)
{
    size_t low = 0, high = kept->count;
    if (!(pair.loss > 0) || (high == search->k && !is_worse(search, &pair, &kept->pairs[high - 1])))
        return false;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (is_worse(search, &pair, &kept->pairs[middle]))
            high = middle;
        else
            low = middle + 1;
    }
    kept->count += kept->count < search->k;
    memmove(&kept->pairs[low + 1], &kept->pairs[low],
            (kept->count - 1 - low) * sizeof(kept->pairs[0]));
    kept->pairs[low] = pair;
    return true;
}

/* ---- Partners -------------------------------------------------------------------------------- */

typedef bool better_fn(const struct search *search, uint32_t a, uint32_t b);

/* Higher score first; equal scores in input order. */
static bool has_higher_score(const struct search *search, uint32_t a, uint32_t b)
{
    const double *scores = search->plan->scores;
    return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
}

static bool has_higher_error(const struct search *search, uint32_t a, uint32_t b)
{
    const double *errors = search->errors;
    return errors[a] != errors[b] ? errors[a] > errors[b] : has_higher_score(search, a, b);
}

static bool has_lower_error(const struct search *search, uint32_t a, uint32_t b)
{
    const double *errors = search->errors;
    return errors[a] != errors[b] ? errors[a] < errors[b] : has_higher_score(search, a, b);
}

/* Keeps the item if it is among the best `most` partners. */
static void add_partner(const struct search *search, better_fn *better, size_t most,
                        struct partners *best, uint32_t item)
{
    size_t low = 0, high = best->count;
    if (high == most && !better(search, item, best->items[high - 1]))
        return;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (better(search, item, best->items[middle]))
            high = middle;
        else
            low = middle + 1;
    }
    best->count += best->count < most;
    memmove(&best->items[low + 1], &best->items[low],
            (best->count - 1 - low) * sizeof(best->items[0]));
    best->items[low] = item;
}

/* ---- Losses of ordered pairs ----------------------------------------------------------------- */

/* Adds the item's pairs, worst first, until one does not belong to the worst. */
static void add_pairs(const struct search *search, const struct partners *best, uint32_t item,
                      struct pairs *kept)
{
    for (size_t r = 0; r < best->count; r++)
        if (!add_pair(search, kept, pair_of(search, item, best->items[r])))
            return;
}

/* Goes up the grades with the `most` best scored items of lower grades. Looks at all items, or
 * only at those marked as found. */
static void climb(const struct search *search, bool only_found, size_t most, struct partners *best,
                  struct pairs *kept)
{
    const struct rl_plan *plan = search->plan;
    best->count = kept->count = 0;
    for (size_t g = 0; g < plan->grades; g++) {
        for (size_t p = plan->starts[g]; p < plan->starts[g + 1]; p++) {
            uint32_t item = plan->graded[p];
            if (rl_plan_weight(plan, item) > 0 && (!only_found || search->found[item]))
                add_pairs(search, best, item, kept);
        }
        for (size_t p = plan->starts[g]; p < plan->starts[g + 1]; p++)
            add_partner(search, has_higher_score, most, best, plan->graded[p]);
    }
}

/* ---- Squared error --------------------------------------------------------------------------- */

static void fill_errors(const struct search *search)
{
    const struct rl_plan *plan = search->plan;
    for (size_t v = 0; v < plan->count; v++)
        search->errors[v] =
            (plan->labels[v] - plan->labels[0]) - (plan->scores[v] - plan->scores[0]);
}

/* Partners with a higher error, then those with a lower one; each side worst pair first. */
static void add_both_sides(const struct search *search, const struct partners *highest,
                           const struct partners *lowest, uint32_t item, struct pairs *kept)
{
    const double *errors = search->errors;
    for (size_t r = 0; r < highest->count && errors[highest->items[r]] > errors[item]; r++)
        if (!add_pair(search, kept, pair_of(search, item, highest->items[r])))
            break;
    for (size_t r = 0; r < lowest->count && errors[lowest->items[r]] < errors[item]; r++)
        if (!add_pair(search, kept, pair_of(search, item, lowest->items[r])))
            break;
}

static void span_errors(const struct search *search, bool only_found, size_t most,
                        struct partners *highest, struct partners *lowest, struct pairs *kept)
{
    const struct rl_plan *plan = search->plan;
    highest->count = lowest->count = kept->count = 0;
    for (uint32_t v = 0; v < plan->count; v++) {
        add_partner(search, has_higher_error, most, highest, v);
        add_partner(search, has_lower_error, most, lowest, v);
    }
    for (uint32_t v = 0; v < plan->count; v++)
        if (rl_plan_weight(plan, v) > 0 && (!only_found || search->found[v]))
            add_both_sides(search, highest, lowest, v, kept);
}

/* ---- Both ------------------------------------------------------------------------------------ */

static void mark_found(const struct search *search, const struct pairs *kept)
{
    memset(search->found, 0, search->plan->count * sizeof(search->found[0]));
    for (size_t r = 0; r < kept->count; r++)
        search->found[kept->pairs[r].i] = 1;
}

size_t rl_toppairs(enum rl_measure_id loss, double temperature, const struct rl_plan *plan,
                   size_t top_k, struct rl_room room, struct rl_pair *ret_pairs)
{
    size_t bound = rl_toppairs_bound(loss, plan->count, top_k);
    size_t most = top_k < plan->count ? top_k : plan->count;
    struct search search = {
        .way = rl_way_of(loss),
        .temperature = temperature,
        .plan = plan,
        .k = bound,
        .errors = rl_room_take(&room, plan->count, sizeof(double)),
        .found = rl_room_take(&room, plan->count, sizeof(uint8_t)),
    };
    struct partners best = {rl_room_take(&room, most, sizeof(uint32_t)), 0};
    struct partners lowest = {rl_room_take(&room, most, sizeof(uint32_t)), 0};
    struct pairs kept = {ret_pairs, 0};
    if (bound == 0)
        return 0;
    if (search.way->shape == RL_SHAPE_SQUARED) {
        fill_errors(&search);
        span_errors(&search, false, 1, &best, &lowest, &kept);
        mark_found(&search, &kept);
        span_errors(&search, true, most, &best, &lowest, &kept);
    } else {
        climb(&search, false, 1, &best, &kept);
        mark_found(&search, &kept);
        climb(&search, true, most, &best, &kept);
    }
    for (size_t r = 0; r < kept.count; r++) {
        kept.pairs[r].i = plan->index[kept.pairs[r].i];
        kept.pairs[r].j = plan->index[kept.pairs[r].j];
    }
    return kept.count;
}
