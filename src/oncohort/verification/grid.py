"""How the grid of an image lies on the grid of the series, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from oncohort.formats.dicom.header import DicomHeader
from oncohort.geometry import SLICE_TOLERANCE_MM, Geometry
from oncohort.verification.original import NotComparable, Original
from oncohort.verification.verdict import Finding

_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_AXES = ("columns", "rows", "slices")
_STRAIGHT = 0.999
_MOST_SLICES = 4


@dataclass(frozen=True)
class Alignment:
    """The axes of an image by those of the series.

    Attributes:
        axes: For DICOM i, j, k the axis of the image that runs along it.
        reversed: Whether it runs the other way.
        geometry: Grid of the image with its axes in this order and direction.
        is_lps: Whether the affine of the file is in LPS, so that it had to be turned first.
    """

    axes: tuple[int, int, int]
    reversed: tuple[bool, bool, bool]
    geometry: Geometry
    is_lps: bool = False


def align(image: Geometry, original: Geometry) -> Alignment:
    """Which axis of the image is which of the series, by the affines.

    Raises:
        NotComparable: The slices of the image have another size than those of the series.
    """
    found = _aligned(image, original)
    turned = _aligned(Geometry(image.shape, _LPS @ image.affine), original)
    if _distance(turned.geometry, original) < SLICE_TOLERANCE_MM < _distance(found.geometry, original):
        found = Alignment(turned.axes, turned.reversed, turned.geometry, is_lps=True)
    _check_shape(image, found.geometry, original)
    return found


def _aligned(image: Geometry, original: Geometry) -> Alignment:
    cosines = _cosines(original, image)
    fitting = [
        axes for axes in permutations(range(3)) if [image.shape[one] for one in axes[:2]] == [*original.shape[:2]]
    ]
    choices = fitting or list(permutations(range(3)))
    axes = max(choices, key=lambda one: float(sum(abs(cosines[row, one[row]]) for row in range(3))))
    back = [bool(cosines[row, one] < 0) for row, one in enumerate(axes)]
    affine = np.eye(4)
    corner = np.zeros(3)
    for row, one in enumerate(axes):
        affine[:3, row] = image.affine[:3, one] * (-1.0 if back[row] else 1.0)
        corner[one] = image.shape[one] - 1 if back[row] else 0
    affine[:3, 3] = image.to_mm([corner])[0]
    shape = tuple(image.shape[one] for one in axes)
    return Alignment((axes[0], axes[1], axes[2]), (back[0], back[1], back[2]), Geometry(shape, affine))


def _cosines(one: Geometry, other: Geometry) -> NDArray[np.float64]:
    first, second = (grid.affine[:3, :3] / np.array(grid.spacing_mm) for grid in (one, other))
    return np.asarray(first.T @ second, dtype=np.float64)


def _distance(image: Geometry, original: Geometry) -> float:
    return image.largest_offset_mm(original) if image.shape == original.shape else float("inf")


def _check_shape(image: Geometry, aligned: Geometry, original: Geometry) -> None:
    if aligned.shape[:2] == original.shape[:2] and aligned.shape[2] <= _MOST_SLICES * original.shape[2]:
        return
    same = np.allclose(aligned.spacing_mm, original.spacing_mm, rtol=1e-3)
    what = "cropped or padded" if same else "resampled to another grid"
    raise NotComparable(
        "cropped" if same else "resampled",
        f"the image was {what}: shape {image.shape} at {_mm(image.spacing_mm)} mm, "
        f"the series has {original.shape} at {_mm(original.spacing_mm)} mm",
    )


def slice_offsets(image: Geometry, original: Original, places: Sequence[int]) -> list[float]:
    """For each slice of the aligned image, the greatest distance in mm of a corner from that of its DICOM slice."""
    columns, rows = image.shape[0] - 1, image.shape[1] - 1
    corners = np.array([(i, j) for i in (0, columns) for j in (0, rows)], dtype=np.float64)
    found = []
    for n, k in enumerate(places):
        there = image.to_mm(np.column_stack([corners, np.full(4, float(n))]))
        here = _slice_corners(original, k, corners)
        found.append(float(np.linalg.norm(there - here, axis=1).max()))
    return found


def _slice_corners(original: Original, k: int, corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """By the grid, moved to the position that the header of this slice gives."""
    image = original.headers[k].image
    assert image is not None
    grid = original.geometry.to_mm(np.column_stack([corners, np.full(len(corners), float(k))]))
    own = np.asarray(image.position_mm) * (-1.0, -1.0, 1.0)
    return np.asarray(grid + (own - original.geometry.to_mm([(0, 0, k)])[0]), dtype=np.float64)


def grid_findings(alignment: Alignment, original: Original, places: Sequence[int]) -> Iterator[Finding]:
    """What is wrong with the affine of the image.

    Args:
        alignment: Of the image.
        original: The series.
        places: DICOM slice of each slice of the aligned image.
    """
    image, series = alignment.geometry, original.geometry
    if alignment.is_lps:
        yield Finding(
            "lps_as_ras",
            "the affine is in DICOM's LPS coordinates, NIfTI wants RAS: left and right, front and back are swapped",
        )
    offsets = slice_offsets(image, original, places)
    if max(offsets) <= SLICE_TOLERANCE_MM:
        return
    off = tuple(k for k, offset in zip(places, offsets, strict=True) if offset > SLICE_TOLERANCE_MM)
    causes = [*_rotation(image, series, off), *_spacing(image, original, off)] or [*_shift(image, series, places, off)]
    yield from causes


def form_findings(apart_mm: float) -> Iterator[Finding]:
    """Whether sform and qform of the file place it in two places."""
    if apart_mm > SLICE_TOLERANCE_MM:
        how = f"up to {apart_mm:.4g} mm apart" if np.isfinite(apart_mm) else "and one of them is impossible"
        yield Finding("forms_disagree", f"sform and qform of the file differ, {how}: programs place it differently")


def _rotation(image: Geometry, series: Geometry, off: tuple[int, ...]) -> Iterator[Finding]:
    cosines = np.abs(np.diag(_cosines(series, image)))
    if cosines.min() < _STRAIGHT:
        degrees = float(np.degrees(np.arccos(min(1.0, cosines.min()))))
        yield Finding(
            "rotated", f"the axes of the affine lie up to {degrees:.3g} degrees from those of the series", off
        )


def _spacing(image: Geometry, original: Original, off: tuple[int, ...]) -> Iterator[Finding]:
    series = original.geometry
    for axis, name in enumerate(_AXES):
        found, expected = image.spacing_mm[axis], series.spacing_mm[axis]
        steps = max(1, series.shape[axis] - 1)
        if abs(found - expected) * steps > SLICE_TOLERANCE_MM and abs(found / expected - 1) > 1e-5:
            cause = _spacing_cause(found, axis, original)
            yield Finding(
                "wrong_spacing",
                f"spacing of {name} is {found:.6g} mm instead of {expected:.6g} mm{cause}",
                off,
            )


def _spacing_cause(found: float, axis: int, original: Original) -> str:
    thickness = _thickness(original.headers)
    if axis == 2 and thickness and abs(found / thickness - 1) < 1e-4:
        return ": SliceThickness was taken for the distance of slices"
    others = [original.geometry.spacing_mm[other] for other in range(3) if other != axis]
    if axis < 2 and abs(found / others[0] - 1) < 1e-4:
        return ": the two values of PixelSpacing were swapped"
    ratio = found / original.geometry.spacing_mm[axis]
    return f": {ratio:.4g} times" if ratio > 1.5 or ratio < 0.67 else ""


def _thickness(headers: Sequence[DicomHeader]) -> float:
    try:
        return float(headers[0].facts.get("SliceThickness", 0))
    except ValueError:
        return 0.0


def _shift(image: Geometry, series: Geometry, places: Sequence[int], off: tuple[int, ...]) -> Iterator[Finding]:
    away = image.to_mm([(0, 0, 0)])[0] - series.to_mm([(0, 0, places[0])])[0]
    voxels = np.linalg.solve(series.affine[:3, :3], away)
    cause = ""
    if np.allclose(image.affine[:3, 3], 0):
        cause = ": the origin was lost"
    elif np.allclose(np.abs(voxels[np.abs(voxels) > 0.01]), 0.5, atol=0.01):
        cause = ": half a voxel, a corner was taken for a centre"
    elif np.allclose(voxels, np.round(voxels), atol=0.01):
        cause = ": whole voxels"
    yield Finding(
        "shifted_origin",
        f"the image lies {np.linalg.norm(away):.4g} mm away: ({_triple(away)}) mm in RAS, "
        f"({_triple(voxels)}) voxels of the series{cause}",
        off,
    )


def _mm(values: Sequence[float] | NDArray[np.float64]) -> str:
    return " x ".join(f"{value:.4g}" for value in values) if len(values) == 3 else str(values)


def _triple(values: NDArray[np.float64]) -> str:
    return ", ".join(f"{value + 0.0:.3g}" for value in np.round(values, 6))
