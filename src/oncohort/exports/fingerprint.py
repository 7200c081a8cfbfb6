"""The fingerprint of a data set by which nnU-Net plans: shapes, spacings, intensities of the foreground."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from oncohort.errors import FormatError
from oncohort.geometry import Box, Geometry
from oncohort.kernels import ValueCounts, count_values
from oncohort.storage import write_bytes

_PERCENTS = (0.5, 50.0, 99.5)


@dataclass(frozen=True, eq=False)
class CaseFingerprint:
    """What the fingerprint of a data set needs of one case.

    Attributes:
        shape: After cropping to voxels that are not zero in every channel, along k, j, i.
        spacing: In mm along k, j, i.
        relative_size: Voxels after cropping over voxels before.
        foreground: Intensities of each channel where the labels are above 0.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    relative_size: float
    foreground: tuple[ValueCounts, ...]


def write_part(path: Path, part: CaseFingerprint) -> int:
    """Write the part of one case to an .npz file, whole or not at all; gives its size in bytes."""
    arrays: dict[str, NDArray[Any]] = {
        "shape": np.array(part.shape),
        "spacing": np.array(part.spacing),
        "relative_size": np.array(part.relative_size),
    }
    for number, one in enumerate(part.foreground):
        arrays |= {f"values_{number}": one.values, f"counts_{number}": one.counts}
        arrays[f"moments_{number}"] = np.array([one.total, one.squares, one.low, one.high])
    stream = BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **arrays)
    data = stream.getvalue()
    write_bytes(path, data)
    return len(data)


def read_part(path: Path) -> CaseFingerprint:
    """The part that `write_part` wrote.

    Raises:
        FormatError: The file is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as held:
            foreground = tuple(
                ValueCounts(held[f"values_{n}"], held[f"counts_{n}"], *map(float, held[f"moments_{n}"]))
                for n in range(sum(name.startswith("values_") for name in held.files))
            )
            k, j, i = map(int, held["shape"])
            z, y, x = map(float, held["spacing"])
            return CaseFingerprint((k, j, i), (z, y, x), float(held["relative_size"]), foreground)
    except (OSError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise FormatError(
            expected="the fingerprint of a case",
            found=repr(error),
            where=str(path),
            remedy="delete it and export again",
        ) from error


def fingerprint_case(
    images: Sequence[NDArray[Any]],
    labels: NDArray[Any],
    geometry: Geometry,
    *,
    where: str,
    spacing_mm: tuple[float, float, float] | None = None,
) -> CaseFingerprint:
    """The part of one case.

    Args:
        images: (i, j, k) per channel.
        labels: The same shape; what is above 0 is foreground.
        geometry: The grid of all.
        where: Named in messages.
        spacing_mm: Along i, j, k as nnU-Net reads it from the file of the first channel; that of the grid without.

    Raises:
        FormatError: A voxel of the foreground is not finite.

    Examples:
        >>> image = np.zeros((4, 4, 4), np.int16)
        >>> image[1:3, 1:3, 1:4] = 5
        >>> case = fingerprint_case([image], image > 0, Geometry((4, 4, 4), np.diag([1, 2, 3, 1])), where="here")
        >>> case.shape, case.spacing, case.foreground[0].voxels
        ((3, 2, 2), (3.0, 2.0, 1.0), 12)
    """
    box = _nonzero(images)
    try:
        foreground = tuple(count_values(image[box.slices], labels[box.slices]) for image in images)
    except ValueError as error:
        raise FormatError(
            expected="finite voxels in the foreground", found=str(error), where=where, remedy="correct the image"
        ) from error
    i, j, k = (stop - start for start, stop in zip(box.start, box.stop, strict=True))
    x, y, z = spacing_mm or geometry.spacing_mm
    return CaseFingerprint((k, j, i), (z, y, x), float(i * j * k / np.prod(geometry.shape)), foreground)


def fingerprint_dataset(cases: Iterable[CaseFingerprint]) -> dict[str, Any]:
    """What nnU-Net writes as `dataset_fingerprint.json`.

    nnU-Net draws equally many foreground voxels of every case, with replacement; here every case with foreground has
    the same weight, which is what that draw estimates. Percentiles are those of the weighted distribution.

    Args:
        cases: In the order of the data set.

    Raises:
        ValueError: There is no case.

    Examples:
        >>> grid = Geometry((2, 2, 2), np.eye(4))
        >>> image = np.full((2, 2, 2), 7, np.int16)
        >>> found = fingerprint_dataset([fingerprint_case([image], image, grid, where="a")])
        >>> found["foreground_intensity_properties_per_channel"]["0"]["median"], found["shapes_after_crop"]
        (7.0, [[2, 2, 2]])
    """
    listed = list(cases)
    if not listed:
        raise ValueError("expected at least one case")
    channels = range(len(listed[0].foreground))
    return {
        "spacings": [list(case.spacing) for case in listed],
        "shapes_after_crop": [list(case.shape) for case in listed],
        "foreground_intensity_properties_per_channel": {
            str(channel): _properties([case.foreground[channel] for case in listed]) for channel in channels
        },
        "median_relative_size_after_cropping": float(np.median([case.relative_size for case in listed])),
    }


def _properties(histograms: Sequence[ValueCounts]) -> dict[str, float]:
    held = [one for one in histograms if one.voxels]
    if not held:
        return dict.fromkeys(
            ("mean", "median", "std", "min", "max", "percentile_99_5", "percentile_00_5"), float("nan")
        )
    values = np.concatenate([one.values for one in held])
    weights = np.concatenate([one.counts / one.voxels for one in held]) / len(held)
    mean = float(np.mean([one.total / one.voxels for one in held]))
    square = float(np.mean([one.squares / one.voxels for one in held]))
    low, middle, high = _percentiles(values, weights)
    return {
        "mean": mean,
        "median": middle,
        "std": max(0.0, square - mean * mean) ** 0.5,
        "min": min(one.low for one in held),
        "max": max(one.high for one in held),
        "percentile_99_5": high,
        "percentile_00_5": low,
    }


def _percentiles(values: NDArray[np.float64], weights: NDArray[np.float64]) -> list[float]:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    places = np.searchsorted(reached, np.array(_PERCENTS) / 100 * reached[-1])
    return [float(value) for value in values[order][np.minimum(places, len(values) - 1)]]


def _nonzero(images: Sequence[NDArray[Any]]) -> Box:
    found = [box for box in map(_nonzero_box, images) if not box.is_empty]
    if not found:
        return Box((0, 0, 0), images[0].shape)
    start = tuple(min(box.start[axis] for box in found) for axis in range(3))
    stop = tuple(max(box.stop[axis] for box in found) for axis in range(3))
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def _nonzero_box(image: NDArray[Any]) -> Box:
    """The box round what is not zero, from outside inwards, slowest axis first: few planes of a scan are read."""
    slices = [slice(0, edge) for edge in image.shape]
    for axis in sorted(range(3), key=lambda axis: -abs(image.strides[axis])):
        planes = np.moveaxis(image[tuple(slices)], axis, 0)
        first = next((n for n, plane in enumerate(planes) if plane.any()), len(planes))
        last = next((n for n, plane in enumerate(planes[first:][::-1]) if plane.any()), 0)
        slices[axis] = slice(first, len(planes) - last)
    i, j, k = slices
    return Box((i.start, j.start, k.start), (i.stop, j.stop, k.stop))
