"""Which cases count, and what counts once: a case, or all cases of a patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oncohort.statistics.bootstrap import bootstrap_means

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sample:
    """Which cases count, and whose they are.

    Args:
        members: (cases,) who belongs to the subset.
        patients: (cases,) index of the patient of each case of the whole grid.
        is_by_patient: Whether a patient is one unit with all of its cases; else each case is one.
    """

    members: NDArray[np.bool_]
    patients: NDArray[np.intp]
    is_by_patient: bool = False

    @property
    def is_one_unit_each(self) -> bool:
        """Whether no patient counts more than once."""
        patients = self.patients[self.members]
        return self.is_by_patient or np.unique(patients).size == patients.size

    @property
    def size(self) -> int:
        """How many units there are."""
        return self.owners.size

    @property
    def owners(self) -> NDArray[np.intp]:
        """(units,): index of the patient of each unit."""
        patients = self.patients[self.members]
        return np.unique(patients) if self.is_by_patient else patients

    def join(self, is_so: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Whether it is so in any case of each unit: (cases, ...) becomes (units, ...).

        Examples:
            >>> sample = Sample(np.ones(3, bool), np.array([0, 0, 1]), is_by_patient=True)
            >>> sample.join(np.array([False, True, False])).tolist()
            [True, False]
        """
        return np.asarray(self._gather(is_so, np.logical_or, start=False), np.bool_)

    def largest(self, values: Array) -> Array:
        """The largest number of each unit that is not NaN, -inf where there is none: (cases, ...) to (units, ...)."""
        known = np.where(np.isnan(values), -np.inf, values)
        return np.asarray(self._gather(known, np.maximum, start=-np.inf), np.float64)

    def count(self, is_so: NDArray[np.bool_]) -> NDArray[np.int64]:
        """In how many units it is so in any case: (cases, models) to (models,)."""
        return np.asarray(self.join(is_so).sum(axis=0), dtype=np.int64)

    def means(self, values: NDArray[np.generic], weights: NDArray[np.int32]) -> Array:
        """Means of (cases, models) over the units, for each row of weights; (rows, models).

        A unit of several cases has their mean.

        Examples:
            >>> dice, ones = np.array([[0.2], [0.4], [0.9]]), np.ones((1, 2), np.int32)
            >>> Sample(np.ones(3, bool), np.array([0, 0, 1]), is_by_patient=True).means(dice, ones).round(3).tolist()
            [[0.6]]
        """
        return bootstrap_means(self.unit_means(values), self.owners, weights)

    def unit_means(self, values: NDArray[np.generic]) -> Array:
        """The mean of what is not NaN over the cases of each unit: (cases, models) to (units, models)."""
        inside = np.asarray(values[self.members], np.float64)
        return patient_means(inside, self.patients[self.members])[0] if self.is_by_patient else inside

    def _gather(self, values: NDArray[np.generic], join: np.ufunc, *, start: float | bool) -> NDArray[np.generic]:
        inside = values[self.members]
        if not self.is_by_patient:
            return inside
        owners, index = np.unique(self.patients[self.members], return_inverse=True)
        joined = np.full((owners.size, *inside.shape[1:]), start, inside.dtype)
        join.at(joined, index, inside)
        return joined


def patient_means(values: NDArray[np.generic], patients: NDArray[np.intp]) -> tuple[Array, NDArray[np.intp]]:
    """The mean of what is not NaN over the cases of each patient, and the patients, ascending.

    Examples:
        >>> means, owners = patient_means(np.array([[0.2], [0.4], [np.nan]]), np.array([5, 5, 3]))
        >>> means.round(3).tolist(), owners.tolist()
        ([[nan], [0.3]], [3, 5])
    """
    owners, index = np.unique(patients, return_inverse=True)
    numbers = np.asarray(values, np.float64)
    known = ~np.isnan(numbers)
    sums, counts = np.zeros((2, owners.size, numbers.shape[1]))
    np.add.at(sums, index, np.where(known, numbers, 0.0))
    np.add.at(counts, index, known)
    means = np.full(sums.shape, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means, owners


def mean_of_known(values: Array) -> Array:
    """The mean along the first axis of what is not NaN; NaN where nothing is known.

    Examples:
        >>> mean_of_known(np.array([[1.0, np.nan], [3.0, np.nan]])).tolist()
        [2.0, nan]
    """
    known = ~np.isnan(values)
    number = known.sum(axis=0)
    means = np.full(number.shape, np.nan)
    np.divide(np.where(known, values, 0.0).sum(axis=0), number, out=means, where=number > 0)
    return means
