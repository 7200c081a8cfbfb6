"""The same voxels on another grid."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from oncohort.errors import SettingsError
from oncohort.geometry import Box, Geometry, axis_permutation
from oncohort.volume.volume import Volume

Interpolation = Literal["nearest", "linear", "cubic"]

_ORDER: dict[str, int] = {"nearest": 0, "linear": 1, "cubic": 3}
_EDGE_TOLERANCE = 1e-4  # of a voxel: a position that rounding put this far outside still counts as inside


def crop(volume: Volume, box: Box) -> Volume:
    """The part of `volume` inside `box`, still read on first use.

    Raises:
        GeometryError: The box is empty or reaches outside the grid.

    Examples:
        >>> from oncohort.units import Unit
        >>> line = Volume.from_array(np.arange(4).reshape(4, 1, 1), Geometry((4, 1, 1), np.eye(4)), Unit.NONE)
        >>> crop(line, Box((1, 0, 0), (3, 1, 1))).array.ravel().tolist()
        [1, 2]
    """
    return Volume(volume.geometry.crop(box), volume.unit, lambda: volume.array[box.slices], volume.record)


def reorient(volume: Volume, codes: str) -> Volume:
    """`volume` with its axes permuted and reversed so that they read `codes`; no voxel changes.

    Raises:
        GeometryError: `codes` is not three letters for three patient axes.

    Examples:
        >>> from oncohort.units import Unit
        >>> line = Volume.from_array(np.arange(3).reshape(3, 1, 1), Geometry((3, 1, 1), np.eye(4)), Unit.NONE)
        >>> reorient(line, "LAS").array.ravel().tolist()
        [2, 1, 0]
    """
    sources, flips = axis_permutation(volume.geometry.orientation, codes)
    steps = tuple(slice(None, None, -1 if flip else None) for flip in flips)
    return Volume(
        volume.geometry.reorient(codes), volume.unit, lambda: volume.array.transpose(sources)[steps], volume.record
    )


def resample(volume: Volume, onto: Geometry, *, interpolation: Interpolation, fill: float) -> Volume:
    """`volume` on the grid `onto`, computed on first use.

    Positions outside the span of the old voxel centres get `fill`; nothing is
    extrapolated. Integers stay integers with "nearest" and become float32
    otherwise.

    Args:
        volume: What to resample.
        onto: The new grid.
        interpolation: "nearest", "linear" or "cubic" (B-spline, which overshoots at edges).
        fill: Value outside, in the volume's unit (air is -1024 HU).

    Raises:
        ValueError: There is no such interpolation.
        SettingsError: When the voxels are computed: their integer type cannot hold `fill`.

    Examples:
        >>> from oncohort.units import Unit
        >>> line = Volume.from_array(np.array([0.0, 10.0, 20.0], np.float32).reshape(3, 1, 1),
        ...                          Geometry((3, 1, 1), np.eye(4)), Unit.HU)
        >>> finer = Geometry((4, 1, 1), np.diag([0.75, 1.0, 1.0, 1.0]))
        >>> resample(line, finer, interpolation="linear", fill=-1024).array.ravel().tolist()
        [0.0, 7.5, 15.0, -1024.0]
    """
    if interpolation not in _ORDER:
        raise ValueError(f"interpolation is one of {', '.join(_ORDER)}, not {interpolation!r}")
    to_old = np.linalg.inv(volume.geometry.affine) @ onto.affine
    return Volume(
        onto, volume.unit, lambda: _interpolate(volume.array, to_old, onto, interpolation, fill), volume.record
    )


def _interpolate(
    array: NDArray[Any], to_old: NDArray[np.float64], onto: Geometry, interpolation: Interpolation, fill: float
) -> NDArray[Any]:
    from scipy import ndimage  # noqa: PLC0415 - costs 0.2 s, and only resampling needs it

    dtype = array.dtype if interpolation == "nearest" else np.dtype(np.float32)
    matrix = np.where(np.abs(to_old) < 1e-9, 0.0, to_old)
    rounded = np.round(matrix, 6)
    matrix = np.where(np.abs(matrix - rounded) < 1e-8, rounded, matrix)
    _require_holds(dtype, fill)
    result = np.empty(onto.shape, dtype)
    ndimage.affine_transform(
        array,
        matrix[:3, :3],
        offset=matrix[:3, 3],
        output_shape=onto.shape,
        output=result,
        order=_ORDER[interpolation],
        mode="mirror",
    )
    for axis, edge in enumerate(array.shape):
        position = _positions(matrix[axis], onto)
        outside = (position < -_EDGE_TOLERANCE) | (position > edge - 1 + _EDGE_TOLERANCE)
        np.copyto(result, np.asarray(fill).astype(dtype), where=outside)
    return result


def _positions(row: NDArray[np.float64], onto: Geometry) -> NDArray[np.float64]:
    """Index along one old axis of the new voxels, broadcastable to their grid."""
    position = np.full((1, 1, 1), row[3])
    for axis, (step, edge) in enumerate(zip(row[:3], onto.shape, strict=True)):
        if step != 0.0:
            line = [1, 1, 1]
            line[axis] = edge
            position = position + (step * np.arange(edge)).reshape(line)
    return position


def _require_holds(dtype: np.dtype[Any], fill: float) -> None:
    if dtype.kind in "iu" and not (float(fill).is_integer() and np.iinfo(dtype).min <= fill <= np.iinfo(dtype).max):
        raise SettingsError(
            expected=f"a fill value that {dtype} can hold",
            found=f"{fill:g}",
            where="resample",
            remedy="choose a fill value that the voxels can take, or interpolate linearly",
        )
