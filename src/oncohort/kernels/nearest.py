"""Exact distances from points of a grid to the nearest of other points, in any voxel size."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from oncohort.kernels.bits import leading_zeros, trailing_zeros
from oncohort.kernels.lanes import LANES, boxes_within, points_within

REACH = 5
"""Rows to either side that the near search looks at."""
_WINDOW = 32
_DEPTH = 24
_SHORT = 0.999999


class NearestSearch:
    """Looks for nearest points on one grid; keeps a bit for every position of the grid.

    Near points are found in the bits: rows of the grid (along k) in the order of their
    distance, 64 positions of a row at a time. Points whose nearest one is further away
    than `REACH` rows go through a tree of boxes round eight points each, round eight
    boxes each, and so on; neighbours come one after the other, so that each starts with
    a good bound. Both are exact.

    Args:
        shape: Of the grid along i, j, k.
        spacing_mm: Distance of its positions along i, j, k.

    Examples:
        >>> search = NearestSearch((4, 4, 90), (1.0, 1.0, 2.0))
        >>> sources, targets = np.array([[0, 0], [0, 3], [0, 80]], np.int32), np.array([[0], [3], [0]], np.int32)
        >>> search.distances(sources, targets).round(3).tolist()
        [3.0, 160.0]
    """

    def __init__(self, shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> None:
        lines, words = shape[1] + 2 * REACH, (shape[2] >> 6) + 3
        self._bits = np.zeros((shape[0] + 2 * REACH) * lines * words, np.uint64)
        self._strides = np.array([lines * words, words], np.int64)
        self._spacing = np.array(spacing_mm, np.float64)
        self._rows = _near_rows(self._spacing, self._strides)

    def distances(self, sources: NDArray[np.int32], targets: NDArray[np.int32]) -> NDArray[np.float64]:
        """Distance in mm from each source to the nearest target, (n,).

        Args:
            sources: Positions (3, n), best in Morton order.
            targets: Positions (3, m), m > 0, best in Morton order.
        """
        squares = np.empty(sources.shape[1], np.float64)
        _set_bits(self._bits, self._strides, targets)
        _search(self._bits, self._strides, self._rows, _grow_tree(targets), self._spacing, sources, squares)
        _clear_bits(self._bits, self._strides, targets)
        return np.sqrt(squares, out=squares)


class _Rows(NamedTuple):
    """The rows near a row, in the order of their distance.

    Attributes:
        steps: (n,) int64; how far on in the bits.
        squares: (n,) square of the distance in mm2.
        covered: Square of the distance within which no other row lies, nor a place outside the window.
    """

    steps: NDArray[np.int64]
    squares: NDArray[np.float64]
    covered: float


def _near_rows(spacing: NDArray[np.float64], strides: NDArray[np.int64]) -> _Rows:
    steps = np.arange(-REACH, REACH + 1)
    i, j = (grid.ravel() for grid in np.meshgrid(steps, steps, indexing="ij"))
    squares = (i * spacing[0]) ** 2 + (j * spacing[1]) ** 2
    covered = min(((REACH + 1) * spacing[:2]).min(), _WINDOW * spacing[2]) ** 2
    order = np.argsort(squares, kind="stable")
    order = order[squares[order] < covered]
    return _Rows((i * strides[0] + j * strides[1])[order], squares[order], float(covered))


class _Tree(NamedTuple):
    """Points in sixteens, boxes round each sixteen points, round each sixteen of those boxes, and so on.

    Attributes:
        points: (leaves, 3, 16) float32; positions, the last sixteen filled up with the last point.
        boxes: (blocks, 6, 16) float32; least i, j, k and greatest i, j, k of sixteen boxes.
            What fills up the last block of a level is infinitely far.
        levels: (levels + 1,) first block of each level; the last level is one block.
    """

    points: NDArray[np.float32]
    boxes: NDArray[np.float32]
    levels: NDArray[np.int64]


def _grow_tree(targets: NDArray[np.int32]) -> _Tree:
    leaves = -(-targets.shape[1] // LANES)
    sizes = [-(-leaves // LANES)]
    while sizes[-1] > 1:
        sizes.append(-(-sizes[-1] // LANES))
    tree = _Tree(
        np.empty((leaves, 3, LANES), np.float32),
        np.full((sum(sizes), 6, LANES), np.inf, np.float32),
        np.cumsum([0, *sizes]),
    )
    _fill_tree(targets, tree)
    return tree


@njit(nogil=True, cache=True)
def _set_bits(bits: Any, strides: Any, points: Any) -> None:
    for n in range(points.shape[1]):
        row = (points[0, n] + REACH) * strides[0] + (points[1, n] + REACH) * strides[1] + 1
        k = np.int64(points[2, n])
        bits[row + (k >> 6)] |= np.uint64(1) << np.uint64(k & 63)


@njit(nogil=True, cache=True)
def _clear_bits(bits: Any, strides: Any, points: Any) -> None:
    for n in range(points.shape[1]):
        row = (points[0, n] + REACH) * strides[0] + (points[1, n] + REACH) * strides[1] + 1
        bits[row + (np.int64(points[2, n]) >> 6)] = 0


@njit(nogil=True, cache=True)
def _search(bits: Any, strides: Any, rows: Any, tree: Any, spacing: Any, sources: Any, squares: Any) -> None:
    """Square of the distance from each source to the nearest target."""
    nearest = np.zeros(2, np.int64)
    n = 0
    while n < sources.shape[1]:
        n = _search_rows(bits, strides, rows, spacing[2], sources, n, squares)
        if n < sources.shape[1]:
            n = _search_tree(tree, spacing, rows.covered, sources, n, squares, nearest)


@njit(nogil=True, cache=True)
def _search_rows(bits: Any, strides: Any, rows: Any, step: float, sources: Any, start: int, squares: Any) -> int:
    """Squares from `start` on, up to the first source that is too far for the rows."""
    for n in range(start, sources.shape[1]):
        k = np.int64(sources[2, n]) + (64 - _WINDOW)
        place = (sources[0, n] + REACH) * strides[0] + (sources[1, n] + REACH) * strides[1] + (k >> 6)
        shift = np.uint64(k & 63)
        rest = np.uint64(63) - shift
        best = np.inf
        for row in range(rows.steps.size):
            square = rows.squares[row]
            if square >= best:
                break
            word = place + rows.steps[row]
            window = (bits[word] >> shift) | ((bits[word + 1] << rest) << np.uint64(1))
            if window == 0:
                continue
            upper = window >> np.uint64(_WINDOW)
            lower = window << np.uint64(_WINDOW)
            steps = _WINDOW
            if upper != 0:
                steps = trailing_zeros(upper)
            if lower != 0:
                steps = min(steps, leading_zeros(lower) + 1)
            best = min(best, square + (steps * step) * (steps * step))
        if best > rows.covered:
            return n
        squares[n] = best
    return int(sources.shape[1])


@njit(nogil=True, cache=True)
def _fill_tree(targets: Any, tree: Any) -> None:
    points, boxes, levels = tree
    total = targets.shape[1]
    for leaf in range(points.shape[0]):
        for axis in range(3):
            low = high = targets[axis, leaf * LANES]
            for n in range(LANES):
                value = targets[axis, min(leaf * LANES + n, total - 1)]
                points[leaf, axis, n] = value
                low = min(low, value)
                high = max(high, value)
            boxes[leaf // LANES, axis, leaf % LANES] = low
            boxes[leaf // LANES, axis + 3, leaf % LANES] = high
    for level in range(1, levels.size - 1):
        for n in range(levels[level] - levels[level - 1]):
            block = boxes[levels[level - 1] + n]
            into = boxes[levels[level] + n // LANES]
            for axis in range(3):
                into[axis, n % LANES] = block[axis].min()
                high = block[axis + 3, 0]
                for m in range(1, LANES):
                    if block[axis + 3, m] < np.inf:
                        high = max(high, block[axis + 3, m])
                into[axis + 3, n % LANES] = high


@njit(nogil=True, cache=True)
def _point_square(leaf: Any, n: int, i: Any, j: Any, k: Any, spacing: Any) -> float:
    """Square distance in double precision; the positions are whole numbers."""
    x = np.float64(leaf[0, n] - i) * spacing[0]
    y = np.float64(leaf[1, n] - j) * spacing[1]
    z = np.float64(leaf[2, n] - k) * spacing[2]
    return float(x * x + y * y + z * z)


@njit(nogil=True, cache=True)
def _search_tree(tree: Any, spacing: Any, covered: float, sources: Any, start: int, squares: Any, nearest: Any) -> int:
    """Squares from `start` on, up to and with the first source that is near enough for the rows.

    `nearest` is where the last target was found. Single precision only ever lets too
    many boxes and points through.
    """
    waiting = np.empty((LANES * _DEPTH, 2), np.int64)
    short = (
        np.float32(spacing[0] * _SHORT),
        np.float32(spacing[1] * _SHORT),
        np.float32(spacing[2] * _SHORT),
    )
    one = np.uint64(1)
    top = tree.levels.size - 2
    for n in range(start, sources.shape[1]):
        i, j, k = np.float32(sources[0, n]), np.float32(sources[1, n]), np.float32(sources[2, n])
        best = _point_square(tree.points[nearest[0]], nearest[1], i, j, k, spacing)
        count = 1
        waiting[0, 0] = top
        waiting[0, 1] = tree.levels[top]
        while count > 0:
            count -= 1
            level = waiting[count, 0]
            block = waiting[count, 1]
            inside = boxes_within(tree.boxes[block], (i, j, k), short, np.float32(best))
            first = (block - tree.levels[level]) * LANES
            while inside != 0:
                child = first + trailing_zeros(inside)
                inside &= inside - one
                if level > 0:
                    waiting[count, 0] = level - 1
                    waiting[count, 1] = tree.levels[level - 1] + child
                    count += 1
                    continue
                leaf = tree.points[child]
                closer = points_within(leaf, (i, j, k), short, np.float32(best))
                while closer != 0:
                    place = trailing_zeros(closer)
                    closer &= closer - one
                    square = _point_square(leaf, place, i, j, k, spacing)
                    if square < best:
                        best = square
                        nearest[0] = child
                        nearest[1] = place
        squares[n] = best
        if best <= covered:
            return n + 1
    return int(sources.shape[1])
