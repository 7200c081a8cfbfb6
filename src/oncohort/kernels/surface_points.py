"""The surface of every label of an array, listed in one pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from oncohort.kernels.bits import trailing_zeros
from oncohort.kernels.layout import aligned, as_bytes, is_reversed
from oncohort.kernels.morton import CODE_BITS, axis_keys, sort_records, unpack_positions

CODES = 256
"""Ways to fill the eight voxels of a neighbourhood, and values that a byte has."""

SurfaceKind = Literal["voxels", "elements"]
"""What a surface is made of: the border voxels of a mask, or the elements between its voxels and the others."""

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


@dataclass(frozen=True, eq=False)
class SurfaceArray:
    """An array laid out for the listing of its surfaces; what every listing needs is found once.

    Attributes:
        voxels: uint8, C-contiguous; the axes are i, j, k, or k, j, i if `reverse`.
        reverse: The axes of `voxels` are turned round.
    """

    voxels: NDArray[np.uint8]
    reverse: bool

    @staticmethod
    def of(array: NDArray[Any] | SurfaceArray, *, reverse: bool | None = None) -> SurfaceArray:
        """The array (i, j, k), bool or uint8 in any memory order, laid out; copied only if it must be.

        Raises:
            ValueError: Not three axes.
            TypeError: Another kind of number.

        Examples:
            >>> SurfaceArray.of(np.zeros((2, 3, 4), bool, order="F")).voxels.shape
            (4, 3, 2)
        """
        if isinstance(array, SurfaceArray):
            if reverse in (None, array.reverse):
                return array
            array = array.voxels.T if array.reverse else array.voxels
        if array.ndim != 3:
            raise ValueError(f"expected three axes (i, j, k), got {array.ndim}")
        turned = is_reversed(array) if reverse is None else reverse
        return SurfaceArray(aligned(as_bytes(array), reverse=turned), turned)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along i, j, k."""
        first, second, third = self.voxels.shape
        return (third, second, first) if self.reverse else (first, second, third)

    @property
    def ndim(self) -> int:
        """Three axes."""
        return 3

    @cached_property
    def extents(self) -> NDArray[np.int32]:
        """Columns of each row outside of which all is background, (planes, lines, 2)."""
        extents = np.zeros((*self.voxels.shape[:2], 2), np.int32)
        size = self.voxels.size // 8 * 8
        if self.voxels.size:
            _find_extents(self.voxels.reshape(-1)[:size].view(np.uint64), self.voxels.shape, extents)
        return extents


def list_surfaces(array: NDArray[Any] | SurfaceArray, kind: SurfaceKind, labels: Iterable[int]) -> SurfacePoints:
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
    source = SurfaceArray.of(array)
    more = 1 if kind == "elements" else 0
    shape = (source.shape[0] + more, source.shape[1] + more, source.shape[2] + more)
    i, j, k = axis_keys(shape)
    keys = PlaceKeys(*((k, j, i) if source.reverse else (i, j, k)), corner_bits(reverse=source.reverse))
    records, starts = collect_places(source, kind, keys, labels)
    sort_records(records, starts, shape)
    return SurfacePoints(records, starts, shape)


def collect_places(
    source: SurfaceArray, kind: SurfaceKind, keys: PlaceKeys, labels: Iterable[int]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Records of the surface points of the given labels, grouped by label, in memory order within a label.

    Args:
        source: Where the surfaces are.
        kind: What a surface is made of.
        keys: What makes up a record; their axes are those of `source.voxels`.
        labels: 1 to 255.

    Returns:
        (n,) records, and (257,) where each label starts.
    """
    wanted = np.zeros(CODES, np.bool_)
    wanted[list(labels)] = True
    wanted[0] = False
    found, owners = _list_planes(source, kind, keys, wanted)
    starts = np.zeros(CODES + 1, np.int64)
    records = np.empty_like(found)
    _group(found, owners, starts, records)
    return records, starts


class PlaceKeys(NamedTuple):
    """What positions in memory order add to a record: per plane, line, column and corner of a neighbourhood.

    Attributes:
        planes: (planes,) uint64; the lowest eight bits are 0.
        lines: (lines,) uint64, in the same way.
        columns: (columns,) uint64, in the same way.
        corners: (8,) int64, from `corner_bits`.
    """

    planes: NDArray[np.uint64]
    lines: NDArray[np.uint64]
    columns: NDArray[np.uint64]
    corners: NDArray[np.int64]


def corner_bits(*, reverse: bool) -> NDArray[np.int64]:
    """Which bit of a code each voxel of a neighbourhood in memory order has; (8,).

    Examples:
        >>> corner_bits(reverse=True).tolist()
        [0, 4, 2, 6, 1, 5, 3, 7]
    """
    corners = np.arange(8, dtype=np.int64).reshape(2, 2, 2)
    return corners.T.ravel() if reverse else corners.ravel()


def _list_planes(
    source: SurfaceArray, kind: SurfaceKind, keys: PlaceKeys, wanted: NDArray[np.bool_]
) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
    """Records and labels in memory order; the buffers grow as planes fill them."""
    lister, depth = (_list_voxels, 1) if kind == "voxels" else (_list_elements, _MOST_PER_PLACE)
    room = max(1 << 16, depth * keys.lines.size * keys.columns.size)
    records, owners = np.empty(2 * room, np.uint64), np.empty(2 * room, np.uint8)
    plane = filled = 0
    while plane < keys.planes.size:
        plane, filled = lister(source.voxels, source.extents, keys, wanted, (plane, filled), records, owners)
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
        while first + 8 <= last and _is_empty(words, first):
            first += 8
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
def _is_empty(words: Any, first: int) -> bool:
    """Whether eight words are all 0."""
    either = words[first]
    for n in range(1, 8):
        either |= words[first + n]
    return bool(either == 0)


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
            if start > 0 and stop < width:
                left, right = row[start - 1 : stop - 1], row[start + 1 : stop + 1]
            else:
                padded[start] = 0
                padded[start + 1 : stop + 1] = row[start:stop]
                padded[stop + 1] = 0
                left, right = padded[start:stop], padded[start + 2 : stop + 2]
            _compare_six(
                row[start:stop],
                (above[start:stop], below[start:stop], before[start:stop], after[start:stop]),
                (left, right),
                differs[start:stop],
            )
            key = keys.planes[plane] + keys.lines[line] + np.uint64(1)
            for word in range(start // 8, (stop + 7) // 8):
                if words[word] == 0:
                    continue
                rest = np.uint64(255) ^ _bytes_of(words[word], np.uint64(0))
                while rest != 0:
                    column = word * 8 + trailing_zeros(rest)
                    rest &= rest - np.uint64(1)
                    if wanted[row[column]]:
                        records[filled] = key + keys.columns[column]
                        owners[filled] = row[column]
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
    padded = np.zeros((4, width + 2), np.uint8)
    differs = np.zeros((width + 1) // 8 * 8 + 16, np.uint8)
    words = differs.view(np.uint64)
    shifts = (8 * keys.corners).astype(np.uint64)
    while plane <= planes and filled + 8 * (lines + 1) * (width + 1) <= records.size:
        for line in range(lines + 1):
            start, stop = _hull(extents, plane, line, width)
            if start >= stop:
                continue
            is_inside = 0 < plane < planes and 0 < line < lines and start > 0 and stop < width
            if not is_inside:
                _pad_rows(voxels, (plane, line), (start, stop), padded)
            first = voxels[plane - 1, line - 1, start - 1 :] if is_inside else padded[0, start:]
            second = voxels[plane - 1, line, start - 1 :] if is_inside else padded[1, start:]
            third = voxels[plane, line - 1, start - 1 :] if is_inside else padded[2, start:]
            fourth = voxels[plane, line, start - 1 :] if is_inside else padded[3, start:]
            _compare_eight((first, second, third, fourth), differs[start : stop + 1])
            key = keys.planes[plane] + keys.lines[line]
            for word in range(start // 8, stop // 8 + 1):
                if words[word] == 0:
                    continue
                columns = np.uint64(255) ^ _bytes_of(words[word], np.uint64(0))
                while columns != 0:
                    column = word * 8 + trailing_zeros(columns)
                    columns &= columns - np.uint64(1)
                    labels = np.uint64(0)
                    for step in range(2):
                        labels |= np.uint64(first[column - start + step]) << shifts[step]
                        labels |= np.uint64(second[column - start + step]) << shifts[2 + step]
                        labels |= np.uint64(third[column - start + step]) << shifts[4 + step]
                        labels |= np.uint64(fourth[column - start + step]) << shifts[6 + step]
                    place = key + keys.columns[column]
                    rest = np.uint64(255) ^ _bytes_of(labels, np.uint64(0))
                    while rest != 0:
                        label = (labels >> (np.uint64(8) * np.uint64(trailing_zeros(rest)))) & np.uint64(255)
                        code = _bytes_of(labels, label)
                        rest &= ~code
                        if wanted[label]:
                            records[filled] = place | code
                            owners[filled] = label
                            filled += 1
            differs[start : stop + 1] = 0
        plane += 1
    return plane, filled


@njit(nogil=True, cache=True)
def _bytes_of(word: Any, value: Any) -> Any:
    """A bit for each of the eight bytes of a word that equals a value; bit n for byte n."""
    low = np.uint64(0x7F7F7F7F7F7F7F7F)
    other = word ^ (value * np.uint64(0x0101010101010101))
    equal = (~(((other & low) + low) | other) & ~low) >> np.uint64(7)
    equal |= equal >> np.uint64(7)
    equal |= equal >> np.uint64(14)
    return (equal | (equal >> np.uint64(28))) & np.uint64(255)


@njit(nogil=True, cache=True)
def _pad_rows(voxels: Any, place: Any, columns: Any, padded: Any) -> None:
    """The four rows round an edge with background on either side; rows beyond the border are background."""
    planes, lines, _ = voxels.shape
    plane, line = place
    start, stop = columns
    for corner in range(4):
        a = plane - 1 + corner // 2
        b = line - 1 + corner % 2
        padded[corner, start] = 0
        padded[corner, stop + 1] = 0
        if 0 <= a < planes and 0 <= b < lines:
            padded[corner, start + 1 : stop + 1] = voxels[a, b, start:stop]
        else:
            padded[corner, start + 1 : stop + 1] = 0


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
