"""The figures of a leaderboard, made from scores and aggregates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oncohort.leaderboard.candidates import curve_of
from oncohort.leaderboard.cohort_metrics import REFERENCE_VOLUME, score_words, sureness_of
from oncohort.leaderboard.columns import case_columns
from oncohort.leaderboard.grid import ALL, MACRO, ScoreGrid, arrange_scores
from oncohort.leaderboard.protocol import is_ranked, profile_of, sample_of, unit_words, weighted_quantities
from oncohort.leaderboard.ranking import RANK, overall_places
from oncohort.metrics.froc import CPM_RATES, FrocCurve, froc_cpm, froc_curve, froc_sensitivities
from oncohort.metrics.roc import roc_curve
from oncohort.profiles import BoxProtocol, Profile
from oncohort.reporting import Column, Drawing
from oncohort.reporting.curve_chart import Curve, draw_froc, draw_roc
from oncohort.reporting.rank_chart import PlaceShares, draw_rank_stability
from oncohort.reporting.strip_chart import Strip, draw_strips
from oncohort.reporting.volume_chart import draw_against_volume
from oncohort.results import Scores
from oncohort.statistics.bootstrap import draw_patients

MOST_STRIPS = 4
"""Metrics of the profile that have a strip plot; those of the largest weight."""

MOST_BANDS = 4
"""ROC curves with a band; those of the best models."""

_BAND_DRAWS = 500
_BAND_POINTS = 101


@dataclass(frozen=True)
class Drawings:
    """The figures that the scores allow, and why there are no others.

    Args:
        drawn: In the order of a page.
        undrawn: Reason by title.
    """

    drawn: tuple[Drawing, ...]
    undrawn: Mapping[str, str]


def draw_leaderboard(
    scores: Scores,
    aggregates: pl.DataFrame,
    *,
    profile: Profile | None = None,
    volumes_ml: Mapping[str, float | None] | None = None,
    seed: int = 2026,
) -> Drawings:
    """Rank stability, strips of the weighted metrics, the first of them against lesion volume, ROC and FROC.

    Args:
        scores: From `evaluate`.
        aggregates: From `rank` of the same scores.
        profile: By default the one that the scores were made with.
        volumes_ml: Volume of the reference by case, where the scores do not hold it.
        seed: Of the draws for the band of the ROC curves.
    """
    protocol = profile_of(scores, profile)
    grid = arrange_scores(scores)
    artist = _Artist(scores, aggregates, protocol, grid, seed)
    attempts = {
        "Rank stability": artist.rank_stability(),
        **dict(artist.strips()),
        "Against lesion volume": artist.against_volume(volumes_ml),
        "ROC": artist.roc(),
        "FROC": artist.froc(),
    }
    return Drawings(
        tuple(made for made in attempts.values() if isinstance(made, Drawing)),
        {title: reason for title, reason in attempts.items() if isinstance(reason, str)},
    )


@dataclass(frozen=True, eq=False)
class _Artist:
    """Each method gives a drawing, or the reason why there is none."""

    scores: Scores
    aggregates: pl.DataFrame
    profile: Profile
    grid: ScoreGrid
    seed: int

    @property
    def _models(self) -> list[str]:
        """Best first."""
        places = overall_places(self.aggregates)
        return [*places, *(model for model in self.grid.models if model not in places)]

    @property
    def _columns(self) -> dict[str, Column]:
        return {column.name: column for column in case_columns(self.profile)}

    @property
    def _deciding(self) -> list[str]:
        """Weighted metrics of cases, the weightiest first."""
        pairs = [
            (weight, quantity.metric)
            for weight, quantity in weighted_quantities(self.grid, self.profile)
            if quantity.case_values is not None and is_ranked(quantity)
        ]
        heaviest = sorted(pairs, key=lambda pair: -pair[0])
        return [metric for weight, metric in heaviest if weight] or [metric for _, metric in heaviest[:1]]

    def rank_stability(self) -> Drawing | str:
        rows = self.aggregates.filter(pl.col("metric") == RANK).sort("rank", maintain_order=True).to_dicts()
        if not rows or rows[0]["place_shares"] is None:
            return "the ranking has no bootstrap"
        if len(rows) < 2:
            return "there is one model only"
        shares = [
            PlaceShares(row["model"], row["rank"], row["place_shares"], row["rank_low"], row["rank_high"])
            for row in rows
        ]
        return draw_rank_stability(shares, cases=len(self.grid.cases), tau=rows[0]["tau"], method=rows[0]["method"])

    def strips(self) -> Iterator[tuple[str, Drawing | str]]:
        for metric in self._deciding[:MOST_STRIPS]:
            values, _ = self.grid.case_values(metric)
            known = values[~np.isnan(values)]
            if known.size == 0 or np.ptp(known) == 0:
                yield metric, f"every value is {known[0]:g}" if known.size else "there is no value"
                continue
            rows = {row["model"]: row for row in self._rows(metric)}
            strips = {
                model: _strip(values[:, self.grid.models.index(model)], rows.get(model, {})) for model in self._models
            }
            yield metric, draw_strips(strips, self._columns[metric])

    def against_volume(self, volumes_ml: Mapping[str, float | None] | None) -> Drawing | str:
        if not self._deciding:
            return "no metric has a weight"
        volumes = self._volumes(volumes_ml)
        if volumes is None:
            return f"the scores hold no {REFERENCE_VOLUME}; --cohort, or a profile that has it, gives it"
        metric = "dice" if "dice" in self._columns else self._deciding[0]
        values, _ = self.grid.case_values(metric)
        columns = {model: values[:, self.grid.models.index(model)] for model in self._models}
        return draw_against_volume(volumes, columns, self._columns[metric])

    def roc(self) -> Drawing | str:
        entry = next((one for one in self.profile.cohort_metric if one.name == "auc"), None)
        if entry is None:
            return "the profile has no auc"
        everyone = sample_of(self.grid, self.grid.subsets[ALL], self.profile)
        truth, scores = sureness_of(self.grid, entry.score, entry.structure).of(everyone)
        units = unit_words(self.profile, everyone)
        if truth.all() or not truth.any():
            return f"all {units} are of one kind"
        positives = int(truth.sum())
        carriers = np.bincount(everyone.owners, weights=truth, minlength=self.grid.patient_count) > 0
        draws = draw_patients(self.grid.patient_count, draws=_BAND_DRAWS, seed=self.seed, strata=carriers)
        rows = {row["model"]: row for row in self._rows(entry.column)}
        curves = [
            _roc(
                model,
                _finite(scores[:, self.grid.models.index(model)]),
                truth,
                draws[:, everyone.owners] if number < MOST_BANDS else None,
                rows.get(model, {}),
            )
            for number, model in enumerate(self._models)
        ]
        what = score_words(entry)
        return draw_roc(curves, positives=positives, negatives=truth.size - positives, what=what, units=units)

    def froc(self) -> Drawing | str:
        if self.profile.boxes is not None:
            return self._froc_of_boxes(self.profile.boxes)
        candidates, lesions = self.scores.candidates, self.scores.lesions
        if candidates is None or lesions is None:
            return "the scores hold no candidates; a profile that lists lesions does"
        reference = lesions.filter(pl.col("side") == "reference")
        total = reference.filter(pl.col("model") == self.grid.models[0]).height
        if not total:
            return "the references hold no lesion"
        cases = len(self.grid.cases)
        curves = [_froc(model, candidates.filter(pl.col("model") == model), total, cases) for model in self._models]
        return draw_froc(curves, lesions=total, cases=cases)

    def _froc_of_boxes(self, boxes: BoxProtocol) -> Drawing | str:
        """All classes pooled, by the first FROC number of the profile."""
        table, rule = self.grid.candidates, next((one for one in self.profile.box_metric if one.is_sweep), None)
        if table is None or rule is None:
            return "the profile asks for no FROC"
        lesions = int(table.references(None).sum())
        if not lesions:
            return "the references hold no box"
        (view,) = rule.views(boxes)
        curves = [_marked(model, curve_of(table.ranked(model, None, view), table.images)) for model in self._models]
        return draw_froc(curves, lesions=lesions, cases=int(table.images.sum()), unit=boxes.image)

    def _rows(self, metric: str) -> list[dict[str, Any]]:
        """The rows of a metric over all cases: of its only structure, or of the mean over structures."""
        rows = self.aggregates.filter((pl.col("metric") == metric) & (pl.col("subset") == ALL))
        if rows["structure"].n_unique() > 1:
            rows = rows.filter(pl.col("structure") == MACRO)
        return rows.to_dicts()

    def _volumes(self, given: Mapping[str, float | None] | None) -> NDArray[np.float64] | None:
        if given is not None:
            return np.array([np.nan if given.get(case) is None else given[case] for case in self.grid.cases], float)
        if REFERENCE_VOLUME not in self.grid.metrics:
            return None
        values, _ = self.grid.case_values(REFERENCE_VOLUME)
        return np.asarray(np.nan_to_num(values).max(axis=1))


def _strip(values: NDArray[np.float64], row: Mapping[str, Any]) -> Strip:
    return Strip(values, row.get("estimate"), row.get("low"), row.get("high"))


def _finite(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Infinite scores (a missing prediction) as one step beyond the others."""
    known = scores[np.isfinite(scores)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    return np.clip(scores, low - 1.0, high + 1.0)


def _roc(
    model: str,
    scores: NDArray[np.float64],
    truth: NDArray[np.bool_],
    weights: NDArray[np.int32] | None,
    row: Mapping[str, Any],
) -> Curve:
    """One model's curve; `weights` (draws, cases) say how often a case counts in each draw of the band."""
    curve = roc_curve(truth, scores)
    area, low, high = row.get("estimate"), row.get("low"), row.get("high")
    words = "" if area is None else f"AUC {area:.3f}"
    words += "" if low is None else f" ({low:.3f} to {high:.3f})"
    band = None if weights is None else _band(scores, truth, weights)
    return Curve(model, curve.false_positive_rate, curve.sensitivity, words, band)


def _band(
    scores: NDArray[np.float64], truth: NDArray[np.bool_], weights: NDArray[np.int32]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]] | None:
    """The middle 95 % of the sensitivity at each false positive rate, over the draws that hold both kinds of case."""
    places = np.linspace(0.0, 1.0, _BAND_POINTS)
    drawn = [
        roc_curve(truth, scores, weights=row.astype(np.float64)).sensitivity_at(places)
        for row in weights
        if row[truth].any() and row[~truth].any()
    ]
    if not drawn:
        return None
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return places, low, high


def _froc(model: str, candidates: pl.DataFrame, lesions: int, cases: int) -> Curve:
    columns = (
        candidates["case"].to_numpy(),
        candidates["score"].to_numpy(),
        candidates["matched_lesion"].fill_null(0).to_numpy(),
    )
    return _marked(model, froc_curve(columns, lesions=lesions, cases=cases, repeated_hits="ignored"))


def _marked(model: str, curve: FrocCurve) -> Curve:
    rates = np.array(CPM_RATES)
    marks = (rates, froc_sensitivities(curve, rates=rates, between="linear"))
    words = f"mean of marks {froc_cpm(curve):.3f}"
    return Curve(model, curve.false_positives_per_case, curve.sensitivity, words, marks=marks)
