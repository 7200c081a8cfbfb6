"""The metrics of a profile on pairs of masks, empty and missing ones included."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from oncohort.metrics import MaskPair, Matching, Presence
from oncohort.profiles import MetricRule, Profile

MISSING = "prediction_missing"
"""Reason of a score that has no value because there is no prediction."""

UNREADABLE = "prediction_unreadable"
"""Reason of a score that has no value because the prediction cannot be used."""

SKIPPED = "prediction_skipped"
"""Reason of a score that has no value because the profile leaves out what has no usable prediction."""

NO_IMAGE = "image_missing"
"""Reason of a score that has no value because there is no image to measure uptake in."""


NOT_ANNOTATED = "reference_not_annotated"
"""Reason of a score that has no value because nobody looked for the structure when the reference was drawn."""


@dataclass(frozen=True)
class Measured:
    """The value of one metric of one structure, or the reason why there is none."""

    structure: str
    metric: str
    value: float | None
    undefined: str | None


def measure(
    pairs: Mapping[str, MaskPair],
    profile: Profile,
    *,
    absent: str | None = None,
    no_image: str | None = None,
    facts: Mapping[str, Any] | None = None,
    unannotated: Collection[str] = (),
) -> list[Measured]:
    """Every metric of `profile` on every structure, in their order.

    Only those parts of a pair are computed that the metrics ask for.

    Args:
        pairs: Reference and prediction by structure, from `compare`.
        profile: Says what empty and missing masks are worth.
        absent: Why there is no prediction (the pairs hold an empty one); None if there is one.
        no_image: Why there is no image to measure uptake in; None if there is one.
        facts: What the cohort knows of the case; metrics that are for other cases are left out.
        unannotated: Structures that nobody looked for in this reference; no metric of them has a value.

    Examples:
        >>> import numpy as np
        >>> from oncohort.evaluation.comparing import compare
        >>> from oncohort.geometry import Geometry
        >>> from oncohort.labels import LabelScheme
        >>> from oncohort.profiles import load_profile
        >>> from oncohort.volume import LabelMap
        >>> mask = np.ones((2, 2, 2), bool)
        >>> grid = Geometry(mask.shape, np.diag([10.0, 10.0, 10.0, 1.0]))
        >>> reference = LabelMap.from_masks({"lesion": mask}, grid, LabelScheme("lesion", {"lesion": 1}))
        >>> profile = load_profile("autopet-iii")
        >>> for measured in measure(compare(reference, None, profile), profile, absent=MISSING):
        ...     print(measured.metric, measured.value, measured.undefined)
        dice 0.0 None
        fpv_ml None prediction_missing
        fnv_ml 8.0 None
        volume_difference_ml None prediction_missing
    """
    without = _Without(absent, no_image, is_skipping=profile.missing == "skip")
    return [
        Measured(
            structure, rule.column, *(_NOT_LOOKED_FOR if structure in unannotated else _apply(rule, pair, without))
        )
        for structure, pair in pairs.items()
        for rule in profile.metric
        if rule.measures(structure) and rule.is_for(facts or {})
    ]


_NOT_LOOKED_FOR = (None, NOT_ANNOTATED)


@dataclass(frozen=True)
class _Without:
    """What there is not: reasons, or None; and whether the profile leaves out what has no prediction."""

    prediction: str | None
    image: str | None
    is_skipping: bool


def _apply(rule: MetricRule, pair: MaskPair, without: _Without) -> tuple[float | None, str | None]:
    if without.prediction is not None and without.is_skipping:
        return None, SKIPPED
    if without.prediction is not None and rule.missing != "as-empty":
        return (None, without.prediction) if rule.missing == "undefined" else (float(rule.missing), None)
    decision = rule.rule_for(pair.presence)
    if decision == "undefined":
        return None, reason_of(pair.presence)
    if decision != "measured":
        return float(decision), None
    if without.image is not None and "uptake" in rule.metric.needs:
        return None, without.image
    matched = pair if rule.matching is None else pair.matched_by(Matching(rule.matching.rule, rule.matching.threshold))
    value = float(rule.metric.formula(matched, **rule.parameters))
    return (None, rule.metric.nan_reason or "not_a_number") if math.isnan(value) else (value, None)


def reason_of(presence: Presence) -> str:
    """The reason of a score that has no value because a side is empty.

    Examples:
        >>> reason_of(Presence.BOTH_EMPTY)
        'reference_empty'
    """
    return str(Presence.PREDICTION_EMPTY if presence is Presence.PREDICTION_EMPTY else Presence.REFERENCE_EMPTY)
