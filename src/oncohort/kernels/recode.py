"""Labels exchanged for small numbers through a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from oncohort.kernels.layout import aligned, is_reversed

_MOST = 255
_TABLE = 1 << 16


def recode_labels(array: NDArray[Any], values: Sequence[int]) -> NDArray[np.uint8]:
    """The array with `values[n]` exchanged for n + 1 and everything else for 0; uint8 in the same memory order.

    Args:
        array: Three axes, any integer or bool dtype, any memory and byte order.
        values: At most 255, each once. 0 may be among them.

    Raises:
        TypeError: The array holds no integers.
        ValueError: Too many values, or one of them twice, or not three axes.

    Examples:
        >>> recode_labels(np.array([[[0, 7, 300, 9]]]), [300, 7]).tolist()
        [[[0, 2, 1, 0]]]
    """
    if array.dtype.kind not in "bui":
        raise TypeError(f"expected integers or bool, got {array.dtype}")
    if len(values) > _MOST or len(set(values)) < len(values) or array.ndim != 3:
        raise ValueError(f"expected three axes and at most {_MOST} different values, got {array.ndim} and {values}")
    reverse = is_reversed(array)
    voxels = aligned(array.view(np.uint8) if array.dtype == np.bool_ else array, reverse=reverse)
    native = voxels.astype(voxels.dtype.newbyteorder("="), copy=False)
    result = _recoded(native, values)
    return result.T if reverse else result


def _recoded(voxels: NDArray[Any], values: Sequence[int]) -> NDArray[np.uint8]:
    """The voxels (C order, native bytes) recoded, by a table where the values are close together."""
    limits = np.iinfo(voxels.dtype)
    codes = {int(value): n + 1 for n, value in enumerate(values) if limits.min <= value <= limits.max}
    result = np.zeros(voxels.shape, np.uint8)
    if not codes or not voxels.size:
        return result
    least = min(codes)
    if max(codes) - least >= _TABLE:
        known = np.array(sorted(codes), voxels.dtype)
        places = np.minimum(np.searchsorted(known, voxels), known.size - 1)
        table = np.array([codes[int(value)] for value in known], np.uint8)
        result[...] = np.where(known[places] == voxels, table[places], 0)
        return result
    table = np.zeros(max(codes) - least + 1, np.uint8)
    for value, code in codes.items():
        table[value - least] = code
    kind = voxels.dtype.type
    flat, whole = voxels.reshape(-1), voxels.nbytes // 8
    words = flat[: whole * 8 // voxels.itemsize].view(np.uint64)
    _look_up(flat, words, 0 in codes, (kind(least), kind(max(codes))), table, result.reshape(-1))
    return result


@njit(nogil=True, cache=True)
def _look_up(voxels: Any, words: Any, zero_counts: bool, limits: Any, table: Any, result: Any) -> None:  # noqa: FBT001
    each = 8 // voxels.itemsize
    for word in range(words.size):
        if words[word] == 0 and not zero_counts:
            continue
        _look_up_part(voxels, word * each, word * each + each, limits, table, result)
    _look_up_part(voxels, words.size * each, voxels.size, limits, table, result)


@njit(nogil=True, cache=True)
def _look_up_part(voxels: Any, start: int, stop: int, limits: Any, table: Any, result: Any) -> None:
    for n in range(start, stop):
        value = voxels[n]
        if limits[0] <= value <= limits[1]:
            result[n] = table[int(value) - int(limits[0])]
