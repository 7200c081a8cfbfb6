"""Which surface elements of two label arrays have one of the other array within a tolerance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from oncohort.kernels.surface_points import CODES, PlaceKeys, SurfaceArray, collect_places, corner_bits

_WINDOW = 32
_MOST_ROWS = 400
_CODE_BITS = np.uint64(8)


class _Rows(NamedTuple):
    """The rows of the grid (along the last axis in memory) that come within the tolerance, nearest first.

    Attributes:
        planes: (n,) int64; steps along the first axis in memory.
        lines: (n,) int64; steps along the second.
        windows: (n,) uint64; a bit for each place within the tolerance, bit 32 for the place beside.
    """

    planes: NDArray[np.int64]
    lines: NDArray[np.int64]
    windows: NDArray[np.uint64]


def is_within_reach(spacing_mm: tuple[float, float, float], tolerance_mm: float) -> bool:
    """Whether a tolerance is so few voxels wide that `count_within` looks for it.

    Examples:
        >>> is_within_reach((0.8, 0.8, 1.5), 2.0), is_within_reach((0.1, 0.1, 0.1), 5.0)
        (True, False)
    """
    widths = sorted(tolerance_mm // edge for edge in spacing_mm)
    return widths[2] < _WINDOW - 1 and (2 * widths[1] + 3) * (2 * widths[2] + 3) <= _MOST_ROWS


def count_within(
    reference: NDArray[Any] | SurfaceArray,
    prediction: NDArray[Any] | SurfaceArray,
    labels: Sequence[int],
    *,
    spacing_mm: tuple[float, float, float],
    tolerance_mm: float,
) -> NDArray[np.int64]:
    """Surface elements by label, array and neighbourhood, with and without one of the other array near.

    No distance is computed: each array sets a bit for every element of a label, and
    the elements of the other look at the few rows of bits within the tolerance.

    Args:
        reference: uint8 or bool (i, j, k), any memory order.
        prediction: The same shape.
        labels: 1 to 255.
        spacing_mm: Voxel edges along i, j, k.
        tolerance_mm: A distance equal to it is near; `is_within_reach` says whether it is small enough.

    Returns:
        (labels, 2, 2, 256): of reference and prediction, elements beyond and within, by the code of the eight
        voxels round them (bit 4a + 2b + c for voxel (a, b, c)).

    Raises:
        ValueError: The tolerance is too wide, or the shapes differ or are not three-dimensional.
        TypeError: Another kind of number.

    Examples:
        >>> first, second = np.zeros((4, 4, 4), bool), np.zeros((4, 4, 4), bool)
        >>> first[1, 1, 1] = second[1, 1, 2] = True
        >>> count_within(first, second, [1], spacing_mm=(1.0, 1.0, 1.0), tolerance_mm=0.5).sum(axis=-1).tolist()
        [[[4, 4], [4, 4]]]
    """
    if reference.shape != prediction.shape or reference.ndim != 3:
        raise ValueError(f"expected two arrays of one shape (i, j, k), got {reference.shape} and {prediction.shape}")
    if not is_within_reach(spacing_mm, tolerance_mm):
        raise ValueError(f"expected a tolerance of few voxels, got {tolerance_mm} mm in voxels of {spacing_mm} mm")
    one = SurfaceArray.of(reference)
    reverse = one.reverse
    both = one, SurfaceArray.of(prediction, reverse=reverse)
    rows = _rows_within(spacing_mm, tolerance_mm, reverse=reverse)
    margins = int(rows.planes.max(initial=0)), int(rows.lines.max(initial=0))
    corners = tuple(edge + 1 for edge in one.voxels.shape)
    words = (corners[-1] >> 6) + 3
    lines = corners[1] + 2 * margins[1]
    starts, widths = (*margins, 64 - _WINDOW), (lines * words * 64, words * 64, 1)
    planes, row_keys, columns = (
        ((np.arange(length) + start) * width).astype(np.uint64) << _CODE_BITS
        for length, start, width in zip(corners, starts, widths, strict=True)
    )
    keys = PlaceKeys(planes, row_keys, columns, corner_bits(reverse=reverse))
    (first, first_starts), (second, second_starts) = (
        collect_places(source, "elements", keys, labels) for source in both
    )
    bits = np.zeros((corners[0] + 2 * margins[0]) * lines * words, np.uint64)
    steps = (rows.planes * lines + rows.lines) * words
    counts = np.zeros((len(labels), 2, 2, CODES), np.int64)
    for n, label in enumerate(labels):
        ours = first[first_starts[label] : first_starts[label + 1]]
        theirs = second[second_starts[label] : second_starts[label + 1]]
        _count_near(bits, steps, rows.windows, ours, theirs, counts[n, 0])
        _count_near(bits, steps, rows.windows, theirs, ours, counts[n, 1])
    return counts


def _rows_within(spacing_mm: tuple[float, float, float], tolerance_mm: float, *, reverse: bool) -> _Rows:
    order = (2, 1, 0) if reverse else (0, 1, 2)
    widths = [int(max(tolerance_mm, 0.0) // spacing_mm[axis]) + 1 for axis in order]
    steps = np.meshgrid(
        np.arange(-widths[0], widths[0] + 1), np.arange(-widths[1], widths[1] + 1), np.arange(_WINDOW), indexing="ij"
    )
    i, j, k = ((steps[order.index(axis)] * spacing_mm[axis]) ** 2 for axis in range(3))
    squares = i + j + k
    reach = np.count_nonzero(np.sqrt(squares) <= tolerance_mm, axis=-1) - 1
    planes, lines = (axis[..., 0][reach >= 0] for axis in steps[:2])
    nearest = np.argsort(squares[..., 0][reach >= 0], kind="stable")
    windows = [sum(1 << place for place in range(_WINDOW - far, _WINDOW + far + 1)) for far in reach[reach >= 0]]
    return _Rows(planes[nearest], lines[nearest], np.array(windows, np.uint64)[nearest])


@njit(nogil=True, cache=True)
def _count_near(bits: Any, steps: Any, windows: Any, sources: Any, targets: Any, counts: Any) -> None:
    """Add each source to `counts[0]` or, with a target near, `counts[1]`; `bits` is 0 before and after."""
    centre = np.uint64(_WINDOW)
    for n in range(targets.size):
        place = (targets[n] >> _CODE_BITS) + centre
        bits[place >> np.uint64(6)] |= np.uint64(1) << (place & np.uint64(63))
    for n in range(sources.size):
        place = sources[n] >> _CODE_BITS
        word = np.int64(place >> np.uint64(6))
        shift = place & np.uint64(63)
        rest = np.uint64(63) - shift
        near = 0
        for row in range(steps.size):
            at = word + steps[row]
            window = (bits[at] >> shift) | ((bits[at + 1] << rest) << np.uint64(1))
            if window & windows[row] != 0:
                near = 1
                break
        counts[near, np.int64(sources[n] & np.uint64(255))] += 1
    for n in range(targets.size):
        bits[((targets[n] >> _CODE_BITS) + centre) >> np.uint64(6)] = 0
