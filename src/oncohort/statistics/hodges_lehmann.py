"""A robust centre of differences."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncohort.statistics.checks import numbers

_DIRECT = 2000


def hodges_lehmann(differences: ArrayLike) -> float:
    """Median of the means of all pairs of differences, each also with itself; NaN without any.

    Above 2,000 values the pairs are counted and not listed: n log n per
    step, and the median is then exact to the last bits.

    Args:
        differences: (n,) finite numbers.

    Raises:
        ValueError: A difference is not finite.

    Source: Hodges and Lehmann, Ann Math Stat 34 (1963) 598-611.

    Examples:
        >>> hodges_lehmann([1.0, 2.0, 6.0])
        2.75
    """
    ordered = np.sort(numbers(differences, "differences"))
    if not np.isfinite(ordered).all():
        raise ValueError("expected finite differences, got inf")
    if ordered.size == 0:
        return float("nan")
    if ordered.size <= _DIRECT:
        first, second = np.triu_indices(ordered.size)
        return float(np.median((ordered[first] + ordered[second]) / 2.0))
    pairs = ordered.size * (ordered.size + 1) // 2
    low = _smallest_sum(ordered, (pairs + 1) // 2)
    high = low if pairs % 2 else _smallest_sum(ordered, pairs // 2 + 1)
    return (low + high) / 4.0


def _smallest_sum(ordered: NDArray[np.float64], rank: int) -> float:
    """The sum of two (i <= j) that is number `rank` from below, by halving the range of sums."""
    low, high = 2.0 * float(ordered[0]), 2.0 * float(ordered[-1])
    if _count_sums(ordered, low) >= rank:
        return low
    while low < (middle := low + (high - low) / 2.0) < high:
        if _count_sums(ordered, middle) >= rank:
            high = middle
        else:
            low = middle
    return _nearest_sum(ordered, high)


def _count_sums(ordered: NDArray[np.float64], limit: float) -> int:
    """How many pairs (i <= j) have a sum of at most the limit."""
    partners = np.searchsorted(ordered, limit - ordered, side="right")
    doubled = int(np.count_nonzero(2.0 * ordered <= limit))
    return (int(partners.sum()) + doubled) // 2


def _nearest_sum(ordered: NDArray[np.float64], target: float) -> float:
    """The sum that the halving found, without the rounding of its differences."""
    after = np.searchsorted(ordered, target - ordered)
    sums = np.concatenate([ordered + ordered[np.clip(after + step, 0, ordered.size - 1)] for step in (-1, 0)])
    return float(sums[np.argmin(np.abs(sums - target))])
