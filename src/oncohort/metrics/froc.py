"""Detection of lesions: what candidates found and what they cost, over all thresholds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncohort.metrics.roc import Floats, accumulate, as_scores, interpolate, step_precision

CPM_RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""False positives per case at which the competition performance metric reads the sensitivity."""

RepeatedHits = Literal["ignored", "false"]


@dataclass(frozen=True, eq=False)
class FrocCurve:
    """Lesions found and false candidates at or above every threshold.

    The first point has an infinite threshold and counts nothing; then comes
    one point for every score that occurs, falling. Lesions that no candidate
    meets are in the denominator alone, so the sensitivity may end below 1.

    Args:
        thresholds: (m,) falling; a candidate counts at `score >= threshold`.
        true_positives: (m,) lesions found.
        false_positives: (m,) candidates that are false.
        lesions: Number of lesions, missed ones included.
        cases: Number of cases, those without candidates included.
    """

    thresholds: Floats
    true_positives: Floats
    false_positives: Floats
    lesions: float
    cases: float

    @property
    def sensitivity(self) -> Floats:
        """(m,) share of the lesions found; NaN if there are none."""
        return np.asarray(self.true_positives / (self.lesions or math.nan), np.float64)

    @property
    def false_positives_per_case(self) -> Floats:
        """(m,) false candidates by cases."""
        return np.asarray(self.false_positives / self.cases, np.float64)

    @property
    def precision(self) -> Floats:
        """(m,) share of the counted candidates that are true; NaN where there are none."""
        found = self.true_positives + self.false_positives
        precision = np.full(found.shape, np.nan)
        np.divide(self.true_positives, found, out=precision, where=found > 0)
        return precision


def froc_curve(
    candidates: tuple[ArrayLike, ArrayLike, ArrayLike],
    *,
    lesions: float,
    cases: float,
    repeated_hits: RepeatedHits,
    weights: ArrayLike | None = None,
) -> FrocCurve:
    """The curve of lesion sensitivity over false positives per case.

    Args:
        candidates: Three columns (n,): the case of each candidate (a name or number), its score, and
            the lesion of that case that it matches (numbers from 1; 0 for none). Candidates that a protocol
            ignores are left out before.
        lesions: Number of lesions over all cases, missed ones included.
        cases: Number of cases, those without candidates included.
        repeated_hits: What a second candidate on one lesion is: `ignored` (LUNA16, PI-CAI) or `false` (VOC,
            COCO). The one of highest score is the hit.
        weights: (n,) how often each candidate counts, such as the draws of its patient; `lesions`
            and `cases` are then the totals of the same draw (default: once).

    Raises:
        ValueError: Columns of different length, a score of NaN or +inf, a negative lesion number, no
            cases, or more lesions met than there are.

    Source: Bunch et al., Proc SPIE 127 (1977) 124.

    Examples:
        >>> curve = froc_curve((["a", "a", "b"], [0.9, 0.8, 0.7], [1, 0, 1]), lesions=4, cases=2,
        ...                    repeated_hits="ignored")
        >>> curve.sensitivity.tolist(), curve.false_positives_per_case.tolist()
        ([0.0, 0.25, 0.25, 0.5], [0.0, 0.0, 0.5, 0.5])
    """
    if repeated_hits not in get_args(RepeatedHits):
        raise ValueError(f"expected repeated_hits to be ignored or false, got {repeated_hits!r}")
    names, values, matches = np.asarray(candidates[0]), as_scores(candidates[1]), np.asarray(candidates[2])
    number = np.ones(values.shape) if weights is None else np.asarray(weights, np.float64)
    if values.ndim != 1 or not names.shape == values.shape == matches.shape == number.shape:
        raise ValueError(f"expected columns of one length, got {names.shape}, {values.shape}, {matches.shape}")
    if not cases > 0:
        raise ValueError(f"expected one case or more, got {cases:g}")
    first = _first_hits(names, values, matches)
    false = (matches == 0) if repeated_hits == "ignored" else ~first
    thresholds, (hits, alarms) = accumulate(values, number * first, number * false)
    if hits[-1] > lesions:
        raise ValueError(f"expected at least the {hits[-1]:g} lesions that candidates met, got {lesions:g}")
    return FrocCurve(thresholds, hits, alarms, float(lesions), float(cases))


def froc_cpm(
    curve: FrocCurve, *, rates: tuple[float, ...] = CPM_RATES, between: Literal["linear", "step"] = "linear"
) -> float:
    """Mean sensitivity at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false positives per case.

    The competition performance metric. Flat beyond the last point; at a rate where the
    curve is upright the higher sensitivity counts.

    Args:
        curve: From `froc_curve`.
        rates: Where to read.
        between: Straight lines between the points, or the last point reached.

    Source: Niemeijer et al., IEEE Trans Med Imaging 30 (2011) 215; LUNA16.

    Examples:
        >>> curve = froc_curve((["a", "b"], [0.9, 0.8], [1, 0]), lesions=2, cases=2, repeated_hits="ignored")
        >>> froc_cpm(curve)
        0.5
    """
    return float(np.mean(froc_sensitivities(curve, rates=rates, between=between)))


def froc_sensitivities(curve: FrocCurve, *, rates: ArrayLike, between: Literal["linear", "step"]) -> Floats:
    """The sensitivity at each rate of false positives per case.

    Args:
        curve: From `froc_curve`.
        rates: (n,) false positives per case.
        between: As in `froc_cpm`.

    Returns:
        (n,).

    Examples:
        >>> curve = froc_curve((["a", "b"], [0.9, 0.8], [0, 1]), lesions=1, cases=2, repeated_hits="ignored")
        >>> froc_sensitivities(curve, rates=[0.25, 0.5], between="linear").tolist()
        [0.0, 1.0]
    """
    across, up, at = curve.false_positives_per_case, curve.sensitivity, np.asarray(rates, np.float64)
    if between == "step":
        return up[np.searchsorted(across, at, side="right") - 1]
    return interpolate(across, up, at)


def lesion_average_precision(curve: FrocCurve) -> float:
    """Mean precision at each score that gains a lesion, weighted by the gain in sensitivity.

    Steps, without interpolation; equal scores count together; lesions that are
    never found add nothing. NaN without lesions. For the interpolated
    precisions of VOC and COCO see `box_average_precision`.

    Args:
        curve: From `froc_curve`.

    Source: Saha et al., Lancet Oncol 25 (2024) 879, and picai_eval 1.4 (PI-CAI).

    Examples:
        >>> curve = froc_curve((["a", "a", "b"], [0.9, 0.8, 0.7], [0, 1, 1]), lesions=4, cases=2,
        ...                    repeated_hits="ignored")
        >>> round(lesion_average_precision(curve), 4)
        0.2917
    """
    return step_precision(curve.true_positives, curve.false_positives, curve.lesions)


def _first_hits(names: NDArray[Any], scores: Floats, matches: NDArray[Any]) -> NDArray[np.bool_]:
    """Which candidates are the first, by falling score, to meet their lesion."""
    first = np.zeros(scores.shape, np.bool_)
    if np.any(matches < 0):
        raise ValueError(f"expected lesion numbers of 1 or more, or 0 for none, got {matches.min()}")
    order = np.argsort(-scores, kind="stable")
    order = order[matches[order] > 0]
    if order.size:
        case = np.unique(names[order], return_inverse=True)[1]
        lesion = np.unique(matches[order], return_inverse=True)[1]
        first[order[np.unique(case * (lesion.max() + 1) + lesion, return_index=True)[1]]] = True
    return first
