"""Models in pairs: differences on the same cases, paired tests, and letters for groups that cannot be told apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oncohort.leaderboard.cohort_quantities import CurveArea
from oncohort.leaderboard.grid import arrange_scores
from oncohort.leaderboard.intervals import CONFIDENCE
from oncohort.leaderboard.places import aligned_values
from oncohort.leaderboard.protocol import is_ranked, profile_of, quantities_of, sample_of
from oncohort.leaderboard.quantities import Quantity
from oncohort.leaderboard.samples import Array, Sample
from oncohort.metrics import Direction
from oncohort.profiles import Profile
from oncohort.results import Scores
from oncohort.statistics.bootstrap import bootstrap_means, draw_patients
from oncohort.statistics.correction import holm
from oncohort.statistics.delong import delong_paired
from oncohort.statistics.interval import percentile_interval
from oncohort.statistics.letters import letter_display
from oncohort.statistics.paired import compare_paired

SIGNIFICANT = 0.05
"""Holm-adjusted p-values below it part two models."""

COMPARISON_SCHEMA: dict[str, Any] = {
    "subset": pl.String,
    "structure": pl.String,
    "metric": pl.String,
    "first": pl.String,
    "second": pl.String,
    "n": pl.Int64,
    "mean_difference": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "median_difference": pl.Float64,
    "hodges_lehmann": pl.Float64,
    "rank_biserial": pl.Float64,
    "p": pl.Float64,
    "log10_p": pl.Float64,
    "p_holm": pl.Float64,
    "log10_p_holm": pl.Float64,
    "better": pl.String,
    "test": pl.String,
}
"""Columns of `compare_models`."""


@dataclass(frozen=True)
class Pair:
    """Two models in one quantity; differences are first less second, None where the quantity has none.

    Args:
        n: Patients compared, for an area what the profile's `unit` counts.
        difference: Of the means over patients, or of the areas.
        low: Lower end of its 95 % interval; None without one.
        high: Upper end.
        log10_p: Decimal logarithm of the two-sided p-value.
        p: The same as a number, which may be 0.
        lead: Positive where the first model has the larger values.
        test: Name of the test.
        shifts: Median difference, Hodges-Lehmann shift, rank-biserial correlation.
    """

    n: int
    difference: float
    low: float | None
    high: float | None
    log10_p: float
    p: float
    lead: float
    test: str
    shifts: tuple[float, float, float] | None = None


@dataclass(frozen=True, eq=False)
class Family:
    """All pairs of models in one quantity and subset.

    Args:
        pairs: Indices of first and second model.
        results: What each pair gave; None where the two share no case.
        log10_p_holm: Adjusted for the number of pairs, as logarithm; NaN where there is no result.
    """

    pairs: tuple[tuple[int, int], ...]
    results: tuple[Pair | None, ...]
    log10_p_holm: NDArray[np.float64]

    @staticmethod
    def of(models: int, compare: Callable[[int, int], Pair | None]) -> Family:
        """Every pair of `models`, compared and adjusted after Holm."""
        pairs = tuple(combinations(range(models), 2))
        results = tuple(compare(first, second) for first, second in pairs)
        log10_p = np.array([np.nan if result is None else result.log10_p for result in results], dtype=np.float64)
        return Family(pairs, results, holm(log10_p, log10=True))

    def is_significant(self, models: int) -> NDArray[np.bool_]:
        """(models, models): which pairs differ after Holm's adjustment."""
        matrix = np.zeros((models, models), bool)
        for (first, second), log10_p in zip(self.pairs, self.log10_p_holm, strict=True):
            matrix[first, second] = matrix[second, first] = log10_p < np.log10(SIGNIFICANT)
        return matrix

    def letters(self, order: Sequence[int], models: int) -> list[str]:
        """The letters of each model, given from the best on; models that share one cannot be told apart."""
        return list(letter_display(self.is_significant(models), list(order)))


def compare_all_pairs(values: Array, sample: Sample, weights: NDArray[np.int32] | None = None) -> Family:
    """Every pair of models on the cases of a sample that have a value for both.

    Args:
        values: (cases, models), as `aligned_values` gives them.
        sample: The cases; several of one patient count as one, by their mean.
        weights: (draws, patients) for the intervals of the differences; None for no intervals.
    """

    def compare(first: int, second: int) -> Pair | None:
        return _compare_values(values[:, first], values[:, second], sample, weights)

    return Family.of(values.shape[1], compare)


def compare_quantity(quantity: Quantity, sample: Sample, weights: NDArray[np.int32] | None = None) -> Family | None:
    """Every pair of models in one quantity; None where it has no paired test or no better direction."""
    if not is_ranked(quantity):
        return None
    if isinstance(quantity, CurveArea):
        return _compare_areas(quantity, sample) if quantity.is_roc else None
    values = quantity.case_values
    if values is None:
        return None
    ascending = quantity.direction is Direction.LOWER
    return compare_all_pairs(aligned_values(*values, ascending=ascending), sample, weights)


def _compare_values(first: Array, second: Array, sample: Sample, weights: NDArray[np.int32] | None) -> Pair | None:
    shared = sample.members & ~np.isnan(first) & ~np.isnan(second)
    if not shared.any():
        return None
    patients = sample.patients[shared]
    found = compare_paired(first[shared], second[shared], patients=patients, zero="wilcox")
    ends = None if weights is None else _difference_interval(first[shared] - second[shared], patients, weights)
    low, high = (None, None) if ends is None else ends
    return Pair(
        n=found.n,
        difference=found.mean_difference,
        low=low,
        high=high,
        log10_p=found.log10_p,
        p=found.p,
        lead=found.rank_biserial,
        test=found.test,
        shifts=(found.median_difference, found.hodges_lehmann, found.rank_biserial),
    )


def _difference_interval(
    differences: Array, patients: NDArray[np.intp], weights: NDArray[np.int32]
) -> tuple[float, float] | None:
    """The percentile interval of the mean over patients of their mean differences."""
    owners, index = np.unique(patients, return_inverse=True)
    means = np.bincount(index, weights=differences) / np.bincount(index)
    return percentile_interval(bootstrap_means(means, owners, weights), confidence=CONFIDENCE)


def _compare_areas(quantity: CurveArea, sample: Sample) -> Family | None:
    truth, scores = quantity.sureness.of(sample)
    if truth.all() or not truth.any():
        return None

    def compare(first: int, second: int) -> Pair | None:
        found = delong_paired(truth, scores[:, first], scores[:, second], patients=sample.owners)
        if np.isnan(found.log10_p):
            return None
        return Pair(
            n=truth.size,
            difference=found.difference,
            low=found.low,
            high=found.high,
            log10_p=found.log10_p,
            p=found.p,
            lead=found.difference,
            test="DeLong, paired",
        )

    return Family.of(scores.shape[1], compare)


def compare_models(
    scores: Scores, *, bootstrap: int = 1000, seed: int = 2026, profile: str | Path | Profile | None = None
) -> pl.DataFrame:
    """Every pair of models in every subset, structure and metric: how far apart, and whether by chance.

    Differences are first less second, on all cases: a failed prediction
    counts as the worst value that any model has in the metric; a case where
    either value is undefined otherwise is left out of that pair. The test is
    Wilcoxon's signed-rank test on patients, two-sided; zero differences are
    dropped. Areas under ROC curves are compared after DeLong. `p_holm` is
    adjusted for all pairs of the same subset, structure and metric.

    Args:
        scores: From `evaluate`.
        bootstrap: Draws of patients for the interval of the mean difference; 0 for none.
        seed: Of the draws.
        profile: Name, file or profile; by default the one that the scores were made with.

    Returns:
        Columns of `COMPARISON_SCHEMA`. `better` names the model that is better after adjustment (5 %), else null.

    Raises:
        InputError: The scores lack a metric of the profile, or there are none.
        SettingsError: The profile is not known or wrong.

    Examples:
        >>> from oncohort.results import Score
        >>> facts = {"structure": "lesion", "unit": "1", "profile": "autopet-iii", "profile_version": "1"}
        >>> def row(model, metric, value):
        ...     return Score(model=model, case="A", patient="A", metric=metric, value=value, **facts)
        >>> metrics = ("dice", "fpv_ml", "fnv_ml", "volume_difference_ml")
        >>> rows = [row(model, metric, float(model == "good")) for model in ("good", "bad") for metric in metrics]
        >>> compare_models(Scores.from_scores(rows, {}))["mean_difference"][0]
        1.0
    """
    protocol = profile_of(scores, profile)
    grid = arrange_scores(scores)
    weights = draw_patients(grid.patient_count, draws=bootstrap, seed=seed)
    rows = [
        {"subset": subset, "structure": quantity.structure, "metric": quantity.metric, **row}
        for subset, members in grid.subsets.items()
        for quantity in quantities_of(grid, protocol)
        for row in _rows(quantity, sample_of(grid, members, protocol), grid.models, weights)
    ]
    return pl.DataFrame(rows, schema=COMPARISON_SCHEMA)


def _rows(
    quantity: Quantity, sample: Sample, models: tuple[str, ...], weights: NDArray[np.int32]
) -> Iterator[dict[str, Any]]:
    family = compare_quantity(quantity, sample, weights)
    if family is None:
        return
    sign = -1 if quantity.direction is Direction.LOWER else 1
    for (first, second), pair, log10_p in zip(family.pairs, family.results, family.log10_p_holm, strict=True):
        if pair is None:
            continue
        median, shift, biserial = pair.shifts or (None, None, None)
        yield {
            "first": models[first],
            "second": models[second],
            "n": pair.n,
            "mean_difference": pair.difference,
            "low": pair.low,
            "high": pair.high,
            "median_difference": median,
            "hodges_lehmann": shift,
            "rank_biserial": biserial,
            "p": pair.p,
            "log10_p": pair.log10_p,
            "p_holm": float(10.0**log10_p),
            "log10_p_holm": float(log10_p),
            "better": models[first if sign * pair.lead > 0 else second] if log10_p < np.log10(SIGNIFICANT) else None,
            "test": pair.test,
        }
