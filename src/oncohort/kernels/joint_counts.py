"""One pass over two label arrays: joint counts and the box of every label."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from oncohort.kernels.layout import aligned, as_bytes, is_reversed

_LABELS = 256
_BYTE = np.uint64(0xFF)
_REPEAT = np.uint64(0x0101010101010101)


class JointCounts(NamedTuple):
    """Voxels per pair of labels, and where each label lies.

    Attributes:
        counts: (256, 256) int64; `counts[r, p]` voxels have label r in the reference and p in the prediction.
        reference_boxes: (256, 3, 2) int64; start and stop (half-open) along i, j, k.
            All zero for absent labels and for label 0.
        prediction_boxes: the same for the prediction.
    """

    counts: NDArray[np.int64]
    reference_boxes: NDArray[np.int64]
    prediction_boxes: NDArray[np.int64]


def count_joint(reference: NDArray[Any], prediction: NDArray[Any]) -> JointCounts:
    """Joint label counts of two arrays (i, j, k) and the box of every label.

    All labels cost one pass. Background is skipped eight voxels at a time,
    and so are runs of one pair of labels.

    Args:
        reference: bool or uint8, any memory order.
        prediction: The same shape, bool or uint8.

    Raises:
        ValueError: The shapes differ or are not three-dimensional.
        TypeError: Another kind of number.

    Examples:
        >>> reference = np.zeros((4, 4, 4), np.uint8)
        >>> reference[1:3, 1:3, 1:3] = 5
        >>> joint = count_joint(reference, np.roll(reference, 1, axis=0))
        >>> int(joint.counts[5, 5]), joint.reference_boxes[5].tolist()
        (4, [[1, 3], [1, 3], [1, 3]])
    """
    if reference.shape != prediction.shape or reference.ndim != 3:
        raise ValueError(f"expected two arrays of one shape (i, j, k), got {reference.shape} and {prediction.shape}")
    reverse = is_reversed(reference)
    first = aligned(as_bytes(reference), reverse=reverse)
    second = aligned(as_bytes(prediction), reverse=reverse)
    counts = np.zeros((_LABELS, _LABELS), np.int64)
    presence = tuple(_Presence.of(first.shape) for _ in range(2))
    if first.size:
        words = first.size // 8
        labels = first.reshape(-1), second.reshape(-1)
        wide = labels[0][: words * 8].view(np.uint64), labels[1][: words * 8].view(np.uint64)
        _scan(labels, wide, first.shape, counts, presence[0], presence[1])
    counts[0, 0] = first.size - counts.sum() + counts[0, 0]
    boxes = tuple(found.boxes(first.shape, reverse=reverse) for found in presence)
    return JointCounts(counts, boxes[0], boxes[1])


class _Presence(NamedTuple):
    """Which labels lie in which plane, line and column of one array.

    Attributes:
        planes: (planes, 256) uint8; not 0 where the label occurs.
        lines: (lines, 256) uint8; the same for lines.
        columns: flat (columns / 8, 256) uint8; bit n stands for column 8 m + n.
        row: (256,) uint8; the row that is being read.
    """

    planes: NDArray[np.uint8]
    lines: NDArray[np.uint8]
    columns: NDArray[np.uint8]
    row: NDArray[np.uint8]

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> _Presence:
        planes, lines, width = shape
        blocks = width // 8 + 2
        return cls(
            *(np.zeros(size, np.uint8) for size in ((planes, _LABELS), (lines, _LABELS), blocks * _LABELS, _LABELS))
        )

    def boxes(self, shape: tuple[int, ...], *, reverse: bool) -> NDArray[np.int64]:
        """(256, 3, 2): start and stop of each label along the three axes."""
        bits = np.unpackbits(self.columns.reshape(-1, 1, _LABELS), axis=1, bitorder="little")
        columns = bits.reshape(-1, _LABELS)[: shape[2]]
        boxes = np.stack([_extent(found) for found in (self.planes, self.lines, columns)], axis=1)
        boxes[0] = 0
        return np.ascontiguousarray(boxes[:, ::-1]) if reverse else boxes


def _extent(found: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Start and stop (256, 2) of every label along one axis, from where it occurs (n, 256)."""
    places = found != 0
    if not places.size:
        return np.zeros((_LABELS, 2), np.int64)
    extent = np.stack([places.argmax(axis=0), len(places) - places[::-1].argmax(axis=0)], axis=1)
    return np.where(places.any(axis=0)[:, None], extent, 0)


@njit(nogil=True, cache=True)
def _fold(row: Any, plane: Any, line: Any) -> None:
    for label in range(_LABELS):
        plane[label] |= row[label]
        line[label] |= row[label]
        row[label] = 0


@njit(nogil=True, cache=True)
def _count_voxels(labels: Any, begin: int, start: int, stop: int, counts: Any, reference: Any, prediction: Any) -> None:
    for voxel in range(start, stop):
        r = int(labels[0][voxel])
        p = int(labels[1][voxel])
        column = voxel - begin
        block = (column >> 3) << 8
        bit = np.uint8(1 << (column & 7))
        counts[r, p] += 1
        reference.columns[block | r] |= bit
        reference.row[r] = 1
        prediction.columns[block | p] |= bit
        prediction.row[p] = 1


@njit(nogil=True, cache=True)
def _mark(label: Any, column: int, found: Any) -> None:
    """Eight voxels of one label from `column` on."""
    place = ((column >> 3) << 8) + np.int64(label)
    shift = column & 7
    found.columns[place] |= np.uint8((255 << shift) & 255)
    found.columns[place + _LABELS] |= np.uint8(255 >> (8 - shift))
    found.row[label] = 1


@njit(nogil=True, cache=True)
def _count_words(labels: Any, wide: Any, begin: int, words: Any, counts: Any, reference: Any, prediction: Any) -> bool:
    """Count the whole words of one row; whether there was any label."""
    some = False
    for word in range(words[0], words[1]):
        a = wide[0][word]
        b = wide[1][word]
        if (a | b) == 0:
            continue
        some = True
        r = a & _BYTE
        p = b & _BYTE
        if a == r * _REPEAT and b == p * _REPEAT:
            counts[r, p] += 8
            _mark(r, word * 8 - begin, reference)
            _mark(p, word * 8 - begin, prediction)
        elif begin % 8 == 0:
            block = ((word * 8 - begin) >> 3) << 8
            for n in range(8):  # a function of its own costs twice the time
                first = int(labels[0][word * 8 + n])
                second = int(labels[1][word * 8 + n])
                counts[first, second] += 1
                reference.columns[block + first] |= np.uint8(1 << n)
                reference.row[first] = 1
                prediction.columns[block + second] |= np.uint8(1 << n)
                prediction.row[second] = 1
        else:
            _count_voxels(labels, begin, word * 8, word * 8 + 8, counts, reference, prediction)
    return some


@njit(nogil=True, cache=True)
def _scan(labels: Any, wide: Any, shape: Any, counts: Any, reference: Any, prediction: Any) -> None:
    planes, lines, width = shape
    for plane in range(planes):
        for line in range(lines):
            begin = (plane * lines + line) * width
            end = begin + width
            words = (begin + 7) // 8, end // 8
            some = _count_words(labels, wide, begin, words, counts, reference, prediction)
            head = min(words[0] * 8, end)
            tail = max(words[1] * 8, head)
            if some or head > begin or tail < end:
                _count_voxels(labels, begin, begin, head, counts, reference, prediction)
                _count_voxels(labels, begin, tail, end, counts, reference, prediction)
                _fold(reference.row, reference.planes[plane], reference.lines[line])
                _fold(prediction.row, prediction.planes[plane], prediction.lines[line])
