"""Which predicted box finds which reference box, by the rules of VOC, COCO and LUNA16."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from oncohort.metrics.box_comparison import BoxComparison, BoxGroup, Measure

MatchRule = Literal["voc", "coco", "luna"]

_NONE = -1


class Outcome(IntEnum):
    """What became of a prediction."""

    HIT = 1
    FALSE = 0
    IGNORED = -1
    CAPPED = -2
    SKIPPED = -3


@dataclass(frozen=True)
class MatchSettings:
    """Who may match whom, in words that have no defaults.

    Predictions of an image (and class) take their turn by falling score;
    equal scores in their order. A reference that none of them finds is
    missed: it counts in the denominator alone.

    Args:
        rule: "voc": the closest reference decides, and if an earlier
            prediction has it, this one is false. "coco": the closest
            reference that is free and close enough; ignored ones only if no
            other is; the later one of two equally close. "luna": a
            reference is found by its best prediction, further hits on it are
            ignored, and one prediction may find several.
        ignored_takes: Whether an ignored reference takes "one" prediction or
            "any" number out of the count. "voc" and "luna" mean "any"; COCO
            has "one" for sizes out of range and "any" for crowds.
        maximum: Most predictions per image (and class), the surest; None for all.
        cap: Which of them stay: "first": that many, in order; "strict":
            those above the score of the first one too many (LUNA16).

    Raises:
        ValueError: An unknown word, fewer than one prediction, or "one" with "voc" or "luna".
    """

    rule: MatchRule
    ignored_takes: Literal["one", "any"]
    maximum: int | None
    cap: Literal["first", "strict"]

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        known = self.rule in get_args(MatchRule) and self.ignored_takes in ("one", "any")
        if not known or self.cap not in ("first", "strict") or (self.maximum is not None and self.maximum < 1):
            raise ValueError(f"expected the words of MatchSettings and a maximum of 1 or more, got {self}")
        if self.rule != "coco" and self.ignored_takes == "one":
            raise ValueError(f"expected ignored_takes = 'any' with rule {self.rule!r}, got 'one'")


@dataclass(frozen=True, eq=False)
class BoxMatching:
    """What became of every prediction and every reference at one threshold.

    Args:
        comparison: What was matched.
        threshold: Least IoU; or the share of its diameter that the centre must stay below.
        settings: By which rules.
        outcome: (predictions,) values of `Outcome`.
        matched: (predictions,) place of the reference that it found or that took it out of the count; -1 for none.
        closeness: (predictions,) to that reference, or to the closest of its
            image (and class); NaN where there is none.
        found_by: (references,) place of the prediction that found it; -1 if missed or ignored.
    """

    comparison: BoxComparison
    threshold: float
    settings: MatchSettings
    outcome: NDArray[np.int8]
    matched: NDArray[np.intp]
    closeness: NDArray[np.float64]
    found_by: NDArray[np.intp]

    def counts_per_image(self) -> NDArray[np.int64]:
        """Hits, false predictions and missed references of each image: (images, 3); for pooled ratios and draws."""
        reference, prediction = self.comparison.reference, self.comparison.prediction
        missed = (self.found_by == _NONE) & ~reference.ignored
        parts = (
            reference.images[self.found_by != _NONE],
            prediction.images[self.outcome == Outcome.FALSE],
            reference.images[missed],
        )
        return np.stack([np.bincount(part, minlength=len(self.comparison.counted)) for part in parts], axis=1)


def match_boxes(comparison: BoxComparison, *, threshold: float, settings: MatchSettings) -> BoxMatching:
    """Which prediction finds which reference.

    Args:
        comparison: From `compare_boxes`.
        threshold: By IoU: the least IoU of a hit (0 < t <= 1). By centre: a
            hit is nearer than this share of the diameter of the reference,
            strictly (0.5: inside its radius).
        settings: The rules.

    Raises:
        ValueError: A threshold outside its range.

    Examples:
        >>> from oncohort.metrics.box_comparison import ComparisonSettings, compare_boxes
        >>> from oncohort.metrics.box_sets import predicted_boxes, reference_boxes
        >>> comparison = compare_boxes(
        ...     reference_boxes([[[0, 4], [0, 4]]], images=[0]),
        ...     predicted_boxes([[[0, 4], [0, 2]], [[0, 4], [0, 4]]], images=[0, 0], scores=[0.9, 0.8]),
        ...     images=1, settings=ComparisonSettings(2, "half-open", "iou", "class", "count"),
        ... )
        >>> rules = MatchSettings("voc", ignored_takes="any", maximum=None, cap="first")
        >>> match_boxes(comparison, threshold=0.5, settings=rules).outcome.tolist()
        [1, 0]
    """
    measure = comparison.settings.measure
    if not threshold > 0 or (measure == "iou" and threshold > 1):
        raise ValueError(f"expected a threshold above 0 (IoU: up to 1), got {threshold}")
    reference, prediction = comparison.reference, comparison.prediction
    outcome = np.full(len(prediction.boxes), Outcome.SKIPPED, np.int8)
    matched = np.full(len(prediction.boxes), _NONE, np.intp)
    closeness = np.full(len(prediction.boxes), np.nan)
    found_by = np.full(len(reference.boxes), _NONE, np.intp)
    for group in comparison.groups:
        kept = _kept(prediction.scores[group.prediction], settings)
        outcome[group.prediction[~kept]] = Outcome.CAPPED
        columns = group.prediction[kept]
        near = group.closeness[:, kept]
        hits = _hits(group, near, threshold, measure)
        turn = _Turn(near, hits, reference.ignored[group.reference], settings.ignored_takes == "any")
        outcome[columns], rows, finders = _RULES[settings.rule](turn)
        taken = rows != _NONE
        matched[columns[taken]] = group.reference[rows[taken]]
        closeness[columns] = _closeness(near, rows)
        found = finders != _NONE
        found_by[group.reference[found]] = columns[finders[found]]
    return BoxMatching(comparison, threshold, settings, outcome, matched, closeness, found_by)


@dataclass(frozen=True, eq=False)
class _Turn:
    """One group as the rules see it: predictions by falling score along the second axis."""

    closeness: NDArray[np.float64]
    hits: NDArray[np.bool_]
    ignored: NDArray[np.bool_]
    ignored_takes_any: bool


_Matched = tuple[NDArray[np.int8], NDArray[np.intp], NDArray[np.intp]]
"""Outcome and row of every column; column that found every row."""


def _match_voc(turn: _Turn) -> _Matched:
    outcome, rows, finders = _nothing(turn)
    if not turn.hits.any():
        return outcome, rows, finders
    closest = turn.closeness.argmax(axis=0)
    for column, row in enumerate(closest):
        if not turn.hits[row, column]:
            continue
        if turn.ignored[row]:
            outcome[column], rows[column] = Outcome.IGNORED, row
        elif finders[row] == _NONE:
            outcome[column], rows[column], finders[row] = Outcome.HIT, row, column
    return outcome, rows, finders


def _match_coco(turn: _Turn) -> _Matched:
    outcome, rows, finders = _nothing(turn)
    free = np.ones(len(turn.ignored), dtype=np.bool_)
    for column in np.flatnonzero(turn.hits.any(axis=0)):
        open_rows = np.flatnonzero(turn.hits[:, column] & free)
        if not open_rows.size:
            continue
        regular = open_rows[~turn.ignored[open_rows]]
        choice = regular if regular.size else open_rows
        near = turn.closeness[choice, column]
        row = choice[np.flatnonzero(near == near.max())[-1]]
        rows[column] = row
        if turn.ignored[row]:
            outcome[column] = Outcome.IGNORED
            free[row] = turn.ignored_takes_any
        else:
            outcome[column], finders[row], free[row] = Outcome.HIT, column, False
    return outcome, rows, finders


def _match_luna(turn: _Turn) -> _Matched:
    outcome, rows, finders = _nothing(turn)
    if not turn.hits.any():
        return outcome, rows, finders
    hit = turn.hits.any(axis=0)
    outcome[hit] = Outcome.IGNORED
    rows[hit] = np.where(turn.hits, turn.closeness, -np.inf).argmax(axis=0)[hit]
    found = turn.hits.any(axis=1) & ~turn.ignored
    finders[found] = turn.hits.argmax(axis=1)[found]
    outcome[finders[found]] = Outcome.HIT
    rows[finders[found]] = np.flatnonzero(found)
    return outcome, rows, finders


_RULES: dict[MatchRule, Callable[[_Turn], _Matched]] = {"voc": _match_voc, "coco": _match_coco, "luna": _match_luna}


def _nothing(turn: _Turn) -> _Matched:
    rows, columns = turn.closeness.shape
    return np.full(columns, Outcome.FALSE, np.int8), np.full(columns, _NONE, np.intp), np.full(rows, _NONE, np.intp)


def _kept(scores: NDArray[np.float64], settings: MatchSettings) -> NDArray[np.bool_]:
    """Which of the falling scores stay under the cap."""
    if settings.maximum is None or len(scores) <= settings.maximum:
        return np.ones(len(scores), dtype=np.bool_)
    if settings.cap == "strict":
        return np.asarray(scores > scores[settings.maximum])
    return np.arange(len(scores)) < settings.maximum


def _hits(group: BoxGroup, closeness: NDArray[np.float64], threshold: float, measure: Measure) -> NDArray[np.bool_]:
    if measure == "iou":
        return closeness >= threshold
    return np.asarray(closeness > -threshold * group.diameters[:, None])


def _closeness(closeness: NDArray[np.float64], rows: NDArray[np.intp]) -> NDArray[np.float64]:
    if not len(closeness):
        return np.full(len(rows), np.nan)
    return np.where(rows == _NONE, closeness.max(axis=0), closeness[rows, np.arange(len(rows))])
