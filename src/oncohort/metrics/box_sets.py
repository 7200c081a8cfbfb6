"""Boxes of references and of predictions, as columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncohort.boxes import Boxes, as_boxes


@dataclass(frozen=True, eq=False)
class ReferenceBoxes:
    """The boxes that are to be found.

    Args:
        boxes: (n, axes, 2), start and stop along i, j and, in 3D, k.
        images: (n,) index of the image: the slice (2D) or scan (3D) within which boxes are matched.
        classes: (n,) index of the class.
        ignored: (n,) which of them count neither when found nor when missed.

    Raises:
        ValueError: The columns have different lengths, hold no indices, or `boxes` are no boxes.

    Examples:
        >>> reference_boxes([[[0, 4], [0, 4]]], images=[0]).classes.tolist()
        [0]
    """

    boxes: Boxes
    images: NDArray[np.intp]
    classes: NDArray[np.intp]
    ignored: NDArray[np.bool_]

    def __post_init__(self) -> None:
        """Refuse columns that do not fit together."""
        as_boxes(self.boxes)
        _check_columns(len(self.boxes), images=self.images, classes=self.classes, ignored=self.ignored)


@dataclass(frozen=True, eq=False)
class PredictedBoxes:
    """The boxes that a model found.

    Args:
        boxes: (n, axes, 2), start and stop along i, j and, in 3D, k.
        images: (n,) index of the image.
        classes: (n,) index of the class.
        scores: (n,) higher is surer; predictions of one score keep their order.

    Raises:
        ValueError: The columns have different lengths, hold no indices, a score is not finite, or `boxes` are no boxes.

    Examples:
        >>> predicted_boxes([[[0, 4], [0, 4]]], images=[0], scores=[0.9]).scores.tolist()
        [0.9]
    """

    boxes: Boxes
    images: NDArray[np.intp]
    classes: NDArray[np.intp]
    scores: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Refuse columns that do not fit together."""
        as_boxes(self.boxes)
        _check_columns(len(self.boxes), images=self.images, classes=self.classes, scores=self.scores)
        if not np.isfinite(self.scores).all():
            raise ValueError("expected finite scores, got NaN or infinity")


def reference_boxes(
    boxes: ArrayLike, *, images: ArrayLike, classes: ArrayLike = 0, ignored: ArrayLike = False
) -> ReferenceBoxes:
    """Columns of reference boxes; one class and nothing ignored unless said otherwise.

    Args:
        boxes: (n, axes, 2).
        images: (n,) or one index for all.
        classes: (n,) or one index for all.
        ignored: (n,) or one answer for all.
    """
    table = as_boxes(boxes)
    return ReferenceBoxes(table, *_columns(table, np.intp, images, classes), *_columns(table, np.bool_, ignored))


def predicted_boxes(
    boxes: ArrayLike, *, images: ArrayLike, scores: ArrayLike, classes: ArrayLike = 0
) -> PredictedBoxes:
    """Columns of predicted boxes; one class unless said otherwise.

    Args:
        boxes: (n, axes, 2).
        images: (n,) or one index for all.
        scores: (n,).
        classes: (n,) or one index for all.
    """
    table = as_boxes(boxes)
    return PredictedBoxes(table, *_columns(table, np.intp, images, classes), *_columns(table, np.float64, scores))


def boxes_of_points(centres_mm: ArrayLike, diameters_mm: ArrayLike, *, unknown_diameter_mm: float) -> Boxes:
    """Cubes (n, 3, 2) in mm whose edge is the diameter of a finding, for hits by distance of centres.

    LUNA16 lists nodules as points with a diameter; a negative one is unknown
    and counts as 10 mm there. Candidates are points: diameter 0.

    Args:
        centres_mm: (n, 3).
        diameters_mm: (n,) or one for all; below 0: unknown.
        unknown_diameter_mm: What an unknown diameter counts as.

    Examples:
        >>> boxes_of_points([[0, 0, 5]], -1, unknown_diameter_mm=10.0).tolist()
        [[[-5.0, 5.0], [-5.0, 5.0], [0.0, 10.0]]]
    """
    centres = np.asarray(centres_mm, dtype=np.float64).reshape(-1, 3)
    diameters = np.broadcast_to(np.asarray(diameters_mm, dtype=np.float64), len(centres))
    half = np.where(diameters < 0, unknown_diameter_mm, diameters)[:, None] / 2
    return np.stack([centres - half, centres + half], axis=2)


def check_classes(reference: ReferenceBoxes, prediction: PredictedBoxes, classes: int) -> None:
    """Raise unless every class index is below `classes`.

    Raises:
        ValueError: With the index that is not.
    """
    for side in (reference, prediction):
        if len(side.classes) and side.classes.max() >= classes:
            raise ValueError(f"expected class indices below {classes}, got {side.classes.max()}")


def _columns(boxes: Boxes, dtype: Any, *values: ArrayLike) -> list[Any]:
    arrays = [np.asarray(value) for value in values]
    full = [np.full(len(boxes), array) if array.ndim == 0 else array for array in arrays]
    return [array.astype(dtype, casting="unsafe" if array.size == 0 else "same_kind") for array in full]


def _check_columns(rows: int, **columns: NDArray[Any]) -> None:
    for name, column in columns.items():
        if column.shape != (rows,):
            raise ValueError(f"expected {rows} values in {name}, got shape {column.shape}")
        if name in ("images", "classes") and rows and column.min() < 0:
            raise ValueError(f"expected indices from 0 in {name}, got {column.min()}")
