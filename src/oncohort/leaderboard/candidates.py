"""Candidates by falling score: what curves over a cohort, and their draws of patients, are made of."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oncohort.leaderboard.samples import Array
from oncohort.metrics import FrocCurve, RankedHits, draw_box_average_precision, froc_sensitivities
from oncohort.metrics.box_precision import Interpolation
from oncohort.metrics.roc import accumulate
from oncohort.profiles import View
from oncohort.results import Scores


@dataclass(frozen=True, eq=False)
class CandidateTable:
    """The candidates of all models, and what there is to find.

    Args:
        candidates: Columns of `CANDIDATE_SCHEMA`, for boxes also those of `BOX_VIEW_SCHEMA`.
        lesions: One row per lesion of the reference: `case` and `structure`.
        cases: Ids, in the order of the scores.
        images: (cases,) how many images each case holds.
    """

    candidates: pl.DataFrame
    lesions: pl.DataFrame
    cases: tuple[str, ...]
    images: Array
    _known: dict[Hashable, Array] = field(default_factory=dict, init=False, repr=False)

    def references(self, structure: str | None) -> NDArray[np.int64]:
        """(cases,): how many lesions there are to find; None pools all structures."""
        own = self.lesions if structure is None else self.lesions.filter(pl.col("structure") == structure)
        places = {case: index for index, case in enumerate(self.cases)}
        return np.bincount([places[case] for case in own["case"]], minlength=len(self.cases)).astype(np.int64)

    def ranked(self, model: str, structure: str | None, view: View | None = None) -> RankedHits:
        """Found lesions and false candidates of a model by falling score; the images are the cases.

        Equal scores keep the order of the table. Further candidates on a lesion
        that has been found count neither way, unless the matching has said so.

        Args:
            model: Whose.
            structure: Of which candidates; None for all.
            view: Of profiles of boxes, by which matching.
        """
        own = self.candidates.filter(pl.col("model") == model)
        if structure is not None:
            own = own.filter(pl.col("structure") == structure)
        own = _first_hits(own) if view is None else _outcomes(own, view)
        own = own.sort("score", descending=True, maintain_order=True)
        places = {case: index for index, case in enumerate(self.cases)}
        return RankedHits(
            scores=own["score"].to_numpy().astype(np.float64),
            hits=own["is_hit"].to_numpy().astype(np.bool_),
            images=np.array([places[case] for case in own["case"]], np.intp),
            references=self.references(structure),
            counted=np.ones(len(self.cases), np.bool_),
        )

    def remember(self, key: Hashable, compute: Callable[[], Array]) -> Array:
        """What `compute` gives, which is called once per key."""
        if key not in self._known:
            self._known[key] = compute()
        return self._known[key]


def candidates_of(scores: Scores, cases: tuple[str, ...]) -> CandidateTable | None:
    """The candidates of scores; None where they hold none."""
    if scores.candidates is None:
        return None
    lesions = _lesions(scores)
    if lesions is None:
        return None
    images: Mapping[str, int] = scores.run.get("images", {})
    return CandidateTable(scores.candidates, lesions, cases, np.array([images.get(case, 1) for case in cases], float))


def _lesions(scores: Scores) -> pl.DataFrame | None:
    is_reference = pl.col("side") == "reference"
    if scores.boxes is not None:
        drawn = scores.boxes.filter(is_reference).unique(["case", "number"], maintain_order=True)
        return drawn.select("case", structure="class")
    if scores.lesions is None:
        return None
    listed = scores.lesions.filter(is_reference).unique(["case", "structure", "lesion"], maintain_order=True)
    return listed.select("case", "structure")


def _first_hits(own: pl.DataFrame) -> pl.DataFrame:
    """Candidates of masks: the surest on each lesion, and those on none."""
    falling = own.sort("score", descending=True, maintain_order=True)
    is_first = pl.struct("case", "structure", "matched_lesion").is_first_distinct()
    is_hit = pl.col("matched_lesion").is_not_null()
    return falling.with_columns(is_hit=is_hit).filter(~is_hit | is_first)


def _outcomes(own: pl.DataFrame, view: View) -> pl.DataFrame:
    of_view = [pl.col(name) == value for name, value in view._asdict().items()]
    matched = own.filter(*of_view, pl.col("outcome").is_in(["hit", "false"]))
    return matched.with_columns(is_hit=pl.col("outcome") == "hit")


Reading = Callable[[RankedHits, Array], Array]
"""A number per row of weights (rows, cases) of a ranking; NaN where a row has nothing to find."""


def read_precision(interpolation: Interpolation) -> Reading:
    """Average precision."""

    def read(ranked: RankedHits, weights: Array) -> Array:
        cases = np.arange(weights.shape[1])
        return draw_box_average_precision(ranked, patients=cases, draws=weights, interpolation=interpolation)

    return read


def read_froc(images: Array, rates: tuple[float, ...]) -> Reading:
    """Mean sensitivity at rates of false candidates per image.

    Args:
        images: (cases,) how many images each case holds.
        rates: False candidates per image.
    """

    def read(ranked: RankedHits, weights: Array) -> Array:
        return np.array([_mean_sensitivity(ranked, row, images, rates) for row in weights], np.float64)

    return read


def _mean_sensitivity(ranked: RankedHits, weights: Array, images: Array, rates: tuple[float, ...]) -> float:
    number, references = float(weights @ images), float(weights @ ranked.references)
    if not number or not references:
        return float("nan")
    curve = _curve(ranked, weights, number, references)
    return float(np.mean(froc_sensitivities(curve, rates=rates, between="linear")))


def curve_of(ranked: RankedHits, images: Array) -> FrocCurve:
    """The FROC curve of all cases as they are."""
    ones = np.ones(len(images))
    return _curve(ranked, ones, float(images.sum()), float(ranked.references.sum()))


def _curve(ranked: RankedHits, weights: Array, images: float, references: float) -> FrocCurve:
    times = weights[ranked.images]
    thresholds, (found, false) = accumulate(ranked.scores, times * ranked.hits, times * ~ranked.hits)
    return FrocCurve(thresholds, found, false, references, images)
