"""Tests of independent groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from oncohort.statistics.checks import numbers
from oncohort.statistics.log_p import Alternative, log10_of, log10_p_chi2, log10_p_normal

_EXACT_PAIRS = 8000
"""Above this the exact distribution takes seconds, and the normal one is as good."""


@dataclass(frozen=True)
class GroupComparison:
    """A test of independent groups.

    Attributes:
        test: Its name, with its options.
        n: Size of each group.
        statistic: U of the first group, H, or chi-square; NaN if the test has none.
        df: Degrees of freedom of a chi-square; None for other tests.
        effect: Size of the difference, named by the function; NaN where undefined.
        p: The p-value; NaN if the test could not be made.
        log10_p: Its decimal logarithm, also where p is too small for a number.
        reason: Why p is NaN, or 1 without a test; else empty.
    """

    test: str
    n: tuple[int, ...]
    statistic: float
    df: int | None
    effect: float
    p: float
    log10_p: float
    reason: str = ""


def mann_whitney(
    a: ArrayLike, b: ArrayLike, *, continuity: bool = True, alternative: Alternative = "two-sided"
) -> GroupComparison:
    """Mann and Whitney's test of two independent groups; `effect` is the rank-biserial correlation.

    The effect is the share of pairs with a > b less the share with a < b.
    Exact where the smaller group has at most 8 values, there are at most
    8,000 pairs and no two values are equal, else normal with the variance
    for ties.

    Args:
        a: (n,) values of the first group; no NaN, inf is allowed.
        b: (m,) values of the second group.
        continuity: Whether the normal deviate is corrected by one half.
        alternative: "greater" asks whether a is greater than b.

    Raises:
        ValueError: NaN among the values.

    Source: Mann and Whitney, Ann Math Stat 18 (1947) 50-60; scipy.stats.mannwhitneyu.

    Examples:
        >>> found = mann_whitney([1, 2, 3, 4], [5, 6, 7, 8])
        >>> found.statistic, round(found.p, 4), found.effect
        (0.0, 0.0286, -1.0)
    """
    first, second = numbers(a, "the first group"), numbers(b, "the second group")
    n, m = first.size, second.size
    pooled = np.concatenate([first, second])
    if n == 0 or m == 0:
        return _unmade("Mann-Whitney", (n, m), "a group is empty")
    if (pooled == pooled[0]).all():
        return _equal("Mann-Whitney", (n, m), n * m / 2.0)
    is_exact = min(n, m) <= 8 and n * m <= _EXACT_PAIRS and np.unique(pooled).size == pooled.size
    found = stats.mannwhitneyu(
        first, second, use_continuity=continuity, alternative=alternative, method="exact" if is_exact else "asymptotic"
    )
    u, p = float(found.statistic), float(found.pvalue)
    far = log10_p_normal(_deviate(u, pooled, n, continuity, alternative), alternative=alternative)
    words = "exact" if is_exact else "normal, continuity" if continuity else "normal"
    return GroupComparison(f"Mann-Whitney ({words})", (n, m), u, None, 2.0 * u / (n * m) - 1.0, p, log10_of(p, far))


def _deviate(u: float, pooled: NDArray[np.float64], n: int, continuity: bool, alternative: Alternative) -> float:  # noqa: FBT001
    """The normal deviate of U, with the variance for ties."""
    total = pooled.size
    m = total - n
    ties = np.unique(pooled, return_counts=True)[1].astype(np.float64)
    variance = n * m / 12.0 * (total + 1 - (ties**3 - ties).sum() / (total * (total - 1.0)))
    distance = u - n * m / 2.0
    half = 0.5 if continuity else 0.0
    if alternative == "two-sided":
        return max(0.0, abs(distance) - half) / float(np.sqrt(variance))
    return (distance - half if alternative == "greater" else distance + half) / float(np.sqrt(variance))


def kruskal_wallis(groups: Sequence[ArrayLike]) -> GroupComparison:
    """Kruskal and Wallis's test of two or more independent groups; `effect` is epsilon-squared.

    With ties the statistic is corrected. The effect is H / (n - 1), from 0 to
    1.

    Args:
        groups: Values of each group; no NaN, inf is allowed; empty groups are an undefined test.

    Raises:
        ValueError: Fewer than two groups, or NaN among the values.

    Source: Kruskal and Wallis, J Am Stat Assoc 47 (1952) 583-621; scipy.stats.kruskal.

    Examples:
        >>> found = kruskal_wallis([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
        >>> round(found.statistic, 4), found.df, round(found.p, 5), round(found.effect, 4)
        (7.2, 2, 0.02732, 0.9)
    """
    values = [numbers(group, "a group") for group in groups]
    if len(values) < 2:
        raise ValueError(f"expected at least two groups, got {len(values)}")
    n = tuple(group.size for group in values)
    if 0 in n:
        return _unmade("Kruskal-Wallis", n, "a group is empty")
    pooled = np.concatenate(values)
    if (pooled == pooled[0]).all():
        return _equal("Kruskal-Wallis", n, 0.0, df=len(n) - 1)
    found = stats.kruskal(*values)
    h, p, df = max(0.0, float(found.statistic)), float(found.pvalue), len(n) - 1
    effect = h / (pooled.size - 1)
    return GroupComparison("Kruskal-Wallis", n, h, df, effect, p, log10_of(p, log10_p_chi2(h, df)))


def _equal(test: str, n: tuple[int, ...], statistic: float, *, df: int | None = None) -> GroupComparison:
    return GroupComparison(test, n, statistic, df, 0.0, 1.0, 0.0, "all values are equal")


def _unmade(test: str, n: tuple[int, ...], reason: str) -> GroupComparison:
    nan = float("nan")
    return GroupComparison(test, n, nan, None, nan, nan, nan, reason)
