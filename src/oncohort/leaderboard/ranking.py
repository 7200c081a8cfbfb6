"""Models in order, with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oncohort.errors import SettingsError
from oncohort.leaderboard.columns import metric_names
from oncohort.leaderboard.comparing import Family, compare_all_pairs, compare_quantity
from oncohort.leaderboard.grid import ALL, ScoreGrid, arrange_scores
from oncohort.leaderboard.intervals import CONFIDENCE, IntervalKind, Resampling
from oncohort.leaderboard.places import (
    METHOD_WORDS,
    METHODS,
    Method,
    Order,
    order_models,
    rank_cases,
)
from oncohort.leaderboard.protocol import (
    is_ranked,
    profile_of,
    quantities_of,
    sample_of,
    unit_words,
    weighted_quantities,
)
from oncohort.leaderboard.quantities import CaseMean, Quantity, StructureMean
from oncohort.leaderboard.samples import Array, Sample, mean_of_known
from oncohort.leaderboard.schemes import SCHEME_WORDS, SCHEMES, final_places, rank_scores
from oncohort.leaderboard.stability import NO_STABILITY, measure_stability
from oncohort.leaderboard.subgroups import SIZE_CLASS, group_cases, rank_size_classes
from oncohort.metrics import Direction
from oncohort.profiles import Profile
from oncohort.reporting.leaderboard_tables import COUNTED
from oncohort.results import AGGREGATE_SCHEMA, Scores

RANK = "rank"
"""Metric of the rows that hold the overall ranking; their estimate is the weighted mean rank."""

RankMethod = Literal["profile", Method]
"""`profile` takes the scheme that the profile names."""


def rank(  # noqa: PLR0913 - the keywords are the verb's flags
    scores: Scores,
    *,
    bootstrap: int = 1000,
    seed: int = 2026,
    profile: str | Path | Profile | None = None,
    method: RankMethod = "profile",
    interval: IntervalKind = "percentile",
    by: str | None = None,
    facts: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The leaderboard: means of every metric and subset, then the overall ranking by the profile.

    Intervals come from drawing patients with replacement, each with all of
    its cases, and with the same draws for all models. `n` counts the cases
    in the mean (or patients, by the profile's `unit`), `n_undefined` those without
    value, `n_missing` those without prediction, whatever they scored: a model is
    complete only with 0.
    A model with failed cases (missing, unreadable or empty prediction, and so
    no value) is behind all others in that metric, so that skipping a case
    never improves a place. Models that share a letter cannot be told apart.
    Rows with metric "rank" hold the weighted mean rank and the final place.

    Args:
        scores: From `evaluate`.
        bootstrap: Number of draws; 0 for no intervals and no stability.
        seed: Of the draws.
        profile: Name, file or profile; by default the one that the scores were made with.
        method: How the cases of a metric give an order: `mean-then-rank`, `rank-then-mean`, `test-based`,
            or `profile` for the scheme of the profile.
        interval: `percentile`, or `bca`: bias-corrected and accelerated with a jackknife over patients.
        by: A column of `facts`, or `size_class` of the lesions; every value becomes a subset of its own, which
            the overall ranking does not use.
        facts: What is known of the cases, with a column `case`: `cohort.tables.cases`.

    Returns:
        Columns of `AGGREGATE_SCHEMA`; by subset, metric, structure and model. `low` and `high` hold 95 %.

    Raises:
        InputError: The scores lack a metric of the profile, or there are none, or `facts` lacks the column.
        SettingsError: The profile, method or interval is not known or wrong.

    Examples:
        >>> from oncohort.results import Score
        >>> facts = {"structure": "lesion", "unit": "1", "profile": "autopet-iii", "profile_version": "1"}
        >>> def row(model, metric, value):
        ...     return Score(model=model, case="A", patient="A", metric=metric, value=value, **facts)
        >>> metrics = ("dice", "fpv_ml", "fnv_ml", "volume_difference_ml")
        >>> rows = [row(model, metric, model == "good") for model in ("good", "bad") for metric in metrics]
        >>> table = rank(Scores.from_scores(rows, {}), bootstrap=0)
        >>> table.filter(pl.col("metric") == "dice")["rank"].to_list()
        [1.0, 2.0]
    """
    _check(bootstrap, seed, method, interval)
    protocol = profile_of(scores, profile)
    grid = arrange_scores(scores)
    quantities = quantities_of(grid, protocol)
    chosen = SCHEMES[protocol.ranking.scheme] if method == "profile" else method
    resampling = Resampling.of(grid.patient_count, draws=bootstrap, seed=seed, kind=interval)
    board = _Board(grid, protocol, quantities, chosen, resampling)
    rows = [*board.metric_rows(grid.subsets), *board.rank_rows()]
    if by == SIZE_CLASS:
        rows += rank_size_classes(grid, scores.lesions, resampling)
    elif by is not None:
        rows += board.metric_rows(group_cases(grid.cases, facts, by))
    names = {"profile": protocol.name, "profile_version": protocol.version}
    return pl.DataFrame([{**row, **names} for row in rows], schema=AGGREGATE_SCHEMA)


def overall_places(aggregates: pl.DataFrame) -> dict[str, float | None]:
    """The place of every model in the overall ranking, best first; models without a place come last."""
    overall = aggregates.filter(pl.col("metric") == RANK).sort("rank", nulls_last=True, maintain_order=True)
    return dict(zip(overall["model"], overall["rank"], strict=True))


@dataclass(frozen=True, eq=False)
class _Board:
    """All that rows are made of."""

    grid: ScoreGrid
    profile: Profile
    quantities: tuple[Quantity, ...]
    method: Method
    resampling: Resampling

    def metric_rows(self, subsets: Mapping[str, NDArray[np.bool_]]) -> Iterator[dict[str, Any]]:
        """A row per subset, quantity and model."""
        for subset, members in subsets.items():
            sample = self._sample(members)
            for quantity in self.quantities:
                yield from self._quantity_rows(subset, sample, quantity)

    def _quantity_rows(self, subset: str, sample: Sample, quantity: Quantity) -> Iterator[dict[str, Any]]:
        draws = self.resampling.for_presence([quantity], [sample])
        values = draws.values_of(quantity, sample)
        order = order_models(quantity, sample, draws.weights, method=self.method)
        firmness = self._firmness(quantity, sample, order, values[0])
        defined = quantity.defined(sample)
        for model, (estimate, words) in enumerate(draws.estimates(quantity, sample, values)):
            yield {
                **estimate,
                **firmness[model],
                **self._counts(subset, sample, int(defined[model]), model),
                "metric": quantity.metric,
                "structure": quantity.structure,
                "method": f"{quantity.words}{self._unit_words(quantity, sample)}{self._place_words(quantity)}; {words}",
            }

    def _firmness(self, quantity: Quantity, sample: Sample, order: Order, estimates: Array) -> list[dict[str, Any]]:
        """Place, interval of places and letters of every model; nothing where no way is better."""
        if not is_ranked(quantity):
            return [{**NO_STABILITY, "rank": None, "letters": None} for _ in estimates]
        rows = _placed(order.places, compare_quantity(quantity, sample))
        return [
            row if not np.isnan(estimate) else {**row, "rank": None}
            for row, estimate in zip(rows, estimates, strict=True)
        ]

    def rank_rows(self) -> Iterator[dict[str, Any]]:
        """A row per model with its weighted mean rank and its place."""
        weighted = self._weighted_ranks()
        places = final_places(weighted, self._tie_breakers())
        everyone = self._sample(self.grid.subsets[ALL])
        ranks = self._case_ranks()
        rows = _placed(places, None if np.isnan(ranks).all() else compare_all_pairs(ranks, everyone))
        for model, row in enumerate(rows):
            yield {
                **self._draws.percentiles(weighted[:, model]),
                **row,
                **self._counts(ALL, everyone, everyone.size, model),
                "metric": RANK,
                "structure": None,
                "method": self._rank_words(),
            }

    @cached_property
    def _weights(self) -> tuple[tuple[float, Quantity], ...]:
        return tuple((weight, one) for weight, one in weighted_quantities(self.grid, self.profile) if weight)

    @cached_property
    def _ranked_samples(self) -> list[Sample]:
        subsets = self.grid.subsets
        if self.profile.ranking.scheme == "rank-cohort-means":
            return [self._sample(subsets[ALL])]
        names = [name for name in subsets if name != ALL] or [ALL]
        return [self._sample(subsets[name]) for name in names]

    @cached_property
    def _draws(self) -> Resampling:
        """The draws of the overall ranking, which all of its metrics share."""
        return self.resampling.for_presence([quantity for _, quantity in self._weights], self._ranked_samples)

    def _sample(self, members: NDArray[np.bool_]) -> Sample:
        return sample_of(self.grid, members, self.profile)

    def _weighted_ranks(self) -> Array:
        """(rows of weights, models)."""
        scheme, draws = self.profile.ranking.scheme, self._draws.weights
        total = np.zeros((draws.shape[0], len(self.grid.models)))
        for weight, quantity in self._weights:
            total += weight * rank_scores(quantity, self._ranked_samples, draws, scheme=scheme, method=self.method)
        return total

    def _case_ranks(self) -> Array:
        """Each case's weighted mean rank of every model, over the metrics that rank it there; (cases, models)."""
        shape = (len(self.grid.cases), len(self.grid.models))
        total, weights = np.zeros(shape), np.zeros(shape)
        for weight, quantity in self._weights:
            if quantity.case_values is None:
                continue
            ranks = rank_cases(*quantity.case_values, ascending=quantity.direction is Direction.LOWER)
            weights += weight * ~np.isnan(ranks)
            total += weight * np.nan_to_num(ranks)
        means = np.full(shape, np.nan)
        np.divide(total, weights, out=means, where=weights > 0)
        return means

    def _tie_breakers(self) -> Array:
        """Smaller is better: the tie-break metric averaged over the subsets that have a value; (rows, models)."""
        tie_break = self.profile.ranking.tie_break
        quantity = next(one for _, one in weighted_quantities(self.grid, self.profile) if one.metric == tie_break)
        estimates = [self._draws.values_of(quantity, sample) for sample in self._ranked_samples]
        mean = mean_of_known(np.stack(estimates))
        return mean if quantity.direction is Direction.LOWER else -mean

    def _counts(self, subset: str, sample: Sample, defined: int, model: int) -> dict[str, Any]:
        return {
            "model": self.grid.models[model],
            "subset": subset,
            "n": defined,
            "n_undefined": sample.size - defined,
            "n_missing": int(sample.count(self.grid.is_missing)[model]),
        }

    def _unit_words(self, quantity: Quantity, sample: Sample) -> str:
        if self.profile.unit == "case":
            return ""
        counted = COUNTED.format(unit_words(self.profile, sample))
        is_averaged = isinstance(quantity, CaseMean | StructureMean)
        return f"{', the cases of a patient averaged first' if is_averaged else ''} ({counted})"

    def _place_words(self, quantity: Quantity) -> str:
        if self.method == "mean-then-rank" or quantity.case_values is None or not is_ranked(quantity):
            return ""
        return f"; places: {METHOD_WORDS[self.method]}"

    def _rank_words(self) -> str:
        names = metric_names(self.profile)
        weights = "; ".join(f"{weight:g} {names[quantity.metric]}" for weight, quantity in self._weights)
        scheme = SCHEME_WORDS[self.profile.ranking.scheme]
        what = scheme if self.method == "mean-then-rank" else f"{METHOD_WORDS[self.method]}, averaged over subsets"
        words = f"{what}, weighted ({weights}), ties by {names[self.profile.ranking.tie_break]}"
        everyone = self._sample(self.grid.subsets[ALL])
        counted = "" if self.profile.unit == "case" else f" ({COUNTED.format(unit_words(self.profile, everyone))})"
        protocol = f"profile {self.profile.name}, version {self.profile.version}"
        return f"{words}{counted}; {protocol}; {self._draws.percentile_words}"


def _placed(places: NDArray[np.int64], family: Family | None) -> list[dict[str, Any]]:
    """Place, interval of places and letters of every model."""
    models = places.shape[1]
    stability = measure_stability(places, confidence=CONFIDENCE)
    letters = (
        [None] * models if family is None else family.letters(np.argsort(places[0], kind="stable").tolist(), models)
    )
    return [
        {
            **(NO_STABILITY if stability is None else stability.row(model)),
            "rank": float(places[0, model]),
            "letters": letters[model],
        }
        for model in range(models)
    ]


def _check(bootstrap: int, seed: int, method: str, interval: str) -> None:
    if bootstrap < 0 or seed < 0:
        raise _wrong("bootstrap and seed of at least 0", f"{bootstrap}, {seed}", "use 1000 draws")
    if method not in ("profile", *METHODS):
        raise _wrong(f"a method: profile, {', '.join(METHODS)}", repr(method), "choose one of these")
    if interval not in get_args(IntervalKind):
        raise _wrong(f"an interval: {', '.join(get_args(IntervalKind))}", repr(interval), "choose one of these")


def _wrong(expected: str, found: str, remedy: str) -> SettingsError:
    return SettingsError(expected=expected, found=found, where="rank", remedy=remedy)
