"""Voxels of any type as integer labels, in pieces that stay in the cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.errors import FormatError

LARGEST_LABEL = 65535
"""What the voxels of a mask can hold."""

_PIECE = 1 << 17
_ABSOLUTE, _RELATIVE = 1e-3, 1e-6  # how far slope noise may move a whole number


def as_labels(array: NDArray[Any], where: str | Path) -> NDArray[Any]:
    """Voxels as uint8, or uint16 where a label is above 255, in the memory order of `array`.

    Booleans and unsigned integers of up to two bytes are given back as they
    are. What is off a whole number by no more than 0.001 (plus a millionth)
    is rounded: a slope in the header leaves such noise.

    Args:
        array: Integers or floats, any shape and order.
        where: What errors call it.

    Raises:
        FormatError: A voxel is no whole number, or not from 0 to 65535; its value and index (i, j, k) are named.

    Examples:
        >>> as_labels(np.array([0.0, 16.99995]), "a.nii").tolist()
        [0, 17]
    """
    if array.dtype.kind in "ub" and array.dtype.itemsize <= 2:
        return array
    labels = np.empty_like(array, dtype=np.uint16)
    source, target = array.ravel(order="K"), labels.ravel(order="K")
    highest = 0.0
    for start in range(0, source.size, _PIECE):
        piece = _rounded(source[start : start + _PIECE])
        if piece is None or float(piece.min()) < 0 or float(piece.max()) > LARGEST_LABEL:
            raise _no_labels(array, where)
        highest = max(highest, float(piece.max()))
        target[start : start + _PIECE] = piece
    return labels.astype(np.uint8) if highest < 256 else labels


def _rounded(piece: NDArray[Any]) -> NDArray[Any] | None:
    """The nearest whole numbers; None if a value is too far from its own."""
    if piece.dtype.kind in "iu":
        return piece
    rounded: NDArray[Any] = np.rint(piece)
    if not np.array_equal(rounded, piece) and not np.allclose(rounded, piece, rtol=_RELATIVE, atol=_ABSOLUTE):
        return None
    return rounded


def _no_labels(array: NDArray[Any], where: str | Path) -> FormatError:
    """The error that names the first voxel (k fastest) that is no label."""
    rounded = np.rint(array)
    is_out = ~((rounded >= 0) & (rounded <= LARGEST_LABEL))
    is_wrong = is_out | ~np.isclose(rounded, array, rtol=_RELATIVE, atol=_ABSOLUTE)
    index = tuple(int(step) for step in np.unravel_index(int(np.argmax(is_wrong)), array.shape))
    others = int(np.count_nonzero(is_wrong)) - 1
    more = f" and {others} other voxel{'s' if others > 1 else ''}" if others else ""
    found = f"{array[index]!s} at voxel ({', '.join(map(str, index))}){more}"
    if np.isnan(array[index]):
        expected, remedy = "whole numbers as labels", "write 0 where there is no label, and look for what gave NaN"
    elif is_out[index]:
        expected, remedy = f"labels from 0 to {LARGEST_LABEL}", f"number the labels from 0 to {LARGEST_LABEL}"
    else:
        expected, remedy = "whole numbers as labels", "write integer labels; cut probabilities at a threshold first"
    return FormatError(expected=expected, found=found, where=str(where), remedy=remedy)
