"""Predictions on the grid of their reference."""

from __future__ import annotations

from pathlib import Path

from oncohort.errors import PredictionError
from oncohort.geometry import Geometry
from oncohort.volume import LabelMap, resample


def fit_prediction(prediction: LabelMap, grid: Geometry, *, path: Path, is_resampling: bool) -> tuple[LabelMap, bool]:
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
        layers = tuple(resample(layer, grid, interpolation="nearest", fill=0) for layer in prediction.layers)
        return LabelMap(grid, layers, prediction.scheme), True
    raise PredictionError(
        expected=f"a prediction on the reference grid ({_describe(grid)})",
        found=_describe(prediction.geometry, reference=grid),
        where=str(path),
        remedy="predict on that grid, or add --resample-predictions to take the nearest voxel",
    )


def _describe(grid: Geometry, *, reference: Geometry | None = None) -> str:
    spacing = " x ".join(f"{edge:.4g}" for edge in grid.spacing_mm)
    shape = " x ".join(str(edge) for edge in grid.shape)
    text = f"{shape} voxels of {spacing} mm, {grid.orientation}"
    if reference is not None and reference.shape == grid.shape:
        text += f", shifted by up to {reference.largest_offset_mm(grid):.3g} mm"
    return text
