"""Planar contours as masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oncohort.geometry import Geometry

Contour = NDArray[np.float64]
Mask = NDArray[np.bool_]

PLANE_TOLERANCE = 0.25
"""A contour belongs to the nearest slice; none of its points is further from it than this part of the gap."""


@dataclass(frozen=True)
class Drawing:
    """A mask and what of the contours it could not hold.

    Attributes:
        mask: (i, j, k).
        outside: contours beside the stack of slices.
        astray: contours within the stack that lie in no slice: between two, or oblique.
    """

    mask: Mask
    outside: int
    astray: int


def rasterise(contours: Sequence[Contour], geometry: Geometry) -> Drawing:
    """The voxels whose centres lie inside the contours of one region.

    The pixel-centre rule: a voxel belongs to the region when its centre is inside. Contours of one slice combine by
    the even-odd rule, so a contour within another one is a hole. Contours beside the stack or in none of its slices
    are counted and left out.

    Args:
        contours: closed polygons, each (n, 3) in RAS+ mm, without repetition of the first point.
        geometry: the grid; its slices (k) are parallel to the contours.

    Examples:
        A square of 2 x 2 mm round the centre of voxel (1, 1, 0):

        >>> square = np.array([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [2.0, 2.0, 0.0], [0.0, 2.0, 0.0]])
        >>> grid = Geometry((3, 3, 1), np.diag([1.5, 1.5, 1.0, 1.0]))
        >>> np.argwhere(rasterise([square], grid).mask).tolist()
        [[0, 0, 0], [0, 1, 0], [1, 0, 0], [1, 1, 0]]
    """
    columns, rows, slices = geometry.shape
    toggles: dict[int, NDArray[np.int32]] = {}
    outside = astray = 0
    for contour in contours:
        points = geometry.to_index(contour)
        k = round(float(points[:, 2].mean()))
        if not 0 <= k < slices:
            outside += 1
        elif np.abs(points[:, 2] - k).max() > PLANE_TOLERANCE:
            astray += 1
        else:
            _add_crossings(toggles.setdefault(k, np.zeros((rows, columns + 1), np.int32)), points[:, :2])
    mask = np.zeros(geometry.shape, np.bool_, order="F")
    for k, counts in toggles.items():
        mask[:, :, k] = (np.cumsum(counts[:, :columns], axis=1) & 1).T
    return Drawing(mask, outside, astray)


def _add_crossings(counts: NDArray[np.int32], polygon: NDArray[np.float64]) -> None:
    """Count, per row, where the outline crosses the line of pixel centres: at the first centre right of it.

    An edge covers the rows j with low <= j < high, so that a corner on a line of centres counts once.
    """
    rows, ends = counts.shape
    first, second = polygon, np.roll(polygon, -1, axis=0)
    upwards = first[:, 1] <= second[:, 1]
    low, high = np.where(upwards[:, None], first, second), np.where(upwards[:, None], second, first)
    begin = np.clip(np.ceil(low[:, 1]), 0, rows).astype(np.int64)
    stop = np.clip(np.ceil(high[:, 1]), 0, rows).astype(np.int64)
    lengths = np.maximum(stop - begin, 0)
    edge = np.repeat(np.arange(len(polygon)), lengths)
    row = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths) + begin[edge]
    rise = high[edge, 1] - low[edge, 1]
    crossing = low[edge, 0] + (row - low[edge, 1]) / rise * (high[edge, 0] - low[edge, 0])
    column = np.clip(np.ceil(crossing), 0, ends - 1).astype(np.int64)
    np.add.at(counts, (row, column), 1)
