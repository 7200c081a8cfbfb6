"""Boxes round what a mask holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from oncohort.boxes.algebra import Boxes
from oncohort.kernels import label_components

_OWN_CODE = 65535


@dataclass(frozen=True, eq=False)
class FoundBoxes:
    """Boxes found in an array of labels.

    Args:
        labels: (n,) integer label of each box, ascending.
        boxes: (n, axes, 2), half-open voxel indices.
    """

    labels: NDArray[np.int64]
    boxes: Boxes


@dataclass(frozen=True, eq=False)
class FoundSliceBoxes:
    """2D boxes found on the slices of a volume, by rising slice.

    Args:
        labels: (n,) integer label of each box.
        slices: (n,) index along k of each box.
        boxes: (n, 2, 2), half-open voxel indices along i and j.
    """

    labels: NDArray[np.int64]
    slices: NDArray[np.int64]
    boxes: Boxes


def boxes_of_labels(labels: NDArray[Any]) -> FoundBoxes:
    """The smallest box round every label above 0 of a 2D or 3D array, however many pieces it has.

    Args:
        labels: Integers or bool, 2 or 3 axes; any large ids.

    Raises:
        ValueError: Another number of axes.

    Examples:
        >>> labels = np.zeros((5, 5, 5), int)
        >>> labels[1:3, 2, 0:4] = 900
        >>> found = boxes_of_labels(labels)
        >>> found.labels.tolist(), found.boxes.tolist()
        ([900], [[[1.0, 3.0], [2.0, 3.0], [0.0, 4.0]]])
    """
    if labels.ndim not in (2, 3):
        raise ValueError(f"expected labels with 2 or 3 axes, got {labels.ndim}")
    present, codes = _recode(labels)
    spans = ndimage.find_objects(codes)
    found = [(number, span) for number, span in enumerate(spans) if span is not None]
    boxes = [[(edge.start, edge.stop) for edge in span] for _, span in found]
    return FoundBoxes(
        labels=present[[number for number, _ in found]],
        boxes=np.array(boxes, dtype=np.float64).reshape(-1, labels.ndim, 2),
    )


def _recode(labels: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The ids by their codes less 1, and the codes: ids up to 65535 are their own code."""
    largest = int(labels.max(initial=0))
    if largest <= _OWN_CODE:
        return np.arange(1, largest + 1), np.maximum(labels, 0).astype(np.int32)
    ids, numbered = np.unique(labels, return_inverse=True)
    lowest = int(np.searchsorted(ids, 1))
    codes = np.maximum(numbered.reshape(labels.shape) - lowest + 1, 0)
    return ids[lowest:].astype(np.int64), codes.astype(np.int32)


def boxes_from_mask(mask: NDArray[Any], *, connectivity: Literal[6, 18, 26]) -> Boxes:
    """The 3D box (n, 3, 2) round each connected component of a mask (i, j, k).

    Args:
        mask: bool or uint8; everything above 0 is inside.
        connectivity: Of the components.

    Examples:
        >>> mask = np.zeros((5, 5, 5), bool)
        >>> mask[0, 0, 0] = mask[1, 1, 1] = mask[4, 4, 4] = True
        >>> len(boxes_from_mask(mask, connectivity=26)), len(boxes_from_mask(mask, connectivity=6))
        (2, 3)
    """
    components, _ = label_components(mask, connectivity)
    return boxes_of_labels(components).boxes


def slice_boxes_of_labels(labels: NDArray[Any]) -> FoundSliceBoxes:
    """The box round every label on every slice along k: what a 2D detector is compared with.

    Pass components (`label_components`) to get one box per lesion and slice
    of a plain mask; a lesion in two pieces on a slice has one box there.

    Args:
        labels: Integers or bool (i, j, k).

    Raises:
        ValueError: Not three axes.

    Examples:
        >>> labels = np.zeros((5, 5, 3), np.uint8)
        >>> labels[1:3, 2:5, 1] = 1
        >>> found = slice_boxes_of_labels(labels)
        >>> found.slices.tolist(), found.boxes.tolist()
        ([1], [[[1.0, 3.0], [2.0, 5.0]]])
    """
    if labels.ndim != 3:
        raise ValueError(f"expected labels with 3 axes, got {labels.ndim}")
    found = [boxes_of_labels(labels[:, :, k]) for k in range(labels.shape[2])]
    return FoundSliceBoxes(
        labels=np.concatenate([plane.labels for plane in found]),
        slices=np.repeat(np.arange(len(found)), [len(plane.labels) for plane in found]),
        boxes=np.concatenate([plane.boxes for plane in found]),
    )
