"""Shares of patients and of tumours: sensitivity and specificity as counts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Proportion:
    """So many of so many; the counts are kept, because every interval starts from them.

    Args:
        successes: How many.
        total: Of how many.

    Raises:
        ValueError: Less than none or more than all.

    Examples:
        >>> Proportion(122, 151).value.__format__(".3f")
        '0.808'
    """

    successes: int
    total: int

    def __post_init__(self) -> None:
        """Refuse what no counting can give."""
        if not 0 <= self.successes <= self.total:
            raise ValueError(f"expected 0 <= successes <= total, got {self.successes} of {self.total}")

    @property
    def value(self) -> float:
        """The share; NaN of none."""
        return self.successes / self.total if self.total else math.nan


def patient_sensitivity(truth: ArrayLike, positive: ArrayLike) -> Proportion:
    """Of the patients with a tumour, those in whom any was predicted, wherever it was.

    Args:
        truth: (patients,) whether there is a tumour.
        positive: (patients,) whether one was predicted; False for a missing prediction.

    Raises:
        ValueError: The lengths differ, or values other than 0 and 1.

    Source: PanTS, P-Sen (project page).

    Examples:
        >>> patient_sensitivity([True, True, False], [True, False, True])
        Proportion(successes=1, total=2)
    """
    present, found = _flags(truth, positive)
    return Proportion(int((present & found).sum()), int(present.sum()))


def specificity(truth: ArrayLike, positive: ArrayLike) -> Proportion:
    """Of the patients without a tumour, those in whom none was predicted.

    Args:
        truth: (patients,) whether there is a tumour.
        positive: (patients,) whether one was predicted. A missing prediction is no
            true negative: pass True for it, or count it elsewhere.

    Raises:
        ValueError: The lengths differ, or values other than 0 and 1.

    Examples:
        >>> specificity([True, True, False], [True, False, True])
        Proportion(successes=0, total=1)
    """
    present, found = _flags(truth, positive)
    return Proportion(int((~present & ~found).sum()), int((~present).sum()))


def tumour_sensitivity(found: ArrayLike, missed: ArrayLike) -> Proportion:
    """Of all tumours, those that were found at their place; pooled over cases.

    Args:
        found: (cases,) tumours of the reference that were found (`lesion_tp`).
        missed: (cases,) tumours that were not (`lesion_fn`).

    Raises:
        ValueError: The lengths differ, or a count that is not a whole number from 0.

    Source: PanTS, T-Sen (project page).

    Examples:
        >>> tumour_sensitivity([2, 0, 1], [1, 0, 0])
        Proportion(successes=3, total=4)
    """
    counts = np.asarray(found, np.float64), np.asarray(missed, np.float64)
    if counts[0].shape != counts[1].shape:
        raise ValueError(f"expected counts of the same cases, got {counts[0].shape} and {counts[1].shape}")
    for count in counts:
        if not np.all((count >= 0) & (count == np.floor(count))):
            raise ValueError("expected whole numbers of tumours, 0 or more")
    hits, misses = (int(count.sum()) for count in counts)
    return Proportion(hits, hits + misses)


def _flags(truth: ArrayLike, positive: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    first, second = as_flags(truth), as_flags(positive)
    if first.shape != second.shape:
        raise ValueError(f"expected one value per patient, got {first.shape} and {second.shape}")
    return first, second


def as_flags(values: ArrayLike) -> NDArray[np.bool_]:
    """0 and 1, or False and True, as an array of bool.

    Raises:
        ValueError: Any other value, NaN among them.

    Examples:
        >>> as_flags([0, 1.0]).tolist()
        [False, True]
    """
    array = np.asarray(values)
    flags = array.astype(np.bool_)
    if array.dtype != np.bool_ and not np.array_equal(flags, array):
        raise ValueError("expected 0 and 1 or False and True alone")
    return flags
