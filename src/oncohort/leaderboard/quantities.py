"""What models are compared by: means over cases, and means over structures of these.

A quantity is evaluated on weights of patients: all ones for the data as they
are, a draw of the bootstrap, or all but one patient for the jackknife. What
only a whole cohort has stands in `cohort_quantities`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from oncohort.leaderboard.samples import Array, Sample, mean_of_known
from oncohort.metrics import Direction
from oncohort.statistics.bootstrap import ratio_draws


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
        """(models,): how many units of the sample have a value."""


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
        """How many units have a value."""
        return sample.count(~np.isnan(self.values))


@dataclass(frozen=True, eq=False)
class StructureMean(ABC):
    """A mean over the structures that one metric was measured on.

    Args:
        structure: Name of the mean.
        parts: One per structure, of the same metric.
    """

    structure: str
    parts: tuple[CaseMean, ...]

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
    @abstractmethod
    def words(self) -> str:
        """How the estimate comes about."""

    @property
    def case_values(self) -> tuple[Array, NDArray[np.bool_]]:
        """The mean over the structures of each case; no value where any of them failed."""
        failed = np.asarray(np.stack([part.failed for part in self.parts]).any(axis=0))
        return np.where(failed, np.nan, mean_of_known(np.stack([part.values for part in self.parts]))), failed

    @abstractmethod
    def estimate(self, sample: Sample, weights: NDArray[np.int32]) -> Array:
        """The mean for each row of weights; NaN where there is no value."""

    def failures(self, sample: Sample, weights: NDArray[np.int32]) -> Array:
        """The share of failed cases, averaged over structures."""
        return mean_of_known(np.stack([part.failures(sample, weights) for part in self.parts]))

    def defined(self, sample: Sample) -> NDArray[np.int64]:
        """How many units have a value for any structure."""
        known = np.stack([~np.isnan(part.values) for part in self.parts])
        return sample.count(np.asarray(known.any(axis=0)))


@dataclass(frozen=True, eq=False)
class MacroMean(StructureMean):
    """The mean over structures of their means over cases; every structure weighs the same.

    Source: L. Maier-Hein et al., Metrics reloaded, Nature Methods 21 (2024), section on aggregation.
    """

    @property
    def words(self) -> str:
        """How the estimate comes about."""
        return "mean over structures of the means over cases"

    def estimate(self, sample: Sample, weights: NDArray[np.int32]) -> Array:
        """The mean over the structures that have one."""
        return mean_of_known(np.stack([part.estimate(sample, weights) for part in self.parts]))


@dataclass(frozen=True, eq=False)
class GroupMean(StructureMean):
    """The mean over all pairs of a unit and a structure that have a value; a structure in more cases weighs more.

    Where a patient is the unit, its cases are averaged structure by structure first.

    Examples:
        >>> nowhere = np.zeros((2, 1), bool)
        >>> left = CaseMean("left", "dice", Direction.HIGHER, np.array([[0.5], [1.0]]), nowhere)
        >>> right = CaseMean("right", "dice", Direction.HIGHER, np.array([[0.0], [np.nan]]), nowhere)
        >>> kidneys = GroupMean("kidneys", (left, right))
        >>> kidneys.estimate(Sample(np.ones(2, bool), np.arange(2)), np.ones((1, 2), np.int32)).tolist()
        [[0.5]]
        >>> kidneys.estimate(Sample(np.ones(2, bool), np.zeros(2, int), True), np.ones((1, 1), np.int32)).tolist()
        [[0.375]]
    """

    @property
    def words(self) -> str:
        """How the estimate comes about."""
        return "mean over all pairs of case and structure"

    def estimate(self, sample: Sample, weights: NDArray[np.int32]) -> Array:
        """The mean for each row of weights; NaN where there is no value."""
        values = np.stack([sample.unit_means(part.values) for part in self.parts])
        above, below = np.nan_to_num(values).sum(axis=0), (~np.isnan(values)).sum(axis=0).astype(np.float64)
        return np.asarray(ratio_draws(above, below, sample.owners, weights))
