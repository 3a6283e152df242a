"""Quantiles of Student's t distribution, so that confidence intervals need no further package."""

from __future__ import annotations

import math
from statistics import NormalDist

__all__ = ["t_quantile"]

NEARLY_NORMAL = 1e5  # degrees of freedom from which three terms of the expansion have all digits


def t_quantile(p: float, degrees: float) -> float:
    """The value that a t variable is below with probability p, 0 < p < 1. degrees > 0."""
    if p == 0.5:
        return 0.0
    if p < 0.5:
        return -t_quantile(1 - p, degrees)
    if degrees >= NEARLY_NORMAL:
        z = NormalDist().inv_cdf(p)  # Abramowitz and Stegun 26.7.5
        return (z + (z**3 + z) / (4 * degrees)
                + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2))
    low, high = 0.0, 1.0
    while _below(high, degrees) < p:
        low, high = high, 2 * high
    while True:
        middle = (low + high) / 2
        if middle in (low, high):
            return middle
        low, high = (middle, high) if _below(middle, degrees) < p else (low, middle)


def _below(t: float, degrees: float) -> float:
    """P(T <= t) for t >= 0, from the regularised incomplete beta function (DLMF 8.17)."""
    x = degrees / (degrees + t * t)
    return 1 - _beta(degrees / 2, 0.5, x, t * t / (degrees + t * t)) / 2


def _beta(a: float, b: float, x: float, y: float) -> float:
    """I_x(a, b), y = 1 - x given apart since it may be small."""
    if x <= 0 or y <= 0:
        return 0.0 if x <= 0 else 1.0
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
                     + a * math.log(x) + b * math.log(y))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, y) / b


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function (DLMF 8.17.22), Lentz's method."""
    tiny = 1e-300
    c, d = 1.0, 1 / ((1 - (a + b) * x / (a + 1)) or tiny)
    result = d
    for m in range(1, 100_000):
        for factor in (m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                       -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))):
            d = 1 / ((1 + factor * d) or tiny)
            c = (1 + factor / c) or tiny
            result *= c * d
        if abs(c * d - 1) < 1e-16:
            break
    return result
