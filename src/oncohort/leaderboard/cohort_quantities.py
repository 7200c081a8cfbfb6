"""Numbers that only a whole cohort has: pooled ratios, shares of those with a structure, areas under curves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oncohort.leaderboard.samples import Array, Sample
from oncohort.metrics import Direction
from oncohort.statistics.bootstrap import ratio_draws


@dataclass(frozen=True, eq=False)
class PooledRatio:
    """A ratio of two sums over all cases, such as found lesions over all lesions; whose they are does not matter.

    Args:
        structure: What was scored.
        metric: As the profile calls it.
        direction: Which way is better.
        numerator: (cases, models), without NaN.
        denominator: (cases, models), without NaN.
        failed: (cases, models): where a failed prediction is not counted as the worst in the sums; None for nowhere.

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
    failed: NDArray[np.bool_] | None = None

    words = "ratio of sums over cases"
    case_values = None
    presence = None

    def sums(self, sample: Sample) -> tuple[Array, Array]:
        """What every case adds above and below."""
        return self.numerator[sample.members], self.denominator[sample.members]

    def estimate(self, sample: Sample, weights: NDArray[np.int32]) -> Array:
        """The ratio for each row of weights; NaN where the denominator is 0."""
        return np.asarray(ratio_draws(*self.sums(sample), sample.patients[sample.members], weights))

    def failures(self, sample: Sample, weights: NDArray[np.int32]) -> Array:
        """The share of cases whose failure the sums do not show, such as false lesions that nobody could count."""
        if self.failed is None:
            return np.zeros((weights.shape[0], self.numerator.shape[1]))
        return np.nan_to_num(sample.means(self.failed.astype(np.float64), weights))

    def defined(self, sample: Sample) -> NDArray[np.int64]:
        """How many units add to the denominator."""
        return sample.count(self.denominator > 0)


@dataclass(frozen=True, eq=False)
class Sureness:
    """Who holds a structure, and how sure each model is that it is there.

    A unit of several cases holds it if any of them does, and a model is as sure of it as of the case it is surest of.

    Args:
        truth: (cases,) whether the case holds the structure.
        scores: (cases, models), larger is surer; NaN where there is no usable prediction.

    Examples:
        >>> sureness = Sureness(np.array([True, False, False]), np.array([[0.2], [0.7], [np.nan]]))
        >>> truth, scores = sureness.of(Sample(np.ones(3, bool), np.array([0, 0, 1]), is_by_patient=True))
        >>> truth.tolist(), scores.tolist()
        ([True, False], [[0.7], [inf]])
    """

    truth: NDArray[np.bool_]
    scores: Array

    def of(self, sample: Sample) -> tuple[NDArray[np.bool_], Array]:
        """Truth (units,) and scores (units, models); without a usable prediction the worst.

        That is -inf for a unit with the structure, and inf for one without, whatever else is predicted there.
        """
        truth, scores = sample.join(self.truth), sample.largest(self.scores)
        failed = sample.join(np.isnan(self.scores))
        return truth, np.where(failed & ~truth[:, None], np.inf, scores)


@dataclass(frozen=True, eq=False)
class PresenceShare:
    """Of the units with a structure, or of those without it, the share that a model calls rightly.

    Args:
        structure: What was scored.
        metric: As the profile calls it.
        sureness: Truth, and the predicted volume in ml.
        positive_ml: A unit is called positive if more than this is predicted in any of its cases.
        is_of_positives: Sensitivity, or else specificity.

    Examples:
        >>> volumes = Sureness(np.array([True, True, False]), np.array([[2.0], [0.0], [0.0]]))
        >>> sensitivity = PresenceShare("lesion", "patient_sensitivity", volumes, 0.0, is_of_positives=True)
        >>> sensitivity.estimate(Sample(np.ones(3, bool), np.arange(3)), np.ones((1, 3), np.int32)).tolist()
        [[0.5]]
    """

    structure: str
    metric: str
    sureness: Sureness
    positive_ml: float
    is_of_positives: bool

    direction = Direction.HIGHER
    words = "ratio of sums over cases"
    case_values = None

    @property
    def presence(self) -> NDArray[np.bool_]:
        """What the share is about."""
        return self.sureness.truth

    def sums(self, sample: Sample) -> tuple[Array, Array]:
        """Who is called rightly, and who counts."""
        truth, volumes = self.sureness.of(sample)
        counts = np.broadcast_to((truth == self.is_of_positives)[:, None], volumes.shape)
        right = counts & ((volumes > self.positive_ml) == self.is_of_positives)
        return right.astype(np.float64), counts.astype(np.float64)

    def estimate(self, sample: Sample, weights: NDArray[np.int32]) -> Array:
        """The share for each row of weights; NaN where nobody counts."""
        return np.asarray(ratio_draws(*self.sums(sample), sample.owners, weights))

    def failures(self, sample: Sample, weights: NDArray[np.int32]) -> Array:
        """None: a failed prediction is wrong either way."""
        return np.zeros((weights.shape[0], self.sureness.scores.shape[1]))

    def defined(self, sample: Sample) -> NDArray[np.int64]:
        """How many units count."""
        return np.asarray(self.sums(sample)[1].sum(axis=0), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class CurveArea:
    """An area under a curve over all units: ROC or precision-recall.

    Args:
        structure: What was scored.
        metric: As the profile calls it.
        words: How the estimate comes about.
        sureness: Truth and scores.
        area: Function of scores, truth, patients and weights.
        is_roc: Whether it is the area under the ROC curve, which two models can be compared by.
    """

    structure: str
    metric: str
    words: str
    sureness: Sureness
    area: Callable[[Array, NDArray[np.bool_], NDArray[np.intp], NDArray[np.int32]], Array]
    is_roc: bool

    direction = Direction.HIGHER
    case_values = None

    @property
    def presence(self) -> NDArray[np.bool_]:
        """What the curve is about."""
        return self.sureness.truth

    def estimate(self, sample: Sample, weights: NDArray[np.int32]) -> Array:
        """The area for each row of weights; NaN where only one kind of unit is left."""
        truth, scores = self.sureness.of(sample)
        columns = (np.ascontiguousarray(one) for one in scores.T)
        return np.stack([self.area(one, truth, sample.owners, weights) for one in columns], axis=1)

    def failures(self, sample: Sample, weights: NDArray[np.int32]) -> Array:
        """None: a failed prediction has the worst score."""
        return np.zeros((weights.shape[0], self.sureness.scores.shape[1]))

    def defined(self, sample: Sample) -> NDArray[np.int64]:
        """Every unit of the sample."""
        return np.full(self.sureness.scores.shape[1], sample.size, np.int64)
