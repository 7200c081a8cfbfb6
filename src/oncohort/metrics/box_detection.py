"""Detection of boxes, scored: per class, over a range of thresholds, with its confusion and its bootstrap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncohort.metrics.box_comparison import ComparisonSettings, compare_boxes
from oncohort.metrics.box_matching import BoxMatching, MatchSettings, match_boxes
from oncohort.metrics.box_precision import Interpolation, box_average_precision, draw_box_average_precision
from oncohort.metrics.box_ranking import RankedHits, rank_hits
from oncohort.metrics.box_sets import PredictedBoxes, ReferenceBoxes, check_classes


@dataclass(frozen=True)
class DetectionSettings:
    """Everything that an average precision depends on; print it beside every number.

    Args:
        comparison: Dimension, pixel rule, IoU or centres, classes, images without reference.
        matching: Who may match whom, ignored references, most predictions.
        thresholds: Of IoU (or of the share of the diameter), rising.
        interpolation: Of precision over recall.
        pooling: "macro": the mean over the classes that have references.
            "micro": all classes in one ranking, matched within their class if `comparison` says so.

    Raises:
        ValueError: No thresholds, or another pooling.
    """

    comparison: ComparisonSettings
    matching: MatchSettings
    thresholds: tuple[float, ...]
    interpolation: Interpolation
    pooling: Literal["macro", "micro"]

    def __post_init__(self) -> None:
        """Refuse what gives no number."""
        if not self.thresholds or self.pooling not in ("macro", "micro"):
            raise ValueError(f"expected thresholds and pooling macro or micro, got {self.thresholds}, {self.pooling!r}")


@dataclass(frozen=True)
class ClassDetection:
    """What was found of one class, at each threshold.

    Args:
        name: Of the class.
        references: Boxes that count.
        ignored: Reference boxes that do not.
        predictions: All of the class, before any cap.
        hits: Found references per threshold.
        false: False predictions per threshold.
        average_precision: Per threshold; NaN without references.
    """

    name: str
    references: int
    ignored: int
    predictions: int
    hits: tuple[int, ...]
    false: tuple[int, ...]
    average_precision: tuple[float, ...]

    @property
    def missed(self) -> tuple[int, ...]:
        """References that nothing found, per threshold."""
        return tuple(self.references - hits for hits in self.hits)


@dataclass(frozen=True, eq=False)
class Detection:
    """References and predictions, matched at every threshold; all numbers derive from here.

    Args:
        settings: The protocol.
        classes: Names by index.
        matchings: One per threshold.
    """

    settings: DetectionSettings
    classes: tuple[str, ...]
    matchings: tuple[BoxMatching, ...]

    @property
    def per_class(self) -> tuple[ClassDetection, ...]:
        """Counts and average precision of every class, those without boxes included."""
        return tuple(_class_detection(self, index, name) for index, name in enumerate(self.classes))

    @property
    def average_precisions(self) -> NDArray[np.float64]:
        """Average precision per threshold and class, or (thresholds, 1) if pooled; NaN without references."""
        rows = [
            [box_average_precision(one, interpolation=self.settings.interpolation) for one in row]
            for row in self._rankings()
        ]
        return np.array(rows)

    @property
    def mean_average_precision(self) -> float:
        """The mean over thresholds, and with macro pooling over the classes that have references; NaN if none has."""
        return float(_mean_of_defined(self.average_precisions.reshape(1, -1))[0])

    def draw_mean_average_precision(self, *, patients: ArrayLike, draws: ArrayLike) -> NDArray[np.float64]:
        """`mean_average_precision` in each draw of patients: (draws,).

        A class without references in a draw does not count in that draw.

        Args:
            patients: (images,) index of the patient of each image.
            draws: (draws, patients) how often each patient was drawn.
        """
        interpolation = self.settings.interpolation
        columns = [
            draw_box_average_precision(one, patients=patients, draws=draws, interpolation=interpolation)
            for row in self._rankings()
            for one in row
        ]
        return _mean_of_defined(np.stack(columns, axis=1))

    def _rankings(self) -> list[list[RankedHits]]:
        classes: Sequence[int | None] = range(len(self.classes)) if self.settings.pooling == "macro" else [None]
        return [[rank_hits(matching, of_class=index) for index in classes] for matching in self.matchings]


def detect_boxes(
    reference: ReferenceBoxes,
    prediction: PredictedBoxes,
    *,
    images: int,
    classes: Sequence[str],
    settings: DetectionSettings,
) -> Detection:
    """Predictions matched to references at every threshold of the protocol.

    Args:
        reference: Reference boxes.
        prediction: Predicted boxes.
        images: Number of images, those without any box included.
        classes: Names by index.
        settings: The protocol.

    Raises:
        ValueError: A class or image index beyond those given, boxes of another dimension, or a threshold
            out of range.

    Examples:
        >>> from oncohort.metrics.box_sets import predicted_boxes, reference_boxes
        >>> settings = DetectionSettings(
        ...     ComparisonSettings(2, "half-open", "iou", "class", "count"),
        ...     MatchSettings("coco", ignored_takes="any", maximum=100, cap="first"),
        ...     thresholds=iou_range(0.5, 0.95, step=0.05), interpolation="101-point", pooling="macro",
        ... )
        >>> found = detect_boxes(
        ...     reference_boxes([[[0, 10], [0, 10]]], images=[0]),
        ...     predicted_boxes([[[0, 10], [0, 8]]], images=[0], scores=[0.9]),
        ...     images=1, classes=["A"], settings=settings,
        ... )
        >>> found.mean_average_precision, found.per_class[0].hits
        (0.7, (1, 1, 1, 1, 1, 1, 1, 0, 0, 0))
    """
    check_classes(reference, prediction, len(classes))
    comparison = compare_boxes(reference, prediction, images=images, settings=settings.comparison)
    matchings = tuple(
        match_boxes(comparison, threshold=threshold, settings=settings.matching) for threshold in settings.thresholds
    )
    return Detection(settings, tuple(classes), matchings)


def iou_range(first: float, last: float, *, step: float) -> tuple[float, ...]:
    """Thresholds from `first` to `last`, as the decimal numbers that one writes.

    Examples:
        >>> iou_range(0.1, 0.5, step=0.05)
        (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)
    """
    number = round((last - first) / step)
    return tuple(round(first + n * step, 10) for n in range(number + 1))


def _class_detection(detection: Detection, index: int, name: str) -> ClassDetection:
    comparison = detection.matchings[0].comparison
    own = comparison.reference.classes == index
    ranked = [rank_hits(matching, of_class=index) for matching in detection.matchings]
    interpolation = detection.settings.interpolation
    return ClassDetection(
        name=name,
        references=int((own & ~comparison.reference.ignored).sum()),
        ignored=int((own & comparison.reference.ignored).sum()),
        predictions=int((comparison.prediction.classes == index).sum()),
        hits=tuple(int(one.hits.sum()) for one in ranked),
        false=tuple(int((~one.hits).sum()) for one in ranked),
        average_precision=tuple(box_average_precision(one, interpolation=interpolation) for one in ranked),
    )


def _mean_of_defined(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of each row over what is not NaN; NaN if nothing is left."""
    present = ~np.isnan(table)
    number = present.sum(axis=1)
    total = np.where(present, table, 0.0).sum(axis=1)
    means: NDArray[np.float64] = np.divide(total, number, out=np.full(len(table), np.nan), where=number > 0)
    return means
