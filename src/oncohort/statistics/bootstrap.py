"""Drawing patients with replacement, and the statistics that are sums over the drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def draw_patients(patients: int, *, draws: int, seed: int, strata: ArrayLike | None = None) -> NDArray[np.int32]:
    """How often each patient comes up in each draw; array (draws, patients), rows sum to `patients`.

    Every model is resampled with the same draws, and a patient brings all of
    its cases along. With strata each class is drawn by itself and keeps its
    size, as sensitivity, specificity and the ROC curve want it.

    Args:
        patients: Their number, at least 1.
        draws: Number of draws.
        seed: Of the random generator (PCG64).
        strata: (patients,) class of each patient, of any kind that can be sorted; None: one class.

    Raises:
        ValueError: The strata are not one per patient.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 8.3 (several samples).

    Examples:
        >>> draw_patients(4, draws=2, seed=2026).sum(axis=1).tolist()
        [4, 4]
        >>> draw_patients(4, draws=2, seed=2026, strata=[0, 1, 0, 0])[:, 1].tolist()
        [1, 1]
    """
    groups = _groups(patients, strata)
    generator = np.random.Generator(np.random.PCG64(seed))
    counts = np.empty((draws, patients), np.int32)
    for draw in range(draws):
        for columns, size in groups:
            counts[draw, columns] = np.bincount(generator.integers(0, size, size), minlength=size)
    return counts


def _groups(patients: int, strata: ArrayLike | None) -> list[tuple[slice | NDArray[np.intp], int]]:
    """The columns and the size of each class, in ascending order of the classes."""
    if strata is None:
        return [(slice(None), patients)]
    labels = np.asarray(strata)
    if labels.shape != (patients,):
        raise ValueError(f"expected one class for each of {patients} patients, got shape {labels.shape}")
    columns = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return [(column, column.size) for column in columns]


def ratio_draws(
    numerator: ArrayLike, denominator: ArrayLike, patients: ArrayLike, draws: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Sum of the numerators over sum of the denominators in each draw; NaN where that is 0 / 0.

    A pooled ratio, such as lesion sensitivity: found lesions over lesions,
    whatever the patient. A case with NaN in either counts in neither.

    Args:
        numerator: (cases,) or (cases, columns).
        denominator: The same shape, not negative.
        patients: (cases,) index of the patient of each case.
        draws: (draws, patients) from `draw_patients`.

    Returns:
        (draws,) or (draws, columns).

    Raises:
        ValueError: The two shapes differ.

    Source: Cochran, Sampling Techniques (1977), chapter 6 (the ratio estimate).

    Examples:
        >>> ratio_draws([1, 2, 0], [2, 2, 4], [0, 0, 1], np.array([[1, 1], [2, 0], [0, 2]])).tolist()
        [0.375, 0.75, 0.0]
    """
    above, below = np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    if above.shape != below.shape:
        raise ValueError(f"expected numerators and denominators of one shape, got {above.shape} and {below.shape}")
    is_known = ~(np.isnan(above) | np.isnan(below))
    total = _drawn_sums(np.where(is_known, above, 0.0), patients, draws)
    number = _drawn_sums(np.where(is_known, below, 0.0), patients, draws)
    ratios = np.full(total.shape, np.nan)
    np.divide(total, number, out=ratios, where=number > 0)
    return ratios.reshape(draws.shape[0], *above.shape[1:])


def _drawn_sums(table: NDArray[np.float64], patients: ArrayLike, draws: NDArray[np.int32]) -> NDArray[np.float64]:
    columns = table.reshape(table.shape[0], -1)
    sums = np.zeros((draws.shape[1], columns.shape[1]))
    np.add.at(sums, np.asarray(patients, dtype=np.intp), columns)
    # einsum adds in a fixed order; a BLAS product may not, and tables must not depend on its threads
    return np.asarray(np.einsum("dp,pc->dc", draws.astype(np.float64), sums))


def bootstrap_means(values: ArrayLike, patients: ArrayLike, draws: NDArray[np.int32]) -> NDArray[np.float64]:
    """The mean over cases in each draw of patients; NaN where a draw holds no value.

    A ratio of two sums over patients, so that a patient with three cases
    weighs three cases, as in the plain mean. NaN values are left out.

    Args:
        values: (cases,) or (cases, columns), NaN where undefined.
        patients: (cases,) index of the patient of each case.
        draws: (draws, patients) from `draw_patients`.

    Returns:
        (draws,) or (draws, columns).

    Examples:
        >>> bootstrap_means([1.0, 3.0, 8.0], [0, 0, 1], np.array([[1, 1], [2, 0], [0, 2]])).tolist()
        [4.0, 2.0, 8.0]
    """
    table = np.asarray(values, dtype=np.float64)
    return ratio_draws(table, np.ones_like(table), patients, draws)
