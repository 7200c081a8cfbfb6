"""The boxes of one case against those of one model: counts, candidates, confusion."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.errors import PredictionError
from oncohort.evaluation.boxes_predictions import PlacedBox, place_boxes
from oncohort.evaluation.boxes_reference import ReferenceCase, protocol_of
from oncohort.evaluation.findings import Finding
from oncohort.evaluation.measuring import MISSING, UNREADABLE, reason_of
from oncohort.metrics import (
    BoxComparison,
    BoxMatching,
    ComparisonSettings,
    DetectionSettings,
    MatchSettings,
    Outcome,
    PredictedBoxes,
    Presence,
    ReferenceBoxes,
    compare_boxes,
    confuse_boxes,
    f1_score,
    match_boxes,
)
from oncohort.metrics.box_comparison import Measure
from oncohort.profiles import BoxProtocol, MetricRule, Profile, View

OUTCOMES = {
    Outcome.HIT: "hit",
    Outcome.FALSE: "false",
    Outcome.IGNORED: "ignored",
    Outcome.CAPPED: "capped",
    Outcome.SKIPPED: "skipped",
}
"""What became of a candidate, in words."""


@dataclass(frozen=True, eq=False)
class BoxTask:
    """One model on one case.

    Args:
        model: Which model.
        reference: What the case holds.
        rows: Predicted rows; None if there is no prediction for the case.
        profile: The protocol.
        structures: Classes that are scored.
    """

    model: str
    reference: ReferenceCase
    rows: Sequence[Mapping[str, Any]] | None
    profile: Profile
    structures: tuple[str, ...]


def score_boxes(task: BoxTask) -> dict[str, Any]:
    """The result of one task as JSON values.

    Boxes that cannot be placed make the case one without usable prediction.

    Returns:
        `scores` (rows of structure, metric, value, undefined), `candidates` (rows, one per box and matching),
        `predicted` (rows of voxel boxes), `confusion` (counts, or None), `findings`, `absent` (why there is no
        prediction, or None).

    Raises:
        PredictionError: The profile allows no prediction to be missing, and a box cannot be placed.
    """
    boxes = protocol_of(task.profile)
    placed, findings, absent = _placed(task, boxes)
    known = [one for one in placed if task.profile.target.is_union or one.class_name in task.structures]
    images = {image: number for number, image in enumerate(_images(task.reference, known))}
    columns = _Columns(task, known, images)
    views = task.profile.views
    comparisons = {hit: columns.compared(hit, boxes) for hit in dict.fromkeys(view.hit for view in views)}
    matchings = {
        view: match_boxes(comparisons[view.hit], threshold=view.threshold, settings=_matching(view, boxes))
        for view in views
    }
    own = matchings[views[0]]
    return {
        "scores": _score_rows(task, own, absent),
        "candidates": [row for view, one in matchings.items() for row in _candidates(task, known, view, one)],
        "predicted": [
            {"number": number, "class": one.class_name, "score": one.score, **one.row}
            for number, one in enumerate(known, start=1)
        ],
        "confusion": None if task.profile.target.is_union else columns.confused(boxes),
        "findings": [asdict(each) for each in (*findings, *_unknown(task, placed))],
        "absent": absent,
    }


def _placed(task: BoxTask, boxes: BoxProtocol) -> tuple[tuple[PlacedBox, ...], tuple[Finding, ...], str | None]:
    if task.rows is None:
        return (), (), MISSING
    try:
        placed, findings = place_boxes(task.rows, task.reference, boxes)
    except PredictionError as error:
        if task.profile.missing == "error":
            raise
        is_row = any(row["problem"] is not None for row in task.rows)
        return (), (Finding.of_error("prediction_unreadable" if is_row else "prediction_grid", error),), UNREADABLE
    return placed, findings, None


def _images(reference: ReferenceCase, placed: Sequence[PlacedBox]) -> list[tuple[str, int]]:
    return sorted({*(one.image for one in reference.boxes), *(one.image for one in placed)})


def _unknown(task: BoxTask, placed: Sequence[PlacedBox]) -> list[Finding]:
    if task.profile.target.is_union:
        return []
    names = [one.class_name for one in placed if one.class_name not in task.structures]
    return [
        Finding(
            "label_unknown",
            "error",
            f"class {name!r} of {names.count(name)} boxes, left out",
            f"predict {', '.join(task.structures)}",
        )
        for name in dict.fromkeys(names)
    ]


@dataclass(frozen=True, eq=False)
class _Columns:
    """References and predictions of a case as columns."""

    task: BoxTask
    placed: Sequence[PlacedBox]
    images: Mapping[tuple[str, int], int]

    def compared(self, hit: Measure, boxes: BoxProtocol) -> BoxComparison:
        """How close all boxes are, by IoU or by centres."""
        return compare_boxes(*self._sides(hit), images=len(self.images), settings=_comparison(hit, boxes))

    def confused(self, boxes: BoxProtocol) -> list[list[int]]:
        """Counts of reference class by predicted class, with a last row and column for none."""
        view = self.task.profile.views[0]
        settings = DetectionSettings(
            _comparison(view.hit, boxes), _matching(view, boxes), (view.threshold,), boxes.interpolation, "macro"
        )
        lowest = -math.inf if boxes.confusion_score is None else boxes.confusion_score
        reference, prediction = self._sides(view.hit)
        found = confuse_boxes(
            reference,
            prediction,
            images=len(self.images),
            classes=self.task.structures,
            settings=settings,
            minimum_score=lowest,
        )
        counts: list[list[int]] = found.counts.tolist()
        return counts

    def _sides(self, hit: str) -> tuple[ReferenceBoxes, PredictedBoxes]:
        drawn = self.task.reference.boxes
        axes = protocol_of(self.task.profile).dimension
        sides = [
            np.array([one.plain if hit == "iou" else one.scaled for one in side], np.float64).reshape(-1, axes, 2)
            for side in (drawn, self.placed)
        ]
        reference = ReferenceBoxes(
            sides[0],
            np.array([self.images[one.image] for one in drawn], np.intp),
            self._classes([one.class_name for one in drawn]),
            np.zeros(len(drawn), np.bool_),
        )
        scores = np.array([one.score for one in self.placed], np.float64)
        places = np.array([self.images[one.image] for one in self.placed], np.intp)
        return reference, PredictedBoxes(
            sides[1], places, self._classes([one.class_name for one in self.placed]), scores
        )

    def _classes(self, names: Sequence[str | None]) -> NDArray[np.intp]:
        if self.task.profile.target.is_union:
            return np.zeros(len(names), np.intp)
        return np.array([self.task.structures.index(str(name)) for name in names], np.intp)


def _comparison(hit: Measure, boxes: BoxProtocol) -> ComparisonSettings:
    rule = boxes.pixel_rule if hit == "iou" else "half-open"
    return ComparisonSettings(boxes.dimension, rule, hit, "class", boxes.images_without_reference)


def _matching(view: View, boxes: BoxProtocol) -> MatchSettings:
    return MatchSettings(view.matching, ignored_takes="any", maximum=boxes.max_detections, cap="first")


def _candidates(task: BoxTask, placed: Sequence[PlacedBox], view: View, matching: BoxMatching) -> list[dict[str, Any]]:
    return [
        {
            "structure": task.structures[0] if task.profile.target.is_union else one.class_name,
            "candidate": number + 1,
            "score": one.score,
            "matched_lesion": None if matching.matched[number] < 0 else int(matching.matched[number]) + 1,
            "iou": _iou(matching, number, view),
            "image": _image_name(one.image),
            **view._asdict(),
            "outcome": OUTCOMES[Outcome(int(matching.outcome[number]))],
        }
        for number, one in enumerate(placed)
    ]


def _iou(matching: BoxMatching, number: int, view: View) -> float | None:
    """IoU with the box that it was matched to, else with the closest one; 0 where there is none."""
    if view.hit != "iou":
        return None
    value = float(matching.closeness[number])
    return 0.0 if math.isnan(value) else value


def _image_name(image: tuple[str, int]) -> str:
    volume, k = image
    return volume if k < 0 else f"{volume} {k}"


def _score_rows(task: BoxTask, matching: BoxMatching, absent: str | None) -> list[dict[str, Any]]:
    return [
        {"structure": structure, "metric": rule.column, **_value(rule, _counts(matching, index), absent)}
        for index, structure in enumerate(task.structures)
        for rule in task.profile.metric
        if rule.measures(structure)
    ]


@dataclass(frozen=True)
class _Counts:
    found: int
    missed: int
    false: int
    predicted: int

    @property
    def presence(self) -> Presence:
        if self.found + self.missed:
            return Presence.BOTH_PRESENT if self.predicted else Presence.PREDICTION_EMPTY
        return Presence.REFERENCE_EMPTY if self.predicted else Presence.BOTH_EMPTY

    @property
    def values(self) -> dict[str, float]:
        return {
            "lesion_tp": self.found,
            "lesion_fp": self.false,
            "lesion_fn": self.missed,
            "lesion_f1": f1_score(self.found, self.false, self.missed),
            "lesion_recall": _share(self.found, self.found + self.missed),
            "lesion_precision": _share(self.predicted - self.false, self.predicted),
            "reference_lesions": self.found + self.missed,
            "prediction_lesions": self.predicted,
        }


def _counts(matching: BoxMatching, index: int) -> _Counts:
    comparison = matching.comparison
    own = comparison.reference.classes == index
    of_class = comparison.prediction.classes == index
    outcome = matching.outcome
    taking_part = (outcome != Outcome.CAPPED) & (outcome != Outcome.SKIPPED)
    found = int((own & (matching.found_by >= 0)).sum())
    return _Counts(
        found=found,
        missed=int(own.sum()) - found,
        false=int((of_class & (outcome == Outcome.FALSE)).sum()),
        predicted=int((of_class & taking_part).sum()),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def _value(rule: MetricRule, counts: _Counts, absent: str | None) -> dict[str, Any]:
    value, undefined = _decided(rule, counts, absent)
    return {"value": value, "undefined": undefined}


def _decided(rule: MetricRule, counts: _Counts, absent: str | None) -> tuple[float | None, str | None]:
    if absent is not None and rule.missing != "as-empty":
        return (None, absent) if rule.missing == "undefined" else (float(rule.missing), None)
    decision = rule.rule_for(counts.presence)
    if decision == "undefined":
        return None, reason_of(counts.presence)
    if decision != "measured":
        return float(decision), None
    value = float(counts.values[rule.name])
    return (None, "not_a_number") if math.isnan(value) else (value, None)
