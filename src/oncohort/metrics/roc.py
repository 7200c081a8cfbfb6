"""Receiver operating characteristic of patients, and what is read from it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncohort.metrics.detection import as_flags

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RocCurve:
    """Positives and negatives at or above every threshold.

    The first point has an infinite threshold and counts nothing; then comes
    one point for every score that occurs, from the highest to the lowest, so
    that patients of equal score are never torn apart.

    Args:
        thresholds: (m,) falling; a patient is positive at `score >= threshold`.
        true_positives: (m,) patients with the condition at or above it (weights, if weighted).
        false_positives: (m,) patients without it.
    """

    thresholds: Floats
    true_positives: Floats
    false_positives: Floats

    @property
    def sensitivity(self) -> Floats:
        """(m,) share of the patients with the condition; NaN if there are none."""
        return _share(self.true_positives, self.true_positives[-1])

    @property
    def false_positive_rate(self) -> Floats:
        """(m,) share of the patients without the condition; NaN if there are none."""
        return _share(self.false_positives, self.false_positives[-1])

    @property
    def specificity(self) -> Floats:
        """(m,) 1 less the false positive rate, from the counts."""
        return _share(self.false_positives[-1] - self.false_positives, self.false_positives[-1])

    def sensitivity_at(self, false_positive_rates: ArrayLike) -> Floats:
        """The sensitivity on straight lines between the points, the highest where the curve is upright.

        Args:
            false_positive_rates: (n,) within 0 to 1.

        Examples:
            >>> roc_curve([0, 1, 0, 1], [0.1, 0.4, 0.35, 0.8]).sensitivity_at([0.0, 0.25, 1.0]).tolist()
            [1.0, 1.0, 1.0]
        """
        return interpolate(self.false_positive_rate, self.sensitivity, np.asarray(false_positive_rates, np.float64))


def roc_curve(truth: ArrayLike, scores: ArrayLike, *, weights: ArrayLike | None = None) -> RocCurve:
    """The curve of sensitivity over false positive rate.

    Args:
        truth: (patients,) whether the condition is present.
        scores: (patients,) higher means more likely; -inf for a missing prediction.
        weights: (patients,) how often each counts, such as one draw of a bootstrap (default: once).

    Raises:
        ValueError: The lengths differ, or a score is NaN or +inf.

    Source: Fawcett, Pattern Recognition Letters 27 (2006) 861.

    Examples:
        >>> curve = roc_curve([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8])
        >>> curve.thresholds.tolist(), curve.sensitivity.tolist(), curve.false_positive_rate.tolist()
        ([inf, 0.8, 0.4, 0.1], [0.0, 0.5, 1.0, 1.0], [0.0, 0.0, 0.5, 1.0])
    """
    flags, values = as_flags(truth), as_scores(scores)
    number = np.ones(values.shape) if weights is None else np.asarray(weights, np.float64)
    if flags.ndim != 1 or not flags.shape == values.shape == number.shape:
        raise ValueError(
            f"expected one value per patient, got {flags.shape} truths, {values.shape} scores, {number.shape} weights"
        )
    thresholds, (positives, negatives) = accumulate(values, number * flags, number * ~flags)
    return RocCurve(thresholds, positives, negatives)


def roc_auc(truth: ArrayLike, scores: ArrayLike) -> float:
    """The chance that a patient with the condition scores above one without; equal scores count half.

    This is the area under `roc_curve` and the Mann-Whitney statistic with
    midranks. NaN unless there are patients of both kinds.

    Args:
        truth: (patients,) whether the condition is present.
        scores: (patients,) higher means more likely; -inf for a missing prediction.

    Raises:
        ValueError: The lengths differ, or a score is NaN or +inf.

    Source: Hanley and McNeil, Radiology 143 (1982) 29.

    Examples:
        >>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8])
        0.875
    """
    curve = roc_curve(truth, scores)
    positives, negatives = curve.true_positives, curve.false_positives
    pairs = float(positives[-1] * negatives[-1])
    won = float((np.diff(negatives) * (positives[1:] + positives[:-1])).sum()) / 2.0
    return won / pairs if pairs else math.nan


def average_precision(truth: ArrayLike, scores: ArrayLike) -> float:
    """Mean precision at each score that gains a positive, weighted by the gain in recall.

    Steps, without interpolation; equal scores count together. NaN without
    positives. For lesions that may be missed altogether see
    `lesion_average_precision`.

    Args:
        truth: (patients,) whether the condition is present.
        scores: (patients,) higher means more likely; -inf for a missing prediction.

    Raises:
        ValueError: The lengths differ, or a score is NaN or +inf.

    Source: Su, Yuan and Zhu, ICTIR 2015, 349; as scikit-learn's `average_precision_score`.

    Examples:
        >>> average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]).__format__(".4f")
        '0.8333'
    """
    curve = roc_curve(truth, scores)
    return step_precision(curve.true_positives, curve.false_positives, float(curve.true_positives[-1]))


def step_precision(true_positives: Floats, false_positives: Floats, total: float) -> float:
    """The sum of precision x gain in recall over falling thresholds; NaN if `total` is 0.

    Args:
        true_positives: (m,) from 0 on.
        false_positives: (m,) from 0 on.
        total: All that could be found.

    Examples:
        >>> step_precision(np.array([0.0, 1.0, 1.0, 2.0]), np.array([0.0, 0.0, 1.0, 2.0]), 2.0)
        0.75
    """
    if total == 0:
        return math.nan
    found = true_positives + false_positives
    precision = np.divide(true_positives, found, out=np.zeros_like(found), where=found > 0)
    return float((np.diff(true_positives) * precision[1:]).sum() / total)


def as_scores(scores: ArrayLike) -> Floats:
    """Scores as float64.

    Raises:
        ValueError: A score is NaN or +inf.

    Examples:
        >>> as_scores([1, float("-inf")]).tolist()
        [1.0, -inf]
    """
    values = np.asarray(scores, np.float64)
    if np.isnan(values).any() or np.isposinf(values).any():
        raise ValueError("expected numbers as scores (or -inf for none), got NaN or +inf")
    return values


def accumulate(scores: Floats, *columns: Floats) -> tuple[Floats, tuple[Floats, ...]]:
    """The sum of each column over the scores at or above every threshold.

    Args:
        scores: (n,) without NaN.
        columns: (n,) each.

    Returns:
        Thresholds (m,), +inf and then each score once, falling; and for each
        column its sums (m,), from 0 on.

    Examples:
        >>> thresholds, (sums,) = accumulate(np.array([1.0, 3.0, 1.0]), np.array([2.0, 5.0, 4.0]))
        >>> thresholds.tolist(), sums.tolist()
        ([inf, 3.0, 1.0], [0.0, 5.0, 11.0])
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last_of_its_score = np.ones(ranked.shape, np.bool_)
    last_of_its_score[:-1] = ranked[1:] != ranked[:-1]
    last = np.flatnonzero(last_of_its_score)
    sums = tuple(np.concatenate([[0.0], np.cumsum(column[order])[last]]) for column in columns)
    return np.concatenate([[np.inf], ranked[last]]), sums


def interpolate(across: Floats, up: Floats, at: Floats) -> Floats:
    """The height of a rising curve on straight lines; where it is upright its top, beyond its end flat.

    NaN all over if the curve is undefined.

    Args:
        across: (m,) rising, from at most the smallest of `at`; equal values stand upright.
        up: (m,) rising.
        at: (n,) where to read.

    Examples:
        >>> interpolate(np.array([0.0, 0.0, 2.0, 2.0]), np.array([0.0, 1.0, 3.0, 4.0]), np.array([0, 1, 2, 9])).tolist()
        [1.0, 2.0, 4.0, 4.0]
    """
    if np.isnan(across[-1]):
        return np.full(at.shape, np.nan)
    left = np.searchsorted(across, at, side="right") - 1
    right = np.minimum(left + 1, across.size - 1)
    width = across[right] - across[left]
    share = np.divide(at - across[left], width, out=np.zeros_like(at, dtype=np.float64), where=width > 0)
    return np.asarray(up[left] + share * (up[right] - up[left]), np.float64)


def _share(counts: Floats, total: float) -> Floats:
    return counts / total if total else np.full(counts.shape, np.nan)
