"""How close each predicted box is to each reference box of its image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from oncohort.boxes import Boxes, PixelRule, beyond, iou_matrix
from oncohort.metrics.box_sets import PredictedBoxes, ReferenceBoxes

Measure = Literal["iou", "centre"]


@dataclass(frozen=True)
class ComparisonSettings:
    """What is compared with what.

    Args:
        dimension: Axes of the boxes.
        pixel_rule: How their stops are meant; boxes in mm and the voxel boxes of a cohort are half-open.
        measure: "iou", or "centre": the distance of the two centres, in units
            of the boxes (mm, to be a distance), against the diameter of the
            reference, which is the longest edge of its box.
        within: Boxes are matched within one image and "class", or within the "image" whatever their class.
        images_without_reference: "count": what is predicted there is false;
            "skip": images without any reference box (ignored ones count as boxes) are left out of everything.

    Raises:
        ValueError: A word that is not one of these.
    """

    dimension: Literal[2, 3]
    pixel_rule: PixelRule
    measure: Measure
    within: Literal["class", "image"]
    images_without_reference: Literal["count", "skip"]

    def __post_init__(self) -> None:
        """Refuse words that mean nothing here."""
        beyond(self.pixel_rule)
        words = (self.measure in get_args(Measure), self.within in ("class", "image"), self.dimension in (2, 3))
        if not all(words) or self.images_without_reference not in ("count", "skip"):
            raise ValueError(f"expected the words of ComparisonSettings, got {self}")


@dataclass(frozen=True, eq=False)
class BoxGroup:
    """The boxes of one image (and class) that may be matched.

    Args:
        reference: (n,) their places among the reference boxes.
        prediction: (m,) places among the predictions, by falling score; equal scores in their order.
        closeness: (n, m) IoU, or minus the distance of the centres.
        diameters: (n,) longest edge of each reference box.
    """

    reference: NDArray[np.intp]
    prediction: NDArray[np.intp]
    closeness: NDArray[np.float64]
    diameters: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BoxComparison:
    """References, predictions and how close they are, before anything is matched.

    Args:
        reference: As given.
        prediction: As given.
        groups: By image and class; every box is in exactly one, but for
            predictions on images that are skipped.
        counted: (images,) which images take part.
        settings: As given.
    """

    reference: ReferenceBoxes
    prediction: PredictedBoxes
    groups: tuple[BoxGroup, ...]
    counted: NDArray[np.bool_]
    settings: ComparisonSettings


def compare_boxes(
    reference: ReferenceBoxes, prediction: PredictedBoxes, *, images: int, settings: ComparisonSettings
) -> BoxComparison:
    """How close each prediction is to each reference of its image (and class).

    Args:
        reference: Reference boxes.
        prediction: Predicted boxes.
        images: Number of images, those without any box included.
        settings: What is compared with what.

    Raises:
        ValueError: Boxes of another dimension, or an image index of `images` or more.

    Examples:
        >>> from oncohort.metrics.box_sets import predicted_boxes, reference_boxes
        >>> settings = ComparisonSettings(2, "half-open", "iou", "class", "count")
        >>> comparison = compare_boxes(
        ...     reference_boxes([[[0, 4], [0, 4]]], images=[0]),
        ...     predicted_boxes([[[0, 4], [0, 2]]], images=[0], scores=[0.9]),
        ...     images=1, settings=settings,
        ... )
        >>> comparison.groups[0].closeness.tolist()
        [[0.5]]
    """
    for side in (reference, prediction):
        if len(side.boxes) and side.boxes.shape[1] != settings.dimension:
            raise ValueError(f"expected boxes with {settings.dimension} axes, got {side.boxes.shape[1]}")
        if len(side.images) and side.images.max() >= images:
            raise ValueError(f"expected image indices below {images}, got {side.images.max()}")
    counted = np.ones(images, dtype=np.bool_)
    if settings.images_without_reference == "skip":
        counted[:] = False
        counted[reference.images] = True
    groups = tuple(_groups(reference, prediction, counted, settings))
    return BoxComparison(reference, prediction, groups, counted, settings)


def _groups(
    reference: ReferenceBoxes, prediction: PredictedBoxes, counted: NDArray[np.bool_], settings: ComparisonSettings
) -> Iterator[BoxGroup]:
    classes = 1 + max([0, *reference.classes.tolist(), *prediction.classes.tolist()])
    by_class = 1 if settings.within == "class" else 0
    keys = [side.images * classes + side.classes * by_class for side in (reference, prediction)]
    used = np.flatnonzero(counted[prediction.images])
    falling = used[np.lexsort((-prediction.scores[used], keys[1][used]))]
    rising = np.argsort(keys[0], kind="stable")
    sorted_keys = keys[0][rising], keys[1][falling]
    for key in np.union1d(*sorted_keys):
        rows = rising[slice(*np.searchsorted(sorted_keys[0], [key, key + 1]))]
        columns = falling[slice(*np.searchsorted(sorted_keys[1], [key, key + 1]))]
        first, second = reference.boxes[rows], prediction.boxes[columns]
        yield BoxGroup(rows, columns, _closeness(first, second, settings), _diameters(first, settings))


def _closeness(first: Boxes, second: Boxes, settings: ComparisonSettings) -> NDArray[np.float64]:
    if settings.measure == "iou":
        return iou_matrix(first, second, pixel_rule=settings.pixel_rule)
    if not len(first) or not len(second):
        return np.zeros((len(first), len(second)))
    distances = np.linalg.norm(first.mean(axis=2)[:, None] - second.mean(axis=2)[None], axis=2)
    return np.asarray(-distances, dtype=np.float64)


def _diameters(boxes: Boxes, settings: ComparisonSettings) -> NDArray[np.float64]:
    edges = boxes[..., 1] - boxes[..., 0] + beyond(settings.pixel_rule)
    return np.asarray(edges.max(axis=1), dtype=np.float64)
