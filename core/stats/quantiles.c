/*
 * quantiles.c: quantiles by linear interpolation, and Holm's correction.
 */
#include "core/stats/quantiles.h"

#include <math.h>
#include <string.h>

#include "core/lists/order.h"

size_t rl_order_ascending_room(size_t n)
{
    return rl_room_bytes(n, sizeof(double)) + rl_room_bytes(n, sizeof(uint32_t)) + rl_order_room(n);
}

void rl_order_ascending(double *values, size_t n, struct rl_runner *runner, struct rl_room room)
{
    double *const unordered = rl_room_take(&room, n, sizeof(*unordered));
    uint32_t *const places = rl_room_take(&room, n, sizeof(*places));
    memcpy(unordered, values, n * sizeof(*values));
    rl_order(RL_FLOAT64, unordered, n, RL_ASCENDING, runner, room, places, values);
}

double rl_quantile(const double *ascending, size_t n, double q)
{
    const double place = q * (double)(n - 1);
    const size_t below = (size_t)place;
    if (below >= n - 1)
        return ascending[n - 1];
    double low = ascending[below], high = ascending[below + 1], part = place - (double)below;
    /* From the nearer end, as numpy does, so that a part of 1 is exactly `high`. */
    return part < 0.5 ? low + (high - low) * part : high - (high - low) * (1 - part);
}

static bool ranks_before(const double *p, size_t j, size_t i)
{
    return p[j] < p[i] || (p[j] == p[i] && j < i);
}

static size_t rank_of(const double *p, size_t n, size_t i)
{
    size_t rank = 0;
    for (size_t j = 0; j < n; j++)
        rank += ranks_before(p, j, i);
    return rank;
}

void rl_holm(const double *p, size_t n, double *ret_adjusted)
{
    size_t tests = 0;
    for (size_t i = 0; i < n; i++)
        tests += isnan(p[i]) ? 0 : 1;
    for (size_t i = 0; i < n; i++)
        ret_adjusted[i] = isnan(p[i]) ? NAN : fmin(1, p[i] * (double)(tests - rank_of(p, n, i)));
    /* Never below an adjusted value that ranks before. */
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            if (ranks_before(p, j, i))
                ret_adjusted[i] = fmax(ret_adjusted[i], ret_adjusted[j]);
}
