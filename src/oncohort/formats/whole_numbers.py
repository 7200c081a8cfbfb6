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
        FormatError: A voxel is no whole number, or not from 0 to 65535.

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
        piece = _rounded(source[start : start + _PIECE], where)
        highest = max(highest, _require_range(piece, where))
        target[start : start + _PIECE] = piece
    return labels.astype(np.uint8) if highest < 256 else labels


def _rounded(piece: NDArray[Any], where: str | Path) -> NDArray[Any]:
    if piece.dtype.kind in "iu":
        return piece
    rounded: NDArray[Any] = np.rint(piece)
    if not np.array_equal(rounded, piece) and not np.allclose(rounded, piece, rtol=_RELATIVE, atol=_ABSOLUTE):
        raise _no_labels(where, "whole numbers as labels", "fractions or NaN")
    return rounded


def _require_range(piece: NDArray[Any], where: str | Path) -> float:
    """The highest label of the piece."""
    low, high = float(piece.min()), float(piece.max())
    if low < 0 or high > LARGEST_LABEL:
        raise _no_labels(where, f"labels from 0 to {LARGEST_LABEL}", f"values from {low:g} to {high:g}")
    return high


def _no_labels(where: str | Path, expected: str, found: str) -> FormatError:
    return FormatError(expected=expected, found=found, where=str(where), remedy="fetch or write the file again")
