"""A threshold by a rule, and what it does."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from oncohort.metrics.detection import Proportion
from oncohort.metrics.roc import RocCurve, roc_curve

Rule = Literal["threshold", "sensitivity", "specificity", "youden"]


@dataclass(frozen=True)
class OperatingPoint:
    """Sensitivity and specificity where `score >= threshold` means positive.

    Args:
        threshold: Infinite if nobody is positive.
        sensitivity: Of the patients with the condition.
        specificity: Of the patients without it.
    """

    threshold: float
    sensitivity: Proportion
    specificity: Proportion


def operating_point(truth: ArrayLike, scores: ArrayLike, *, rule: Rule, value: float | None = None) -> OperatingPoint:
    """The point on the ROC curve that a rule picks.

    A threshold that was picked on the very cases that it is judged by is too
    good; only `rule="threshold"` is free of that.

    Args:
        truth: (patients,) whether the condition is present.
        scores: (patients,) higher means more likely; -inf for a missing prediction.
        rule: `threshold` takes `value` itself; `sensitivity` the most specific point with a
            sensitivity of at least `value`; `specificity` the most sensitive point with a specificity
            of at least `value`; `youden` the point where their sum is greatest (of several the
            most specific).
        value: For every rule but `youden`.

    Raises:
        ValueError: An unknown rule, a value too many or too few, or nobody of the kind that the
            rule goes by.

    Source: Youden, Cancer 3 (1950) 32.

    Examples:
        >>> operating_point([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], rule="sensitivity", value=0.9)
        OperatingPoint(threshold=0.35, sensitivity=Proportion(successes=2, total=2),
                       specificity=Proportion(successes=1, total=2))
    """
    _check(rule, value)
    curve = roc_curve(truth, scores)
    at = _pick(curve, rule, 0.0 if value is None else value)
    positives, negatives = int(curve.true_positives[-1]), int(curve.false_positives[-1])
    return OperatingPoint(
        threshold=float(curve.thresholds[at]) if rule != "threshold" or value is None else value,
        sensitivity=Proportion(int(curve.true_positives[at]), positives),
        specificity=Proportion(negatives - int(curve.false_positives[at]), negatives),
    )


def _check(rule: Rule, value: float | None) -> None:
    if rule not in get_args(Rule):
        raise ValueError(f"expected one of {', '.join(get_args(Rule))}, got {rule!r}")
    if (value is None) != (rule == "youden") or (value is not None and math.isnan(value)):
        raise ValueError(f"expected {'no value' if rule == 'youden' else 'a value'} for the rule {rule}, got {value}")
    if rule in ("sensitivity", "specificity") and value is not None and value > 1.0:
        raise ValueError(f"expected a {rule} of at most 1, got {value}")


def _pick(curve: RocCurve, rule: Rule, value: float) -> int:
    """The index of the point; there always is one, since the curve runs from nobody to everybody."""
    found, total = curve.true_positives, float(curve.true_positives[-1])
    alarms, others = curve.false_positives, float(curve.false_positives[-1])
    if rule == "threshold":
        return int(np.flatnonzero(curve.thresholds >= value)[-1])
    if (total == 0 and rule != "specificity") or (others == 0 and rule != "sensitivity"):
        raise ValueError(f"expected patients of the kind that the rule {rule} goes by, got none")
    if rule == "sensitivity":
        return int(np.flatnonzero(curve.sensitivity >= value)[0])
    if rule == "specificity":
        return int(np.flatnonzero(curve.specificity >= value)[-1])
    return int(np.argmax(found * others - alarms * total))  # whole numbers: equal sums are equal
