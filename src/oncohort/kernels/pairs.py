"""Which ids of two instance maps share voxels, and how many."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from oncohort.kernels.layout import aligned, is_reversed

_KINDS: tuple[type[np.integer[Any]], ...] = (np.uint8, np.int32)


def count_pairs(reference: NDArray[Any], prediction: NDArray[Any]) -> NDArray[np.int64]:
    """Every pair of ids (r, p) that occurs in two maps, except (0, 0), with its voxels; (n, 3) ascending.

    Args:
        reference: Non-negative integers or bool (i, j, k); any size of number, memory and byte order.
        prediction: The same shape.

    Raises:
        ValueError: The shapes differ or are not three-dimensional, or an id is negative.
        TypeError: Another kind of number.

    Examples:
        >>> count_pairs(np.array([[[0, 0, 5, 5]]]), np.array([[[0, 900, 900, 900]]])).tolist()
        [[0, 900, 1], [5, 900, 2]]
    """
    if reference.shape != prediction.shape or reference.ndim != 3:
        raise ValueError(f"expected two arrays of one shape (i, j, k), got {reference.shape} and {prediction.shape}")
    arrays, reverse = (reference, prediction), is_reversed(reference)
    kind = next((kind for kind in _KINDS if all(np.can_cast(array.dtype, kind) for array in arrays)), np.int64)
    first, second = (_ids(array, kind, reverse=reverse) for array in arrays)
    runs = int(_count_runs(first, second))
    pairs = np.empty((runs, 3), np.int64)
    _list_runs(first, second, pairs)
    if runs and pairs[:, :2].min() < 0:
        raise ValueError(f"expected ids of 0 and more, got {pairs[:, :2].min()}")
    return sum_runs(pairs)


def _ids(array: NDArray[Any], kind: type[np.integer[Any]], *, reverse: bool) -> NDArray[Any]:
    """The voxels in a row, as numbers of one kind."""
    if array.dtype.kind not in "bui":
        raise TypeError(f"expected integers or bool, got {array.dtype}")
    return aligned(array, reverse=reverse).reshape(-1).astype(kind, copy=False)


def sum_runs(pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """One row per pair, ascending, with the sum of its lengths.

    Args:
        pairs: (n, 3), two numbers and a length; the same two numbers may stand in several rows.

    Examples:
        >>> sum_runs(np.array([[2, 1, 5], [0, 9, 1], [2, 1, 2]])).tolist()
        [[0, 9, 1], [2, 1, 7]]
    """
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    new = np.ones(len(pairs), np.bool_)
    new[1:] = (pairs[1:, :2] != pairs[:-1, :2]).any(axis=1)
    starts = np.flatnonzero(new)
    result = pairs[starts]
    if starts.size:
        result[:, 2] = np.add.reduceat(pairs[:, 2], starts)
    return result


@njit(nogil=True, cache=True)
def _count_runs(first: Any, second: Any) -> int:
    runs = 0
    for n in range(first.size):
        changes = n == 0 or first[n] != first[n - 1] or second[n] != second[n - 1]
        if changes and (first[n] != 0 or second[n] != 0):
            runs += 1
    return runs


@njit(nogil=True, cache=True)
def _list_runs(first: Any, second: Any, pairs: Any) -> None:
    run = -1
    for n in range(first.size):
        if first[n] == 0 and second[n] == 0:
            continue
        if n == 0 or first[n] != first[n - 1] or second[n] != second[n - 1]:
            run += 1
            pairs[run, 0] = first[n]
            pairs[run, 1] = second[n]
            pairs[run, 2] = 0
        pairs[run, 2] += 1
