"""Intervals by drawing patients with replacement."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def draw_patients(patients: int, *, draws: int, seed: int) -> NDArray[np.int32]:
    """How often each patient comes up in each draw; array (draws, patients), rows sum to `patients`.

    Every model is resampled with the same draws, and a patient brings all of
    its cases along.

    Args:
        patients: Their number, at least 1.
        draws: Number of draws.
        seed: Of the random generator (PCG64).

    Examples:
        >>> draw_patients(4, draws=2, seed=2026).sum(axis=1).tolist()
        [4, 4]
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    counts = np.empty((draws, patients), np.int32)
    for draw in range(draws):
        counts[draw] = np.bincount(generator.integers(0, patients, patients), minlength=patients)
    return counts


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
    columns = table.reshape(table.shape[0], -1)
    index = np.asarray(patients, dtype=np.intp)
    present = ~np.isnan(columns)
    sums = np.zeros((draws.shape[1], columns.shape[1]))
    counts = np.zeros_like(sums)
    np.add.at(sums, index, np.where(present, columns, 0.0))
    np.add.at(counts, index, present.astype(np.float64))
    weights = draws.astype(np.float64)
    # einsum adds in a fixed order; a BLAS product may not, and tables must not depend on its threads
    total = np.einsum("dp,pc->dc", weights, sums)
    number = np.einsum("dp,pc->dc", weights, counts)
    means = np.full(total.shape, np.nan)
    np.divide(total, number, out=means, where=number > 0)
    return means.reshape(draws.shape[0], *table.shape[1:])


def percentile_interval(samples: ArrayLike, *, confidence: float) -> tuple[float, float] | None:
    """The middle share of the samples, by percentiles; None if no sample is a number.

    Args:
        samples: (draws,), NaN where a draw had no value; those are left out.
        confidence: Share of the draws inside, such as 0.95.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 13.3.

    Examples:
        >>> percentile_interval(list(range(101)), confidence=0.5)
        (25.0, 75.0)
    """
    known = np.asarray(samples, dtype=np.float64)
    known = known[~np.isnan(known)]
    if known.size == 0:
        return None
    low, high = np.quantile(known, [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0])
    return float(low), float(high)
