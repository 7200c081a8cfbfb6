"""Places in an order, and how firm they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


def rank_values(values: ArrayLike, *, ascending: bool) -> NDArray[np.int64]:
    """The place of each value along the last axis; 1 is best, equal values share the better place.

    NaN comes last: a model without a value is never ahead of one that has it.

    Args:
        values: (..., models).
        ascending: Whether smaller is better.

    Examples:
        >>> rank_values([0.7, 0.9, 0.7, float("nan")], ascending=False).tolist()
        [2, 1, 2, 4]
    """
    scores = np.asarray(values, dtype=np.float64)
    cost = np.where(np.isnan(scores), np.inf, scores if ascending else -scores)
    better = cost[..., None, :] < cost[..., :, None]
    return np.asarray(1 + better.sum(axis=-1), dtype=np.int64)


def kendall_tau(a: ArrayLike, b: ArrayLike) -> float:
    """Kendall's tau-b of two rankings: 1 for the same order, -1 for the reverse; NaN where one has no order.

    Args:
        a: (models,) ranks or values.
        b: (models,) ranks or values.

    Raises:
        ValueError: The lengths differ.

    Source: Kendall, Biometrika 33 (1945) 239-251 (with ties).

    Examples:
        >>> round(kendall_tau([1, 2, 3, 4], [1, 2, 4, 3]), 4)
        0.6667
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"expected two rankings of one length, got {first.shape} and {second.shape}")
    return float(kendall_taus(first[None], second)[0])


def kendall_taus(rankings: ArrayLike, ranking: ArrayLike) -> NDArray[np.float64]:
    """Kendall's tau-b of each of many rankings with one; (draws,), NaN where one has no order.

    Args:
        rankings: (draws, models) ranks or values.
        ranking: (models,).

    Examples:
        >>> kendall_taus([[1, 2, 3], [3, 2, 1], [1, 1, 1]], [1, 2, 3]).tolist()
        [1.0, -1.0, nan]
    """
    many = _signs(np.asarray(rankings, dtype=np.float64))
    one = _signs(np.asarray(ranking, dtype=np.float64))
    agreement = np.einsum("dp,p->d", many, one)
    untied = np.einsum("dp,dp->d", many, many) * np.einsum("p,p->", one, one)
    taus = np.full(agreement.shape, np.nan)
    np.divide(agreement, np.sqrt(untied), out=taus, where=untied > 0)
    return taus


def _signs(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each pair of models, which is greater: (..., pairs) of -1, 0, 1; NaN where one is NaN."""
    first, second = np.triu_indices(values.shape[-1], 1)
    left, right = values[..., first], values[..., second]
    signs = (left > right).astype(np.float64) - (left < right)
    return np.asarray(np.where(np.isnan(left) | np.isnan(right), np.nan, signs))


@dataclass(frozen=True, eq=False)
class RankDistribution:
    """The places of models over draws.

    Attributes:
        shares: (models, models) share of the draws in which model m has place p + 1; rows sum to 1.
        low: (models,) lower end of the interval of places.
        high: (models,) upper end.
    """

    shares: NDArray[np.float64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]

    @property
    def first(self) -> NDArray[np.float64]:
        """(models,) share of the draws in which each model has place 1; ties count for all tied."""
        return self.shares[:, 0]


def rank_distribution(places: ArrayLike, *, confidence: float = 0.95) -> RankDistribution:
    """How often each model has each place, and the interval of its places.

    The ends are places that occurred: the smallest and greatest after
    cutting at most (1 - confidence) / 2 of the draws at each end.

    Args:
        places: (draws, models) places from 1 (`rank_values` of every draw), at least one draw.
        confidence: Share of the draws inside.

    Raises:
        ValueError: No draws, or a place outside 1 to the number of models.

    Source: Wiesenfarth et al., Sci Rep 11 (2021) 2369 (challengeR).

    Examples:
        >>> found = rank_distribution([[1, 2], [1, 2], [2, 1], [1, 2]])
        >>> found.shares.tolist(), found.low.tolist(), found.high.tolist()
        ([[0.75, 0.25], [0.25, 0.75]], [1, 1], [2, 2])
    """
    table = np.asarray(places)
    if table.ndim != 2 or table.size == 0 or table.min() < 1 or table.max() > table.shape[1]:
        raise ValueError(f"expected places (draws, models) from 1 to the number of models, got shape {table.shape}")
    draws, models = table.shape
    shares = np.stack([(table == place).sum(axis=0) for place in range(1, models + 1)], axis=1) / draws
    cut = int(np.floor(draws * (1.0 - confidence) / 2.0 + 1e-9))
    ordered = np.sort(table, axis=0).astype(np.int64)
    return RankDistribution(shares, ordered[cut], ordered[draws - 1 - cut])
