"""Sums, maxima and the greatest mean over a sphere, for every region of a volume in one pass."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from oncohort.kernels.layout import aligned, is_reversed


class RegionValues(NamedTuple):
    """What an image holds within each region 1 to n.

    Attributes:
        voxels: (n,) int64, voxels per region.
        sums: (n,) float64, sum of the image; rounded once, whatever the order of the voxels.
        maxima: (n,) float64, greatest value; -inf for a region without voxels.
        peaks: (n,) float64, greatest mean over a sphere whose centre lies in the region; -inf as above.
    """

    voxels: NDArray[np.int64]
    sums: NDArray[np.float64]
    maxima: NDArray[np.float64]
    peaks: NDArray[np.float64]


def sphere_offsets(spacing_mm: tuple[float, float, float], radius_mm: float) -> NDArray[np.int64]:
    """The voxels (n, 3) whose centres lie within a radius of the centre of voxel (0, 0, 0).

    Args:
        spacing_mm: Along i, j, k.
        radius_mm: A centre at just this distance counts.

    Raises:
        ValueError: A spacing that is not positive.

    Examples:
        >>> len(sphere_offsets((4.0, 4.0, 4.0), 6.2035)), len(sphere_offsets((7.0, 7.0, 7.0), 6.2035))
        (19, 1)
    """
    spacing = np.asarray(spacing_mm, np.float64)
    if spacing.shape != (3,) or not np.all(spacing > 0):
        raise ValueError(f"expected three positive spacings in mm, got {spacing_mm}")
    reach = np.floor(radius_mm / spacing).astype(np.int64)
    axes = [np.arange(-n, n + 1) for n in reach]
    offsets = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    near = ((offsets * spacing) ** 2).sum(axis=1) <= radius_mm**2
    return np.ascontiguousarray(offsets[near])


def measure_regions(
    regions: NDArray[Any], count: int, image: NDArray[Any], *, start: tuple[int, int, int], offsets: NDArray[np.int64]
) -> RegionValues:
    """Voxels, sum, maximum and greatest sphere mean of every region.

    A sphere is looked at only round voxels of a region. It may reach out of
    the region and out of the box of `regions`; where it leaves the image, the
    mean is over the voxels that the image has. NaN in the image stays NaN.

    Args:
        regions: bool, uint8 or uint32 (i, j, k): 0 is outside, 1 to `count` number the regions.
        count: Their number n.
        image: (i, j, k), any real numbers; its voxel `start` is voxel (0, 0, 0) of `regions`.
        start: Where `regions` lies in the image.
        offsets: (m, 3) from `sphere_offsets`.

    Raises:
        ValueError: `regions` reaches out of the image, or holds a number above `count`.
        TypeError: Another kind of number.

    Examples:
        >>> image = np.zeros((9, 9, 9), np.float32)
        >>> image[4, 4, 4] = 38.0
        >>> found = measure_regions(np.ones((2, 1, 1), bool), 1, image, start=(4, 4, 4),
        ...                         offsets=sphere_offsets((4.0, 4.0, 4.0), 6.2035))
        >>> found.maxima.tolist(), found.peaks.tolist()
        ([38.0], [2.0])
    """
    shape = np.array(regions.shape, np.int64)
    origin = np.array(start, np.int64)
    if regions.ndim != 3 or np.any(origin < 0) or np.any(origin + shape > np.array(image.shape)):
        raise ValueError(f"expected regions within the image, got {regions.shape} at {start} in {image.shape}")
    found = RegionValues(
        np.zeros(count + 1, np.int64),
        np.zeros(count + 1),
        np.full(count + 1, -np.inf),
        np.full(count + 1, -np.inf),
    )
    rest = np.zeros(count + 1)
    if regions.size:
        reach = np.abs(offsets).max(axis=0)
        readable, moved = _as_floats(image, origin, shape, reach)
        reverse = is_reversed(readable)
        turn = slice(None, None, -1 if reverse else 1)
        numbers = aligned(_as_unsigned(regions), reverse=reverse)
        values = aligned(readable, reverse=reverse)
        steps = np.array([values.shape[1] * values.shape[2], values.shape[2], 1], np.int64)
        near = np.ascontiguousarray(offsets[:, turn])
        flat = _frozen(numbers)
        per_word = 8 // flat.itemsize
        words = flat[: flat.size // per_word * per_word].view(np.uint64)
        grid = (np.array(numbers.shape, np.int64), np.array(values.shape, np.int64), moved[turn].copy(), steps)
        sphere = (near, near @ steps, reach[turn].copy())
        if not _measure(flat, words, _frozen(values), grid, sphere, (*found, rest)):
            raise ValueError(f"expected regions numbered 1 to {count}, got {int(numbers.max())}")
    return RegionValues(found.voxels[1:], (found.sums + rest)[1:], found.maxima[1:], found.peaks[1:])


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    """The array flat and read-only, so that one compiled kernel serves arrays of either kind."""
    flat = array.reshape(-1).view()
    flat.flags.writeable = False
    return flat


def _as_unsigned(regions: NDArray[Any]) -> NDArray[Any]:
    """Regions as uint8 or uint32, without a copy."""
    if regions.dtype in (np.bool_, np.uint8):
        return regions.view(np.uint8)
    if regions.dtype == np.uint32 and regions.dtype.isnative:
        return regions
    raise TypeError(f"expected regions as bool, uint8 or uint32, got {regions.dtype}")


def _as_floats(
    image: NDArray[Any], origin: NDArray[np.int64], shape: NDArray[np.int64], reach: NDArray[np.int64]
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The image as native floats in one piece, and where the regions start in it.

    An image that is neither is copied, but only the part that a sphere can reach.
    """
    if image.dtype.kind not in "biuf":
        raise TypeError(f"expected an image of real numbers, got {image.dtype}")
    wanted = np.float32 if np.can_cast(image.dtype, np.float32) else np.float64
    in_one_piece = image.flags.c_contiguous or image.flags.f_contiguous
    if image.dtype == wanted and image.dtype.isnative and in_one_piece:
        return image, origin
    first = np.maximum(origin - reach, 0)
    last = np.minimum(origin + shape + reach, np.array(image.shape))
    part = tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    return np.asarray(image[part], wanted, order="F" if is_reversed(image) else "C"), origin - first


@njit(nogil=True, cache=True)
def _sphere_mean(values: Any, centre: Any, position: int, shape: Any, sphere: Any) -> float:
    offsets, jumps, reach = sphere
    inside = True
    for axis in range(3):
        if centre[axis] < reach[axis] or centre[axis] + reach[axis] >= shape[axis]:
            inside = False
    total = 0.0
    if inside:
        for n in range(jumps.size):
            total += float(values[position + jumps[n]])
        return float(total / jumps.size)
    number = 0
    for n in range(jumps.size):
        a = centre[0] + offsets[n, 0]
        b = centre[1] + offsets[n, 1]
        c = centre[2] + offsets[n, 2]
        if 0 <= a < shape[0] and 0 <= b < shape[1] and 0 <= c < shape[2]:
            total += float(values[position + jumps[n]])
            number += 1
    return float(total / number)


@njit(nogil=True, cache=True)
def _add_voxels(regions: Any, span: tuple[int, int], values: Any, grid: Any, sphere: Any, found: Any) -> bool:
    shape, image_shape, start, steps = grid
    voxels, sums, maxima, peaks, rest = found
    for voxel in range(span[0], span[1]):
        region = regions[voxel]
        if region == 0:
            continue
        if region >= voxels.size:
            return False
        row = voxel // shape[2]
        plane = row // shape[1]
        centre = (start[0] + plane, start[1] + row - plane * shape[1], start[2] + voxel - row * shape[2])
        position = centre[0] * steps[0] + centre[1] * steps[1] + centre[2]
        value = float(values[position])
        voxels[region] += 1
        before = float(sums[region])
        total = before + value
        part = total - before
        rest[region] += (before - (total - part)) + (value - part)
        sums[region] = total
        # written so that a NaN enters and stays
        if not value <= maxima[region] and maxima[region] == maxima[region]:
            maxima[region] = value
        mean = _sphere_mean(values, centre, position, image_shape, sphere)
        if not mean <= peaks[region] and peaks[region] == peaks[region]:
            peaks[region] = mean
    return True


@njit(nogil=True, cache=True)
def _measure(regions: Any, words: Any, values: Any, grid: Any, sphere: Any, found: Any) -> bool:
    per_word = 8 // regions.itemsize
    for word in range(words.size):
        if words[word] != 0:
            span = (word * per_word, (word + 1) * per_word)
            if not _add_voxels(regions, span, values, grid, sphere, found):
                return False
    return bool(_add_voxels(regions, (words.size * per_word, regions.size), values, grid, sphere, found))
