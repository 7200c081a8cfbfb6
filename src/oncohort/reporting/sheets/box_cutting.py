"""Boxes of voxels in a view."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from oncohort.geometry import Box, Geometry
from oncohort.reporting.drawing import View
from oncohort.reporting.sheets.subject import BoxGroup, CutBox

_CORNERS = np.array(list(product((0, 1), repeat=3)))
_EDGES = [pair for pair in combinations(range(8), 2) if np.abs(_CORNERS[pair[0]] - _CORNERS[pair[1]]).sum() == 1]


def cut_boxes(group: BoxGroup, view: View, depth_mm: float | None) -> Iterator[CutBox]:
    """The boxes of a group where a plane cuts them, or all of them projected if the depth is None.

    Boxes of single slices are shown one by one in the plane of their slices, and as the
    hull of all of them in the other planes.

    Examples:
        >>> from oncohort.reporting.drawing import AXIAL
        >>> group = BoxGroup("A", "#ffffff", Geometry((9, 9, 9), np.eye(4)), (Box((1, 2, 3), (4, 6, 5)),))
        >>> [box.corners_mm.min(axis=0).tolist() for box in cut_boxes(group, AXIAL, 4.0)]
        [[-3.5, 1.5]]
        >>> list(cut_boxes(group, AXIAL, 7.0))
        []
    """
    along = np.argmax(np.abs(group.geometry.affine[view.through, :3] / group.geometry.spacing_mm))
    one_by_one = depth_mm is not None and along == 2
    for box in group.boxes if one_by_one else [_hull(group.boxes)]:
        corners = group.geometry.to_mm(_corners(box))
        places = view.place(corners) if depth_mm is None else _crossing(corners, view, depth_mm)
        if len(places) > 2:
            yield CutBox(group.name, group.colour, _ring(places))


def _hull(boxes: tuple[Box, ...]) -> Box:
    starts, stops = np.array([box.start for box in boxes]), np.array([box.stop for box in boxes])
    (i0, j0, k0), (i1, j1, k1) = starts.min(axis=0).tolist(), stops.max(axis=0).tolist()
    return Box((i0, j0, k0), (i1, j1, k1))


def _corners(box: Box) -> NDArray[np.float64]:
    """The eight outer corners in voxel indices: a voxel reaches half a step to each side of its centre."""
    start, stop = np.array(box.start, np.float64), np.array(box.stop, np.float64)
    return start + _CORNERS * (stop - start) - 0.5


def _crossing(corners: NDArray[np.float64], view: View, depth_mm: float) -> NDArray[np.float64]:
    """Places (n, 2) where the edges of a box cut the plane."""
    aside = corners[:, view.through] - depth_mm
    points = [
        corners[a] + (corners[b] - corners[a]) * (aside[a] / (aside[a] - aside[b]))
        for a, b in _EDGES
        if aside[a] * aside[b] < 0 or (aside[a] <= 0 < aside[b]) or (aside[b] <= 0 < aside[a])
    ]
    return view.place(np.array(points)) if points else np.empty((0, 2))


def _ring(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """The corners of the hull of places, in order."""
    spread = np.ptp(places, axis=0).min()
    return places if spread == 0 else places[ConvexHull(places).vertices]


def box_centre_mm(boxes: tuple[Box, ...], geometry: Geometry) -> NDArray[np.float64]:
    """Centre (3,) of the middle box in RAS+ mm.

    Examples:
        >>> box_centre_mm((Box((0, 0, 0), (3, 3, 1)),), Geometry((9, 9, 9), np.eye(4))).tolist()
        [1.0, 1.0, 0.0]
    """
    ordered = sorted(boxes, key=lambda box: box.start[2])
    middle = ordered[len(ordered) // 2]
    centre = (np.array(middle.start) + np.array(middle.stop) - 1) / 2
    return np.asarray(geometry.to_mm(centre[None])[0], np.float64)
