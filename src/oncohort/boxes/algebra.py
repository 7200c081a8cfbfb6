"""Boxes as arrays: corners, volumes, intersections."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncohort.errors import GeometryError
from oncohort.geometry import Geometry

PixelRule = Literal["inclusive", "half-open"]
"""How the second corner is meant: the last pixel inside, or the first one beyond."""

Boxes = NDArray[np.float64]
"""(n, axes, 2): start and stop of every box along i, j and, in 3D, k; the order of columns of `boxes.parquet`."""

_OBLIQUE = 1e-3


def as_boxes(values: ArrayLike) -> Boxes:
    """`values` as an array of boxes (n, axes, 2) of float64, checked.

    An empty list is an array of no boxes with two axes.

    Args:
        values: (n, axes, 2), 2 or 3 axes, start and stop of each.

    Raises:
        ValueError: Another shape, a number that is not finite, or a stop before its start.

    Examples:
        >>> as_boxes([[[0, 4], [2, 3]]]).shape
        (1, 2, 2)
    """
    boxes = np.asarray(values, dtype=np.float64)
    if boxes.size == 0 and boxes.ndim != 3:
        return np.empty((0, 2, 2))
    if boxes.ndim != 3 or boxes.shape[1] not in (2, 3) or boxes.shape[2] != 2:
        raise ValueError(f"expected boxes of shape (n, 2 or 3, 2), got {boxes.shape}")
    if not np.isfinite(boxes).all():
        raise ValueError("expected finite boxes, got NaN or infinity")
    if (boxes[..., 1] < boxes[..., 0]).any():
        first = int(np.flatnonzero((boxes[..., 1] < boxes[..., 0]).any(axis=1))[0])
        raise ValueError(f"expected start <= stop, got {boxes[first].tolist()} (box {first})")
    return boxes


def beyond(pixel_rule: PixelRule) -> float:
    """What the rule adds to stop less start to get an edge length: 1 if inclusive, 0 if half-open.

    Raises:
        ValueError: Another rule.
    """
    if pixel_rule not in get_args(PixelRule):
        raise ValueError(f"expected one of {get_args(PixelRule)}, got {pixel_rule!r}")
    return 1.0 if pixel_rule == "inclusive" else 0.0


def from_corners(corners: ArrayLike, *, pixel_rule: PixelRule, pixel_base: Literal[0, 1]) -> Boxes:
    """Half-open voxel boxes (n, axes, 2) of corner lists: all minima, then all maxima.

    Pascal VOC's (xmin, ymin, xmax, ymax) are inclusive and nominally count
    from 1; x is the column (i) and y the row (j).

    Args:
        corners: (n, 4) or (n, 6).
        pixel_rule: How the maxima are meant.
        pixel_base: Number of the first pixel.

    Raises:
        ValueError: Another shape, or corners that are no boxes.

    Examples:
        >>> from_corners([[298, 298, 335, 374]], pixel_rule="inclusive", pixel_base=0).tolist()
        [[[298.0, 336.0], [298.0, 375.0]]]
    """
    table = np.asarray(corners, dtype=np.float64)
    if table.size == 0 and table.ndim != 2:
        table = table.reshape(0, 4)
    if table.ndim != 2 or table.shape[1] not in (4, 6):
        raise ValueError(f"expected corners of shape (n, 4) or (n, 6), got {table.shape}")
    boxes = table.reshape(len(table), 2, table.shape[1] // 2).transpose(0, 2, 1) - pixel_base
    boxes[..., 1] += beyond(pixel_rule)
    return as_boxes(boxes)


def to_corners(boxes: ArrayLike, *, pixel_rule: PixelRule, pixel_base: Literal[0, 1]) -> NDArray[np.float64]:
    """Corner lists (n, 2 * axes) of half-open voxel boxes; undoes `from_corners`.

    Examples:
        >>> to_corners([[[298, 336], [298, 375]]], pixel_rule="inclusive", pixel_base=1).tolist()
        [[299.0, 299.0, 336.0, 375.0]]
    """
    table = as_boxes(boxes) + pixel_base
    table[..., 1] -= beyond(pixel_rule)
    return table.transpose(0, 2, 1).reshape(len(table), 2 * table.shape[1])


def box_sizes(boxes: ArrayLike, *, pixel_rule: PixelRule) -> NDArray[np.float64]:
    """Area or volume (n,) of each box, in pixels or in the unit of the boxes squared or cubed.

    Examples:
        >>> box_sizes([[[0, 4], [2, 3]]], pixel_rule="half-open").tolist()
        [4.0]
        >>> box_sizes([[[0, 4], [2, 3]]], pixel_rule="inclusive").tolist()
        [10.0]
    """
    table = as_boxes(boxes)
    edges: NDArray[np.float64] = table[..., 1] - table[..., 0] + beyond(pixel_rule)
    sizes: NDArray[np.float64] = edges.prod(axis=1)
    return sizes


def intersection_matrix(reference: ArrayLike, prediction: ArrayLike, *, pixel_rule: PixelRule) -> NDArray[np.float64]:
    """Area or volume (n, m) that each reference box shares with each predicted box.

    Raises:
        ValueError: No boxes, or 2D against 3D.
    """
    first, second = as_boxes(reference), as_boxes(prediction)
    if not len(first) or not len(second):
        return np.zeros((len(first), len(second)))
    if first.shape[1] != second.shape[1]:
        raise ValueError(f"expected boxes with the same axes, got {first.shape[1]} and {second.shape[1]}")
    start = np.maximum(first[:, None, :, 0], second[None, :, :, 0])
    stop = np.minimum(first[:, None, :, 1], second[None, :, :, 1])
    edges: NDArray[np.float64] = np.maximum(stop - start + beyond(pixel_rule), 0.0)
    shared: NDArray[np.float64] = edges.prod(axis=2)
    return shared


def iou_matrix(reference: ArrayLike, prediction: ArrayLike, *, pixel_rule: PixelRule) -> NDArray[np.float64]:
    """Intersection over union (n, m) of each reference box with each predicted box, in 2D or 3D.

    Two boxes without content (half-open, start = stop) share nothing: 0.
    Boxes of `from_corners` and in mm are half-open; "inclusive" is for arrays
    that hold the corners as they were written.

    Args:
        reference: (n, axes, 2).
        prediction: (m, axes, 2).
        pixel_rule: How the stops are meant.

    Raises:
        ValueError: No boxes, or 2D against 3D.

    Examples:
        >>> iou_matrix([[[0, 4], [0, 4]]], [[[0, 4], [2, 6]]], pixel_rule="half-open").round(3).tolist()
        [[0.333]]
    """
    shared = intersection_matrix(reference, prediction, pixel_rule=pixel_rule)
    sizes = box_sizes(reference, pixel_rule=pixel_rule)[:, None], box_sizes(prediction, pixel_rule=pixel_rule)
    union = sizes[0] + sizes[1] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def hull(boxes: ArrayLike) -> Boxes:
    """The smallest box (axes, 2) round all boxes.

    Raises:
        ValueError: There are none.

    Examples:
        >>> hull([[[0, 4], [2, 3]], [[1, 9], [0, 1]]]).tolist()
        [[0.0, 9.0], [0.0, 3.0]]
    """
    table = as_boxes(boxes)
    if not len(table):
        raise ValueError("expected at least one box, got none")
    return np.stack([table[..., 0].min(axis=0), table[..., 1].max(axis=0)], axis=1)


def edges_mm(boxes: ArrayLike, geometry: Geometry) -> Boxes:
    """The outer edges (n, 3, 2) in mm along x, y, z (RAS+) of half-open voxel boxes.

    A voxel reaches half a spacing beyond its centre on each side. The axes of
    the result are those of the world, whatever the order of i, j, k.

    Args:
        boxes: (n, 3, 2), half-open voxel indices.
        geometry: The grid that they count on.

    Raises:
        GeometryError: The grid is oblique: its boxes are no boxes along x, y, z.

    Examples:
        >>> grid = Geometry((10, 10, 5), np.diag([-2.0, -2.0, 3.0, 1.0]))
        >>> edges_mm([[[0, 4], [0, 1], [2, 3]]], grid).tolist()
        [[[-7.0, 1.0], [-1.0, 1.0], [4.5, 7.5]]]
    """
    directions: NDArray[Any] = geometry.affine[:3, :3] / np.array(geometry.spacing_mm)
    if not np.isclose(np.abs(directions).max(axis=0), 1.0, atol=_OBLIQUE**2).all():
        raise GeometryError(
            expected="a grid along the axes of the patient",
            found=f"directions {np.round(directions, 4).tolist()}",
            where="box edges in mm",
            remedy="compare boxes on one grid in voxels, or resample the volume first",
        )
    table = as_boxes(boxes)
    corners = np.stack([geometry.to_mm(table[:, :, side] - 0.5) for side in (0, 1)], axis=2)
    return np.sort(corners, axis=2)
