"""The ranking schemes of profiles: what is averaged before models are ranked, and what after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oncohort.errors import InputError
from oncohort.leaderboard.places import Method, Order, combine_places, order_means, order_models
from oncohort.leaderboard.quantities import Quantity
from oncohort.leaderboard.samples import Array, Sample, mean_of_known
from oncohort.metrics import Direction
from oncohort.profiles import Profile
from oncohort.statistics import rank_values

SCHEMES: dict[str, Method] = {
    "rank-subset-means": "mean-then-rank",
    "rank-mean-of-subsets": "mean-then-rank",
    "rank-cohort-means": "mean-then-rank",
}
"""How the schemes of profiles order the models within a metric and subset."""

SCHEME_WORDS = {
    "rank-subset-means": "ranks of subset means, averaged over subsets",
    "rank-mean-of-subsets": "ranks of the means over subsets of subset means",
    "rank-cohort-means": "ranks of means over all cases",
}


def rank_scores(
    quantity: Quantity, samples: Sequence[Sample], weights: NDArray[np.int32], *, scheme: str, method: Method
) -> Array:
    """What the overall ranking weighs for one metric: (rows of weights, models), lower is better.

    A subset in which no model has a value, such as one that the metric is not
    measured in, is left out of the mean over subsets.

    Args:
        quantity: The metric.
        samples: The subsets; one with all cases for `rank-cohort-means`.
        weights: (rows, patients).
        scheme: Of the profile.
        method: How models are ordered within a subset; `rank-mean-of-subsets` orders means only, and with
            another method its ranks are averaged over subsets.
    """
    if scheme == "rank-mean-of-subsets" and method == "mean-then-rank":
        return order_mean_of_subsets(quantity, samples, weights).rank_scores
    known = [sample for sample in samples if quantity.defined(sample).any()] or samples
    scores = [order_models(quantity, sample, weights, method=method).rank_scores for sample in known]
    return np.asarray(np.sum(scores, axis=0) / len(known))


def order_mean_of_subsets(quantity: Quantity, samples: Sequence[Sample], weights: NDArray[np.int32]) -> Order:
    """The order of the models by the mean over subsets of their means; a subset without value is left out.

    Source: autoPET IV, task 1: the average of four subsets (tracer x centre) is ranked.
    """
    means = mean_of_known(np.stack([quantity.estimate(sample, weights) for sample in samples]))
    failures = mean_of_known(np.stack([quantity.failures(sample, weights) for sample in samples]))
    places = order_means(means, np.nan_to_num(failures), ascending=quantity.direction is Direction.LOWER)
    return Order(places, places.astype(np.float64))


def final_places(weighted: Array, tie_breakers: Array) -> NDArray[np.int64]:
    """The final place by weighted mean rank, then by tie-breaker; smaller is better in both; (..., models).

    Examples:
        >>> final_places(np.array([2.0, 1.0, 2.0]), np.array([-0.9, -0.5, -0.7])).tolist()
        [2, 1, 3]
    """
    return combine_places(rank_values(np.round(weighted, 9), ascending=True), rank_values(tie_breakers, ascending=True))


def rank_means(means: Mapping[str, Mapping[str, float]], profile: Profile) -> pl.DataFrame:
    """The final places that a profile gives to means that somebody has published; no scores are needed.

    They are the means that the profile's scheme ranks: over the cohort, or over
    subsets. A scheme that ranks every subset by itself cannot be applied to them
    unless there is one subset only.

    Args:
        means: Per model, the value of every metric with a weight, by its column.
        profile: Names the weights, the directions and the tie-break.

    Returns:
        `model`, `position` (weighted mean rank), `rank`, and the place within each weighted metric; best first.

    Raises:
        InputError: A model lacks a metric, there is none, or the profile ranks several subsets by themselves.

    Examples:
        >>> from oncohort.profiles import load_profile
        >>> published = {"Blackbean": (0.6226, 2.8372, 0.5445), "nnU-Net": (0.662, 9.3157, 1.2423)}
        >>> means = {team: dict(zip(("dice", "fpv_ml", "fnv_ml"), row)) for team, row in published.items()}
        >>> rank_means(means, load_profile("autopet-i")).select("model", "position", "rank").rows()
        [('nnU-Net', 1.5, 1), ('Blackbean', 1.5, 2)]
    """
    weights = _weights(profile)
    _check(means, weights, profile)
    lower = {rule.column for rule in profile.metric if rule.metric.direction is Direction.LOWER}
    table = {name: np.array([row[name] for row in means.values()], np.float64) for name in _used(weights, profile)}
    places = {name: order_means(table[name], np.zeros(len(means)), ascending=name in lower) for name in weights}
    weighted = np.sum([weights[name] * found for name, found in places.items()], axis=0)
    tie_break = table[profile.ranking.tie_break]
    ranks = final_places(weighted, tie_break if profile.ranking.tie_break in lower else -tie_break)
    columns = {"model": list(means), "position": weighted, "rank": ranks, **{f"rank_{n}": p for n, p in places.items()}}
    return pl.DataFrame(columns).sort("rank", maintain_order=True)


def _weights(profile: Profile) -> dict[str, float]:
    """Weight of every metric that has one, by its column."""
    of_cases = {rule.column: rule.weight for rule in profile.metric if rule.weight}
    return of_cases | {entry.column: entry.weight for entry in profile.of_cohort if entry.weight}


def _used(weights: Mapping[str, float], profile: Profile) -> list[str]:
    return list(dict.fromkeys([*weights, profile.ranking.tie_break]))


def _check(means: Mapping[str, Mapping[str, float]], weights: Mapping[str, float], profile: Profile) -> None:
    if profile.ranking.scheme == "rank-subset-means" and profile.subsets.columns:
        raise _wrong("a profile that ranks means of the whole cohort", f"{profile.name} ranks every subset by itself")
    for model, row in means.items():
        lacking = [name for name in _used(weights, profile) if name not in row]
        if lacking:
            raise _wrong(f"the metrics with a weight in {profile.name}", f"{model!r} has no {', '.join(lacking)}")
    if not means:
        raise _wrong("the means of at least one model", "none")


def _wrong(expected: str, found: str) -> InputError:
    return InputError(
        expected=expected, found=found, where="rank_means", remedy="rank the scores of the cases, or complete the table"
    )
