"""Tilted and unevenly spaced stacks on a regular grid, on request only: shear and linear interpolation."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from oncohort.geometry import SLICE_TOLERANCE_MM, Geometry

Correction = Literal["tilt", "gaps"]
"""What may be corrected: a tilted gantry, uneven gaps between slices."""

_LARGEST_GROWTH = 4
"""A corrected volume has at most so many times the voxels of its slices."""

_FARTHEST = 1e6  # pixels or slices

Voxels = NDArray[Any]
_Plane = NDArray[np.float64]


@dataclass(frozen=True)
class StackCorrection:
    """How slices as they lie become a regular stack; JSON-able.

    Attributes:
        kinds: what was corrected: `tilt`, `gaps`.
        shape: of the new grid.
        shift_i: where the first pixel of each slice lies along i of the new grid, in pixels.
        shift_j: the same along j.
        lower: for each new slice, the slice at or below it.
        weight: for each new slice, the share of the slice above that one.
        detail: angle and gaps as they were, and what was done.
    """

    kinds: tuple[str, ...]
    shape: tuple[int, int, int]
    shift_i: tuple[float, ...]
    shift_j: tuple[float, ...]
    lower: tuple[int, ...]
    weight: tuple[float, ...]
    detail: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The correction as JSON values; `from_dict` reads it back."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> StackCorrection:
        """The correction that `to_dict` wrote."""
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        return StackCorrection(**fields)

    @property
    def record(self) -> dict[str, Any]:
        """What the record of the volume says."""
        mixed = [k for k, weight in enumerate(self.weight) if weight > 0]
        return {
            "kinds": list(self.kinds),
            **self.detail,
            "interpolation": "linear",
            "interpolated_slices": mixed,
            "source_slices": len(self.shift_i),
        }


def usual_gap(gaps: NDArray[np.float64]) -> float:
    """The median of the gaps; of an even number of them the lower one in the middle, which is a gap that exists.

    Examples:
        >>> usual_gap(np.array([5.0, 10.0]))
        5.0
    """
    return float(np.sort(gaps)[(len(gaps) - 1) // 2])


def plan_correction(
    positions: NDArray[np.float64],
    axes: NDArray[np.float64],
    spacing_mm: tuple[float, float],
    size: tuple[int, int],
    kinds: Collection[Correction],
) -> tuple[StackCorrection, NDArray[np.float64]] | None:
    """The regular grid that takes slices as they lie; None if it would be out of all proportion.

    The new grid has right angles and keeps every pixel. Its gap is the median gap of the slices; it begins at the first
    slice and ends at or before the last.

    Args:
        positions: (slices, 3) of the first pixels, in order along the normal, mm.
        axes: rows: unit vectors along i, j and the normal.
        spacing_mm: of pixels along i and j.
        size: columns and rows.
        kinds: what is corrected.

    Returns:
        The correction, and the position of the first voxel of the new grid with its gap: (4,).
    """
    travelled = (positions - positions[0]) @ axes.T
    shifts = travelled[:, :2] / spacing_mm
    heights = travelled[:, 2]
    gap = usual_gap(np.diff(heights)) if "gaps" in kinds else float(heights[-1] / (len(heights) - 1))
    if not max(np.abs(shifts).max(), heights[-1] / gap) < _FARTHEST:
        return None
    low, high = np.floor(shifts.min(axis=0)), np.ceil(shifts.max(axis=0))
    count = len(heights) if "gaps" not in kinds else int((heights[-1] + SLICE_TOLERANCE_MM) / gap) + 1
    grown = (int(size[0] + high[0] - low[0]), int(size[1] + high[1] - low[1]), count)
    if np.prod(grown, dtype=float) > _LARGEST_GROWTH * size[0] * size[1] * len(heights):
        return None
    lower, weight = _neighbours(heights, gap, count) if "gaps" in kinds else (range(count), (0.0,) * count)
    shift_i, shift_j = ((shifts[:, axis] - low[axis]).tolist() for axis in (0, 1))
    gaps = np.diff(heights)
    detail = {
        "lean_degrees": float(np.degrees(np.arctan2(np.linalg.norm(travelled[-1, :2]), heights[-1]))),
        "gaps_mm": [float(gaps.min()), float(gaps.max())],
        "gap_mm": gap,
    }
    correction = StackCorrection(
        tuple(sorted(kinds)), grown, tuple(shift_i), tuple(shift_j), tuple(lower), tuple(weight), detail
    )
    first = positions[0] + (low * spacing_mm) @ axes[:2]
    return correction, np.array([*first, gap])


def correct_voxels(voxels: Voxels, correction: StackCorrection, fill: float) -> Voxels:
    """The voxels of slices as they lie, on the regular grid.

    Args:
        voxels: (i, j, slice).
        correction: how.
        fill: where there is no slice.

    Returns:
        Voxels of the same type, whole numbers rounded, Fortran-ordered.
    """
    found = np.empty(correction.shape[::-1], voxels.dtype).transpose(2, 1, 0)
    whole = voxels.dtype.kind in "iu"
    for k, (lower, weight) in enumerate(zip(correction.lower, correction.weight, strict=True)):
        plane = _sheared(voxels, lower, correction)
        if weight > 0:
            plane = (1 - weight) * plane + weight * _sheared(voxels, lower + 1, correction)
        plane = np.where(np.isnan(plane), fill, plane)
        found[:, :, k] = np.rint(plane) if whole else plane
    return found


def regular_geometry(correction: StackCorrection, start: Sequence[float], columns: NDArray[np.float64]) -> Geometry:
    """The regular grid.

    Args:
        correction: how.
        start: centre of its first voxel, RAS+ mm.
        columns: (3, 3), steps along i, j and k in RAS+ mm.

    Raises:
        GeometryError: They make no grid.
    """
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = columns, start
    return Geometry(correction.shape, affine)


def _neighbours(heights: NDArray[np.float64], gap: float, count: int) -> tuple[list[int], list[float]]:
    """The slice below each new slice, and the share of the next; a slice within the tolerance is taken as it is."""
    lowers, weights = [], []
    for height in gap * np.arange(count):
        nearest = int(np.argmin(np.abs(heights - height)))
        if abs(heights[nearest] - height) <= SLICE_TOLERANCE_MM:
            lowers.append(nearest)
            weights.append(0.0)
            continue
        lower = int(np.searchsorted(heights, height)) - 1
        lowers.append(lower)
        weights.append(float((height - heights[lower]) / (heights[lower + 1] - heights[lower])))
    return lowers, weights


def _sheared(voxels: Voxels, source: int, correction: StackCorrection) -> _Plane:
    """One slice at its place in the new grid; NaN where it is not."""
    plane = voxels[:, :, source].astype(np.float64)
    plane = _shifted(plane, correction.shift_i[source], correction.shape[0])
    return _shifted(plane.T, correction.shift_j[source], correction.shape[1]).T


def _shifted(plane: _Plane, by: float, length: int) -> _Plane:
    """Rows of a plane moved by so many rows, with linear interpolation, in a plane of `length` rows."""
    at = np.arange(length) - by
    inside = (at >= 0) & (at <= len(plane) - 1)
    lower = np.clip(np.floor(at).astype(int), 0, len(plane) - 1)
    upper = np.minimum(lower + 1, len(plane) - 1)
    share = (at - lower)[:, None]
    moved: _Plane = np.where(share > 0, (1 - share) * plane[lower] + share * plane[upper], plane[lower])
    moved[~inside] = np.nan
    return moved
