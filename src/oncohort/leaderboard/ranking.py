"""Models in order, with intervals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oncohort.errors import InputError, SettingsError
from oncohort.leaderboard.grid import ALL, ScoreGrid, arrange_scores
from oncohort.metrics import METRICS, Direction
from oncohort.profiles import Profile, load_profile, parse_profile
from oncohort.results import AGGREGATE_SCHEMA, Scores
from oncohort.statistics import bootstrap_means, draw_patients, percentile_interval, rank_values

CONFIDENCE = 0.95
"""Share of the bootstrap draws inside an interval."""

RANK = "rank"
"""Metric of the rows that hold the overall ranking; their estimate is the weighted mean rank."""


def rank(
    scores: Scores, *, bootstrap: int = 1000, seed: int = 2026, profile: str | Path | Profile | None = None
) -> pl.DataFrame:
    """The leaderboard: means of every metric and subset, then the overall ranking by the profile.

    Intervals come from drawing patients with replacement, each with all of
    its cases, and with the same draws for all models. `n` counts the values
    in the mean, `n_undefined` the cases without one, `n_missing` the cases
    without prediction, whatever they scored: a model is complete only with 0.
    An incomplete model is last in every metric that a missing prediction
    leaves undefined, so that skipping a case never improves a place.
    Rows with metric "rank" hold the weighted mean rank and the final place.

    Args:
        scores: From `evaluate`.
        bootstrap: Number of draws; 0 for no intervals.
        seed: Of the draws.
        profile: Name, file or profile; by default the one that the scores were made with.

    Returns:
        Columns of `AGGREGATE_SCHEMA`; by subset, metric and model. `low` and `high` are the 2.5 and 97.5
        percentiles of the draws.

    Raises:
        InputError: The scores lack a metric of the profile, or there are none.
        SettingsError: The profile is not known or wrong.

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
    if bootstrap < 0 or seed < 0:
        raise SettingsError(
            expected="bootstrap and seed of at least 0",
            found=f"{bootstrap}, {seed}",
            where="rank",
            remedy="use 1000 draws",
        )
    protocol = _profile_of(scores, profile)
    grid = arrange_scores(scores)
    _require_metrics(grid, protocol)
    counts = np.ones((1, grid.patient_count), np.int32)
    draws = np.vstack([counts, draw_patients(grid.patient_count, draws=bootstrap, seed=seed)])
    means = {
        (subset, metric): bootstrap_means(grid.values[metric][members], grid.patients[members], draws)
        for subset, members in grid.subsets.items()
        for metric in protocol.metrics
    }
    board = _Board(grid, protocol, means, _interval_words(bootstrap, seed))
    return pl.DataFrame([*board.metric_rows(), *board.rank_rows()], schema=AGGREGATE_SCHEMA)


def overall_places(aggregates: pl.DataFrame) -> dict[str, float | None]:
    """The place of every model in the overall ranking, best first; models without a place come last."""
    overall = aggregates.filter(pl.col("metric") == RANK).sort("rank", nulls_last=True, maintain_order=True)
    return dict(zip(overall["model"], overall["rank"], strict=True))


@dataclass(frozen=True, eq=False)
class _Board:
    """The mean of every subset and metric; (1 + draws, models), row 0 on the data as they are."""

    grid: ScoreGrid
    profile: Profile
    means: dict[tuple[str, str], NDArray[np.float64]]
    interval: str

    def metric_rows(self) -> Iterator[dict[str, Any]]:
        """A row per subset, metric and model."""
        for (subset, metric), means in self.means.items():
            direction = METRICS[metric].direction
            comparable = self._comparable(subset, metric)[0]
            places = rank_values(comparable, ascending=direction is Direction.LOWER)
            for model in range(len(self.grid.models)):
                has_place = direction is not Direction.ZERO and not np.isnan(means[0, model])
                yield {
                    **self._estimate(means[:, model]),
                    **self._counts(subset, metric, model),
                    "metric": metric,
                    "rank": float(places[model]) if has_place else None,
                    "method": f"mean over cases; {self.interval}",
                }

    def rank_rows(self) -> Iterator[dict[str, Any]]:
        """A row per model with its weighted mean rank and its place."""
        weighted = self._weighted_ranks()
        places = _places(weighted[0], self._tie_breakers())
        weights = ", ".join(f"{rule.name} {rule.weight:g}" for rule in self.profile.metric if rule.weight)
        words = f"ranks of subset means, averaged over subsets, weighted ({weights}), ties by "
        for model in range(len(self.grid.models)):
            yield {
                **self._estimate(weighted[:, model]),
                **self._counts(ALL, None, model),
                "metric": RANK,
                "rank": float(places[model]),
                "method": f"{words}{self.profile.ranking.tie_break}; {self.interval}",
            }

    def _ranked_subsets(self) -> list[str]:
        return [subset for subset in self.grid.subsets if subset != ALL] or [ALL]

    def _weighted_ranks(self) -> NDArray[np.float64]:
        total = np.zeros_like(self.means[ALL, self.profile.metrics[0]])
        subsets = self._ranked_subsets()
        for rule in self.profile.metric:
            ascending = METRICS[rule.name].direction is Direction.LOWER
            for subset in subsets if rule.weight else ():
                total += rule.weight * rank_values(self._comparable(subset, rule.name), ascending=ascending)
        return total / len(subsets)

    def _comparable(self, subset: str, metric: str) -> NDArray[np.float64]:
        """The means as they are ranked: a model that skipped cases has no mean where a skipped case has no value.

        Otherwise leaving out the cases with many false positives would improve the place.
        """
        rule = next(rule for rule in self.profile.metric if rule.name == metric)
        means = self.means[subset, metric]
        if rule.missing != "undefined":
            return means
        is_incomplete = self.grid.is_missing[self.grid.subsets[subset]].any(axis=0)
        return np.where(is_incomplete, np.nan, means)

    def _tie_breakers(self) -> NDArray[np.float64]:
        """Per model, smaller is better: the tie-break metric averaged over subsets that have a value."""
        metric = self.profile.ranking.tie_break
        estimates = np.array([self.means[subset, metric][0] for subset in self._ranked_subsets()])
        known = estimates[~np.isnan(estimates).all(axis=1)]
        mean = known.mean(axis=0) if known.size else np.zeros(len(self.grid.models))
        return mean if METRICS[metric].direction is Direction.LOWER else -mean

    def _estimate(self, samples: NDArray[np.float64]) -> dict[str, Any]:
        interval = percentile_interval(samples[1:], confidence=CONFIDENCE)
        low, high = interval if interval is not None else (None, None)
        return {"estimate": None if np.isnan(samples[0]) else float(samples[0]), "low": low, "high": high}

    def _counts(self, subset: str, metric: str | None, model: int) -> dict[str, Any]:
        members = self.grid.subsets[subset]
        total = int(members.sum())
        undefined = int(np.isnan(self.grid.values[metric][members, model]).sum()) if metric else 0
        return {
            "model": self.grid.models[model],
            "subset": subset,
            "n": total - undefined,
            "n_undefined": undefined,
            "n_missing": int(self.grid.is_missing[members, model].sum()),
        }


def _places(weighted: NDArray[np.float64], tie_breakers: NDArray[np.float64]) -> NDArray[np.int64]:
    """Places by weighted rank, then by tie-breaker; what is still equal shares the better place."""
    first = rank_values(np.round(weighted, 9), ascending=True)
    second = rank_values(tie_breakers, ascending=True)
    return rank_values(first * (second.size + 1) + second, ascending=True)


def _profile_of(scores: Scores, profile: str | Path | Profile | None) -> Profile:
    if isinstance(profile, Profile):
        return profile
    if profile is not None:
        return load_profile(profile)
    text = scores.run.get("profile_text")
    if text:
        return parse_profile(str(text), where="profile_text of the scores")
    if scores.table.is_empty():
        raise _cannot_rank("scores", "none")
    return load_profile(str(scores.table["profile"][0]))


def _require_metrics(grid: ScoreGrid, profile: Profile) -> None:
    absent = [metric for metric in profile.metrics if metric not in grid.values]
    if absent:
        raise _cannot_rank(f"the metrics of {profile.name}", f"no {', '.join(absent)}")


def _cannot_rank(expected: str, found: str) -> InputError:
    return InputError(expected=expected, found=found, where="rank", remedy="evaluate the predictions with this profile")


def _interval_words(bootstrap: int, seed: int) -> str:
    if not bootstrap:
        return "no interval"
    return f"{CONFIDENCE:.0%} percentile bootstrap of patients ({bootstrap} draws, seed {seed})"
