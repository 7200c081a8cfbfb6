"""Runs of foreground along the fastest axis of a mask, read eight voxels at a time."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from oncohort.kernels.bits import first_word, trailing_zeros
from oncohort.kernels.layout import aligned, as_bytes

_WORD = 8
_HIGH = np.uint64(0x8080808080808080)
_LOW = np.uint64(0x7F7F7F7F7F7F7F7F)
_BYTE = np.uint64(8)
_TOP = np.uint64(56)
_ONE = np.uint64(1)
_ROOM = 1024


class MaskRuns(NamedTuple):
    """The foreground of a mask as runs within the rows along its fastest axis.

    Attributes:
        bounds: (n, 2) int32; first column of each run and the one behind its last, row by row.
        rows: (planes * lines + 1,) int64; the runs of row m are those from `rows[m]` to before `rows[m + 1]`.
        lines: Rows per plane.
    """

    bounds: NDArray[np.int32]
    rows: NDArray[np.int64]
    lines: int


def find_runs(mask: NDArray[Any], *, reverse: bool) -> MaskRuns:
    """The runs of foreground of a mask (i, j, k).

    Args:
        mask: bool or uint8; everything above zero is foreground.
        reverse: Rows run along i and planes lie along k, instead of k and i; what `is_reversed` says costs no copy.

    Raises:
        TypeError: Another kind of number.

    Examples:
        >>> runs = find_runs(np.array([[[1, 1, 0, 1], [0, 0, 1, 0]]], np.uint8), reverse=False)
        >>> runs.bounds.tolist(), runs.rows.tolist()
        ([[0, 2], [3, 4], [2, 3]], [0, 2, 3])
    """
    turned = aligned(as_bytes(mask), reverse=reverse)
    planes, lines, width = turned.shape
    voxels = turned.reshape(-1)
    words = voxels.size // _WORD
    end = np.zeros(_WORD, np.uint8)  # its last byte stays 0 and closes the last span
    end[: voxels.size - words * _WORD] = voxels[words * _WORD :]
    spans = _list_spans(voxels[: words * _WORD].view(np.uint64), end.view(np.uint64)[0])
    rows = np.zeros(planes * lines + 1, np.int64)
    bounds = np.empty((len(spans) + planes * lines, 2), np.int32)
    runs = int(_cut_at_rows(spans, width, rows, bounds))
    return MaskRuns(bounds[:runs], rows, lines)


@njit(nogil=True, cache=True)
def _list_spans(words: Any, end: Any) -> Any:
    """(n, 2): first voxel of each span of bytes above zero and the one behind its last, as if there were one row."""
    spans = np.empty((_ROOM, 2), np.int64)
    count = 0
    before = np.uint64(0)  # 0x80 where the byte before this word is foreground
    start = 0
    word = 0
    while word <= words.size:
        if before == 0:
            word = first_word(words, words, word)
        value = words[word] if word < words.size else end
        filled = (((value & _LOW) + _LOW) | value) & _HIGH
        edges = filled ^ ((filled << _BYTE) | before)
        while edges != 0:
            place = word * 8 + (trailing_zeros(edges) >> 3)
            edges &= edges - _ONE
            if before == 0:
                start = place
            else:
                if count == len(spans):
                    spans = _doubled(spans)
                spans[count, 0] = start
                spans[count, 1] = place
                count += 1
            before ^= np.uint64(0x80)
        word += 1
    return spans[:count]


@njit(nogil=True, cache=True)
def _doubled(spans: Any) -> Any:
    larger = np.empty((len(spans) * 2, 2), np.int64)
    larger[: len(spans)] = spans
    return larger


@njit(nogil=True, cache=True)
def _cut_at_rows(spans: Any, width: int, rows: Any, bounds: Any) -> int:
    """Columns of the spans, cut where a row ends, and where each row begins in that list; how many there are."""
    run = 0
    row = 0
    end = width
    for span in range(len(spans)):
        start, stop = spans[span]
        while start < stop:
            while start >= end:
                row += 1
                rows[row] = run
                end += width
            begin = end - width
            bounds[run, 0] = start - begin
            bounds[run, 1] = min(stop, end) - begin
            run += 1
            start = min(stop, end)
    rows[row + 1 :] = run
    return run
