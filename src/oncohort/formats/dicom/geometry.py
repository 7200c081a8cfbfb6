"""The grid of a stack of DICOM slices, or why they are no volume."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oncohort.errors import GeometryError
from oncohort.formats.dicom.correction import Correction, StackCorrection, plan_correction, regular_geometry, usual_gap
from oncohort.formats.dicom.image import ImageFacts
from oncohort.formats.dicom.values import Unusable
from oncohort.geometry import POSITION_TOLERANCE_MM, SLICE_TOLERANCE_MM, Geometry

TILT_TOLERANCE_DEGREES = 0.05
"""A stack that leans more than this (and more than the slice tolerance) has a tilted gantry."""

DIRECTION_TOLERANCE = 1e-3
"""Direction cosines of one stack differ, and deviate from right angles, by at most this."""

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])
"""DICOM patient coordinates to RAS+."""


@dataclass(frozen=True)
class Stack:
    """Slices in order along their normal, and their grid.

    Attributes:
        order: positions of the slices as they were given, first slice first.
        geometry: i along a row, j along a column, k along the normal; RAS+ mm.
        correction: how the slices become this grid; None if they form it as they are.
    """

    order: tuple[int, ...]
    geometry: Geometry
    correction: StackCorrection | None = None


def stack_slices(images: Sequence[ImageFacts], correct: Collection[Correction] = ()) -> Stack:
    """The order and grid of slices that form a regular stack.

    Slices are sorted by position along the normal of the image plane (row x column direction), never by number or
    name. The gap of the grid is the mean gap.

    Args:
        images: slices of one size, in any order.
        correct: what may be corrected by resampling, if it is there: `tilt`, `gaps`.

    Raises:
        Unusable: with reason "single slice", "mixed orientation", "same position", "gantry tilt" or "uneven gaps".
    """
    if len(images) < 2:
        raise Unusable("single slice", "a volume has two slices or more")
    rows, columns = _directions(images)
    positions = np.array([image.position_mm for image in images])
    heights = positions @ np.cross(rows, columns)
    order = np.argsort(heights, kind="stable")
    ordered = positions[order]
    needed = _faults(np.diff(heights[order]), _lean(ordered, np.cross(rows, columns)), correct)
    first = images[0]
    if needed:
        return _corrected(first, ordered, np.array([rows, columns, np.cross(rows, columns)]), order, needed)
    affine = np.eye(4)
    affine[:3, 0] = LPS_TO_RAS @ rows * first.spacing_mm[1]
    affine[:3, 1] = LPS_TO_RAS @ columns * first.spacing_mm[0]
    affine[:3, 2] = LPS_TO_RAS @ (ordered[-1] - ordered[0]) / (len(images) - 1)
    affine[:3, 3] = LPS_TO_RAS @ ordered[0]
    try:
        geometry = Geometry((first.columns, first.rows, len(images)), affine)
    except GeometryError as error:
        raise Unusable("no geometry", error.found) from error
    return Stack(tuple(int(index) for index in order), geometry)


def _directions(images: Sequence[ImageFacts]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    cosines = np.array([[*image.row_direction, *image.column_direction] for image in images])
    if np.ptp(cosines, axis=0).max() > DIRECTION_TOLERANCE:
        kinds = len({tuple(np.round(line, 3)) for line in cosines})
        raise Unusable("mixed orientation", f"{kinds} orientations among {len(images)} slices")
    rows, columns = cosines[0, :3], cosines[0, 3:]
    lengths = np.linalg.norm(rows), np.linalg.norm(columns)
    if max(abs(lengths[0] - 1), abs(lengths[1] - 1), abs(rows @ columns)) > DIRECTION_TOLERANCE:
        raise Unusable("no geometry", f"ImageOrientationPatient {cosines[0].tolist()} is no pair of right-angled units")
    return rows / lengths[0], columns / lengths[1]


@dataclass(frozen=True)
class _Lean:
    degrees: float
    total_mm: float
    jitter_mm: float

    @property
    def is_tilt(self) -> bool:
        return self.degrees > TILT_TOLERANCE_DEGREES and self.total_mm > SLICE_TOLERANCE_MM


def _lean(ordered: NDArray[np.float64], normal: NDArray[np.float64]) -> _Lean:
    """How far the stack departs from its normal, and each slice sideways from the line of the stack."""
    travelled = ordered - ordered[0]
    height = travelled @ normal
    sideways = travelled - np.outer(height, normal)
    total, rise = float(np.linalg.norm(sideways[-1])), float(height[-1])
    share = height / rise if rise > 0 else np.zeros_like(height)
    jitter = float(np.linalg.norm(sideways - np.outer(share, sideways[-1]), axis=1).max())
    return _Lean(float(np.degrees(np.arctan2(total, rise))), total, jitter)


def _faults(gaps: NDArray[np.float64], lean: _Lean, correct: Collection[Correction]) -> frozenset[Correction]:
    """What must be corrected, and may be.

    Raises:
        Unusable: The slices are no regular stack, and may not be corrected.
    """
    if gaps.min() <= POSITION_TOLERANCE_MM:
        same = int((gaps <= POSITION_TOLERANCE_MM).sum()) + 1
        all_at_one = "; all lie at one place, as in bolus tracking" if gaps.max() <= POSITION_TOLERANCE_MM else ""
        raise Unusable("same position", f"{same} of {len(gaps) + 1} slices share a position{all_at_one}")
    span = f"gaps from {gaps.min():.4g} to {gaps.max():.4g} mm"
    uneven = float(np.abs(gaps - np.median(gaps)).max()) > SLICE_TOLERANCE_MM
    beside = lean.jitter_mm > SLICE_TOLERANCE_MM
    if lean.is_tilt and ("tilt" not in correct or (uneven and "gaps" not in correct)):
        detail = f"slices lean by {lean.degrees:.1f} degrees against their normal"
        raise Unusable("gantry tilt", f"{detail}; {span}" if uneven else detail)
    if uneven and "gaps" not in correct:
        raise Unusable("uneven gaps", f"{span}{_missing(gaps)}")
    if beside and not lean.is_tilt and "gaps" not in correct:
        raise Unusable("uneven gaps", f"slices lie up to {lean.jitter_mm:.3g} mm beside the line of the stack")
    found: set[Correction] = set()
    if lean.is_tilt:
        found.add("tilt")
    if uneven or (beside and not lean.is_tilt):
        found.add("gaps")
    return frozenset(found)


def _missing(gaps: NDArray[np.float64]) -> str:
    """How many slices are missing and after which, if all gaps are multiples of the usual one."""
    usual = usual_gap(gaps)
    steps = np.rint(gaps / usual)
    if steps.min() < 1 or float(np.abs(gaps - steps * usual).max()) > SLICE_TOLERANCE_MM:
        return "; slices are missing, or the table did not move evenly"
    after = [f"{int(count) - 1} after slice {k + 1}" for k, count in enumerate(steps) if count > 1]
    more = f" and {len(after) - 5} more places" if len(after) > 5 else ""
    return f"; slices are missing: {', '.join(after[:5])}{more} (counted from 1 along the normal)"


def _corrected(
    first: ImageFacts,
    ordered: NDArray[np.float64],
    axes: NDArray[np.float64],
    order: NDArray[np.intp],
    kinds: frozenset[Correction],
) -> Stack:
    spacing = (first.spacing_mm[1], first.spacing_mm[0])
    planned = plan_correction(ordered, axes, spacing, (first.columns, first.rows), kinds)
    if planned is None:
        raise Unusable("gantry tilt" if "tilt" in kinds else "uneven gaps", "positions too far apart to be corrected")
    correction, placed = planned
    steps = LPS_TO_RAS @ (axes * np.array([*spacing, placed[3]])[:, None]).T
    try:
        geometry = regular_geometry(correction, (LPS_TO_RAS @ placed[:3]).tolist(), steps)
    except GeometryError as error:
        raise Unusable("no geometry", error.found) from error
    return Stack(tuple(int(index) for index in order), geometry, correction)
