"""Numbers of voxels, got back from Dice and volumes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_TOLERANCE = 1e-3  # voxels; Dice and volumes in float64 give the count to far less


@dataclass(frozen=True)
class VoxelGrid:
    """How many voxels an image has, and how large each is.

    Examples:
        >>> VoxelGrid.of_row({"shape": [4, 4, 4], "spacing_mm": [10.0, 10.0, 10.0]})
        VoxelGrid(voxels=64, voxel_ml=1.0)
    """

    voxels: int
    voxel_ml: float

    @staticmethod
    def of_row(row: Mapping[str, Any]) -> VoxelGrid:
        """From `shape` and `spacing_mm` of a row of `volumes.parquet`."""
        return VoxelGrid(math.prod(row["shape"]), math.prod(row["spacing_mm"]) / 1000.0)


def count_voxels(
    dice: float, reference_ml: float, prediction_ml: float, *, grid: VoxelGrid, is_missing: bool
) -> dict[str, float | int]:
    """TP, FP, FN, TN, n_pred and n_ref by nnU-Net's names; NaN where they cannot be known.

    A missing prediction finds nothing (TP 0, FN n_ref); what it might have
    predicted besides is not known.

    Args:
        dice: Of the two masks; looked at only if both hold voxels.
        reference_ml: Volume of the reference.
        prediction_ml: Volume of the prediction; NaN where it is missing.
        grid: Of the reference.
        is_missing: Whether there is no usable prediction.

    Examples:
        >>> count_voxels(0.5, 6.0, 2.0, grid=VoxelGrid(64, 1.0), is_missing=False)
        {'FN': 4, 'FP': 0, 'TN': 58, 'TP': 2, 'n_pred': 2, 'n_ref': 6}
    """
    n_ref = _whole(reference_ml / grid.voxel_ml)
    n_pred = math.nan if is_missing else _whole(prediction_ml / grid.voxel_ml)
    tp = 0 if is_missing or 0 in (n_ref, n_pred) else _whole(dice * (n_ref + n_pred) / 2.0)
    fp, fn = n_pred - tp, n_ref - tp
    return {"FN": fn, "FP": fp, "TN": grid.voxels - n_ref - fp, "TP": tp, "n_pred": n_pred, "n_ref": n_ref}


def _whole(number: float) -> float | int:
    """The number of voxels, or NaN if it is no whole number: the volume was measured on another grid."""
    if math.isnan(number) or abs(number - round(number)) > max(_TOLERANCE, 1e-9 * number):
        return math.nan
    return round(number)
