"""A range that says how it was made, from draws of a bootstrap or from order statistics."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import ndtr, ndtri

from oncohort.statistics.checks import numbers


class Interval(NamedTuple):
    """A confidence interval.

    Attributes:
        low: Its lower end.
        high: Its upper end.
        method: How it was made, such as "bca".
        reason: Why another method than the one asked for was used; else empty.

    Examples:
        >>> Interval(0.7, 0.9, "wilson")
        Interval(low=0.7, high=0.9, method='wilson', reason='')
    """

    low: float
    high: float
    method: str
    reason: str = ""


def percentile_interval(samples: ArrayLike, *, confidence: float) -> tuple[float, float] | None:
    """The middle share of the samples, by percentiles; None if no sample is a number.

    Args:
        samples: (draws,), NaN where a draw had no value; those are left out.
        confidence: Share of the draws inside, such as 0.95.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 13.3.

    Examples:
        >>> percentile_interval(list(range(101)), confidence=0.5)
        (25.0, 75.0)
    """
    known = np.asarray(samples, dtype=np.float64)
    known = known[~np.isnan(known)]
    if known.size == 0:
        return None
    low, high = np.quantile(known, [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0])
    return float(low), float(high)


def bca_interval(samples: ArrayLike, estimate: float, jackknife: ArrayLike, *, confidence: float) -> Interval | None:
    """The bias-corrected and accelerated interval; None if no sample is a number.

    Where it has no answer, the interval is the percentile one, `method` says
    "percentile" and `reason` why: no draw lies on one side of the estimate,
    or the estimate does not change with the patients.

    Args:
        samples: (draws,) of the statistic, NaN where a draw had no value; those are left out.
        estimate: The statistic of the data as they are.
        jackknife: (patients,) the statistic without each patient (`jackknife_patients`); NaN is left out.
        confidence: Share inside, such as 0.95.

    Source: Efron, J Am Stat Assoc 82 (1987) 171-185; the jackknife leaves out what the bootstrap draws: patients.

    Examples:
        >>> samples = np.linspace(0.5, 0.9, 1001) ** 2
        >>> bca_interval(samples, 0.49, [0.48, 0.49, 0.50], confidence=0.95).method
        'bca'
        >>> bca_interval([1.0, 1.0], 1.0, [1.0, 1.0], confidence=0.95)
        Interval(low=1.0, high=1.0, method='percentile', reason='the estimate does not change with the patients')
    """
    plain = percentile_interval(samples, confidence=confidence)
    if plain is None:
        return None
    known = np.asarray(samples, dtype=np.float64)
    known = known[~np.isnan(known)]
    acceleration = _acceleration(jackknife)
    share = float((known < estimate).mean() + (known <= estimate).mean()) / 2.0
    if acceleration is None:
        return Interval(*plain, "percentile", "the estimate does not change with the patients")
    if not 0.0 < share < 1.0:
        return Interval(*plain, "percentile", "no draw lies on one side of the estimate")
    shares = _corrected_shares(float(ndtri(share)), acceleration, confidence)
    if shares is None:
        return Interval(*plain, "percentile", "the correction leaves the range of the draws")
    low, high = np.quantile(known, shares)
    return Interval(float(low), float(high), "bca")


def _acceleration(jackknife: ArrayLike) -> float | None:
    """Skewness of the influence of each patient over six; None where nothing changes."""
    values = np.asarray(jackknife, dtype=np.float64)
    values = values[np.isfinite(values)]
    if values.size == 0 or np.ptp(values) == 0.0:
        return None
    influence = values.mean() - values
    influence /= np.abs(influence).max()  # the ratio does not change, and no power underflows
    return float((influence**3).sum() / (6.0 * (influence**2).sum() ** 1.5))


def _corrected_shares(bias: float, acceleration: float, confidence: float) -> NDArray[np.float64] | None:
    """The two percentiles (as shares) that stand for the ends; None where the formula has a pole."""
    reach = bias + ndtri(np.array([(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0]))
    stretch = 1.0 - acceleration * reach
    if (stretch <= 0.0).any():
        return None
    return np.asarray(ndtr(bias + reach / stretch))


def median_interval(values: ArrayLike, *, confidence: float) -> Interval | None:
    """The interval of a median between two of the values; None where too few values can give it.

    Bootstrap intervals of a median fail often; the order statistics hold
    their share whatever the distribution. The true confidence is at least
    the one asked for. Six values are the fewest for 95 %.

    Args:
        values: (n,) independent values, one per patient; no NaN.
        confidence: Share inside, such as 0.95.

    Raises:
        ValueError: NaN among the values.

    Source: Conover, Practical Nonparametric Statistics (1999), section 3.2.

    Examples:
        >>> median_interval([3, 1, 4, 1, 5, 9, 2, 6], confidence=0.95)
        Interval(low=1.0, high=9.0, method='order statistics', reason='')
        >>> median_interval([3, 1, 4], confidence=0.95) is None
        True
    """
    ordered = np.sort(numbers(values, "values"))
    if ordered.size == 0:
        return None
    tails = stats.binom.cdf(np.arange(ordered.size // 2 + 1), ordered.size, 0.5)
    below = int(np.count_nonzero(tails <= (1.0 - confidence) / 2.0))
    if below == 0:
        return None
    return Interval(float(ordered[below - 1]), float(ordered[-below]), "order statistics")
