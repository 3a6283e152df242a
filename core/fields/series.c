/*
 * series.c: what the series kernels start from, and how their sums are carried along.
 */
#include "core/fields/series.h"

#include <assert.h>

#include "core/base/elementary.h"

struct rl_series_field rl_series_field(enum rl_field_kind kind, double temperature)
{
    static const double *const coefficients[RL_FIELD_KINDS] = {
        [RL_FIELD_SOFTPLUS] = RL_SERIES_P,
        [RL_FIELD_SIGMOID] = RL_SERIES_Q,
        [RL_FIELD_BUMP] = RL_SERIES_R,
    };
    assert(coefficients[kind] && "a field that has a series");
    return (struct rl_series_field){
        .kind = kind,
        .temperature = temperature,
        .coefficients = coefficients[kind],
        .sign_above = kind == RL_FIELD_SIGMOID ? -1 : 1,
    };
}

struct rl_series rl_series_empty(void)
{
    return (struct rl_series){0};
}

void rl_series_join(const struct rl_series_field *field, struct rl_series *series,
                    const struct rl_series *more)
{
    if (more->count == 0)
        return;
    if (series->count == 0) {
        *series = *more;
        return;
    }
    const double down = series->origin - more->origin;
    double fall = rl_exp(-((down < 0 ? -down : down) / field->temperature)), power = 1;
    for (int k = 0; k < RL_SERIES_TERMS; k++) {
        power *= fall;
        series->terms[k] = series->terms[k] * power + more->terms[k];
    }
    series->count += more->count;
    series->origin = more->origin;
    rl_ramp_move(&series->ramp, more->ramp.at);
    rl_ramp_join(&series->ramp, &more->ramp, 0);
}
