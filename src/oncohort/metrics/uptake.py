"""Tracer uptake within a mask: SUVmax, SUVmean, SUVpeak, metabolic tumour volume and total lesion glycolysis."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from oncohort.geometry import Box
from oncohort.kernels import measure_regions, sphere_offsets
from oncohort.metrics.metric import EITHER_EMPTY, NEVER, Direction, Metric, Presence, Symmetry

Spacing = tuple[float, float, float]

PEAK_RADIUS_MM = (3000.0 / (4.0 * math.pi)) ** (1.0 / 3.0)
"""Radius of a sphere of 1 ml: 6.2035 mm."""


@dataclass(frozen=True)
class Uptake:
    """What an SUV image holds within one mask.

    Without a voxel in the mask the three SUV are NaN and volume and TLG are
    0. A voxel that is not a finite number makes NaN of what it takes part in.

    Args:
        suv_max: Greatest voxel.
        suv_mean: Mean over the voxels.
        suv_peak: Greatest mean over a 1 ml sphere centred on a voxel of the mask.
        mtv_ml: Metabolic tumour volume, the volume of the mask in ml.

    Examples:
        >>> Uptake(suv_max=9.0, suv_mean=4.0, suv_peak=6.0, mtv_ml=2.5).tlg
        10.0
    """

    suv_max: float
    suv_mean: float
    suv_peak: float
    mtv_ml: float

    @property
    def tlg(self) -> float:
        """Total lesion glycolysis, SUVmean x MTV, in SUV x ml (that is grams of glucose equivalents)."""
        return self.suv_mean * self.mtv_ml if self.mtv_ml else 0.0


@dataclass(frozen=True)
class UptakePair:
    """The uptake within the reference and within the prediction, from one image."""

    reference: Uptake
    prediction: Uptake


def measure_uptake(image: NDArray[Any], mask: NDArray[Any], *, spacing_mm: Spacing, box: Box | None = None) -> Uptake:
    """SUVmax, SUVmean, SUVpeak and volume within one mask.

    SUVpeak: round every voxel of the mask, the voxels whose centres lie
    within 6.2035 mm (a sphere of 1 ml) are averaged, in the mask or not; the
    greatest of these means counts, which need not be the one round SUVmax.
    Where a sphere leaves the image, the part inside is averaged. With
    voxels wider than the radius it is SUVmax.

    Args:
        image: (i, j, k), SUV.
        mask: The same shape, bool or uint8; everything above zero is inside.
        spacing_mm: Along i, j, k.
        box: Half-open; holds all of the mask (default: found here).

    Raises:
        ValueError: The shapes differ.
        TypeError: Another kind of number.

    Source: Wahl et al., J Nucl Med 50 (2009) 122S (PERCIST), with the sphere placed to give the
    greatest mean.

    Examples:
        >>> image = np.zeros((9, 9, 9), np.float32)
        >>> image[4, 4, 4:6] = 19.0
        >>> found = measure_uptake(image, image > 0, spacing_mm=(4.0, 4.0, 4.0))
        >>> found.suv_max, found.suv_mean, found.suv_peak, found.mtv_ml
        (19.0, 19.0, 2.0, 0.128)
    """
    if image.shape != mask.shape:
        raise ValueError(f"expected image and mask of one shape, got {image.shape} and {mask.shape}")
    box = Box.of_mask(mask) if box is None else box
    if box is None or box.is_empty:
        return _EMPTY
    inside = mask[box.slices]
    inside = inside if inside.dtype == np.bool_ else inside > 0
    return measure_lesion_uptakes(image, inside, 1, start=box.start, spacing_mm=spacing_mm)[0]


def measure_lesion_uptakes(
    image: NDArray[Any], components: NDArray[Any], count: int, *, start: tuple[int, int, int], spacing_mm: Spacing
) -> tuple[Uptake, ...]:
    """The uptake of every lesion 1 to `count`, in one pass.

    Args:
        image: (i, j, k), SUV.
        components: uint32 lesion numbers of a part of the image, as `label_components` gives them.
        count: Number of lesions n.
        start: The voxel of the image that is voxel (0, 0, 0) of `components`.
        spacing_mm: Along i, j, k.

    Returns:
        n values; a number that no voxel has gives an empty one.

    Examples:
        >>> components = np.array([[[1, 0, 2, 2]]], np.uint32)
        >>> image = np.array([[[5.0, 9.0, 1.0, 3.0]]])
        >>> [u.suv_mean for u in measure_lesion_uptakes(image, components, 2, start=(0, 0, 0),
        ...                                             spacing_mm=(7.0, 7.0, 7.0))]
        [5.0, 2.0]
    """
    found = measure_regions(components, count, image, start=start, offsets=sphere_offsets(spacing_mm, PEAK_RADIUS_MM))
    voxel_ml = math.prod(spacing_mm) / 1000.0
    return tuple(
        Uptake(_finite(top), _finite(total / voxels), _finite(peak), voxels * voxel_ml) if voxels else _EMPTY
        for voxels, total, top, peak in zip(*(column.tolist() for column in found), strict=True)
    )


def _finite(value: float) -> float:
    return value if math.isfinite(value) else math.nan


_EMPTY = Uptake(suv_max=math.nan, suv_mean=math.nan, suv_peak=math.nan, mtv_ml=0.0)


class _WithUptake(Protocol):
    @property
    def uptake(self) -> UptakePair: ...


def suvmax_error(pair: _WithUptake) -> float:
    """SUVmax within the prediction less that within the reference; zero if both hold the hottest voxel."""
    return pair.uptake.prediction.suv_max - pair.uptake.reference.suv_max


def suvmean_error(pair: _WithUptake) -> float:
    """SUVmean within the prediction less that within the reference."""
    return pair.uptake.prediction.suv_mean - pair.uptake.reference.suv_mean


def suvpeak_error(pair: _WithUptake) -> float:
    """SUVpeak within the prediction less that within the reference."""
    return pair.uptake.prediction.suv_peak - pair.uptake.reference.suv_peak


def mtv_difference_ml(pair: _WithUptake) -> float:
    """Metabolic tumour volume of the prediction less that of the reference, in ml."""
    return pair.uptake.prediction.mtv_ml - pair.uptake.reference.mtv_ml


def tlg_difference(pair: _WithUptake) -> float:
    """Total lesion glycolysis of the prediction less that of the reference, in SUV x ml."""
    return pair.uptake.prediction.tlg - pair.uptake.reference.tlg


_FORMULAS: tuple[tuple[Callable[..., float], str, frozenset[Presence], str], ...] = (
    (suvmax_error, "SUV", EITHER_EMPTY, "SUVmax within the prediction less that within the reference."),
    (suvmean_error, "SUV", EITHER_EMPTY, "SUVmean within the prediction less that within the reference."),
    (suvpeak_error, "SUV", EITHER_EMPTY, "SUVpeak (1 ml sphere) within the prediction less that within the reference."),
    (mtv_difference_ml, "ml", NEVER, "Metabolic tumour volume of the prediction less that of the reference."),
    (tlg_difference, "SUV*ml", NEVER, "Total lesion glycolysis of the prediction less that of the reference."),
)

UPTAKE_METRICS: tuple[Metric, ...] = tuple(
    Metric(
        name=formula.__name__,
        description=description,
        unit=unit,
        direction=Direction.ZERO,
        symmetry=Symmetry.NEGATED,
        twin=None,
        undefined=undefined,
        formula=formula,
        nan_reason="" if formula is mtv_difference_ml else "image_not_finite",
        needs=frozenset({"uptake"}),
    )
    for formula, unit, undefined, description in _FORMULAS
)
"""The agreement of prediction and reference in uptake, for cases with an SUV image."""
