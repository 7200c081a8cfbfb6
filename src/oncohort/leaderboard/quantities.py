"""What models are compared by: means over cases, means over structures, pooled ratios and areas of a whole cohort.

A quantity is evaluated on weights of patients: all ones for the data as they
are, a draw of the bootstrap, or all but one patient for the jackknife.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from oncohort.metrics import Direction
from oncohort.statistics.bootstrap import bootstrap_means, ratio_draws

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sample:
    """Which cases count, and whose they are.

    Args:
        members: (cases,) who belongs to the subset.
        patients: (cases,) index of the patient of each case of the whole grid.
        is_by_patient: Whether the cases of a patient are averaged before patients are; else each case counts once.
    """

    members: NDArray[np.bool_]
    patients: NDArray[np.intp]
    is_by_patient: bool = False

    @property
    def is_one_case_each(self) -> bool:
        """Whether no patient has more than one case."""
        patients = self.patients[self.members]
        return np.unique(patients).size == patients.size

    def means(self, values: NDArray[np.generic], weights: NDArray[np.int32]) -> Array:
        """Means of (cases, models) over the members, for each row of weights; (rows, models).

        Examples:
            >>> dice, ones = np.array([[0.2], [0.4], [0.9]]), np.ones((1, 2), np.int32)
            >>> Sample(np.ones(3, bool), np.array([0, 0, 1]), is_by_patient=True).means(dice, ones).round(3).tolist()
            [[0.6]]
        """
        inside, patients = values[self.members], self.patients[self.members]
        if self.is_by_patient:
            inside, patients = patient_means(inside, patients)
        return bootstrap_means(inside, patients, weights)


class Quantity(Protocol):
    """A number per model that a set of cases gives."""

    @property
    def structure(self) -> str:
        """What was scored."""

    @property
    def metric(self) -> str:
        """What the scores or the profile call it."""

    @property
    def direction(self) -> Direction:
        """Which way is better."""

    @property
    def words(self) -> str:
        """How the estimate comes about, such as "mean over cases"."""

    @property
    def case_values(self) -> tuple[Array, NDArray[np.bool_]] | None:
        """Value per case and where it failed, both (cases, models); None for what only a cohort has."""

    @property
    def presence(self) -> NDArray[np.bool_] | None:
        """(cases,) whether the structure is there, for numbers that need cases of both kinds; None for others."""

    def estimate(self, sample: Sample, weights: NDArray[np.int32]) -> Array:
        """(rows of weights, models); NaN where there is no value."""

    def failures(self, sample: Sample, weights: NDArray[np.int32]) -> Array:
        """(rows of weights, models): 0 where no prediction failed, more where more did."""

    def defined(self, sample: Sample) -> NDArray[np.int64]:
        """(models,): how many cases of the sample have a value."""


@dataclass(frozen=True, eq=False)
class CaseMean:
    """The mean of a metric over the cases that have a value.

    Args:
        structure: What was scored.
        metric: As the scores call it.
        direction: Which way is better.
        values: (cases, models), NaN where undefined.
        failed: (cases, models): undefined by the fault of the prediction.

    Examples:
        >>> dice = CaseMean("lesion", "dice", Direction.HIGHER, np.array([[0.5], [1.0]]), np.zeros((2, 1), bool))
        >>> everyone = Sample(np.ones(2, bool), np.arange(2))
        >>> dice.estimate(everyone, np.ones((1, 2), np.int32)).tolist()
        [[0.75]]
    """

    structure: str
    metric: str
    direction: Direction
    values: Array
    failed: NDArray[np.bool_]

    words = "mean over cases"
    presence = None

    @property
    def case_values(self) -> tuple[Array, NDArray[np.bool_]]:
        """The values as they are."""
        return self.values, self.failed

    def estimate(self, sample: Sample, weights: NDArray[np.int32]) -> Array:
        """The mean for each row of weights."""
        return sample.means(self.values, weights)

    def failures(self, sample: Sample, weights: NDArray[np.int32]) -> Array:
        """The share of failed cases for each row of weights."""
        return np.nan_to_num(sample.means(self.failed.astype(np.float64), weights))

    def defined(self, sample: Sample) -> NDArray[np.int64]:
        """How many cases have a value."""
        return np.asarray((~np.isnan(self.values[sample.members])).sum(axis=0), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class MacroMean:
    """The mean over structures of their means over cases; every structure weighs the same.

    Args:
        structure: Name of the mean.
        parts: One per structure, of the same metric.
        case_values: Per case, the mean over its structures, and where any of them failed.

    Source: L. Maier-Hein et al., Metrics reloaded, Nature Methods 21 (2024), section on aggregation.
    """

    structure: str
    parts: tuple[CaseMean, ...]
    case_values: tuple[Array, NDArray[np.bool_]]

    words = "mean over structures of the means over cases"
    presence = None

    @property
    def metric(self) -> str:
        """The metric of the parts."""
        return self.parts[0].metric

    @property
    def direction(self) -> Direction:
        """The direction of the parts."""
        return self.parts[0].direction

    def estimate(self, sample: Sample, weights: NDArray[np.int32]) -> Array:
        """The mean over the structures that have one."""
        return mean_of_known(np.stack([part.estimate(sample, weights) for part in self.parts]))

    def failures(self, sample: Sample, weights: NDArray[np.int32]) -> Array:
        """The share of failed cases, averaged over structures."""
        return mean_of_known(np.stack([part.failures(sample, weights) for part in self.parts]))

    def defined(self, sample: Sample) -> NDArray[np.int64]:
        """How many cases have a value for any structure."""
        return _cases_with_any(self.parts, sample)


@dataclass(frozen=True, eq=False)
class GroupMean:
    """The mean over all pairs of a case and a structure that have a value; a structure in more cases weighs more.

    Args:
        structure: Name of the group.
        parts: One per structure, of the same metric.

    Examples:
        >>> nowhere = np.zeros((2, 1), bool)
        >>> left = CaseMean("left", "dice", Direction.HIGHER, np.array([[0.5], [1.0]]), nowhere)
        >>> right = CaseMean("right", "dice", Direction.HIGHER, np.array([[0.0], [np.nan]]), nowhere)
        >>> kidneys = GroupMean("kidneys", (left, right))
        >>> kidneys.estimate(Sample(np.ones(2, bool), np.arange(2)), np.ones((1, 2), np.int32)).tolist()
        [[0.5]]
    """

    structure: str
    parts: tuple[CaseMean, ...]

    words = "mean over all pairs of case and structure"
    presence = None

    @property
    def metric(self) -> str:
        """The metric of the parts."""
        return self.parts[0].metric

    @property
    def direction(self) -> Direction:
        """The direction of the parts."""
        return self.parts[0].direction

    @property
    def case_values(self) -> tuple[Array, NDArray[np.bool_]]:
        """The mean over the structures of each case; no value where any of them failed."""
        failed = np.asarray(np.stack([part.failed for part in self.parts]).any(axis=0))
        return np.where(failed, np.nan, mean_of_known(self._values)), failed

    def estimate(self, sample: Sample, weights: NDArray[np.int32]) -> Array:
        """The mean for each row of weights; NaN where there is no value."""
        values = self._values[:, sample.members]
        above, below = np.nan_to_num(values).sum(axis=0), (~np.isnan(values)).sum(axis=0).astype(np.float64)
        return np.asarray(ratio_draws(above, below, sample.patients[sample.members], weights))

    def failures(self, sample: Sample, weights: NDArray[np.int32]) -> Array:
        """The share of failed cases, averaged over structures."""
        return mean_of_known(np.stack([part.failures(sample, weights) for part in self.parts]))

    def defined(self, sample: Sample) -> NDArray[np.int64]:
        """How many cases have a value for any structure of the group."""
        return _cases_with_any(self.parts, sample)

    @property
    def _values(self) -> Array:
        return np.stack([part.values for part in self.parts])


@dataclass(frozen=True, eq=False)
class PooledRatio:
    """A ratio of two sums over all cases, such as found lesions over all lesions.

    Args:
        structure: What was scored.
        metric: As the profile calls it.
        direction: Which way is better.
        numerator: (cases, models), without NaN.
        denominator: (cases, models), without NaN.
        is_share_of_cases: Whether every case counts 0 or 1 below, and no more above.
        failed: (cases, models): where a failed prediction is not counted as the worst in the sums; None for nowhere.
        presence: (cases,): whether the structure is there, if the ratio is about that; else None.

    Examples:
        >>> found, there = np.array([[1.0], [3.0]]), np.array([[4.0], [4.0]])
        >>> recall = PooledRatio("lesion", "lesion_recall", Direction.HIGHER, found, there)
        >>> recall.estimate(Sample(np.ones(2, bool), np.arange(2)), np.array([[1, 1], [2, 0]], np.int32)).tolist()
        [[0.5], [0.25]]
    """

    structure: str
    metric: str
    direction: Direction
    numerator: Array
    denominator: Array
    is_share_of_cases: bool = False
    failed: NDArray[np.bool_] | None = None
    presence: NDArray[np.bool_] | None = None

    words = "ratio of sums over cases"
    case_values = None

    def estimate(self, sample: Sample, weights: NDArray[np.int32]) -> Array:
        """The ratio for each row of weights; NaN where the denominator is 0."""
        above, below = self.numerator[sample.members], self.denominator[sample.members]
        return np.asarray(ratio_draws(above, below, sample.patients[sample.members], weights))

    def failures(self, sample: Sample, weights: NDArray[np.int32]) -> Array:
        """The share of cases whose failure the sums do not show, such as false lesions that nobody could count."""
        if self.failed is None:
            return np.zeros((weights.shape[0], self.numerator.shape[1]))
        return np.nan_to_num(sample.means(self.failed.astype(np.float64), weights))

    def defined(self, sample: Sample) -> NDArray[np.int64]:
        """How many cases add to the denominator."""
        return np.asarray((self.denominator[sample.members] > 0).sum(axis=0), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class CurveArea:
    """An area under a curve over all cases: ROC or precision-recall.

    Args:
        structure: What was scored.
        metric: As the profile calls it.
        words: How the estimate comes about.
        truth: (cases,) whether the case holds the structure.
        scores: (cases, models), larger is surer.
        area: Function of scores, truth, patients and weights.
        is_roc: Whether it is the area under the ROC curve, which two models can be compared by.
    """

    structure: str
    metric: str
    words: str
    truth: NDArray[np.bool_]
    scores: Array
    area: Callable[[Array, NDArray[np.bool_], NDArray[np.intp], NDArray[np.int32]], Array]
    is_roc: bool

    direction = Direction.HIGHER
    case_values = None

    @property
    def presence(self) -> NDArray[np.bool_]:
        """What the curve is about."""
        return self.truth

    def estimate(self, sample: Sample, weights: NDArray[np.int32]) -> Array:
        """The area for each row of weights; NaN where only one kind of case is left."""
        truth, patients = self.truth[sample.members], sample.patients[sample.members]
        columns = self.scores[sample.members].T
        return np.stack([self.area(np.ascontiguousarray(one), truth, patients, weights) for one in columns], axis=1)

    def failures(self, sample: Sample, weights: NDArray[np.int32]) -> Array:
        """None: a failed prediction has the worst score."""
        return np.zeros((weights.shape[0], self.scores.shape[1]))

    def defined(self, sample: Sample) -> NDArray[np.int64]:
        """Every case of the sample."""
        return np.full(self.scores.shape[1], int(sample.members.sum()), np.int64)


def _cases_with_any(parts: Sequence[CaseMean], sample: Sample) -> NDArray[np.int64]:
    """(models,): in how many cases of the sample any of the parts has a value."""
    known = np.stack([~np.isnan(part.values[sample.members]) for part in parts]).any(axis=0)
    return np.asarray(known.sum(axis=0), dtype=np.int64)


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
