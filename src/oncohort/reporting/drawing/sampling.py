"""Planes through a volume, and maxima along the line of sight, in millimetres of the patient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from oncohort.geometry import Geometry, axis_codes
from oncohort.geometry.orientation import axis_permutation
from oncohort.reporting.drawing.plane import CORONAL, Extent, Plane, View, grown, union_of

MAX_PIXELS = 2048
"""Most pixels along an edge of a plane; a finer grid is shown coarser."""

_ALIGNED = 1e-3  # mm aside per mm along: a grid that is tilted less counts as straight
_INDEX_DIGITS = 4
_AXES = "RAS"


def slice_plane(
    array: NDArray[Any],
    geometry: Geometry,
    view: View,
    depth_mm: float,
    *,
    interpolation: Literal["nearest", "linear"],
    fill: float,
) -> Plane:
    """The plane of a view that cuts a volume at a depth.

    The plane is flat in the patient: a tilted grid is interpolated, on a straight one
    the pixels are those of the grid. Only the voxels beside the plane are touched.

    Args:
        array: (i, j, k).
        geometry: The grid of `array`.
        view: Which way the plane lies.
        depth_mm: Where, along the patient axis `view.through`, in RAS+ mm.
        interpolation: "nearest" for labels, "linear" for images.
        fill: Value outside of the grid.

    Examples:
        >>> from oncohort.reporting.drawing.plane import AXIAL
        >>> array = np.arange(8.0).reshape(2, 2, 2)
        >>> plane = slice_plane(array, Geometry((2, 2, 2), np.eye(4)), AXIAL, 0.5, interpolation="linear", fill=0)
        >>> plane.pixels.tolist()
        [[4.5, 0.5], [6.5, 2.5]]
    """
    (bottom, rows, height), (left, columns, width) = _lattice(geometry, view)
    up, across = bottom + height * np.arange(rows), left + width * np.arange(columns)
    index = _indices(geometry, view, (across, up, depth_mm))
    limits = np.array(geometry.shape).reshape(3, 1, 1)
    outside = ((index < -0.5) | (index > limits - 0.5)).any(axis=0)
    output = array.dtype if interpolation == "nearest" else np.dtype(np.float32)
    output = np.dtype(np.uint8) if output == np.bool_ else output
    source = array.view(np.uint8) if array.dtype == np.bool_ else array
    pixels = ndimage.map_coordinates(
        source,
        np.clip(index, 0, limits - 1),
        order=0 if interpolation == "nearest" else 1,
        output=output,
        mode="nearest",
        prefilter=False,
    )
    pixels[outside] = fill
    return Plane(pixels, (height, width), (bottom, left))


def _lattice(geometry: Geometry, view: View) -> tuple[tuple[float, int, float], tuple[float, int, float]]:
    """First position, number and step of the rows and of the columns."""
    corners = np.array(np.meshgrid(*[(0, edge - 1) for edge in geometry.shape])).reshape(3, -1).T
    places = view.place(geometry.to_mm(corners))
    low, high = places.min(axis=0), places.max(axis=0)
    sources, _ = axis_permutation(axis_codes(geometry.affine), _AXES)
    found = []
    for side, axis in ((1, view.up), (0, view.across)):
        span, step = float(high[side] - low[side]), geometry.spacing_mm[sources[axis]]
        count = max(1, min(int(span / step + 1.5), MAX_PIXELS))
        step = span / (count - 1) if count == MAX_PIXELS else step
        found.append((float(low[side]), count, step))
    return found[0], found[1]


def _indices(
    geometry: Geometry, view: View, at: tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]], float]
) -> NDArray[np.float64]:
    """Voxel indices (3, rows, columns) of a lattice."""
    across, up, depth_mm = at
    inverse = np.linalg.inv(geometry.affine)
    start = inverse[:3, 3] + inverse[:3, view.through] * depth_mm
    index = (
        start[:, None, None]
        + inverse[:3, view.up, None, None] * up[None, :, None]
        + inverse[:3, view.across, None, None] * (view.across_sign * across)[None, None, :]
    )
    return np.asarray(np.round(index, _INDEX_DIGITS), np.float64)


def coronal_maximum(array: NDArray[Any], geometry: Geometry) -> Plane:
    """Largest value along the front-to-back axis, seen from the front.

    The patient's right is on the left, as radiologists look at it. Any axis order,
    direction and tilt will do: planes of all grids of a patient share one frame in mm.
    Voxels without a number (NaN) hide nothing.

    Args:
        array: (i, j, k), numbers or a mask.
        geometry: The grid of `array`.

    Examples:
        >>> array = np.zeros((3, 4, 2))
        >>> array[2, 1, 0] = 7.0
        >>> coronal_maximum(array, Geometry((3, 4, 2), np.diag([-2.0, -2.0, 3.0, 1.0]))).pixels.tolist()
        [[0.0, 0.0, 7.0], [0.0, 0.0, 0.0]]
    """
    if not _is_straight(geometry):
        return _tilted_maximum(array, geometry)
    (left, back, head), flips = axis_permutation(geometry.orientation, "LPS")
    seen = np.fmax.reduce(array, axis=back) if array.dtype.kind == "f" else np.max(array, axis=back)
    seen = seen if head < left else seen.T
    pixels = seen[:: -1 if flips[2] else 1, :: -1 if flips[0] else 1]
    affine = geometry.reorient("LPS").affine
    width, height = float(np.linalg.norm(affine[:3, 0])), float(np.linalg.norm(affine[:3, 2]))
    origin = float(affine[:3, 3] @ affine[:3, 2] / height), float(affine[:3, 3] @ affine[:3, 0] / width)
    return Plane(np.ascontiguousarray(pixels), (height, width), origin)


def _is_straight(geometry: Geometry) -> bool:
    cosines = np.abs(geometry.affine[:3, :3] / np.linalg.norm(geometry.affine[:3, :3], axis=0))
    return bool(np.sort(cosines, axis=0)[:2].max() < _ALIGNED)


def _tilted_maximum(array: NDArray[Any], geometry: Geometry) -> Plane:
    """The maximum over coronal planes, one beside the other."""
    corners = np.array(np.meshgrid(*[(0, edge - 1) for edge in geometry.shape])).reshape(3, -1).T
    depths = geometry.to_mm(corners)[:, CORONAL.through]
    step = min(geometry.spacing_mm)
    interpolation: Literal["nearest", "linear"] = "nearest" if array.dtype.kind in "bu" else "linear"
    found = None
    for depth in np.arange(depths.min(), depths.max() + step / 2, step):
        plane = slice_plane(array, geometry, CORONAL, float(depth), interpolation=interpolation, fill=0)
        found = plane if found is None else found.with_pixels(np.fmax(found.pixels, plane.pixels))
    assert found is not None
    return found


def shown_extent(pet: Plane, masks: Iterable[Plane], *, air: float, margin_mm: float) -> Extent:
    """Part of the plane worth showing: above `air` or inside a mask, with a margin, never beyond the scan.

    Examples:
        >>> pet = Plane(np.pad([[3.0]], 2), (10.0, 10.0), (0.0, 0.0))
        >>> shown_extent(pet, [], air=0.5, margin_mm=10.0)
        (5.0, 35.0, 5.0, 35.0)
    """
    found = [plane.extent_of(plane.pixels) for plane in masks]
    found.append(pet.extent_of(np.nan_to_num(pet.pixels) > air))
    extents = [extent for extent in found if extent is not None]
    return grown(union_of(extents), margin_mm, pet.extent_mm) if extents else pet.extent_mm


def body_extent(plane: Plane, *, above: float) -> Extent | None:
    """Edges round the body: large connected parts above a value, without thin things such as the table.

    Args:
        plane: CT in HU or PET in SUV.
        above: What no air exceeds.

    Examples:
        >>> pixels = np.zeros((40, 40))
        >>> pixels[10:30, 10:30] = 1
        >>> pixels[2] = 1
        >>> body_extent(Plane(pixels, (1.0, 1.0), (0.0, 0.0)), above=0.5)
        (9.5, 29.5, 9.5, 29.5)
    """
    tissue = np.nan_to_num(plane.pixels) > above
    turns = max(1, round(_THIN_MM / 2 / min(plane.spacing_mm)))
    opened = ndimage.binary_opening(tissue, iterations=turns)
    parts, count = ndimage.label(opened)
    if count == 0:
        return plane.extent_of(tissue)
    sizes = np.bincount(parts.ravel())[1:]
    large = np.flatnonzero(sizes >= _LARGE_SHARE * sizes.max()) + 1
    return plane.extent_of(np.isin(parts, large))


_THIN_MM = 12.0  # narrower things are no body
_LARGE_SHARE = 0.1  # of the largest part: two legs are two parts
