"""The surface of every label of an array, listed in one pass."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from oncohort.kernels.layout import aligned, as_bytes, is_reversed
from oncohort.kernels.morton import CODE_BITS, axis_keys, sort_records, unpack_positions

SurfaceKind = Literal["voxels", "elements"]
"""What a surface is made of: the border voxels of a mask, or the elements between its voxels and the others."""

_LABELS = 256
_MOST_PER_PLACE = 8
_CODE = np.uint64((1 << CODE_BITS) - 1)


class SurfacePoints(NamedTuple):
    """The points of the surfaces of all labels.

    Attributes:
        records: (n,) uint64; Morton key of the position with the code of the neighbourhood below.
            Grouped by label, in Morton order within a label.
        starts: (257,) int64; label L has `records[starts[L]:starts[L + 1]]`.
        shape: Of the grid of positions: voxels, or their corners (one more along each axis).
    """

    records: NDArray[np.uint64]
    starts: NDArray[np.int64]
    shape: tuple[int, int, int]

    def count(self, label: int) -> int:
        """How many points a label has."""
        return int(self.starts[label + 1] - self.starts[label])

    def positions(self, label: int) -> NDArray[np.int32]:
        """Where the points of a label are, (3, n) along i, j, k; corner n lies before voxel n."""
        return unpack_positions(self.records[self.starts[label] : self.starts[label + 1]])

    def codes(self, label: int) -> NDArray[np.uint8]:
        """Which of the eight voxels round each corner have the label, (n,); bit 4a + 2b + c for (a, b, c)."""
        return (self.records[self.starts[label] : self.starts[label + 1]] & _CODE).astype(np.uint8)


def list_surfaces(array: NDArray[Any], kind: SurfaceKind, labels: Iterable[int]) -> SurfacePoints:
    """The surface points of the given labels of an array (i, j, k), from one pass.

    Args:
        array: bool or uint8, any memory order.
        kind: "voxels": voxels with a face towards another label or the border. "elements": corners
            that touch some, but not eight, voxels of the label.
        labels: 1 to 255.

    Raises:
        ValueError: Not three axes.
        TypeError: Another kind of number.

    Examples:
        >>> array = np.zeros((5, 5, 5), np.uint8)
        >>> array[1:4, 1:4, 1:4] = 7
        >>> list_surfaces(array, "voxels", [7]).count(7), list_surfaces(array, "elements", [7]).count(7)
        (26, 56)
    """
    if array.ndim != 3:
        raise ValueError(f"expected three axes (i, j, k), got {array.ndim}")
    reverse = is_reversed(array)
    more = 1 if kind == "elements" else 0
    shape = (array.shape[0] + more, array.shape[1] + more, array.shape[2] + more)
    wanted = np.zeros(_LABELS, np.bool_)
    wanted[list(labels)] = True
    wanted[0] = False
    found, owners = _list_planes(aligned(as_bytes(array), reverse=reverse), kind, _keys(shape, reverse=reverse), wanted)
    starts = np.zeros(_LABELS + 1, np.int64)
    records = np.empty_like(found)
    _group(found, owners, starts, records)
    sort_records(records, starts, shape)
    return SurfacePoints(records, starts, shape)


class _Keys(NamedTuple):
    """What positions in memory order add to a record: per plane, line, column and corner of a neighbourhood."""

    planes: NDArray[np.uint64]
    lines: NDArray[np.uint64]
    columns: NDArray[np.uint64]
    corners: NDArray[np.int64]


def _keys(shape: tuple[int, int, int], *, reverse: bool) -> _Keys:
    i, j, k = axis_keys(shape)
    corners = np.arange(8).reshape(2, 2, 2)
    if reverse:
        return _Keys(k, j, i, corners.T.ravel())
    return _Keys(i, j, k, corners.ravel())


def _list_planes(
    voxels: NDArray[np.uint8], kind: SurfaceKind, keys: _Keys, wanted: NDArray[np.bool_]
) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
    """Records and labels in memory order; the buffers grow as planes fill them."""
    lister, depth = (_list_voxels, 1) if kind == "voxels" else (_list_elements, _MOST_PER_PLACE)
    extents = np.zeros((*voxels.shape[:2], 2), np.int32)
    if voxels.size:
        _find_extents(voxels.reshape(-1)[: voxels.size // 8 * 8].view(np.uint64), voxels.shape, extents)
    room = max(1 << 16, depth * keys.lines.size * keys.columns.size)
    records, owners = np.empty(2 * room, np.uint64), np.empty(2 * room, np.uint8)
    plane = filled = 0
    while plane < keys.planes.size:
        plane, filled = lister(voxels, extents, keys, wanted, (plane, filled), records, owners)
        if plane < keys.planes.size:
            records, owners = _grown(records, filled), _grown(owners, filled)
    return records[:filled], owners[:filled]


def _grown(array: NDArray[Any], filled: int) -> NDArray[Any]:
    """Twice the room, with what is filled; pages that stay empty take no memory."""
    larger = np.empty(2 * array.size, array.dtype)
    larger[:filled] = array[:filled]
    return larger


@njit(nogil=True, cache=True)
def _find_extents(words: Any, shape: Any, extents: Any) -> None:
    """Columns of each row outside of which all is background, to within eight voxels."""
    planes, lines, width = shape
    for row in range(planes * lines):
        begin = row * width
        first = begin // 8
        last = min((begin + width + 7) // 8, words.size)
        while first < last and words[first] == 0:
            first += 1
        while last > first and words[last - 1] == 0:
            last -= 1
        start = max(first * 8 - begin, 0)
        stop = min(last * 8 - begin, width)
        if begin + width > words.size * 8:
            start, stop = min(start, width), width
        elif first == last:
            start = stop = 0
        extents[row // lines, row % lines, 0] = start
        extents[row // lines, row % lines, 1] = stop


@njit(nogil=True, cache=True)
def _list_voxels(
    voxels: Any, extents: Any, keys: Any, wanted: Any, progress: Any, records: Any, owners: Any
) -> tuple[int, int]:
    planes, lines, width = voxels.shape
    plane, filled = progress
    nothing = np.zeros(width, np.uint8)
    padded = np.zeros(width + 2, np.uint8)
    differs = np.zeros(width // 8 * 8 + 16, np.uint8)
    words = differs.view(np.uint64)
    while plane < planes and filled + lines * width <= records.size:
        for line in range(lines):
            start = extents[plane, line, 0]
            stop = extents[plane, line, 1]
            if start >= stop:
                continue
            row = voxels[plane, line]
            above = voxels[plane - 1, line] if plane > 0 else nothing
            below = voxels[plane + 1, line] if plane + 1 < planes else nothing
            before = voxels[plane, line - 1] if line > 0 else nothing
            after = voxels[plane, line + 1] if line + 1 < lines else nothing
            padded[start] = 0
            padded[start + 1 : stop + 1] = row[start:stop]
            padded[stop + 1] = 0
            _compare_six(
                row[start:stop],
                (above[start:stop], below[start:stop], before[start:stop], after[start:stop]),
                (padded[start:stop], padded[start + 2 : stop + 2]),
                differs[start:stop],
            )
            key = keys.planes[plane] | keys.lines[line] | np.uint64(1)
            for word in range(start // 8, (stop + 7) // 8):
                if words[word] == 0:
                    continue
                for column in range(word * 8, word * 8 + 8):
                    if differs[column] != 0 and wanted[padded[column + 1]]:
                        records[filled] = key | keys.columns[column]
                        owners[filled] = padded[column + 1]
                        filled += 1
            differs[start:stop] = 0
        plane += 1
    return plane, filled


@njit(nogil=True, cache=True)
def _compare_six(row: Any, sides: Any, ends: Any, differs: Any) -> None:
    above, below, before, after = sides
    left, right = ends
    for n in range(row.size):
        label = row[n]
        differs[n] = (
            (label ^ above[n])
            | (label ^ below[n])
            | (label ^ before[n])
            | (label ^ after[n])
            | (label ^ left[n])
            | (label ^ right[n])
        )


@njit(nogil=True, cache=True)
def _list_elements(
    voxels: Any, extents: Any, keys: Any, wanted: Any, progress: Any, records: Any, owners: Any
) -> tuple[int, int]:
    planes, lines, width = voxels.shape
    plane, filled = progress
    rows = np.zeros((4, width + 2), np.uint8)
    differs = np.zeros((width + 1) // 8 * 8 + 16, np.uint8)
    words = differs.view(np.uint64)
    labels = np.zeros(8, np.uint8)
    while plane <= planes and filled + 8 * (lines + 1) * (width + 1) <= records.size:
        for line in range(lines + 1):
            start, stop = _hull(extents, plane, line, width)
            if start >= stop:
                continue
            for corner in range(4):
                a = plane - 1 + corner // 2
                b = line - 1 + corner % 2
                rows[corner, start] = 0
                rows[corner, stop + 1] = 0
                if 0 <= a < planes and 0 <= b < lines:
                    rows[corner, start + 1 : stop + 1] = voxels[a, b, start:stop]
                else:
                    rows[corner, start + 1 : stop + 1] = 0
            _compare_eight(
                (rows[0, start:], rows[1, start:], rows[2, start:], rows[3, start:]),
                differs[start : stop + 1],
            )
            key = keys.planes[plane] | keys.lines[line]
            for word in range(start // 8, stop // 8 + 1):
                if words[word] == 0:
                    continue
                for column in range(word * 8, word * 8 + 8):
                    if differs[column] == 0:
                        continue
                    for corner in range(4):
                        labels[keys.corners[2 * corner]] = rows[corner, column]
                        labels[keys.corners[2 * corner + 1]] = rows[corner, column + 1]
                    place = key | keys.columns[column]
                    done = 0
                    for n in range(8):
                        label = labels[n]
                        if label == 0 or done >> n & 1:
                            continue
                        code = 0
                        for m in range(8):
                            code |= int(labels[m] == label) << m
                        done |= code
                        if wanted[label]:
                            records[filled] = place | np.uint64(code)
                            owners[filled] = label
                            filled += 1
            differs[start : stop + 1] = 0
        plane += 1
    return plane, filled


@njit(nogil=True, cache=True)
def _hull(extents: Any, plane: int, line: int, width: int) -> tuple[int, int]:
    """Columns that hold all foreground of the four rows round an edge; empty if there is none."""
    start = width
    stop = 0
    for a in range(max(plane - 1, 0), min(plane + 1, extents.shape[0])):
        for b in range(max(line - 1, 0), min(line + 1, extents.shape[1])):
            if extents[a, b, 0] < extents[a, b, 1]:
                start = min(start, extents[a, b, 0])
                stop = max(stop, extents[a, b, 1])
    return start, stop


@njit(nogil=True, cache=True)
def _compare_eight(rows: Any, differs: Any) -> None:
    first, second, third, fourth = rows
    for n in range(differs.size):
        label = first[n]
        differs[n] = (
            (label ^ first[n + 1])
            | (label ^ second[n])
            | (label ^ second[n + 1])
            | (label ^ third[n])
            | (label ^ third[n + 1])
            | (label ^ fourth[n])
            | (label ^ fourth[n + 1])
        )


@njit(nogil=True, cache=True)
def _group(found: Any, owners: Any, starts: Any, records: Any) -> None:
    """Put the records of one label after another."""
    for n in range(owners.size):
        starts[np.int64(owners[n]) + 1] += 1
    for label in range(1, starts.size):
        starts[label] += starts[label - 1]
    places = starts.copy()
    for n in range(owners.size):
        label = owners[n]
        records[places[label]] = found[n]
        places[label] += 1
