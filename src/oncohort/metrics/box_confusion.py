"""Which class was taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from oncohort.metrics.box_comparison import compare_boxes
from oncohort.metrics.box_detection import DetectionSettings
from oncohort.metrics.box_matching import Outcome, match_boxes
from oncohort.metrics.box_sets import PredictedBoxes, ReferenceBoxes, check_classes


@dataclass(frozen=True, eq=False)
class BoxConfusion:
    """Counts of reference classes against predicted classes.

    Args:
        classes: Names by index.
        counts: (classes + 1, classes + 1) rows: class of the reference, last: no
            reference (false predictions); columns: class of the prediction,
            last: no prediction (missed).
        threshold: Of IoU, or of the share of the diameter.
        minimum_score: Predictions below were left out.
    """

    classes: tuple[str, ...]
    counts: NDArray[np.int64]
    threshold: float
    minimum_score: float


def confuse_boxes(
    reference: ReferenceBoxes,
    prediction: PredictedBoxes,
    *,
    images: int,
    classes: Sequence[str],
    settings: DetectionSettings,
    minimum_score: float,
) -> BoxConfusion:
    """The classes of boxes that were matched whatever their class.

    Matched by the rules of `settings` at its first threshold, but within
    images. Ignored references, and predictions that they took out of the
    count, are not in the table.

    Args:
        reference: Reference boxes.
        prediction: Predicted boxes.
        images: Number of images.
        classes: Names by index.
        settings: The protocol.
        minimum_score: Predictions with a lower score are left out; -inf for none.

    Raises:
        ValueError: A class or image index beyond those given, or boxes of another dimension.

    Examples:
        >>> from oncohort.metrics.box_comparison import ComparisonSettings
        >>> from oncohort.metrics.box_matching import MatchSettings
        >>> from oncohort.metrics.box_sets import predicted_boxes, reference_boxes
        >>> settings = DetectionSettings(
        ...     ComparisonSettings(2, "half-open", "iou", "class", "count"),
        ...     MatchSettings("coco", ignored_takes="any", maximum=100, cap="first"),
        ...     thresholds=(0.5,), interpolation="101-point", pooling="macro",
        ... )
        >>> confuse_boxes(
        ...     reference_boxes([[[0, 9], [0, 9]]], images=[0], classes=[0]),
        ...     predicted_boxes([[[0, 9], [0, 9]]], images=[0], classes=[1], scores=[0.9]),
        ...     images=1, classes=["A", "G"], settings=settings, minimum_score=0.5,
        ... ).counts.tolist()
        [[0, 1, 0], [0, 0, 0], [0, 0, 0]]
    """
    check_classes(reference, prediction, len(classes))
    sure = prediction.scores >= minimum_score
    kept = PredictedBoxes(
        prediction.boxes[sure], prediction.images[sure], prediction.classes[sure], prediction.scores[sure]
    )
    anywhere = replace(settings.comparison, within="image")
    comparison = compare_boxes(reference, kept, images=images, settings=anywhere)
    threshold = settings.thresholds[0]
    matching = match_boxes(comparison, threshold=threshold, settings=settings.matching)
    counts = np.zeros((len(classes) + 1, len(classes) + 1), np.int64)
    found = matching.found_by >= 0
    np.add.at(counts, (reference.classes[found], kept.classes[matching.found_by[found]]), 1)
    missed = reference.classes[~found & ~reference.ignored]
    false = kept.classes[matching.outcome == Outcome.FALSE]
    counts[:-1, -1] = np.bincount(missed, minlength=len(classes))
    counts[-1, :-1] = np.bincount(false, minlength=len(classes))
    return BoxConfusion(tuple(classes), counts, threshold, minimum_score)
