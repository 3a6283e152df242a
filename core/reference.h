/*
 * reference.h: every loss and gradient of one list, straight from its formula.
 *
 * Plain, O(n^2), in long double. Fast code is tested against this; the daemon never calls it.
 * Formulas: those of Keras-RS (keras_rs.losses), as in the catalogue.
 */
#ifndef RL_REFERENCE_H
#define RL_REFERENCE_H

#include "core/rankloss.h"

/* One list, a view. labels: [items], NaN or negative is "not labelled". mask: [items] or NULL. */
struct rl_reference_list {
    size_t items;
    const double *labels;
    const double *scores;
    const uint8_t *mask;
};

bool rl_reference_valid(const struct rl_reference_list *list, size_t item);

/* Ordered pairs the loss adds over; 0 for a loss with one value per list. */
uint64_t rl_reference_pairs(enum rl_measure_id loss, const struct rl_reference_list *list);

/* Loss of one ordered pair of valid items, unweighted; not for a loss by list. */
long double rl_reference_pair(enum rl_measure_id loss, const struct rl_reference_list *list,
                              size_t i, size_t j, long double temperature);

/* d(loss of that pair) / d(score_i); by score_j it is the negative. 0 at hinge's kink. */
long double rl_reference_slope(enum rl_measure_id loss, const struct rl_reference_list *list,
                               size_t i, size_t j, long double temperature);

/* Unweighted losses: one per item (0 for an invalid one), or one in all where the
 * loss has one value per list. */
void rl_reference_losses(enum rl_measure_id loss, const struct rl_reference_list *list,
                         long double temperature, long double *ret_losses);

/*
 * ret_gradient[k] = d(sum_i weights[i] * loss_i) / d(score_k), 0 for an invalid item. weights:
 * [items], NULL for all 1; a loss with one value per list reads weights[0] alone.
 */
void rl_reference_gradient(enum rl_measure_id loss, const struct rl_reference_list *list,
                           long double temperature, const double *weights,
                           long double *ret_gradient);

#endif
