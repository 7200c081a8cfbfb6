"""One pass over two label arrays: joint counts and the box of every label."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from oncohort.kernels.bits import first_word, leading_zeros, trailing_zeros
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
    boxes = found.boxes(reverse=reverse)
    return JointCounts(counts, boxes[0], boxes[1])


class _Presence(NamedTuple):
    """Which labels lie in which plane, line and column; the first axis is reference and prediction.

    Attributes:
        planes: (2, planes, 32) uint64, read as (2, planes, 256) bytes; not 0 where the label occurs.
        lines: (2, lines, 32) uint64; the same for lines.
        columns: (2, columns / 8, 32) uint64, read as (2, columns / 8, 256) bytes; bit n stands for column 8 m + n.
            Words that hold several labels set them.
        row: (2, 32) uint64, read as (2, 256) bytes; the row that is being read.
        extents: (2, 3, 256, 2) int64; start and stop along planes, lines and columns.
            Words of one label widen those along columns at once, the others follow from the flags.
    """

    planes: NDArray[np.uint64]
    lines: NDArray[np.uint64]
    columns: NDArray[np.uint64]
    row: NDArray[np.uint64]
    extents: NDArray[np.int64]

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> _Presence:
        planes, lines, width = shape
        extents = np.zeros((2, 3, _LABELS, 2), np.int64)
        extents[..., 0] = max(shape)
        return cls(
            planes=np.zeros((2, planes, _LABELS // 8), np.uint64),
            lines=np.zeros((2, lines, _LABELS // 8), np.uint64),
            columns=np.zeros((2, width // 8 + 1, _LABELS // 8), np.uint64),
            row=np.zeros((2, _LABELS // 8), np.uint64),
            extents=extents,
        )

    def boxes(self, *, reverse: bool) -> NDArray[np.int64]:
        """(2, 256, 3, 2): start and stop of each label along the three axes."""
        for side in range(2):
            for axis, (flags, step) in enumerate(((self.planes, 1), (self.lines, 1), (self.columns, 8))):
                _widen(flags[side], step, self.extents[side, axis])
        boxes = self.extents.transpose(0, 2, 1, 3)
        boxes = np.where(boxes[..., 1:] > 0, boxes, 0)
        boxes[:, 0] = 0
        return np.ascontiguousarray(boxes[:, :, ::-1]) if reverse else boxes


@njit(nogil=True, cache=True)
def _scan(labels: Any, wide: Any, shape: Any, counts: Any, found: Any) -> None:
    """Count all voxels but where both arrays are 0; whole words within a row at once, the others one by one.

    What is done per word stands here and not in functions, and the tuples are
    unpacked once: a call, or an array taken out of a tuple, costs more than a word.
    """
    first, second = labels
    words, others = wide
    planes, lines, columns, flags, extents = found
    row, other_row = flags[0].view(np.uint8), flags[1].view(np.uint8)
    bits, other_bits = columns[0].reshape(-1).view(np.uint8), columns[1].reshape(-1).view(np.uint8)
    extent, other_extent = extents[0, 2], extents[1, 2]
    voxel, begin, end, place = 0, 0, shape[2], 0
    seen, used = np.uint64(0), 0
    while True:
        word = voxel >> 3
        if voxel & 7 == 0 and word < words.size and (words[word] | others[word]) == 0:
            word = first_word(words, others, word + 1)
            voxel = word << 3
        if voxel >= first.size:
            break
        if voxel >= end:
            _fold(flags, planes, lines, place, used)
            while voxel >= end:
                begin, end, place = end, end + shape[2], place + 1
        if voxel & 7 or voxel + 8 > end:
            stop, used = min(end, (voxel | 7) + 1), flags.shape[1]
            _count_voxels(first, second, voxel, stop, begin, counts, (row, other_row), (bits, other_bits))
            voxel = stop
            continue
        a, b = words[word], others[word]
        if (a | b) & ~seen != 0:
            seen |= a | b
            used = max(used, _flags_of(seen))
        r, p = a & _BYTE, b & _BYTE
        word += 1
        if a == r * _REPEAT and b == p * _REPEAT:
            while word < end >> 3 and words[word] == a and others[word] == b:
                word += 1
            start, stop = voxel - begin, (word << 3) - begin
            counts[r, p] += stop - start
            row[r] = other_row[p] = 1
            extent[r, 0], extent[r, 1] = min(extent[r, 0], start), max(extent[r, 1], stop)
            other_extent[p, 0], other_extent[p, 1] = min(other_extent[p, 0], start), max(other_extent[p, 1], stop)
        elif begin & 7:
            _count_voxels(first, second, voxel, voxel + 8, begin, counts, (row, other_row), (bits, other_bits))
        else:
            block = (voxel - begin) << 5
            for n in range(8):
                label, other = int(first[voxel + n]), int(second[voxel + n])
                counts[label, other] += 1
                bits[block + label] |= np.uint8(1 << n)
                other_bits[block + other] |= np.uint8(1 << n)
                row[label] = other_row[other] = 1
        voxel = word << 3
    _fold(flags, planes, lines, place, used)


@njit(nogil=True, cache=True)
def _count_voxels(
    first: Any, second: Any, start: int, stop: int, begin: int, counts: Any, rows: Any, bits: Any
) -> None:
    """Count the voxels from `start` to before `stop` of the row that begins at `begin`."""
    for voxel in range(start, stop):
        r, p = int(first[voxel]), int(second[voxel])
        column = voxel - begin
        block = (column >> 3) << 8
        counts[r, p] += 1
        bits[0][block | r] |= np.uint8(1 << (column & 7))
        bits[1][block | p] |= np.uint8(1 << (column & 7))
        rows[0][r] = 1
        rows[1][p] = 1


@njit(nogil=True, cache=True)
def _flags_of(labels: Any) -> int:
    """Words of eight flags that suffice for any label made of the bits of eight labels."""
    labels |= labels >> np.uint64(32)
    labels |= labels >> np.uint64(16)
    labels |= labels >> np.uint64(8)
    return (int(labels & _BYTE) >> 3) + 1


@njit(nogil=True, cache=True)
def _fold(row: Any, planes: Any, lines: Any, place: int, used: int) -> None:
    """The labels of row number `place`, which ends, also lie in its plane and line."""
    plane, line = place // lines.shape[1], place % lines.shape[1]
    for side in range(2):
        for word in range(used):
            planes[side, plane, word] |= row[side, word]
            lines[side, line, word] |= row[side, word]
            row[side, word] = 0


@njit(nogil=True, cache=True)
def _widen(flags: Any, step: int, extents: Any) -> None:
    """Widen the extents (256, 2) of labels along one axis to where flags (n, 32) are set.

    Args:
        flags: Eight labels per word.
        step: Places that the bits of one flag stand for.
        extents: Start and stop of every label.
    """
    for place in range(flags.shape[0]):
        for word in range(flags.shape[1]):
            value = flags[place, word]
            while value != 0:
                shift = np.uint64(trailing_zeros(value) & 56)
                bits = (value >> shift) & _BYTE
                label = word * 8 + (int(shift) >> 3)
                extents[label, 0] = min(extents[label, 0], place * step + trailing_zeros(bits))
                extents[label, 1] = max(extents[label, 1], place * step + 64 - leading_zeros(bits))
                value &= ~(_BYTE << shift)
