"""Probabilities of the far tails as decimal logarithms, where the plain number would be 0."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from scipy.special import gammaln, log_ndtr

Alternative = Literal["two-sided", "greater", "less"]
"""The side on which a test looks: "greater" asks whether the first is greater than the second."""

ALTERNATIVES: tuple[Alternative, ...] = ("two-sided", "greater", "less")

_LN10 = math.log(10.0)
_SMALLEST = 1e-290


def log10_p_normal(z: float, *, alternative: Alternative = "two-sided") -> float:
    """The decimal logarithm of the p-value of a normal deviate, however far out.

    Args:
        z: The deviate.
        alternative: "greater" asks for P(Z >= z), "less" for P(Z <= z).

    Source: log 2 + log of the normal distribution function at -|z|.

    Examples:
        >>> round(log10_p_normal(1.959964), 4), round(log10_p_normal(100.0), 1)
        (-1.301, -2173.6)
    """
    if alternative == "two-sided":
        return min(0.0, float(math.log(2.0) + log_ndtr(-abs(z))) / _LN10)
    return float(log_ndtr(-z if alternative == "greater" else z)) / _LN10


def log10_p_chi2(x: float, df: int) -> float:
    """The decimal logarithm of P(chi-square with df degrees of freedom >= x), however far out.

    Sums of positive terms only: Q(k+2) = Q(k) + (x/2)^(k/2) exp(-x/2) /
    Gamma(k/2 + 1), from Q(1) = 2 Phi(-sqrt(x)) or Q(2) = exp(-x/2). scipy's
    `chi2.logsf` gives -inf at the first example.

    Args:
        x: The statistic, at least 0.
        df: Degrees of freedom, at least 1.

    Raises:
        ValueError: x below 0 or NaN, or df below 1.

    Source: Abramowitz and Stegun, 26.4.4 and 26.4.5.

    Examples:
        >>> round(log10_p_chi2(7079.0588, 3), 3), round(log10_p_chi2(3.841459, 1), 3)
        (-1535.371, -1.301)
    """
    if not x >= 0.0 or df < 1:
        raise ValueError(f"expected a statistic of at least 0 and at least 1 degree of freedom, got {x} and {df}")
    if x in {0.0, math.inf}:
        return 0.0 if x == 0.0 else -math.inf
    first = math.log(2.0) + float(log_ndtr(-math.sqrt(x))) if df % 2 else -x / 2.0
    halves = np.arange(2 - df % 2, df, 2) / 2.0
    terms = halves * (math.log(x) - math.log(2.0)) - x / 2.0 - gammaln(halves + 1.0)
    return min(0.0, float(np.logaddexp.reduce(np.append(terms, first))) / _LN10)


def log10_of(p: float, far: float) -> float:
    """The decimal logarithm of p, or `far` where p is too small to carry its digits.

    Examples:
        >>> log10_of(0.01, -2.1), log10_of(0.0, -1535.4)
        (-2.0, -1535.4)
    """
    return math.log10(p) if p > _SMALLEST or math.isnan(p) else far
