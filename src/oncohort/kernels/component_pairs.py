"""Which components of two masks share voxels, looked up only where there is foreground."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from oncohort.kernels.layout import aligned, as_bytes, is_reversed
from oncohort.kernels.pairs import sum_runs

_WORD = 8


def count_component_pairs(
    reference: NDArray[np.uint32],
    prediction: NDArray[np.uint32],
    reference_mask: NDArray[Any],
    prediction_mask: NDArray[Any],
) -> NDArray[np.int64]:
    """Every pair (r, p) of component numbers that occurs, except (0, 0), with its voxels; (n, 3) ascending.

    The same as `count_pairs` of the two maps, several times as fast where
    most is background: the bytes of the masks are read eight at a time, the
    numbers only where a mask is not empty.

    Args:
        reference: Component numbers (i, j, k), 0 where the mask is 0.
        prediction: The same shape.
        reference_mask: bool or uint8 of that shape.
        prediction_mask: The same.

    Raises:
        ValueError: The shapes differ.

    Examples:
        >>> mask = np.array([[[0, 1, 1, 0, 1]]], np.uint8)
        >>> other = np.array([[[1, 1, 0, 0, 0]]], np.uint8)
        >>> numbers = np.array([[[0, 1, 1, 0, 2]]], np.uint32)
        >>> count_component_pairs(numbers, other.astype(np.uint32) * 9, mask, other).tolist()
        [[0, 9, 1], [1, 0, 1], [1, 9, 1], [2, 0, 1]]
    """
    arrays = reference, prediction, as_bytes(reference_mask), as_bytes(prediction_mask)
    if len({array.shape for array in arrays}) != 1 or reference.ndim != 3:
        raise ValueError(f"expected arrays of one shape (i, j, k), got {[array.shape for array in arrays]}")
    reverse = is_reversed(reference_mask)
    first, second, *masks = (aligned(array, reverse=reverse).reshape(-1) for array in arrays)
    words = first.size // _WORD
    wide = tuple(mask[: words * _WORD].view(np.uint64) for mask in masks)
    numbers = first, second
    runs = int(_scan_runs(numbers, wide, np.empty((0, 3), np.int64)))
    pairs = np.empty((runs, 3), np.int64)
    _scan_runs(numbers, wide, pairs)
    return sum_runs(pairs)


@njit(nogil=True, cache=True)
def _scan_runs(numbers: Any, wide: Any, pairs: Any) -> int:
    """List the runs of one pair of numbers if there is room for them; their count."""
    first, second = numbers
    is_listing = pairs.shape[0] > 0
    words = wide[0].size
    run = -1
    last_r = last_p = np.uint32(0)
    for word in range(words + 1):
        if word < words:
            if (wide[0][word] | wide[1][word]) == 0:
                last_r = last_p = np.uint32(0)
                continue
            start, stop = word * 8, word * 8 + 8
        else:
            start, stop = words * 8, first.size
        for voxel in range(start, stop):
            r, p = first[voxel], second[voxel]
            if r != last_r or p != last_p:
                last_r, last_p = r, p
                if r != 0 or p != 0:
                    run += 1
                    if is_listing:
                        pairs[run, 0] = r
                        pairs[run, 1] = p
                        pairs[run, 2] = 0
            if is_listing and (r != 0 or p != 0):
                pairs[run, 2] += 1
    return run + 1
