"""One pass over two label arrays: joint counts and the box of every label."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from oncohort.kernels.bits import first_word
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
    found = _Presence.of(first.shape)
    if first.size:
        words = first.size // 8
        labels = first.reshape(-1), second.reshape(-1)
        wide = labels[0][: words * 8].view(np.uint64), labels[1][: words * 8].view(np.uint64)
        _scan(labels, wide, first.shape, counts, found)
    counts[0, 0] = first.size - counts.sum() + counts[0, 0]
    boxes = found.boxes(first.shape[2], reverse=reverse)
    return JointCounts(counts, boxes[0], boxes[1])


class _Presence(NamedTuple):
    """Which labels lie in which plane, line and column; the first axis is reference and prediction.

    Attributes:
        planes: (2, planes, 32) uint64, read as (2, planes, 256) bytes; not 0 where the label occurs.
        lines: (2, lines, 32) uint64; the same for lines.
        row: (2, 256) uint8; the row that is being read.
        columns: (2, columns / 8 * 256) uint8, read as (2, columns / 8, 256); bit n stands for column 8 m + n.
            Words that hold several labels set them.
        extents: (2, 256, 2) int64; the first column of the words of one label, and the one behind their last.
    """

    planes: NDArray[np.uint64]
    lines: NDArray[np.uint64]
    row: NDArray[np.uint8]
    columns: NDArray[np.uint8]
    extents: NDArray[np.int64]

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> _Presence:
        planes, lines, width = shape
        extents = np.zeros((2, _LABELS, 2), np.int64)
        extents[..., 0] = width
        return cls(
            np.zeros((2, planes, _LABELS // 8), np.uint64),
            np.zeros((2, lines, _LABELS // 8), np.uint64),
            np.zeros((2, _LABELS), np.uint8),
            np.zeros((2, (width // 8 + 1) * _LABELS), np.uint8),
            extents,
        )

    def boxes(self, width: int, *, reverse: bool) -> NDArray[np.int64]:
        """(2, 256, 3, 2): start and stop of each label along the three axes."""
        bits = np.unpackbits(self.columns.reshape(2, -1, 1, _LABELS), axis=2, bitorder="little")
        columns = _extent(bits.reshape(2, -1, _LABELS)[:, :width])
        starts = np.minimum(columns[..., 0], self.extents[..., 0])
        columns = np.stack([starts, np.maximum(columns[..., 1], self.extents[..., 1])], axis=-1)
        boxes = np.stack([_extent(self.planes.view(np.uint8)), _extent(self.lines.view(np.uint8)), columns], axis=2)
        boxes[boxes[..., 0, 1] == 0] = 0
        boxes[:, 0] = 0
        return np.ascontiguousarray(boxes[:, :, ::-1]) if reverse else boxes


def _extent(found: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Start and stop (2, 256, 2) of every label along one axis, from where it occurs (2, n, 256); n, 0 if nowhere."""
    places = found != 0
    length = places.shape[1]
    if length == 0:
        return np.zeros((2, _LABELS, 2), np.int64)
    extent = np.stack([places.argmax(axis=1), length - places[:, ::-1].argmax(axis=1)], axis=-1)
    return np.where(places.any(axis=1)[..., None], extent, (length, 0))


@njit(nogil=True, cache=True)
def _scan(labels: Any, wide: Any, shape: Any, counts: Any, found: Any) -> None:
    """Count all voxels but where both arrays are 0; whole words within a row at once, the others one by one.

    What is done per word stands here and not in functions, and the tuples are
    unpacked once: a call, or an array taken out of a tuple, costs more than a word.
    """
    first, second = labels
    words, others = wide
    planes_of, lines_of, both_rows, both_columns, both_extents = found
    row, other_row = both_rows[0], both_rows[1]
    columns, other_columns = both_columns[0], both_columns[1]
    extents, other_extents = both_extents[0], both_extents[1]
    flags, other_flags = row.view(np.uint64), other_row.view(np.uint64)
    lines, width = shape[1:]
    voxel, end, plane, line = 0, width, 0, 0
    while True:
        if voxel & 7 == 0:
            word = voxel >> 3
            if word < words.size and (words[word] | others[word]) == 0:
                voxel = first_word(words, others, word + 1) << 3
        if voxel >= first.size:
            break
        if voxel >= end:
            _fold(flags, planes_of[0, plane], lines_of[0, line])
            _fold(other_flags, planes_of[1, plane], lines_of[1, line])
            while voxel >= end:
                end += width
                line += 1
                if line == lines:
                    line = 0
                    plane += 1
        begin = end - width
        if voxel & 7 or voxel + 8 > end:
            stop = min(end, (voxel | 7) + 1)
            _count_voxels(first, second, voxel, stop, begin, counts, both_rows, both_columns)
            voxel = stop
            continue
        word = voxel >> 3
        a, b = words[word], others[word]
        r, p = a & _BYTE, b & _BYTE
        if a == r * _REPEAT and b == p * _REPEAT:
            word += 1
            while word < end >> 3 and words[word] == a and others[word] == b:
                word += 1
            start, stop = voxel - begin, (word << 3) - begin
            counts[r, p] += stop - start
            row[r] = 1
            other_row[p] = 1
            extents[r, 0] = min(extents[r, 0], start)
            extents[r, 1] = max(extents[r, 1], stop)
            other_extents[p, 0] = min(other_extents[p, 0], start)
            other_extents[p, 1] = max(other_extents[p, 1], stop)
            voxel = word << 3
        elif begin & 7:
            _count_voxels(first, second, voxel, voxel + 8, begin, counts, both_rows, both_columns)
            voxel += 8
        else:
            block = (voxel - begin) << 5
            for n in range(8):
                label, other = int(first[voxel + n]), int(second[voxel + n])
                counts[label, other] += 1
                columns[block + label] |= np.uint8(1 << n)
                other_columns[block + other] |= np.uint8(1 << n)
                row[label] = 1
                other_row[other] = 1
            voxel += 8
    _fold(flags, planes_of[0, plane], lines_of[0, line])
    _fold(other_flags, planes_of[1, plane], lines_of[1, line])


@njit(nogil=True, cache=True)
def _count_voxels(
    first: Any, second: Any, start: int, stop: int, begin: int, counts: Any, rows: Any, columns: Any
) -> None:
    """Count the voxels from `start` to before `stop` of the row that begins at `begin`."""
    for voxel in range(start, stop):
        r, p = int(first[voxel]), int(second[voxel])
        column = voxel - begin
        block = (column >> 3) << 8
        bit = np.uint8(1 << (column & 7))
        counts[r, p] += 1
        columns[0, block | r] |= bit
        columns[1, block | p] |= bit
        rows[0, r] = 1
        rows[1, p] = 1


@njit(nogil=True, cache=True)
def _fold(row: Any, plane: Any, line: Any) -> None:
    """The labels of a row that ends also lie in its plane and line."""
    for word in range(row.size):
        plane[word] |= row[word]
        line[word] |= row[word]
        row[word] = 0
