"""What the functions of this room ask of their arguments."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def numbers(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """The values as float64 (n,); refuses NaN.

    Raises:
        ValueError: Not one axis, or NaN among the values.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or np.isnan(array).any():
        found = f"{int(np.isnan(array).sum())} NaN" if array.ndim == 1 else f"{array.ndim} axes"
        raise ValueError(f"expected {name} as one axis of numbers, got {found}; decide first what undefined is worth")
    return array


def classes(truth: ArrayLike, size: int) -> NDArray[np.bool_]:
    """The truth as bool (size,).

    Raises:
        ValueError: Another length, or values other than 0 and 1.
    """
    array = np.asarray(truth)
    if array.shape != (size,) or not np.isin(array, (0, 1)).all():
        raise ValueError(f"expected a truth of False and True for each of {size} scores, got shape {array.shape}")
    return array.astype(np.bool_)


def owners(patients: ArrayLike | None, size: int, *, count: int | None = None) -> NDArray[np.intp]:
    """The patient index of each of `size` cases; None: every case is a patient of its own.

    Args:
        patients: (size,) whole numbers from 0.
        size: Number of cases.
        count: Number of patients that there are; None: no limit.

    Raises:
        ValueError: Another length, numbers that are not whole, negative or out of range.
    """
    array = np.arange(size) if patients is None else np.asarray(patients)
    if array.size == 0 and array.shape == (size,):
        return np.zeros(0, np.intp)
    if array.shape != (size,) or array.dtype.kind not in "iu":
        raise ValueError(f"expected a patient index for each of {size} cases, got {array.dtype} of {array.shape}")
    if array.min() < 0 or (count is not None and array.max() >= count):
        raise ValueError(f"expected patient indexes from 0 to {count}, got {array.min()} to {array.max()}")
    return array.astype(np.intp)
