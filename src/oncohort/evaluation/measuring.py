"""The metrics of a profile on one pair of masks, empty and missing ones included."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.errors import PredictionError
from oncohort.geometry import Geometry
from oncohort.metrics import METRICS, MaskPair, Presence, compare_masks
from oncohort.profiles import MetricRule, Profile
from oncohort.volume import LabelMap, Volume, resample

MISSING = "prediction_missing"
"""Reason of a score that has no value because there is no prediction."""


@dataclass(frozen=True)
class Measured:
    """The value of one metric, or the reason why there is none."""

    metric: str
    value: float | None
    undefined: str | None


def measure(reference: LabelMap, prediction: Volume | None, profile: Profile) -> list[Measured]:
    """Every metric of `profile`, in its order.

    Args:
        reference: All its labels together are the reference mask.
        prediction: Integers on the same grid, everything above 0 is prediction; None if it is missing.
        profile: Says what empty and missing masks are worth.

    Raises:
        FormatError: A file behind the masks cannot be read.

    Examples:
        >>> from oncohort.labels import LabelScheme
        >>> from oncohort.profiles import load_profile
        >>> mask = np.ones((2, 2, 2), bool)
        >>> grid = Geometry(mask.shape, np.diag([10.0, 10.0, 10.0, 1.0]))
        >>> reference = LabelMap.from_masks({"lesion": mask}, grid, LabelScheme("lesion", {"lesion": 1}))
        >>> for measured in measure(reference, None, load_profile("autopet-iii")):
        ...     print(measured.metric, measured.value, measured.undefined)
        dice 0.0 None
        fpv_ml None prediction_missing
        fnv_ml 8.0 None
        volume_difference_ml None prediction_missing
    """
    mask = reference.foreground()
    pair = compare_masks(
        mask,
        _predicted(prediction, mask),
        voxel_ml=reference.geometry.voxel_ml,
        connectivity=profile.components.connectivity,
    )
    return [_apply(rule, pair, is_missing=prediction is None) for rule in profile.metric]


def fit_prediction(prediction: Volume, grid: Geometry, *, path: Path, is_resampling: bool) -> tuple[Volume, bool]:
    """The prediction on the reference grid, and whether it had to be resampled.

    Args:
        prediction: As it was read.
        grid: Of the reference.
        path: What errors call the prediction.
        is_resampling: Take the nearest voxel where grids differ, instead of refusing.

    Raises:
        PredictionError: The grids differ.
    """
    if grid.is_same_grid(prediction.geometry):
        return prediction, False
    if is_resampling:
        return resample(prediction, grid, interpolation="nearest", fill=0), True
    raise PredictionError(
        expected=f"a prediction on the reference grid ({_describe(grid)})",
        found=_describe(prediction.geometry, reference=grid),
        where=str(path),
        remedy="predict on that grid, or add --resample-predictions to take the nearest voxel",
    )


def _predicted(prediction: Volume | None, reference: NDArray[np.bool_]) -> NDArray[np.bool_]:
    if prediction is None:
        return np.zeros_like(reference)
    return np.asarray(prediction.array > 0)


def _apply(rule: MetricRule, pair: MaskPair, *, is_missing: bool) -> Measured:
    if is_missing and rule.missing == "undefined":
        return Measured(rule.name, None, MISSING)
    decision = rule.rule_for(pair.presence)
    if decision == "undefined":
        return Measured(rule.name, None, _reason(pair.presence))
    if decision == "measured":
        return Measured(rule.name, METRICS[rule.name].formula(pair), None)
    return Measured(rule.name, float(decision), None)


def _reason(presence: Presence) -> str:
    return Presence.PREDICTION_EMPTY if presence is Presence.PREDICTION_EMPTY else Presence.REFERENCE_EMPTY


def _describe(grid: Geometry, *, reference: Geometry | None = None) -> str:
    spacing: Any = " x ".join(f"{edge:.4g}" for edge in grid.spacing_mm)
    shape = " x ".join(str(edge) for edge in grid.shape)
    text = f"{shape} voxels of {spacing} mm, {grid.orientation}"
    if reference is not None and reference.shape == grid.shape:
        text += f", shifted by up to {reference.largest_offset_mm(grid):.3g} mm"
    return text
