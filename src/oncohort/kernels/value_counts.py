"""How often each intensity occurs where labels are: one pass, plane by plane, without a copy of the volume."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from oncohort.kernels.layout import aligned, is_reversed

_KEPT_BITS = 20  # sign, exponent and 11 bits of the mantissa of a float32: steps of at most 0.05 %
_DROPPED_BITS = 32 - _KEPT_BITS
_SIGN = 0x80000000


class ValueCounts(NamedTuple):
    """The intensities of the voxels with a label above 0.

    Attributes:
        values: (n,) float64, ascending: whole numbers as they are, others the middle of a step of at most 0.05 %.
        counts: (n,) int64, voxels.
        total: Sum of the values, not of the steps.
        squares: Sum of their squares.
        low: The smallest value, NaN without voxels.
        high: The greatest.
    """

    values: NDArray[np.float64]
    counts: NDArray[np.int64]
    total: float
    squares: float
    low: float
    high: float

    @property
    def voxels(self) -> int:
        """How many voxels were counted."""
        return int(self.counts.sum())


def count_values(image: NDArray[Any], labels: NDArray[Any]) -> ValueCounts:
    """The intensities of an image where labels are above 0.

    Args:
        image: (i, j, k) integers, bool or floats; any memory order, fastest in that of the labels.
        labels: The same shape, integers or bool.

    Raises:
        ValueError: The shapes differ or are not three-dimensional, or a value is not a finite float32.

    Examples:
        >>> image = np.array([[[3, -1, 3, 8]]], np.int16)
        >>> found = count_values(image, np.array([[[1, 2, 1, 0]]]))
        >>> found.values.tolist(), found.counts.tolist(), found.total
        ([-1.0, 3.0], [1, 2], 5.0)
    """
    if image.shape != labels.shape or image.ndim != 3:
        raise ValueError(f"expected two arrays of one shape (i, j, k), got {image.shape} and {labels.shape}")
    if image.dtype.kind == "f":
        return _floats(image, labels)
    return _narrow(image, labels) if image.dtype.itemsize <= 2 else _wide(image, labels)


def _planes(image: NDArray[Any], labels: NDArray[Any], number: Any) -> Iterator[tuple[NDArray[Any], NDArray[np.uint8]]]:
    """Voxels (read only, or kernels are compiled twice) and 0 or 1 for each, in a row, of planes that hold a label."""
    reverse = is_reversed(labels)
    images, masks = (array.T if reverse else array for array in (image, labels))
    for plane, mask in zip(images, masks, strict=True):
        inside = aligned(mask > 0, reverse=False).reshape(-1).view(np.uint8)
        if inside.any():
            row = np.ascontiguousarray(plane, number).reshape(-1)
            row.flags.writeable = False
            yield row, inside


def _words(inside: NDArray[np.uint8]) -> NDArray[np.uint64]:
    return inside[: inside.size // 8 * 8].view(np.uint64)


def _narrow(image: NDArray[Any], labels: NDArray[Any]) -> ValueCounts:
    """8 and 16 bits: a place in the table for every number there is."""
    width = image.dtype.itemsize * 8
    counts = np.zeros(1 << width, np.int64)
    for plane, inside in _planes(image, labels, image.dtype.newbyteorder("=")):
        _count_numbers(plane.view(f"u{image.dtype.itemsize}"), _words(inside), inside, counts)
    lowest = -(1 << (width - 1)) if image.dtype.kind == "i" else 0
    counts = np.roll(counts, -lowest)  # unsigned, negative numbers come behind the positive ones
    held = np.flatnonzero(counts)
    return _whole((held + lowest).astype(np.float64), counts[held])


def _wide(image: NDArray[Any], labels: NDArray[Any]) -> ValueCounts:
    """Wider integers: sorted, because their range may be any."""
    values, counts = np.unique(image[labels > 0], return_counts=True)
    return _whole(values.astype(np.float64), counts.astype(np.int64))


def _whole(values: NDArray[np.float64], counts: NDArray[np.int64]) -> ValueCounts:
    low, high = (float(values[0]), float(values[-1])) if values.size else (np.nan, np.nan)
    return ValueCounts(values, counts, float(values @ counts), float((values * values) @ counts), low, high)


def _floats(image: NDArray[Any], labels: NDArray[Any]) -> ValueCounts:
    counts = np.zeros(1 << _KEPT_BITS, np.int64)
    rows = []
    for plane, inside in _planes(image, labels, np.float64 if image.dtype.itemsize > 4 else np.float32):
        with np.errstate(over="ignore"):
            bits = plane.astype(np.float32, copy=False).view(np.uint32)
        bits.flags.writeable = False
        row = np.array([0.0, 0.0, np.inf, -np.inf])
        if not _count_steps(plane, bits, _words(inside), inside, counts, row):
            raise ValueError("a voxel is not finite")
        rows.append(row)
    held = np.flatnonzero(counts)
    if not rows:
        return _whole(np.zeros(0), np.zeros(0, np.int64))
    found = np.array(rows)
    low, high = float(found[:, 2].min()), float(found[:, 3].max())
    return ValueCounts(_middles(held), counts[held], float(found[:, 0].sum()), float(found[:, 1].sum()), low, high)


def _middles(steps: NDArray[np.intp]) -> NDArray[np.float64]:
    middle = (steps.astype(np.uint32) << np.uint32(_DROPPED_BITS)) | np.uint32(1 << (_DROPPED_BITS - 1))
    back = np.where(middle >> 31, middle & np.uint32(_SIGN - 1), ~middle).astype(np.uint32)
    return back.view(np.float32).astype(np.float64)


@njit(nogil=True, cache=True)
def _count_numbers(numbers: Any, words: Any, inside: Any, counts: Any) -> None:
    for word in range(words.size + 1):
        if word < words.size and words[word] == 0:
            continue
        for n in range(8 * word, min(8 * word + 8, inside.size)):
            if inside[n]:
                counts[numbers[n]] += 1


@njit(nogil=True, cache=True)
def _count_steps(values: Any, bits: Any, words: Any, inside: Any, counts: Any, row: Any) -> bool:
    """Add the steps of a plane, and to `row` its sum, sum of squares, smallest and greatest value.

    The bits of floats below 0, turned over, and of those above with the sign set stand in the order of the values.
    """
    total, squares, low, high = row[0], row[1], row[2], row[3]
    for word in range(words.size + 1):
        if word < words.size and words[word] == 0:
            continue
        for n in range(8 * word, min(8 * word + 8, inside.size)):
            if inside[n]:
                pattern = int(bits[n])
                if pattern & 0x7F800000 == 0x7F800000:
                    return False
                ordered = 0xFFFFFFFF - pattern if pattern & _SIGN else pattern | _SIGN
                counts[ordered >> _DROPPED_BITS] += 1
                value = np.float64(values[n])
                total += value
                squares += value * value
                low = min(low, value)
                high = max(high, value)
    row[0], row[1], row[2], row[3] = total, squares, low, high
    return True
