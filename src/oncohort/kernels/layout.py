"""Two arrays brought into one memory order without copying where that is possible."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def is_reversed(array: NDArray[Any]) -> bool:
    """Whether the first axis runs faster in memory than the last (Fortran order, also of a part of an array).

    Examples:
        >>> is_reversed(np.zeros((2, 3, 4), order="F")[:, 1:]), is_reversed(np.zeros((2, 3, 4)))
        (True, False)
    """
    return abs(array.strides[0]) < abs(array.strides[-1])


def like(array: NDArray[Any], model: NDArray[Any]) -> NDArray[Any]:
    """`array` in the memory order of `model`; copied only if the orders differ.

    Examples:
        >>> like(np.zeros((2, 3, 4)), np.zeros((2, 3, 4), order="F")).flags.f_contiguous
        True
    """
    if is_reversed(array) == is_reversed(model):
        return array
    return np.asarray(array, order="F" if is_reversed(model) else "C")


def aligned(array: NDArray[Any], *, reverse: bool) -> NDArray[Any]:
    """The voxels C-contiguous on an 8-byte boundary, axes reversed if asked; a view where possible.

    Args:
        array: Any order and strides.
        reverse: Turn axes (i, j, k) into (k, j, i).

    Examples:
        >>> aligned(np.zeros((2, 3, 4), order="F"), reverse=True).shape
        (4, 3, 2)
    """
    turned = np.ascontiguousarray(array.T if reverse else array)
    return turned if turned.ctypes.data % 8 == 0 else turned.copy()


def as_bytes(mask: NDArray[Any]) -> NDArray[np.uint8]:
    """A bool or uint8 array as uint8, without a copy.

    Raises:
        TypeError: The array holds anything else.

    Examples:
        >>> as_bytes(np.array([True, False])).tolist()
        [1, 0]
    """
    if mask.dtype in (np.bool_, np.uint8):
        return mask.view(np.uint8)
    raise TypeError(f"expected a bool or uint8 array, got {mask.dtype}")
