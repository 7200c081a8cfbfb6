"""Distances between the surfaces of two label arrays, and what follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.kernels import (
    NearestSearch,
    SurfaceArray,
    SurfaceKind,
    SurfacePoints,
    count_within,
    is_within_reach,
    list_surfaces,
)
from oncohort.metrics.surface_tables import element_areas

_NOTHING: NDArray[np.float64] = np.empty(0)


@dataclass(frozen=True, eq=False)
class SurfaceDistances:
    """How far each point of one surface is from the other surface, both ways, in mm.

    Args:
        reference_to_prediction: (n,) mm; empty if the prediction has no surface.
        prediction_to_reference: (m,) mm; empty if the reference has no surface.
        reference_points: Number n of points of the reference, also if the prediction has none.
        prediction_points: Number m of points of the prediction, also if the reference has none.
        reference_weights: (n,) area of each element in mm2; None where each point counts 1 (voxels).
        prediction_weights: (m,) or None, in the same way.
    """

    reference_to_prediction: NDArray[np.float64]
    prediction_to_reference: NDArray[np.float64]
    reference_points: int
    prediction_points: int
    reference_weights: NDArray[np.float64] | None = None
    prediction_weights: NDArray[np.float64] | None = None

    @property
    def is_defined(self) -> bool:
        """Whether both masks have a surface, so that there are distances."""
        return self.reference_points > 0 and self.prediction_points > 0

    @property
    def reference_size(self) -> float:
        """Surface of the reference: mm2 of elements, or number of voxels."""
        return _size(self.reference_weights, self.reference_points)

    @property
    def prediction_size(self) -> float:
        """Surface of the prediction: mm2 of elements, or number of voxels."""
        return _size(self.prediction_weights, self.prediction_points)


def _size(weights: NDArray[np.float64] | None, points: int) -> float:
    return float(points) if weights is None else float(weights.sum())


def compare_surfaces(
    reference: NDArray[Any] | SurfaceArray,
    prediction: NDArray[Any] | SurfaceArray,
    *,
    spacing_mm: tuple[float, float, float],
    kind: SurfaceKind,
    labels: Sequence[int] | None = None,
) -> dict[int, SurfaceDistances]:
    """Distances between the surfaces of every label of two label arrays, from one pass over each.

    Args:
        reference: uint8 labels (i, j, k), or bool for label 1; any memory order.
        prediction: The same shape.
        spacing_mm: Voxel edges along i, j, k.
        kind: "voxels": voxels of the label that share a face with another label, background or the
            border of the array. "elements": the surface elements between eight voxels of which the
            label has some, at their corner, weighted by area; beyond the border is background.
        labels: Only these; the others count as background. None: all that occur in either.

    Raises:
        ValueError: The shapes differ, the spacing is not positive, or a label lies outside 1 to 255.
        TypeError: Another kind of number.

    Examples:
        >>> reference = np.zeros((8, 8, 8), bool)
        >>> reference[2:5, 2:5, 2:5] = True
        >>> shifted = np.roll(reference, 1, axis=2)
        >>> distances = compare_surfaces(reference, shifted, spacing_mm=(1.0, 1.0, 2.0), kind="voxels")[1]
        >>> distances.reference_points, hausdorff_mm(distances)
        (26, 2.0)
    """
    _require_usable(reference, prediction, spacing_mm, labels)
    wanted = range(1, 256) if labels is None else labels
    first, second = (list_surfaces(array, kind, wanted) for array in (reference, prediction))
    if labels is None:
        wanted = [label for label in wanted if first.count(label) or second.count(label)]
    search = NearestSearch(first.shape, spacing_mm)
    areas = element_areas(spacing_mm) if kind == "elements" else None
    return {label: _measure(first, second, label, search, areas) for label in wanted}


def _require_usable(
    reference: NDArray[Any] | SurfaceArray,
    prediction: NDArray[Any] | SurfaceArray,
    spacing_mm: tuple[float, float, float],
    labels: Sequence[int] | None,
) -> None:
    if reference.shape != prediction.shape or reference.ndim != 3:
        raise ValueError(f"expected two arrays of one shape (i, j, k), got {reference.shape} and {prediction.shape}")
    if len(spacing_mm) != 3 or not all(np.isfinite(step) and step > 0 for step in spacing_mm):
        raise ValueError(f"expected three positive voxel edges in mm, got {spacing_mm}")
    if labels is not None and not all(0 < label < 256 for label in labels):
        raise ValueError(f"expected labels from 1 to 255, got {list(labels)}")


def _measure(
    reference: SurfacePoints,
    prediction: SurfacePoints,
    label: int,
    search: NearestSearch,
    areas: NDArray[np.float64] | None,
) -> SurfaceDistances:
    there = back = _NOTHING
    if reference.count(label) and prediction.count(label):
        first, second = reference.positions(label), prediction.positions(label)
        there, back = search.distances(first, second), search.distances(second, first)
    return SurfaceDistances(
        reference_to_prediction=there,
        prediction_to_reference=back,
        reference_points=reference.count(label),
        prediction_points=prediction.count(label),
        reference_weights=None if areas is None else areas[reference.codes(label)],
        prediction_weights=None if areas is None else areas[prediction.codes(label)],
    )


def assd_mm(distances: SurfaceDistances) -> float:
    """Average symmetric surface distance, pooled: all distances of both directions, over their number; mm.

    Elements count by their area. NaN if either mask has no surface.

    Source: the voxel form is medpy.metric.binary.assd since 0.5; Heimann et al., IEEE TMI 28 (2009) 1251.

    Examples:
        >>> distances = SurfaceDistances(np.array([1.0, 1.0, 4.0]), np.array([2.0]), 3, 1)
        >>> assd_mm(distances), assd_directed_mm(distances)
        (2.0, 2.0)
    """
    if not distances.is_defined:
        return float("nan")
    return (_there(distances) + _back(distances)) / (distances.reference_size + distances.prediction_size)


def assd_directed_mm(distances: SurfaceDistances) -> float:
    """Average symmetric surface distance as the mean of the two directed means; mm.

    Both directions count the same, whatever their numbers of points. Elements count
    by their area within a direction. NaN if either mask has no surface.

    Source: the element form is the mean of the two numbers that google-deepmind/surface-distance gives.
    """
    if not distances.is_defined:
        return float("nan")
    return (_there(distances) / distances.reference_size + _back(distances) / distances.prediction_size) / 2.0


def hausdorff_mm(distances: SurfaceDistances) -> float:
    """Hausdorff distance: the greatest of all distances of both directions; mm. NaN if either mask has no surface.

    Examples:
        >>> hausdorff_mm(SurfaceDistances(np.array([1.0, 1.0, 4.0]), np.array([2.0]), 3, 1))
        4.0
    """
    if not distances.is_defined:
        return float("nan")
    return float(max(distances.reference_to_prediction.max(), distances.prediction_to_reference.max()))


def hd95_mm(distances: SurfaceDistances) -> float:
    """95th percentile of the distances of both directions together; mm.

    Between two voxel distances it is interpolated (numpy's linear rule). Elements
    count by their area: it is the least distance that covers 95 % of the area of both
    surfaces, not interpolated. NaN if either mask has no surface.

    Source: the voxel form is medpy.metric.binary.hd95.

    Examples:
        >>> round(hd95_mm(SurfaceDistances(np.array([1.0, 1.0, 4.0]), np.array([2.0]), 3, 1)), 6)
        3.7
    """
    if not distances.is_defined:
        return float("nan")
    pooled = np.concatenate([distances.reference_to_prediction, distances.prediction_to_reference])
    if distances.reference_weights is None or distances.prediction_weights is None:
        return _percentile(pooled, None)
    return _percentile(pooled, np.concatenate([distances.reference_weights, distances.prediction_weights]))


def hd95_directed_mm(distances: SurfaceDistances) -> float:
    """The greater of the two directed 95th percentiles; mm.

    Percentiles as in `hd95_mm`. NaN if either mask has no surface.

    Source: the element form is compute_robust_hausdorff of google-deepmind/surface-distance.
    """
    if not distances.is_defined:
        return float("nan")
    return max(
        _percentile(distances.reference_to_prediction, distances.reference_weights),
        _percentile(distances.prediction_to_reference, distances.prediction_weights),
    )


def surface_dice(distances: SurfaceDistances, *, tolerance_mm: float) -> float:
    """Share of both surfaces that lies within the tolerance of the other one.

    Elements count by their area. 0 if one of the masks has no surface, NaN if neither has one.

    Source: Nikolov et al., J Med Internet Res 23 (2021) e26151; also called NSD.

    Examples:
        >>> surface_dice(SurfaceDistances(np.array([1.0, 1.0, 4.0]), np.array([2.0]), 3, 1), tolerance_mm=2.0)
        0.75
    """
    total = distances.reference_size + distances.prediction_size
    if total == 0:
        return float("nan")
    within = _within(distances.reference_to_prediction, distances.reference_weights, tolerance_mm)
    return (within + _within(distances.prediction_to_reference, distances.prediction_weights, tolerance_mm)) / total


def compare_within(
    reference: NDArray[Any] | SurfaceArray,
    prediction: NDArray[Any] | SurfaceArray,
    *,
    spacing_mm: tuple[float, float, float],
    tolerance_mm: float,
    labels: Sequence[int],
) -> dict[int, float]:
    """`surface_dice` of the surface elements of every label, without their distances.

    For tolerances that are many voxels wide, from the distances after all.

    Args:
        reference: uint8 labels (i, j, k), or bool for label 1; any memory order.
        prediction: The same shape.
        spacing_mm: Voxel edges along i, j, k.
        tolerance_mm: Distances up to this one are within it.
        labels: Only these; the others count as background.

    Raises:
        ValueError: The shapes differ, the spacing is not positive, or a label lies outside 1 to 255.
        TypeError: Another kind of number.

    Examples:
        >>> reference = np.zeros((8, 8, 8), bool)
        >>> reference[2:5, 2:5, 2:5] = True
        >>> shifted = np.roll(reference, 1, axis=2)
        >>> compare_within(reference, shifted, spacing_mm=(1.0, 1.0, 2.0), tolerance_mm=2.0, labels=[1])
        {1: 1.0}
    """
    _require_usable(reference, prediction, spacing_mm, labels)
    if not is_within_reach(spacing_mm, tolerance_mm):
        distances = compare_surfaces(reference, prediction, spacing_mm=spacing_mm, kind="elements", labels=labels)
        return {label: surface_dice(found, tolerance_mm=tolerance_mm) for label, found in distances.items()}
    counts = count_within(reference, prediction, labels, spacing_mm=spacing_mm, tolerance_mm=tolerance_mm)
    sizes = (counts.sum(axis=1) @ element_areas(spacing_mm)).tolist()
    return {
        label: within / (within + beyond) if within + beyond > 0 else float("nan")
        for label, (beyond, within) in zip(labels, sizes, strict=True)
    }


def contour_dice(distances: SurfaceDistances) -> float:
    """Share of the border voxels of both masks that are border voxels of both: 2 |R & P| / (|R| + |P|).

    0 if one of the masks is empty, NaN if both are.

    Raises:
        ValueError: The distances are those of surface elements.

    Source: the surface Dice of the DEEP-PSMA challenge.

    Examples:
        >>> contour_dice(SurfaceDistances(np.array([0.0, 1.0, 4.0]), np.array([0.0]), 3, 1))
        0.5
    """
    if distances.reference_weights is not None:
        raise ValueError('expected distances between voxels, got those of surface elements; compare with kind="voxels"')
    return surface_dice(distances, tolerance_mm=0.0)


def _there(distances: SurfaceDistances) -> float:
    return _total(distances.reference_to_prediction, distances.reference_weights)


def _back(distances: SurfaceDistances) -> float:
    return _total(distances.prediction_to_reference, distances.prediction_weights)


def _total(values: NDArray[np.float64], weights: NDArray[np.float64] | None) -> float:
    return float(values.sum() if weights is None else values @ weights)


def _within(values: NDArray[np.float64], weights: NDArray[np.float64] | None, tolerance_mm: float) -> float:
    near = values <= tolerance_mm
    return float(np.count_nonzero(near) if weights is None or not near.size else weights[near].sum())


def _percentile(values: NDArray[np.float64], weights: NDArray[np.float64] | None) -> float:
    if weights is None:
        return float(np.percentile(values, 95.0))
    order = np.argsort(values, kind="stable")
    covered = np.cumsum(weights[order]) / weights.sum()
    return float(values[order[min(int(np.searchsorted(covered, 0.95)), values.size - 1)]])
