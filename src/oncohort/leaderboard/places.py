"""From the values of one metric to places: three ways, each for every draw of patients at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from oncohort.leaderboard.quantities import Quantity
from oncohort.leaderboard.samples import Array, Sample
from oncohort.metrics import Direction
from oncohort.statistics import rank_values
from oncohort.statistics.signed_rank_draws import signed_rank_z

Method = Literal["mean-then-rank", "rank-then-mean", "test-based"]
"""How the cases of one metric give an order."""

METHODS: tuple[Method, ...] = ("mean-then-rank", "rank-then-mean", "test-based")

METHOD_WORDS: dict[Method, str] = {
    "mean-then-rank": "means over cases are ranked",
    "rank-then-mean": "models are ranked in every case and the ranks averaged",
    "test-based": "models are ranked by their share of significant one-sided Wilcoxon tests (5 %, unadjusted)",
}

_SIGNIFICANT_Z = 1.6448536269514722  # one-sided 5 % of the normal distribution


@dataclass(frozen=True, eq=False)
class Order:
    """An order of models for every row of weights.

    Args:
        places: (rows, models); 1 is best, equals share the better place.
        rank_scores: (rows, models): what the overall ranking averages, lower is better.
    """

    places: NDArray[np.int64]
    rank_scores: Array


def order_models(quantity: Quantity, sample: Sample, weights: NDArray[np.int32], *, method: Method) -> Order:
    """The order of the models by one quantity on a sample of cases.

    Behind every model without failed predictions come those with some, the
    fewer the better, whatever their mean: to skip a case never improves a
    place. What only a whole cohort has (an area, a pooled ratio) is ranked as
    it is by any method.
    """
    ascending = quantity.direction is Direction.LOWER
    values = quantity.case_values
    if method == "mean-then-rank" or values is None:
        places = order_means(
            quantity.estimate(sample, weights), quantity.failures(sample, weights), ascending=ascending
        )
        return Order(places, places.astype(np.float64))
    if method == "rank-then-mean":
        mean_ranks = sample.means(rank_cases(*values, ascending=ascending), weights)
        return Order(rank_values(np.round(mean_ranks, 9), ascending=True), mean_ranks)
    wins = _win_shares(aligned_values(*values, ascending=ascending), sample, weights, ascending=ascending)
    places = rank_values(np.round(wins, 9), ascending=False)
    return Order(places, places.astype(np.float64))


def order_means(means: Array, failures: Array, *, ascending: bool) -> NDArray[np.int64]:
    """Places by mean among those that never failed, then by failures; who has no mean comes last.

    Means that agree to 12 decimals are equal.

    Args:
        means: (..., models), NaN where there is none.
        failures: (..., models), 0 where nothing failed.
        ascending: Whether smaller is better.

    Examples:
        >>> order_means(np.array([5.0, 1.0, 9.0]), np.array([0.0, 0.1, 0.0]), ascending=True).tolist()
        [1, 3, 2]
    """
    lost = np.where(np.isnan(means), np.inf, np.round(failures, 12))
    cost = np.where(lost > 0, 0.0, np.round(means if ascending else -means, 12))
    return combine_places(rank_values(lost, ascending=True), rank_values(cost, ascending=True))


def combine_places(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places by `first`, then by `second`; what is still equal shares the better place.

    Examples:
        >>> combine_places(np.array([1, 1, 3]), np.array([2, 1, 1])).tolist()
        [2, 1, 3]
    """
    return rank_values(first * (second.shape[-1] + 1) + second, ascending=True)


def rank_cases(values: Array, failed: NDArray[np.bool_], *, ascending: bool) -> Array:
    """The place of each model in each case; a failed one is behind all others, an undefined one has none.

    A case in which nobody has a value gives no places at all.

    Args:
        values: (cases, models), NaN where undefined.
        failed: (cases, models): undefined by the fault of the prediction.
        ascending: Whether smaller is better.

    Examples:
        >>> values, failed = np.array([[0.9, 0.5, np.nan]]), np.array([[False, False, True]])
        >>> rank_cases(values, failed, ascending=False).tolist()
        [[1.0, 2.0, 3.0]]
    """
    takes_part = ~np.isnan(values) | failed
    ranks = rank_values(values, ascending=ascending).astype(np.float64)
    return np.where(takes_part & takes_part.any(axis=1, keepdims=True), ranks, np.nan)


def aligned_values(values: Array, failed: NDArray[np.bool_], *, ascending: bool) -> Array:
    """Values for paired tests: a failed one is as bad as the worst value that anybody has; (cases, models).

    Examples:
        >>> aligned_values(np.array([[0.9, np.nan], [0.2, 0.4]]), np.array([[False, True], [False, False]]),
        ...                ascending=False).tolist()
        [[0.9, 0.2], [0.2, 0.4]]
    """
    known = values[~np.isnan(values)]
    if known.size == 0:
        return values
    return np.where(failed & np.isnan(values), known.max() if ascending else known.min(), values)


def _win_shares(values: Array, sample: Sample, weights: NDArray[np.int32], *, ascending: bool) -> Array:
    """The share of the other models that each one beats significantly; (rows, models)."""
    models = values.shape[1]
    wins = np.zeros((weights.shape[0], models))
    members = values[sample.members] if not ascending else -values[sample.members]
    for one in range(models):
        for other in range(one + 1, models):
            z = signed_rank_z(members[:, one] - members[:, other], sample.patients[sample.members], weights)
            wins[:, one] += z > _SIGNIFICANT_Z
            wins[:, other] += z < -_SIGNIFICANT_Z
    return np.asarray(wins / max(1, models - 1))
