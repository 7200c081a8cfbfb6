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
_FAR = np.iinfo(np.int64).max


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
    _, lines, width = first.shape
    counts = np.zeros((_LABELS, _LABELS), np.int64)
    boxes = np.zeros((2, _LABELS, 3, 2), np.int64)
    boxes[..., 0] = _FAR
    if first.size:
        words = first.size // 8
        labels = first.reshape(-1), second.reshape(-1)
        wide = labels[0][: words * 8].view(np.uint64), labels[1][: words * 8].view(np.uint64)
        _scan(labels, wide, (lines, width), counts, boxes)
    counts[0, 0] = first.size - counts.sum()
    boxes[boxes[..., 1] == 0] = 0
    if reverse:
        boxes = np.ascontiguousarray(boxes[:, :, ::-1])
    return JointCounts(counts, boxes[0], boxes[1])


@njit(nogil=True, cache=True)
def _extend(box: Any, plane: int, line: int, start: int, stop: int) -> None:
    box[0, 0] = min(box[0, 0], plane)
    box[0, 1] = max(box[0, 1], plane + 1)
    box[1, 0] = min(box[1, 0], line)
    box[1, 1] = max(box[1, 1], line + 1)
    box[2, 0] = min(box[2, 0], start)
    box[2, 1] = max(box[2, 1], stop)


@njit(nogil=True, cache=True)
def _count_voxels(labels: Any, start: int, stop: int, shape: Any, counts: Any, boxes: Any) -> None:
    lines, width = shape
    for voxel in range(start, stop):
        r = labels[0][voxel]
        p = labels[1][voxel]
        if r == 0 and p == 0:
            continue
        counts[r, p] += 1
        row = voxel // width
        column = voxel - row * width
        plane = row // lines
        line = row - plane * lines
        if r != 0:
            _extend(boxes[0, r], plane, line, column, column + 1)
        if p != 0:
            _extend(boxes[1, p], plane, line, column, column + 1)


@njit(nogil=True, cache=True)
def _scan(labels: Any, wide: Any, shape: Any, counts: Any, boxes: Any) -> None:
    lines, width = shape
    words = wide[0].size
    for word in range(words):
        a = wide[0][word]
        b = wide[1][word]
        if (a | b) == 0:
            continue
        voxel = word * 8
        row = voxel // width
        column = voxel - row * width
        r = a & _BYTE
        p = b & _BYTE
        if column + 8 <= width and a == r * _REPEAT and b == p * _REPEAT:
            plane = row // lines
            line = row - plane * lines
            counts[r, p] += 8
            if r != 0:
                _extend(boxes[0, r], plane, line, column, column + 8)
            if p != 0:
                _extend(boxes[1, p], plane, line, column, column + 8)
        else:
            _count_voxels(labels, voxel, voxel + 8, shape, counts, boxes)
    _count_voxels(labels, words * 8, labels[0].size, shape, counts, boxes)
