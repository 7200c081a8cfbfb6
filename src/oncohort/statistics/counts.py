"""Tests of tables of counts."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import logsumexp

from oncohort.statistics.groups import GroupComparison
from oncohort.statistics.log_p import log10_of, log10_p_chi2

CountTest = Literal["pearson", "yates", "g"]
"""Pearson's chi-square, the same with Yates's correction (2 x 2 only), or the likelihood ratio G."""

_NAMES = {"pearson": "Pearson chi-square", "yates": "chi-square with Yates's correction", "g": "G test"}


def chi_square(counts: ArrayLike, *, kind: CountTest = "pearson") -> GroupComparison:
    """The test that rows and columns of a table of counts are independent; `effect` is Cramer's V.

    Rows and columns of zeros only are left out first. Use `fisher_exact`
    where an expected count is below 5.

    Args:
        counts: (groups, categories) whole numbers.
        kind: Which statistic.

    Returns:
        `n` is the size of each group (row).

    Raises:
        ValueError: Not a table of whole numbers from 0, or Yates's correction of a table other than 2 x 2.

    Source: Pearson, Phil Mag 50 (1900) 157-175; Cramer (1946), section 21.9; scipy.stats.chi2_contingency.

    Examples:
        >>> found = chi_square([[2358, 2923], [13090, 11714]])
        >>> round(found.statistic, 4), found.df, f"{found.p:.4e}", round(found.log10_p, 4)
        (115.0028, 1, '7.8586e-27', -26.1047)
    """
    table = _table(counts)
    n = tuple(int(size) for size in table.sum(axis=1))
    if kind == "yates" and table.shape != (2, 2):
        raise ValueError(f"expected a 2 x 2 table for Yates's correction, got {table.shape}")
    kept = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if min(kept.shape) < 2:
        nan = float("nan")
        return GroupComparison(_NAMES[kind], n, nan, None, nan, nan, nan, "a single row or column has counts")
    found = stats.chi2_contingency(
        kept, correction=kind == "yates", lambda_="log-likelihood" if kind == "g" else "pearson"
    )
    x, df, p = float(found.statistic), int(found.dof), float(found.pvalue)
    pearson = x if kind == "pearson" else float(stats.chi2_contingency(kept, correction=False).statistic)
    effect = math.sqrt(max(0.0, pearson) / (kept.sum() * (min(kept.shape) - 1)))
    return GroupComparison(_NAMES[kind], n, x, df, effect, p, log10_of(p, log10_p_chi2(max(0.0, x), df)))


def fisher_exact(counts: ArrayLike) -> GroupComparison:
    """Fisher's exact two-sided test of a 2 x 2 table; `effect` is the odds ratio of the counts.

    Two-sided: all tables with the same margins that are at most as probable.

    Args:
        counts: (2, 2) whole numbers.

    Raises:
        ValueError: Another shape, or not whole numbers from 0.

    Source: Fisher, J R Stat Soc 98 (1935) 39-82; scipy.stats.fisher_exact.

    Examples:
        >>> round(fisher_exact([[8, 2], [1, 5]]).p, 5)
        0.03497
    """
    table = _table(counts)
    if table.shape != (2, 2):
        raise ValueError(f"expected a 2 x 2 table, got {table.shape}")
    p = float(stats.fisher_exact(table).pvalue)
    n = tuple(int(size) for size in table.sum(axis=1))
    return GroupComparison("Fisher's exact", n, float("nan"), None, _odds_ratio(table), p, log10_of(p, _far(table)))


def _table(counts: ArrayLike) -> NDArray[np.int64]:
    array = np.asarray(counts)
    if array.ndim != 2 or array.size == 0 or array.dtype.kind not in "iu" or array.min() < 0:
        raise ValueError(f"expected a table (groups, categories) of counts, got {array.dtype} of shape {array.shape}")
    return array.astype(np.int64)


def _odds_ratio(table: NDArray[np.int64]) -> float:
    (a, b), (c, d) = table.tolist()
    if b * c == 0:
        return float("inf") if a * d > 0 else float("nan")
    return float(a * d / (b * c))


def _far(table: NDArray[np.int64]) -> float:
    """The decimal logarithm of Fisher's p-value by sums of logarithms."""
    total, row, column = int(table.sum()), int(table[0].sum()), int(table[:, 0].sum())
    support = np.arange(max(0, row + column - total), min(row, column) + 1)
    logs = stats.hypergeom.logpmf(support, total, column, row)
    observed = logs[int(table[0, 0] - support[0])]
    return min(0.0, float(logsumexp(logs[logs <= observed + 1e-7])) / math.log(10.0))
