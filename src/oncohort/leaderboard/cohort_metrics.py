"""Numbers that only a whole cohort has: areas under curves, rates of patients, pooled rates of lesions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.leaderboard.grid import ScoreGrid
from oncohort.leaderboard.quantities import Array, CurveArea, PooledRatio, Quantity
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
    reference is there, a false alarm where it is not, last among the sure.
    """
    return COHORT_FORMULAS[rule.name].build(grid, rule)


def truth_of(grid: ScoreGrid, structure: str | None) -> NDArray[np.bool_]:
    """(cases,): whether the reference holds the structure; None asks for any."""
    volumes = _sums(grid, REFERENCE_VOLUME, structure)[0]
    return np.asarray(np.nan_to_num(volumes).max(axis=1, initial=0.0) > 0)


def sureness_of(grid: ScoreGrid, metric: str, structure: str | None) -> Array:
    """(cases, models): how sure a model is of the structure; the worst where there is no value.

    Several structures are summed.
    """
    values, known = _sums(grid, metric, structure)
    worst = np.where(truth_of(grid, structure), -np.inf, np.inf)[:, None]
    return np.where(known, values, worst)


def _sums(grid: ScoreGrid, metric: str, structure: str | None) -> tuple[Array, NDArray[np.bool_]]:
    """The sum of a metric over structures, and where any of them has a value; both (cases, models)."""
    structures = grid.structures_of(metric) if structure is None else (structure,)
    values = np.stack([grid.values[name, metric] for name in structures])
    return np.nan_to_num(values).sum(axis=0), np.asarray((~np.isnan(values)).any(axis=0))


def _called(grid: ScoreGrid, rule: CohortMetric) -> NDArray[np.bool_]:
    """(cases, models): predicted positive; a failed prediction is wrong either way."""
    values, known = _sums(grid, PREDICTION_VOLUME, rule.structure)
    truth = truth_of(grid, rule.structure)[:, None]
    return np.where(known, values > rule.positive_ml, ~truth)


def _ratio(grid: ScoreGrid, rule: CohortMetric, numerator: NDArray[Any], denominator: NDArray[Any]) -> PooledRatio:
    shape = (len(grid.cases), len(grid.models))
    above, below = (np.broadcast_to(part, shape).astype(np.float64) for part in (numerator, denominator))
    is_share = rule.name in ("patient_sensitivity", "specificity")
    failed = _failed(grid, rule) if rule.name in ("lesion_precision", "lesion_f1") else None
    presence = truth_of(grid, rule.structure) if is_share else None
    return PooledRatio(
        rule.structure or POOLED, rule.column, Direction.HIGHER, above, below, is_share, failed, presence
    )


def _failed(grid: ScoreGrid, rule: CohortMetric) -> NDArray[np.bool_]:
    """(cases, models): no count of false lesions, by the fault of the prediction; sums would profit from it."""
    structures = grid.structures_of("lesion_fp") if rule.structure is None else (rule.structure,)
    return np.asarray(np.stack([grid.is_failed[name, "lesion_fp"] for name in structures]).any(axis=0))


def _patient_sensitivity(grid: ScoreGrid, rule: CohortMetric) -> Quantity:
    truth = truth_of(grid, rule.structure)[:, None]
    return _ratio(grid, rule, truth & _called(grid, rule), truth)


def _specificity(grid: ScoreGrid, rule: CohortMetric) -> Quantity:
    free = ~truth_of(grid, rule.structure)[:, None]
    return _ratio(grid, rule, free & ~_called(grid, rule), free)


def _lesion_recall(grid: ScoreGrid, rule: CohortMetric) -> Quantity:
    found, lost = (_sums(grid, name, rule.structure)[0] for name in ("lesion_tp", rule.missed))
    return _ratio(grid, rule, found, found + lost)


def _lesion_precision(grid: ScoreGrid, rule: CohortMetric) -> Quantity:
    drawn, false = (_sums(grid, name, rule.structure)[0] for name in ("prediction_lesions", "lesion_fp"))
    return _ratio(grid, rule, drawn - false, drawn)


def _lesion_f1(grid: ScoreGrid, rule: CohortMetric) -> Quantity:
    found, false, lost = (_sums(grid, name, rule.structure)[0] for name in ("lesion_tp", "lesion_fp", rule.missed))
    return _ratio(grid, rule, 2 * found, 2 * found + false + lost)


def _auc(grid: ScoreGrid, rule: CohortMetric) -> Quantity:
    words = f"area under the ROC curve of cases by {rule.score}"
    return _area(grid, rule, words, auc_draws)


def _ap(grid: ScoreGrid, rule: CohortMetric) -> Quantity:
    words = f"average precision of cases by {rule.score}"
    return _area(grid, rule, words, ap_draws)


def _area(grid: ScoreGrid, rule: CohortMetric, words: str, area: Callable[..., Array]) -> Quantity:
    truth, scores = truth_of(grid, rule.structure), sureness_of(grid, rule.score, rule.structure)
    return CurveArea(rule.structure or POOLED, rule.column, words, truth, scores, area, rule.name == "auc")


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
        _patient_sensitivity,
    ),
    "specificity": CohortFormula(
        "Specificity",
        "Share of the cases without the structure in which none is predicted.",
        "no case without the structure",
        _specificity,
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
}
"""Every metric of a cohort by its name, as profiles call them."""
