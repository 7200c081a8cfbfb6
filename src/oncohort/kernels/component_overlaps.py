"""Sizes of the components of two masks and the voxels that they share, without a volume of component numbers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from oncohort.kernels.components import CONNECTIVITIES
from oncohort.kernels.layout import is_reversed
from oncohort.kernels.pairs import sum_runs
from oncohort.kernels.runs import MaskRuns, find_runs

_FAR = -1
_REACHES = {6: (0, 0, _FAR), 18: (1, 1, 0), 26: (1, 1, 1)}
"""Columns that two runs may be apart: in lines side by side, in planes side by side, in both."""


class ComponentCounts(NamedTuple):
    """Voxels of the components of two masks, and of every pair that overlaps.

    Attributes:
        reference_sizes: (n,) int64; voxels of components 1 to n.
        prediction_sizes: (m,) int64.
        pairs: (p, 3) int64, ascending; component of the reference, of the prediction (both from 1), shared voxels.
    """

    reference_sizes: NDArray[np.int64]
    prediction_sizes: NDArray[np.int64]
    pairs: NDArray[np.int64]


def overlap_components(reference: NDArray[Any], prediction: NDArray[Any], connectivity: int) -> ComponentCounts:
    """Connected components of two masks (i, j, k) and the voxels that they share.

    The numbers are those of `label_components`: by the first voxel of each
    component in the memory order of the reference. Runs along the fastest
    axis are joined with those of the rows before them (union-find), so that
    the cost is in the runs and in one read of each mask.

    Args:
        reference: bool or uint8; everything above zero is foreground.
        prediction: The same shape.
        connectivity: 6, 18 or 26.

    Raises:
        ValueError: Another connectivity, or the shapes differ or are not three-dimensional.
        TypeError: Another kind of number.

    Examples:
        >>> reference = np.array([[[1, 1, 0, 1], [0, 0, 1, 0]]], np.uint8)
        >>> prediction = np.array([[[0, 1, 1, 1], [0, 0, 0, 0]]], np.uint8)
        >>> found = overlap_components(reference, prediction, 6)
        >>> found.reference_sizes.tolist(), found.prediction_sizes.tolist(), found.pairs.tolist()
        ([2, 1, 1], [3], [[1, 1, 1], [2, 1, 1]])
    """
    if connectivity not in CONNECTIVITIES:
        raise ValueError(f"expected connectivity 6, 18 or 26, got {connectivity}")
    if reference.shape != prediction.shape or reference.ndim != 3:
        raise ValueError(f"expected two masks of one shape (i, j, k), got {reference.shape} and {prediction.shape}")
    reverse = is_reversed(reference)
    first, second = (find_runs(mask, reverse=reverse) for mask in (reference, prediction))
    (numbers, sizes), (other_numbers, other_sizes) = (_number_runs(runs, connectivity) for runs in (first, second))
    shared = np.empty((len(numbers) + len(other_numbers), 3), np.int64)
    count = int(_list_shared(first, second, numbers, other_numbers, shared))
    return ComponentCounts(sizes, other_sizes, sum_runs(shared[:count]))


def _number_runs(runs: MaskRuns, connectivity: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The component (from 1) of every run, and the voxels of each component."""
    numbers = np.arange(len(runs.bounds), dtype=np.int32)
    _join(runs.bounds, runs.rows, runs.lines, np.array(_REACHES[connectivity]), numbers)
    sizes = np.empty(len(numbers), np.int64)
    count = int(_settle(runs.bounds, numbers, sizes))
    return numbers, sizes[:count]


@njit(nogil=True, cache=True)
def _root(parents: Any, run: int) -> int:
    while parents[run] != run:
        parents[run] = parents[parents[run]]
        run = parents[run]
    return run


@njit(nogil=True, cache=True)
def _join(bounds: Any, rows: Any, lines: int, reaches: Any, parents: Any) -> None:
    """Let every run point to an earlier one of its component; the first points to itself."""
    for row in range(len(rows) - 1):
        if rows[row] == rows[row + 1]:
            continue
        line = row % lines
        if line > 0:
            _join_rows(bounds, rows, row, row - 1, reaches[0], parents)
        if row >= lines:
            _join_rows(bounds, rows, row, row - lines, reaches[1], parents)
            if reaches[2] >= 0 and line > 0:
                _join_rows(bounds, rows, row, row - lines - 1, reaches[2], parents)
            if reaches[2] >= 0 and line < lines - 1:
                _join_rows(bounds, rows, row, row - lines + 1, reaches[2], parents)


@njit(nogil=True, cache=True)
def _join_rows(bounds: Any, rows: Any, row: int, other: int, reach: int, parents: Any) -> None:
    run, stop = rows[row], rows[row + 1]
    near, end = rows[other], rows[other + 1]
    while run < stop and near < end:
        if bounds[run, 0] < bounds[near, 1] + reach and bounds[near, 0] < bounds[run, 1] + reach:
            first, second = _root(parents, run), _root(parents, near)
            if first < second:
                parents[second] = first
            else:
                parents[first] = second
        if bounds[run, 1] < bounds[near, 1]:
            run += 1
        else:
            near += 1


@njit(nogil=True, cache=True)
def _settle(bounds: Any, numbers: Any, sizes: Any) -> int:
    """Turn parents into component numbers, in place, and sum up the sizes; how many components there are."""
    count = 0
    for run in range(len(numbers)):
        if numbers[run] == run:
            sizes[count] = 0
            count += 1
            numbers[run] = count
        else:
            numbers[run] = numbers[numbers[run]]
        sizes[numbers[run] - 1] += bounds[run, 1] - bounds[run, 0]
    return count


@njit(nogil=True, cache=True)
def _list_shared(first: Any, second: Any, numbers: Any, other_numbers: Any, shared: Any) -> int:
    """Overlaps of runs of two masks, with the components that they belong to; how many there are."""
    count = 0
    for row in range(len(first.rows) - 1):
        run, stop = first.rows[row], first.rows[row + 1]
        other, end = second.rows[row], second.rows[row + 1]
        while run < stop and other < end:
            voxels = min(first.bounds[run, 1], second.bounds[other, 1]) - max(
                first.bounds[run, 0], second.bounds[other, 0]
            )
            if voxels > 0:
                shared[count, 0] = numbers[run]
                shared[count, 1] = other_numbers[other]
                shared[count, 2] = voxels
                count += 1
            if first.bounds[run, 1] < second.bounds[other, 1]:
                run += 1
            else:
                other += 1
    return count
