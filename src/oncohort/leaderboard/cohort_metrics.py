"""Numbers that only a whole cohort has: areas under curves, rates of patients, pooled rates of lesions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.leaderboard.box_metrics import lesion_cpm
from oncohort.leaderboard.cohort_quantities import CurveArea, PooledRatio, PresenceShare, Sureness
from oncohort.leaderboard.grid import ScoreGrid
from oncohort.leaderboard.quantities import Quantity
from oncohort.leaderboard.samples import Array
from oncohort.metrics import Direction
from oncohort.profiles import CohortMetric
from oncohort.statistics.curves import ap_draws, auc_draws

POOLED = "all structures"
"""Name of the structure of a cohort metric that pools them."""

REFERENCE_VOLUME, PREDICTION_VOLUME = "reference_volume_ml", "prediction_volume_ml"


@dataclass(frozen=True)
class CohortFormula:
    """How a metric of a cohort is computed from numbers per case.

    Args:
        label: Words of a heading.
        description: One sentence.
        undefined: When there is no value, in words.
        build: The quantity, from the grid and the profile's entry.
        unit: As metrics have it.
        direction: Which way is better.
    """

    label: str
    description: str
    undefined: str
    build: Callable[[ScoreGrid, CohortMetric], Quantity]
    unit: str = "1"
    direction: Direction = Direction.HIGHER


def cohort_quantity(grid: ScoreGrid, rule: CohortMetric) -> Quantity:
    """The quantity that a profile's `[[cohort_metric]]` asks for.

    A case without a usable prediction counts as the worst: not found where the
    reference is there, a false alarm where it is not, last among the sure. Where
    a patient is the unit, it holds what any of its cases holds, and is called
    what any of them is called; pooled ratios stay sums over lesions.
    """
    return COHORT_FORMULAS[rule.name].build(grid, rule)


def truth_of(grid: ScoreGrid, structure: str | None) -> NDArray[np.bool_]:
    """(cases,): whether the reference holds the structure, by a column where the profile says so; None asks for any."""
    if grid.flags is not None:
        return grid.flags
    volumes = _sums(grid, REFERENCE_VOLUME, structure)[0]
    return np.asarray(np.nan_to_num(volumes).max(axis=1, initial=0.0) > 0)


def sureness_of(grid: ScoreGrid, metric: str, structure: str | None) -> Sureness:
    """How sure the models are of the structure, by a metric; several structures are summed."""
    values, known = _sums(grid, metric, structure)
    return Sureness(truth_of(grid, structure), np.where(known, values, np.nan))


def _sums(grid: ScoreGrid, metric: str, structure: str | None) -> tuple[Array, NDArray[np.bool_]]:
    """The sum of a metric over structures, and where any of them has a value; both (cases, models)."""
    structures = grid.structures_of(metric) if structure is None else (structure,)
    values = np.stack([grid.values[name, metric] for name in structures])
    return np.nan_to_num(values).sum(axis=0), np.asarray((~np.isnan(values)).any(axis=0))


def _ratio(grid: ScoreGrid, rule: CohortMetric, numerator: NDArray[Any], denominator: NDArray[Any]) -> PooledRatio:
    shape = (len(grid.cases), len(grid.models))
    above, below = (np.broadcast_to(part, shape).astype(np.float64) for part in (numerator, denominator))
    failed = _failed(grid, rule) if rule.name in ("lesion_precision", "lesion_f1") else None
    return PooledRatio(rule.structure or POOLED, rule.column, Direction.HIGHER, above, below, failed)


def _failed(grid: ScoreGrid, rule: CohortMetric) -> NDArray[np.bool_]:
    """(cases, models): no count of false lesions, by the fault of the prediction; sums would profit from it."""
    structures = grid.structures_of(rule.false) if rule.structure is None else (rule.structure,)
    return np.asarray(np.stack([grid.is_failed[name, rule.false] for name in structures]).any(axis=0))


def _share(grid: ScoreGrid, rule: CohortMetric) -> Quantity:
    volumes = sureness_of(grid, PREDICTION_VOLUME, rule.structure)
    is_of_positives = rule.name == "patient_sensitivity"
    return PresenceShare(
        rule.structure or POOLED, rule.column, volumes, rule.positive_ml, is_of_positives=is_of_positives
    )


def _lesion_recall(grid: ScoreGrid, rule: CohortMetric) -> Quantity:
    found, lost = (_sums(grid, name, rule.structure)[0] for name in (rule.found, rule.missed))
    return _ratio(grid, rule, found, found + lost)


def _lesion_precision(grid: ScoreGrid, rule: CohortMetric) -> Quantity:
    drawn, false = (_sums(grid, name, rule.structure)[0] for name in ("prediction_lesions", rule.false))
    return _ratio(grid, rule, drawn - false, drawn)


def _lesion_f1(grid: ScoreGrid, rule: CohortMetric) -> Quantity:
    found, false, lost = (_sums(grid, name, rule.structure)[0] for name in (rule.found, rule.false, rule.missed))
    return _ratio(grid, rule, 2 * found, 2 * found + false + lost)


def _auc(grid: ScoreGrid, rule: CohortMetric) -> Quantity:
    words = f"area under the ROC curve of cases by {score_words(rule)}"
    return _area(grid, rule, words, auc_draws)


def _ap(grid: ScoreGrid, rule: CohortMetric) -> Quantity:
    words = f"average precision of cases by {score_words(rule)}"
    return _area(grid, rule, words, ap_draws)


def score_words(rule: CohortMetric) -> str:
    """What says how sure a model is of a case, in words.

    Examples:
        >>> score_words(CohortMetric(name="auc"))
        'prediction volume'
    """
    return rule.score.removesuffix("_ml").replace("_", " ")


def _area(grid: ScoreGrid, rule: CohortMetric, words: str, area: Callable[..., Array]) -> Quantity:
    sureness = sureness_of(grid, rule.score, rule.structure)
    return CurveArea(rule.structure or POOLED, rule.column, words, sureness, area, rule.name == "auc")


_ONE_KIND = "no case with the structure, or none without"
_NO_CARRIER = "no case with the structure"
_NO_LESION = "no lesion in any reference"

COHORT_FORMULAS: dict[str, CohortFormula] = {
    "auc": CohortFormula("AUC", "Area under the ROC curve: is the structure there?", _ONE_KIND, _auc),
    "ap": CohortFormula("AP", "Average precision: is the structure there?", _NO_CARRIER, _ap),
    "patient_sensitivity": CohortFormula(
        "Patient sensitivity",
        "Share of the cases with the structure in which it is predicted, wherever.",
        _NO_CARRIER,
        _share,
    ),
    "specificity": CohortFormula(
        "Specificity",
        "Share of the cases without the structure in which none is predicted.",
        "no case without the structure",
        _share,
    ),
    "tumour_sensitivity": CohortFormula(
        "Tumour sensitivity", "Share of all lesions of the reference that are found.", _NO_LESION, _lesion_recall
    ),
    "lesion_recall": CohortFormula(
        "Lesion recall, pooled", "Share of all lesions of the reference that are found.", _NO_LESION, _lesion_recall
    ),
    "lesion_precision": CohortFormula(
        "Lesion precision, pooled",
        "Share of all predicted lesions that are no false ones.",
        "no predicted lesion",
        _lesion_precision,
    ),
    "lesion_f1": CohortFormula(
        "Lesion F1, pooled",
        "Harmonic mean of pooled recall and precision.",
        "no lesion in any reference and none predicted",
        _lesion_f1,
    ),
    "froc_cpm": CohortFormula(
        "CPM", "Mean sensitivity to lesions at 1/8 to 8 false lesions per case.", _NO_LESION, lesion_cpm
    ),
}
"""Every metric of a cohort by its name, as profiles call them."""
